"""Which incident a run belongs to, and the record of that, which is durable before the run's first change.

What reads incidents is imported where there may be one.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from holdpoint.app.world import Kind, World
from holdpoint.problem import Exit, HoldpointError
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.state_folder import StateFolder
from holdpoint.store.state_path import has_incidents
from holdpoint.views.inert import inert


def belongs_to(world: World, text: str, kind: Kind, *, asks: bool) -> IncidentFolder | None:
    """Find the incident that a run is to belong to; None where there is none.

    Where one is open and none is named, ask whether it is that one, if `asks` and somebody is there; else say how to link
    the run. Raises `HoldpointError` for a named one that is not there or cannot be read, before anything is run.
    """
    if not text and (kind is Kind.DRY or not has_incidents(world.environ)):
        return None
    from holdpoint.app.desk import Desk, state_of  # noqa: PLC0415 - see the module
    from holdpoint.views.incidents import how_to_link  # noqa: PLC0415 - see the module

    if text:
        named = world.state.find_incident(text)
        state_of(named)
        return named
    try:
        open_ones = Desk(world).open_ones()
    except (HoldpointError, OSError):
        return None  # a run does not wait for an incident that nobody named
    if not open_ones:
        return None
    only = open_ones[0]
    title = only.state.opening.title if only.state else ""
    if asks and world.interactive and not world.json and len(open_ones) == 1:
        if _is_it(world, f"Incident {only.incident} is open:\n{inert(title)}\nDoes this run belong to it? yes or no:"):
            return world.state.find_incident(only.incident)
        return None
    told = how_to_link([one.incident for one in open_ones])
    sys.stderr.write(f"{told}\n")
    return None


def _is_it(world: World, question: str) -> bool:
    word = ""
    try:
        while word not in {"yes", "no"}:
            word = world.prompt(question).strip().lower()
    except HoldpointError as error:
        if error.exit_code == Exit.STOPPED:
            raise
    return word == "yes"


def link(world: World, incident: IncidentFolder, run: str, runbook: str) -> None:
    """Record that a run belongs to an incident. Raises `HoldpointError` where that cannot be recorded."""
    from holdpoint.app.desk import Desk  # noqa: PLC0415 - see the module
    from holdpoint.incident.events import RunLinked  # noqa: PLC0415 - see the module

    with Desk(world).writing(incident, open_only=False) as book:
        if run not in book.state.runs:
            book.note(RunLinked(run, runbook))


def link_where_it_is(world: World, state: StateFolder, incident: str, run: str, runbook: str) -> None:
    """Do the same for a rollback, which nothing of an incident may hold up."""
    if not incident:
        return
    with suppress(HoldpointError, OSError):
        link(world, state.find_incident(incident), run, runbook)
        return
    sys.stderr.write(f"Incident {inert(incident)} could not be told of this rollback; the rollback goes on.\n")
