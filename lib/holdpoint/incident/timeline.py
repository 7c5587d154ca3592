"""What happened, in one row each: from the incident's own records, and from those of the runs that belong to it.

Rows keep the order that each journal has, by number. Journals are put together by time, as nothing else connects them;
a clock that was set back moves no record before an earlier one of its journal. What was written later than it happened
stands where it happened, and shows both times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdpoint.engine import events as run
from holdpoint.incident.alert_events import Alerting, AlertRepeated
from holdpoint.incident.events import Event, RunLinked, event_of, happened
from holdpoint.incident.state import BACK
from holdpoint.incident.telling import Mark, told
from holdpoint.journal.record import Record

LATE = timedelta(minutes=1)
"""What is written so much later than it happened was written down later."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened. `source` is the journal, empty for the incident's own, and `seq` the record in it.

    `set_back` is by how much the clock that wrote it lay behind an earlier record.
    """

    happened: datetime
    written: datetime
    person: str
    mark: Mark
    text: str
    source: str
    seq: int
    evidence: str = ""
    set_back: timedelta = timedelta(0)

    @property
    def is_late(self) -> bool:
        """It was written down later than it happened."""
        return self.written - self.happened >= LATE


def timeline(records: Sequence[Record], runs: Mapping[str, Sequence[Record]]) -> tuple[Row, ...]:
    """Put the rows of an incident together; `runs` are the records of the linked runs that can be read."""
    own = _own(records)
    linked = {event.run: key for key, _, event in own if isinstance(event, RunLinked)}
    keyed = [(key, 0, row.seq, row) for key, row, _ in own]
    for rank, (name, of_run) in enumerate(runs.items(), 1):
        keyed += [(key, rank, row.seq, row) for key, row in _of_run(name, of_run, linked.get(name))]
    return tuple(row for *_, row in sorted(keyed, key=lambda one: one[:3]))


def _own(records: Sequence[Record]) -> list[tuple[datetime, Row, Event]]:
    """The incident's rows, each with the moment by which it is put in its place."""
    found: list[tuple[datetime, Row, Event]] = []
    latest: datetime | None = None
    for record in records:
        event = event_of(record)
        when = happened(event, record)
        back = latest - record.time if latest is not None and record.time < latest - BACK else timedelta(0)
        latest = record.time if latest is None else max(latest, record.time)
        mark, text, evidence = told(event)
        row = Row(when, record.time, record.person, mark, text, "", record.seq, evidence, back)
        told_later = record.time - when >= LATE
        found.append((when if told_later else latest, row, event))
    return _folded(found)


def _folded(rows: list[tuple[datetime, Row, Event]]) -> list[tuple[datetime, Row, Event]]:
    """Of an alert that came again and again, keep the last time; it says how often."""
    later: dict[str, type[Event]] = {}
    kept: list[tuple[datetime, Row, Event]] = []
    for key, row, event in reversed(rows):
        if isinstance(event, Alerting):
            folded = isinstance(event, AlertRepeated) and later.get(event.group) is AlertRepeated
            later[event.group] = type(event)
            if folded:
                continue
        kept.append((key, row, event))
    return kept[::-1]


# --- runs -------------------------------------------------------------------------------------------------------


def _of_run(name: str, records: Sequence[Record], linked: datetime | None) -> list[tuple[datetime, Row]]:
    """The milestones of a run, none of them before the run was linked."""
    found: list[tuple[datetime, Row]] = []
    latest = linked
    events = [run.event_of(record) for record in records]
    titles = {event.item: event.title for event in events if isinstance(event, run.GateOpened)}
    for record, event in zip(records, events, strict=True):
        latest = record.time if latest is None else max(latest, record.time)
        what = _milestone(event, titles)
        if what is not None:
            mark, text, evidence = what
            row = Row(record.time, record.time, record.person, mark, text, name, record.seq, evidence)
            found.append((latest, row))
    return found


def _milestone(event: run.Event, titles: Mapping[str, str]) -> tuple[Mark, str, str] | None:
    """Give mark, text and evidence of what belongs into the story of an incident; None for the rest."""
    match event:
        case run.RunOpened():
            kind = "" if event.mode == "real" else f" ({event.mode})"
            return Mark.RUN, f"{event.title}{kind} on {', '.join(event.order or tuple(event.hosts))}", event.runbook
        case run.RunStopped():
            return Mark.RUN, f"stopped, exit {event.exit}: {event.why}", ""
        case run.RunFinished():
            return Mark.RUN, f"finished, exit {event.exit}: {event.why}", ""
        case run.RollbackBegun():
            return Mark.RUN, f"run {event.by_run} takes it back", event.by_run
        case run.RunHandedOver():
            return Mark.RUN, f"handed over to {event.to or 'whoever has the file'}", ""
        case run.RunTakenOver():
            return Mark.RUN, f"taken over from {event.from_person}", ""
        case run.CauseDecided(holds=True):
            return Mark.CAUSE, f"{event.title} ({event.host})", event.evidence
        case run.GateAnswered() if event.by != "nobody" and event.asks != "value":
            approved = f", approved by {', '.join(event.approved_by)}" if event.approved_by else ""
            return Mark.GATE, f"{event.word}: {titles.get(event.item, event.item)}{approved}", ""
        case run.StepIntended() if event.effect != "read":
            attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return Mark.CHANGE, f"begun: {titles.get(event.step, event.step)} ({event.host}{attempt})", ""
        case run.StepEnded() if event.present is None and (event.step in titles or event.status is not run.Status.OK):
            if event.status is run.Status.SKIPPED:
                return None
            mark = Mark.CHANGE if event.step in titles else Mark.RUN  # what no gate asked for only read
            return mark, f"{event.status}: {titles.get(event.step, event.step)} ({event.host})", event.note
        case run.DoubtSettled():
            what = "it happened" if event.happened else "it did not happen"
            return Mark.CHANGE, f"{titles.get(event.step, event.step)} ({event.host}): {what}: {event.by}", ""
        case run.ProofLooked():
            colour = {True: "GREEN", False: "RED", None: "not known"}[event.green]
            when = "after" if event.after else "before"
            return Mark.PROOF, f"the check of recovery, {when}: {colour} ({event.host})", event.output.strip()[:200]
        case run.Escalated():
            return Mark.CALLED, f"{event.to}: {event.say}".removeprefix(": "), event.became
        case _:
            return None
