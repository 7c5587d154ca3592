"""The tasks of runs. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import ANSWERS, JSON, PLAIN, RUN, RUN_OR_FILE


@offered("run.list", help={"json": JSON, "plain": PLAIN})
def list_runs(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the runs, the newest last, and how each stands."""
    from holdpoint.app import records  # noqa: PLC0415 - see the package

    return records.list_all(opened(json=json, plain=plain))


@offered("run.show", named="run", help={"run": RUN, "json": JSON, "plain": PLAIN})
def show_run(_context: Context, run: str, json: bool = False, plain: bool = False) -> int | None:
    """Show what happened in a run."""
    from holdpoint.app import records  # noqa: PLC0415 - see the package

    return records.show(opened(json=json, plain=plain), run)


@offered("run.follow", named="run", help={"run": RUN, "json": JSON, "plain": PLAIN})
def follow(_context: Context, run: str, json: bool = False, plain: bool = False) -> int | None:
    """Follow a run from another terminal until it ends."""
    from holdpoint.app import records  # noqa: PLC0415 - see the package

    return records.follow(opened(json=json, plain=plain), run)


@offered("run.verify", named="run", help={"run": RUN, "json": JSON})
def verify(_context: Context, run: str, json: bool = False) -> int | None:
    """Check whether the record of a run was altered."""
    from holdpoint.app import records  # noqa: PLC0415 - see the package

    return records.verify(opened(json=json), run)


@offered(
    "run.resume",
    named="run",
    unread=3,
    help={
        "run": RUN_OR_FILE,
        "take-over": "Take the lock over from another run, or back a run that was handed over; it is recorded.",
        "answers": ANSWERS,
        "json": JSON,
        "plain": PLAIN,
    },
)
def resume(
    _context: Context,
    run: str,
    *,
    take_over: bool = False,
    answers: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Take a run up again where it was left."""
    from holdpoint.app import running, typed  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return running.resume(world, run, typed.answers(answers), take_over=take_over).exit


@offered(
    "run.handover",
    named="run",
    help={
        "run": RUN,
        "out": "The file to write; without it, RUN.handover in this folder.",
        "to": "The name of the person who goes on, for the record.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def handover(
    _context: Context, run: str, out: str | None = None, to: str | None = None, json: bool = False, plain: bool = False
) -> int:
    """Write the file with which another person takes over."""
    from holdpoint.app import handing  # noqa: PLC0415 - see the package

    return handing.hand_over(opened(json=json, plain=plain), run, out, to or "")


@offered("run.rollback", named="run", unread=3, help={"run": RUN, "answers": ANSWERS, "json": JSON, "plain": PLAIN})
def rollback(_context: Context, run: str, answers: str | None = None, json: bool = False, plain: bool = False) -> int:
    """Take back what a run changed; asks before each undo."""
    from holdpoint.app import running, typed  # noqa: PLC0415 - see the package

    return running.rollback(opened(json=json, plain=plain), run, typed.answers(answers)).exit


@offered(
    "run.approve",
    named="run",
    lists=("host",),
    help={"run": RUN, "host": "The target of a run that is not recorded here.", "plain": PLAIN},
)
def approve(_context: Context, run: str, host: list[str], plain: bool = False) -> int:
    """Agree, as the second person, to what a run's gate shows."""
    from holdpoint.app import approving  # noqa: PLC0415 - see the package

    return approving.approve(opened(plain=plain), run, host)


TASKS = collection("run", list_runs, show_run, follow, verify, resume, handover, rollback, approve)
