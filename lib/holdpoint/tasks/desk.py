"""The tasks of an incident that look at machines, at other screens, or at other people's. Owns names and options."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import offered, opened
from holdpoint.tasks.words import INCIDENT, JSON, PLAIN


@offered(
    "incident.check",
    lists=("name",),
    help={
        "name": "`health`, `smoke`, `flow` or `version`; can be repeated. Without it, the three checks.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def check(
    _context: Context, name: list[str], incident: str | None = None, *, json: bool = False, plain: bool = False
) -> int:
    """Run the team's own checks, as evidence."""
    from holdpoint.app import checking  # noqa: PLC0415 - see the package

    return checking.check(opened(json=json, plain=plain), tuple(name), incident)


@offered("incident.watch", help={"incident": INCIDENT, "json": JSON, "plain": PLAIN})
def watch(_context: Context, incident: str | None = None, *, json: bool = False, plain: bool = False) -> int:
    """Show an incident live: clocks, phase, runs, timeline."""
    from holdpoint.app import watching  # noqa: PLC0415 - see the package

    return watching.watch(opened(json=json, plain=plain), incident)


@offered(
    "incident.handover",
    named="file",
    help={
        "file": "The file to write, which is not there yet.",
        "to": "Who goes on with it.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def handover(
    _context: Context,
    file: str,
    to: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Write an incident into a file for another machine."""
    from holdpoint.app import passing_on  # noqa: PLC0415 - see the package

    return passing_on.hand_over(opened(json=json, plain=plain), file, to or "", incident)


@offered(
    "incident.take",
    named="file",
    help={"file": "A file that `incident.handover` wrote.", "json": JSON, "plain": PLAIN},
)
def take(_context: Context, file: str, *, json: bool = False, plain: bool = False) -> int:
    """Take an incident in that was handed over."""
    from holdpoint.app import passing_on  # noqa: PLC0415 - see the package

    return passing_on.take(opened(json=json, plain=plain), file)


TASKS = (check, watch, handover, take)
