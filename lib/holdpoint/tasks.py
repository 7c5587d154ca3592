"""The Invoke collection: `from holdpoint.tasks import ns` in a repository's `tasks.py` offers everything.

Owns names and options. Each task opens the world and calls one use case; what it needs is imported when it runs, since
Invoke imports this module for every `--list`.
"""

from __future__ import annotations

from invoke.collection import Collection
from invoke.context import Context

from holdpoint import incident_tasks, oncall_tasks
from holdpoint.offering import JSON, PLAIN, collection, offered, opened

ANSWERS = "A YAML map from step id to a gate's word or the value of an `ask`."
RUN = "A run's name, its beginning or end, or `last`."
RUN_OR_FILE = "A run's name, its beginning or end, `last`, or a file that was handed over."
NAME = "A runbook's id."


# --- runbooks ---------------------------------------------------------------------------------------------------


@offered(
    "runbook.run",
    named="name",
    lists=("param", "host"),
    dry=True,
    unread=3,
    default=True,
    help={
        "name": NAME,
        "param": "A value, as `name=value`; can be repeated.",
        "host": "SSH aliases, apart by commas, `role:NAME` or `group:NAME`; without it, this machine.",
        "dry-run": "Show every command and every gate; execute nothing.",
        "check": "Read for real; show every change and make none.",
        "answers": ANSWERS,
        "incident": "The incident that this run belongs to.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def run(
    context: Context,
    name: str,
    param: list[str],
    host: list[str],
    *,
    dry_run: bool = False,
    check: bool = False,
    answers: str | None = None,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Run a runbook, here or over SSH; stops before every change."""
    from holdpoint.app import running, typed, values  # noqa: PLC0415 - see the module
    from holdpoint.app.world import Kind  # noqa: PLC0415 - see the module

    dry = dry_run or context.config.run.dry
    kind = Kind(typed.one_of({"--dry-run": dry, "--check": check}, default="real").removeprefix("--"))
    world = opened(json=json, plain=plain)
    given = values.parse_params(tuple(param))
    said = typed.answers(answers)
    return running.begin(world, name, given, kind, answers=said, incident=incident or "", hosts=host).exit


@offered("runbook.list", help={"json": JSON, "plain": PLAIN})
def list_runbooks(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the runbooks, with severity, services and title."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.list_all(shelf.desk(json=json, plain=plain))


@offered("runbook.show", named="name", help={"name": NAME, "json": JSON, "plain": PLAIN})
def show(_context: Context, name: str, json: bool = False, plain: bool = False) -> int | None:
    """Show one runbook as a page."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.show(shelf.desk(json=json, plain=plain), name)


@offered(
    "runbook.find",
    named="text",
    help={"text": "A message that you see, an alert, or words; quoted.", "json": JSON, "plain": PLAIN},
)
def find(_context: Context, text: str, json: bool = False, plain: bool = False) -> int | None:
    """Find the runbooks that fit a text, the best first."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.find(shelf.desk(json=json, plain=plain), text)


@offered(
    "runbook.lint",
    lists=("name",),
    help={"name": "A runbook's id or a file; can be repeated. Without it, the whole library.", "json": JSON},
)
def lint(_context: Context, name: list[str], json: bool = False) -> int | None:
    """Check runbooks: every problem at once, with its place."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.lint(shelf.desk(json=json), tuple(name))


@offered("runbook.new", named="name", help={"name": "The id of the new runbook.", "json": JSON})
def new(_context: Context, name: str, json: bool = False) -> int | None:
    """Write a new runbook to fill in; never over another file."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.new(shelf.desk(json=json), name)


@offered(
    "runbook.docs",
    lists=("name",),
    help={
        "name": "A runbook's id; can be repeated. Without it, the whole library.",
        "out": "The folder for one Markdown file each; made where missing.",
        "json": JSON,
    },
)
def docs(_context: Context, name: list[str], out: str | None = None, json: bool = False) -> int | None:
    """Write runbooks as Markdown, to the screen or a folder."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the module

    return shelf.docs(shelf.desk(json=json), out, tuple(name))


# --- runs -------------------------------------------------------------------------------------------------------


@offered("run.list", help={"json": JSON, "plain": PLAIN})
def list_runs(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the runs, the newest last, and how each stands."""
    from holdpoint.app import records  # noqa: PLC0415 - see the module

    return records.list_all(opened(json=json, plain=plain))


@offered("run.show", named="run", help={"run": RUN, "json": JSON, "plain": PLAIN})
def show_run(_context: Context, run: str, json: bool = False, plain: bool = False) -> int | None:
    """Show what happened in a run."""
    from holdpoint.app import records  # noqa: PLC0415 - see the module

    return records.show(opened(json=json, plain=plain), run)


@offered("run.follow", named="run", help={"run": RUN, "json": JSON, "plain": PLAIN})
def follow(_context: Context, run: str, json: bool = False, plain: bool = False) -> int | None:
    """Follow a run from another terminal until it stops or ends."""
    from holdpoint.app import records  # noqa: PLC0415 - see the module

    return records.follow(opened(json=json, plain=plain), run)


@offered("run.verify", named="run", help={"run": RUN, "json": JSON})
def verify(_context: Context, run: str, json: bool = False) -> int | None:
    """Check whether the record of a run was altered."""
    from holdpoint.app import records  # noqa: PLC0415 - see the module

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
    from holdpoint.app import running, typed  # noqa: PLC0415 - see the module

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
    """Write the file with which another person takes a run over."""
    from holdpoint.app import handing  # noqa: PLC0415 - see the module

    return handing.hand_over(opened(json=json, plain=plain), run, out, to or "")


@offered("run.rollback", named="run", unread=3, help={"run": RUN, "answers": ANSWERS, "json": JSON, "plain": PLAIN})
def rollback(_context: Context, run: str, answers: str | None = None, json: bool = False, plain: bool = False) -> int:
    """Take back what a run changed; asks before each undo."""
    from holdpoint.app import running, typed  # noqa: PLC0415 - see the module

    return running.rollback(opened(json=json, plain=plain), run, typed.answers(answers)).exit


@offered(
    "run.approve",
    named="run",
    lists=("host",),
    help={"run": RUN, "host": "The target of a run that is not recorded here.", "plain": PLAIN},
)
def approve(_context: Context, run: str, host: list[str], plain: bool = False) -> int:
    """Agree, as the second person, to what a run's gate shows."""
    from holdpoint.app import approving  # noqa: PLC0415 - see the module

    return approving.approve(opened(plain=plain), run, host)


# --- hosts ------------------------------------------------------------------------------------------------------


@offered("host.list", help={"json": JSON, "plain": PLAIN})
def list_hosts(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the hosts, their tiers, and the way to each."""
    from holdpoint.app import hosts  # noqa: PLC0415 - see the module

    return hosts.list_all(opened(json=json, plain=plain))


@offered(
    "host.check",
    lists=("host",),
    help={
        "host": "SSH aliases, apart by commas, `role:NAME` or `group:NAME`; without it, all of hosts.yaml.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def check_hosts(_context: Context, host: list[str], json: bool = False, plain: bool = False) -> int | None:
    """Look whether hosts can be worked on; leaves nothing there."""
    from holdpoint.app import hosts  # noqa: PLC0415 - see the module

    return hosts.check(opened(json=json, plain=plain), host)


# --- drills -----------------------------------------------------------------------------------------------------


@offered(
    "drill.begin",
    named="name",
    default=True,
    help={"name": "A drill; or a runbook, or `any`, for the next one of it that you did not pass.", "plain": PLAIN},
)
def begin_drill(_context: Context, name: str, plain: bool = False) -> int | None:
    """Break a sandbox, show the page, and grade the repair."""
    from holdpoint.app import training  # noqa: PLC0415 - see the module

    return training.begin(opened(plain=plain), name)


@offered("drill.history", help={"json": JSON, "plain": PLAIN})
def history(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """Show your best at each drill."""
    from holdpoint.app import training  # noqa: PLC0415 - see the module

    return training.history(opened(json=json, plain=plain))


@offered(
    "drill.show",
    named="name",
    help={"name": "A drill's id, for its last attempt; an attempt's name; or `last`.", "json": JSON, "plain": PLAIN},
)
def show_debrief(_context: Context, name: str, json: bool = False, plain: bool = False) -> int | None:
    """Show the debrief of an attempt again."""
    from holdpoint.app import training  # noqa: PLC0415 - see the module

    return training.show(opened(json=json, plain=plain), name)


@offered(
    "drill.list",
    help={"all": "Tell of every drill what it is about; for who trains others.", "json": JSON, "plain": PLAIN},
)
def list_drills(
    _context: Context,
    all: bool = False,  # noqa: A002 - the option's name
    json: bool = False,
    plain: bool = False,
) -> int | None:
    """List the drills, from easy to hard."""
    from holdpoint.app import drills  # noqa: PLC0415 - see the module

    return drills.list_all(opened(json=json, plain=plain), whole=all)


@offered(
    "drill.prove",
    lists=("only",),
    help={
        "only": "A drill's id; can be repeated. Without it, all drills.",
        "full": "Leave out every change once, and name those without which all is well too.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def prove(
    _context: Context, only: list[str], *, full: bool = False, json: bool = False, plain: bool = False
) -> int | None:
    """Prove drills with nobody there; every trap is tried."""
    from holdpoint.app import drills  # noqa: PLC0415 - see the module

    return drills.prove(opened(json=json, plain=plain), only, full=full)


@offered("drill.heal", help={"json": JSON, "plain": PLAIN})
def heal(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """Give back what a drill that was cut off left."""
    from holdpoint.app import drills  # noqa: PLC0415 - see the module

    return drills.heal(opened(json=json, plain=plain))


# --- the project ------------------------------------------------------------------------------------------------


@offered("test", rest=True)
def test(_context: Context) -> int | None:
    """Run all tests; what stands behind `--` goes to pytest."""
    from holdpoint.app import checks, typed  # noqa: PLC0415 - see the module

    return checks.test(typed.rest())


ns = Collection(
    collection("runbook", run, list_runbooks, show, find, lint, new, docs),
    collection("run", list_runs, show_run, follow, verify, resume, handover, rollback, approve),
    collection("host", list_hosts, check_hosts),
    collection("incident", *incident_tasks.TASKS),
    collection("drill", begin_drill, list_drills, history, show_debrief, prove, heal),
    *oncall_tasks.TASKS,
    test,
)
