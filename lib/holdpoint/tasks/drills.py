"""The tasks of drills. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import JSON, PLAIN


@offered(
    "drill.begin",
    named="name",
    default=True,
    help={"name": "A drill; or a runbook, or `any`, for the next one of it that you did not pass.", "plain": PLAIN},
)
def begin_drill(_context: Context, name: str, plain: bool = False) -> int | None:
    """Break a sandbox, show the page, and grade the repair."""
    from holdpoint.app import training  # noqa: PLC0415 - see the package

    return training.begin(opened(plain=plain), name)


@offered("drill.history", help={"json": JSON, "plain": PLAIN})
def history(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """Show your best at each drill."""
    from holdpoint.app import training  # noqa: PLC0415 - see the package

    return training.history(opened(json=json, plain=plain))


@offered(
    "drill.show",
    named="name",
    help={"name": "A drill's id, for its last attempt; an attempt's name; or `last`.", "json": JSON, "plain": PLAIN},
)
def show_debrief(_context: Context, name: str, json: bool = False, plain: bool = False) -> int | None:
    """Show the debrief of an attempt again."""
    from holdpoint.app import training  # noqa: PLC0415 - see the package

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
    from holdpoint.app import drills  # noqa: PLC0415 - see the package

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
    from holdpoint.app import drills  # noqa: PLC0415 - see the package

    return drills.prove(opened(json=json, plain=plain), only, full=full)


@offered("drill.heal", help={"json": JSON, "plain": PLAIN})
def heal(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """Give back what a drill that was cut off left."""
    from holdpoint.app import drills  # noqa: PLC0415 - see the package

    return drills.heal(opened(json=json, plain=plain))


TASKS = collection("drill", begin_drill, list_drills, history, show_debrief, prove, heal)
