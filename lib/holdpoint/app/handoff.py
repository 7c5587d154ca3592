"""The recap for the weekly handoff, written from the record: what the next one on call has to know, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from holdpoint.app.desk import Desk
from holdpoint.app.records import background_of
from holdpoint.app.world import World
from holdpoint.engine.events import RunFinished
from holdpoint.engine.state import replay
from holdpoint.incident.actions import ActionItem, Urgency, chased, urgency
from holdpoint.incident.clocks import Kind
from holdpoint.oncall import recap
from holdpoint.problem import HoldpointError
from holdpoint.store import library, page_file
from holdpoint.store.certificates import Certificates
from holdpoint.views import bounds, runs
from holdpoint.views import handoff as view

AGE = timedelta(days=90)
"""How long a drill proves its runbook, as programs around it are renewed meanwhile."""


def handoff(world: World, out: str | None) -> int:
    """Say what is handed on; into a Markdown file too, where one is named."""
    desk = Desk(world)
    now = desk.now
    hands = recap.handover(desk.team.rota, desk.zone, now) if desk.team.rota else None
    begin = recap.since(hands, now)
    known = desk.all()
    whole = view.Recap(
        now=now,
        since=begin,
        zone=desk.zone,
        hands=hands,
        incidents=tuple(one for one in known if one.status not in (view.RESOLVED, view.NEVER_BEGAN)),
        resolved=tuple(
            one for one in known if one.state and one.state.resolved and one.state.resolved.happened >= begin
        ),
        postmortems=tuple(_postmortems(known)),
        runs=tuple(_runs(world)),
        actions=tuple(_overdue(known, now.astimezone(desk.zone).date())),
        proofs=tuple(_proofs(desk, now)),
        unproven=_unproven(desk),
    )
    if out is not None:
        page_file.replace(Path(out), view.markdown(whole, desk.team).encode(), begins=view.MARK.encode(), what="recap")
    if world.json:
        desk.print_json({**view.as_data(whole), "file": out})
    else:
        desk.screen.lines(view.page(whole, desk.team, desk.screen.width))
        if out is not None:
            world.out.write(f"{out} is written.\n")
    return 0


def _overdue(known: Iterable[view.Listed], today: date) -> Iterator[ActionItem]:
    """Action items of any incident that are late, the latest first."""
    items = [item for one in known if one.state is not None for item in one.state.actions.values()]
    yield from (item for item in chased(items, today) if urgency(item, today) is Urgency.OVERDUE)


def _postmortems(known: Iterable[view.Listed]) -> Iterator[recap.PostMortem]:
    """Those whose clock runs."""
    for one in known:
        for clock in one.clocks:
            if clock.kind is Kind.POSTMORTEM and clock.stopped is None and one.state is not None:
                yield recap.PostMortem(one.incident, one.state.opening.title, clock.due)


def _runs(world: World) -> Iterator[recap.Run]:
    """Runs for real that are not over, or that hold a host still; those that cannot be read are such too."""
    for folder in world.state.runs():
        try:
            records = folder.records()
            state = replay(records)
        except (HoldpointError, ValueError) as error:
            yield recap.Run(folder.name, "", f"cannot be read: {error}", ())
            continue
        opened = state.opened
        if opened is None or opened.mode != "real" or state.taken_back_by or state.handed is not None:
            continue
        written = folder.is_written()
        left = bounds.left(state, background_of(world, records), goes_on=written)
        if isinstance(state.end, RunFinished) and not left.locked:
            continue
        doubts = (*left.doubt, *left.unknown, *left.running)
        status = runs.status_of(state, written=written)
        yield recap.Run(folder.name, opened.title, status, opened.order, doubts, left.locked)


# --- drills -----------------------------------------------------------------------------------------------------


def _certificates(desk: Desk) -> Certificates:
    return Certificates(desk.world.state.path / "drills" / "certificates.json")


def _proofs(desk: Desk, now: datetime) -> Iterator[recap.Proof]:
    """Drills that proved their runbook once, and do not any more."""
    for one in _certificates(desk).all().values():
        days = (now - one.time).days
        why = ""
        if not one.holds:
            why = f"its last proof failed, {days} d ago"
        elif _digest(desk, one.runbook) != one.runbook_digest:
            why = f"the runbook is another one than was proven {days} d ago"
        elif now - one.time > AGE:
            why = f"it was proven {days} d ago; a proof counts for {AGE.days} d"
        if why:
            yield recap.Proof(one.drill, one.runbook, why)


def _digest(desk: Desk, runbook: str) -> str:
    with suppress(HoldpointError):
        return desk.world.library.source(runbook).digest()
    return ""


def _unproven(desk: Desk) -> tuple[str, ...]:
    """Drills that were never proven here."""
    proven = _certificates(desk).all()
    names = library.Library(library.folders(desk.root, "drills"), "drill").names()
    return tuple(name for name in names if name not in proven)
