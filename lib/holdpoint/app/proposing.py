"""Where proposals come from: the library's index, what linked runs found, the team's settings. Never a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from holdpoint.app.cards import place, shelf
from holdpoint.document.model import Use
from holdpoint.engine.events import RunFinished
from holdpoint.engine.state import State as RunState
from holdpoint.engine.state import replay
from holdpoint.incident.events import Noted, event_of
from holdpoint.incident.proposing import Found, Material, Proposal, Stands, is_time, proposals
from holdpoint.incident.state import State
from holdpoint.journal.record import Record
from holdpoint.problem import Exit, HoldpointError

if TYPE_CHECKING:
    from holdpoint.app.desk import Desk
    from holdpoint.app.world import World
    from holdpoint.store.run_folder import RunFolder


def proposals_for(desk: Desk, state: State, records: Sequence[Record]) -> tuple[Proposal, ...]:
    """Give what is proposed for an incident; nothing where it is not the time, or where nothing can be read."""
    if not is_time(state):
        return ()
    with suppress(HoldpointError, OSError):
        cards = [book.card for book in shelf(desk.world.library, place(desk.world.environ)).books]
        said = [event.text for event in map(event_of, records) if isinstance(event, Noted)]
        return proposals(state, Material(cards, tuple(_found(desk.world, state)), desk.team.rollbacks, said))
    return ()


def _found(world: World, state: State) -> Iterator[Found]:
    folders = {folder.name: folder for folder in world.state.runs()} if state.runs else {}
    for name in state.runs:
        if name in folders:
            with suppress(HoldpointError, OSError, ValueError):
                yield _of_run(world, folders[name])


def _of_run(world: World, folder: RunFolder) -> Found:
    run = replay(folder.records())
    if run.opened is None or run.opened.of_run:
        raise ValueError("it was not begun, or takes another one back")
    held = [one.cause for one in run.causes.values() if one.cause.holds]
    reads_only = run.opened.runbook.startswith("team-") and not run.changed and run.end is not None
    return Found(
        run=folder.name,
        runbook=run.opened.runbook,
        stands=Stands.OVER if reads_only else _stands(folder, run),
        real=run.opened.mode == "real",
        well=run.opened.mode == "real" and isinstance(run.end, RunFinished) and run.end.exit == Exit.OK,
        causes=tuple(dict.fromkeys(f"{one.title}: {one.evidence}".removesuffix(": ") for one in held)),
        leads=tuple(_leads(world, run.opened.runbook, frozenset(one.cause for one in held))),
    )


def _stands(folder: RunFolder, run: RunState) -> Stands:
    if isinstance(run.end, RunFinished) or run.taken_back_by or run.handed is not None:
        return Stands.OVER
    return Stands.GOES_ON if folder.is_written() else Stands.LEFT


def _leads(world: World, runbook: str, causes: frozenset[str]) -> Iterator[str]:
    """The runbooks that are used for these causes."""
    if causes:
        for step in world.library.load(runbook).resolution:
            if isinstance(step.action, Use) and causes & set(step.causes):
                yield step.action.runbook
