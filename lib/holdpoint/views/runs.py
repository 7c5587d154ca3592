"""Runs as they were recorded: the list of them, and one whole. Pure; from the records of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdpoint.engine.events import RunFinished, RunStopped
from holdpoint.engine.state import State, replay
from holdpoint.journal.record import Json, Record
from holdpoint.problem import Exit
from holdpoint.views import bounds
from holdpoint.views.background import NONE, Background
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule
from holdpoint.views.tables import table
from holdpoint.views.timeline import Timeline
from holdpoint.views.times import full_time

OPEN = "open"
"""It goes on in another process."""
CUT_OFF = "cut off"
"""No end is recorded, and no process goes on with it."""
STOPPED = "stopped"
FINISHED = "finished"
ROLLED_BACK = "rolled back"
FAILED = "failed"
NEVER_BEGAN = "never began"
"""It was cut off before its first record: nothing was read, and nothing was done."""
HANDED_OVER = "handed over"
"""Somebody else is to go on with it."""
TAKEN_BACK = "rollback begun"
"""Another run takes it back, or did; it can go on no more."""


_GOES_ON = "it goes on in another process: `run.follow` shows it as it happens"
_CUT_OFF = "it was cut off: no end is recorded, and no process goes on with it"


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the list."""

    run: str
    status: str
    journal: str
    runbook: str
    title: str
    mode: str
    person: str
    hosts: tuple[str, ...]
    began: datetime | None
    exit: int | None
    incident: str
    of_run: str


def run_of(name: str, records: Sequence[Record], journal: str, *, written: bool) -> Run:
    """Read a list entry off a journal, and whether a process writes it; one without a record has only a name."""
    state = replay(records)
    opened, end = state.opened, state.end
    return Run(
        run=name,
        status=status_of(state, written=written),
        journal=journal,
        runbook=opened.runbook if opened else "",
        title=opened.title if opened else "",
        mode=opened.mode if opened else "",
        person=records[0].person if records else "",
        hosts=opened.order if opened else (),
        began=records[0].time if records else None,
        exit=int(end.exit) if end else None,
        incident=opened.incident if opened else "",
        of_run=opened.of_run if opened else "",
    )


def status_of(state: State, *, written: bool) -> str:
    """One word on how a run stands."""
    if state.taken_back_by:
        return TAKEN_BACK
    if state.opened is None:
        return NEVER_BEGAN
    if state.handed is not None:
        return HANDED_OVER
    match state.end:
        case RunStopped():
            return STOPPED
        case RunFinished(exit=code):
            return {Exit.OK: FINISHED, Exit.ROLLED_BACK: ROLLED_BACK}.get(Exit(code), FAILED)
        case _:
            return OPEN if written else CUT_OFF


def as_data(run: Run) -> dict[str, Json]:
    """A list entry for programs; the time in UTC."""
    return {
        "run": run.run,
        "status": run.status,
        "journal": run.journal,
        "runbook": run.runbook,
        "title": run.title,
        "mode": run.mode,
        "person": run.person,
        "hosts": list(run.hosts),
        "began": run.began.isoformat().replace("+00:00", "Z") if run.began else None,
        "exit": run.exit,
        "incident": run.incident,
        "of_run": run.of_run,
    }


def listing(runs: Sequence[Run], width: int, zone: tzinfo | None = None) -> list[Line]:
    """The list for people, in the order given."""
    if not runs:
        return [line("There are no runs yet.")]
    rows = [
        (
            one.run,
            _standing(one),
            ", ".join(one.hosts),
            f"{one.person}, {full_time(one.began, zone)}" if one.began else "",
        )
        for one in runs
    ]
    return table(("run", "status (exit)", "hosts", "by, since"), rows, width)


def _standing(one: Run) -> str:
    """The status, with what was not a run for real."""
    status = one.status if one.exit is None else f"{one.status} ({one.exit})"
    return status if one.mode in {"", "real"} else f"{one.mode}: {status}"


@dataclass(frozen=True, slots=True)
class Frame:
    """How a run is shown: `background` names its steps where the document is at hand."""

    width: int
    journal: str
    written: bool
    background: Background = NONE
    zone: tzinfo | None = None


def page(name: str, records: Sequence[Record], frame: Frame) -> list[Line]:
    """One run whole: what it was, all that happened, where it stands, and what can be typed now."""
    if not records:
        return [line(f"Run {name} was cut off before its first record: nothing was begun.")]
    state = replay(records)
    timeline = Timeline(frame.background, frame.zone)
    drawn = _head(name, records, state, frame)
    for record in records:
        drawn += timeline.lines(record, frame.width)
    drawn += timeline.rest(frame.width)
    return [*drawn, *bounds.closing(_end(name, state, frame), frame.width)]


def _head(name: str, records: Sequence[Record], state: State, frame: Frame) -> list[Line]:
    began, last = records[0].time, records[-1].time
    title = state.opened.title if state.opened else name
    people = ", ".join(dict.fromkeys(record.person for record in records))
    drawn = [BLANK, rule(frame.width, "═", title)]
    drawn += labelled("began", full_time(began, frame.zone), frame.width)
    drawn += labelled("last", f"{full_time(last, frame.zone)}, record {records[-1].seq}", frame.width)
    drawn += labelled("people", people, frame.width)
    return [*drawn, *labelled("status", status_of(state, written=frame.written), frame.width, Tone.BOLD), BLANK]


def _end(name: str, state: State, frame: Frame) -> bounds.End:
    end = state.end
    real = state.opened is None or state.opened.mode == "real"
    not_undone = end.not_undone if isinstance(end, RunFinished) else ()
    return bounds.End(
        run=name,
        exit=end.exit if end else None,
        why=end.why if end else _GOES_ON if frame.written else _CUT_OFF,
        over=isinstance(end, RunFinished),
        real=real,
        journal=frame.journal,
        taken_back_by=state.taken_back_by,
        handed_over=state.handed is not None,
        incident=state.opened.incident if state.opened else "",
        rolls_back=bool(state.opened and state.opened.of_run),
        found=bounds.left(state, frame.background, not_undone, goes_on=frame.written),
    )
