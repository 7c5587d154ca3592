"""What happened, in one row each: from the incident's own records, and from those of the runs that belong to it.

Rows keep the order that each journal has, by number. Journals are put together by time, as nothing else connects them;
a clock that was set back moves no record before an earlier one of its journal. What was written later than it happened
stands where it happened, and shows both times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from holdpoint.engine import events as run
from holdpoint.incident.actions import ActionEvent
from holdpoint.incident.events import (
    ActionAdded,
    ActionChanged,
    ActionClosed,
    ActionReopened,
    Afterwards,
    Alerting,
    AlertReceived,
    AlertRepeated,
    AuthorityTold,
    CheckAnswered,
    CodeBugFound,
    DataLossNoticed,
    Declared,
    Event,
    HandedOver,
    MessageFailed,
    MessageRendered,
    MessageSending,
    MessageSent,
    Messaging,
    Noted,
    OutputRecorded,
    OutputWithdrawn,
    PostMortemAsked,
    PostMortemNamed,
    PostMortemPublished,
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    TakenOver,
    UsersSawIt,
    event_of,
    happened,
)
from holdpoint.incident.outside_events import (
    BannerFailed,
    BannerSet,
    BannerSetting,
    IssueFailed,
    IssueFiled,
    IssueFiling,
    Outside,
)
from holdpoint.incident.phases import answered
from holdpoint.incident.state import BACK
from holdpoint.journal.record import Record

LATE = timedelta(minutes=1)
"""What is written so much later than it happened was written down later."""


class Mark(StrEnum):
    """What a row is, in a word."""

    DECLARED = "declared"
    NOTE = "note"
    SEVERITY = "severity"
    FOUND_OUT = "found out"
    DONE = "done"
    UNDONE = "not done"
    CHECK = "check"
    RUN = "run"
    GATE = "gate"
    CAUSE = "cause"
    CHANGE = "change"
    PROOF = "proof"
    CALLED = "called"
    HANDED = "handed"
    MESSAGE = "message"
    SENT = "sent"
    SENDING = "sending"
    NOT_SENT = "NOT SENT"
    IN_DOUBT = "IN DOUBT"
    BANNER = "banner"
    ISSUE = "issue"
    NOT_DONE = "NOT DONE"
    LOSS = "DATA LOSS"
    ALERT = "alert"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    AUTHORITY = "authority"
    POSTMORTEM = "write-up"
    ACTION = "action"


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
        mark, text, evidence = _told(event)
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


def _told(event: Event) -> tuple[Mark, str, str]:
    """Give a row's mark, text and evidence."""
    if isinstance(event, Messaging):
        return _told_to_people(event)
    if isinstance(event, Alerting):
        return _told_by_monitors(event)
    if isinstance(event, Outside):
        return _outside(event)
    if isinstance(event, Afterwards):
        return _told_afterwards(event)
    match event:
        case Declared():
            services = f" ({', '.join(event.services)})" if event.services else ""
            return Mark.DECLARED, f"{event.severity}: {event.title}{services}; noticed by {event.trigger}", ""
        case Noted():
            return Mark.NOTE, event.text, ""
        case SeverityChanged():
            return Mark.SEVERITY, f"from {event.was} to {event.to}: {event.reason}", ""
        case UsersSawIt():
            return Mark.FOUND_OUT, "users see it" if event.sees else "users do not see it", ""
        case OutputRecorded():
            return Mark.DONE, answered(event.item, event.say), event.evidence
        case OutputWithdrawn():
            return Mark.UNDONE, answered(event.item, event.reason), ""
        case CheckAnswered() | RunLinked() | HandedOver() | TakenOver():
            return _of_machines(event)
        case DataLossNoticed():
            return Mark.LOSS, f"data is lost: {event.what}", ""
        case Resolved():
            lost = "data is lost" if event.data_loss else "no data is lost"
            without = f"; not verified: {event.without_verify}" if event.without_verify else ""
            return Mark.RESOLVED, f"{event.cause}; impact: {event.impact}; {lost}{without}", ""
        case Reopened():
            return Mark.REOPENED, event.reason, ""
        case _:
            assert_never(event)


def _told_to_people(event: Messaging) -> tuple[Mark, str, str]:
    match event:
        case MessageRendered():
            return Mark.MESSAGE, f"message {event.message} ({event.purpose}) was written for {event.channel}", ""
        case MessageSending():
            to = ", ".join(event.destinations)
            return Mark.SENDING, f"message {event.message} is being sent to {to}", f"message {event.message}"
        case MessageSent():
            to = f" to {event.destination}" if event.destination else ""
            return Mark.SENT, f"message {event.message} went out{to}, {event.how}", f"message {event.message}"
        case MessageFailed():
            to = f" to {event.destination}" if event.destination else ""
            went = "may have gone out" if event.doubt else "did not go out"
            mark = Mark.IN_DOUBT if event.doubt else Mark.NOT_SENT
            return mark, f"message {event.message} {went}{to}: {event.why}", f"message {event.message}"
        case _:
            assert_never(event)


def _told_by_monitors(event: Alerting) -> tuple[Mark, str, str]:
    match event:
        case AlertReceived():
            counts = ((event.firing, "firing"), (event.resolved, "resolved"))
            told = ", ".join(f"{count} {word}" for count, word in counts if count)
            return Mark.ALERT, f"{told}: {event.text}", "; ".join((event.group, *event.odd))
        case AlertRepeated():
            return Mark.ALERT, f"the same came again, {event.times} times by now", event.group
        case _:
            assert_never(event)


def _told_afterwards(event: Afterwards) -> tuple[Mark, str, str]:
    match event:
        case AuthorityTold():
            late = f"; late, since: {event.late}" if event.late else ""
            return Mark.AUTHORITY, f"the authority was told: {event.what}{late}", ""
        case CodeBugFound():
            return Mark.FOUND_OUT, "the cause is a bug in the code", ""
        case PostMortemNamed() | PostMortemAsked() | PostMortemPublished():
            return Mark.POSTMORTEM, _written_up(event), ""
        case ActionAdded() | ActionChanged() | ActionClosed() | ActionReopened():
            return Mark.ACTION, _acted(event), event.evidence if isinstance(event, ActionClosed) else ""
        case _:
            assert_never(event)


def _written_up(event: PostMortemNamed | PostMortemAsked | PostMortemPublished) -> str:
    match event:
        case PostMortemNamed():
            return f"the post-mortem is {event.path}"
        case PostMortemAsked():
            return f"a post-mortem is asked for: {event.why}"
        case PostMortemPublished():
            return f"the post-mortem is published: {event.path}"
        case _:
            assert_never(event)


def _acted(event: ActionEvent) -> str:
    match event:
        case ActionAdded():
            return f"{event.number} added: {event.title} (for {event.owner}, due {event.due})"
        case ActionChanged():
            return f"{event.number} changed: {event.title} (for {event.owner}, due {event.due}): {event.reason}"
        case ActionClosed():
            return f"{event.number} given up: {event.dropped}" if event.dropped else f"{event.number} is done"
        case ActionReopened():
            return f"{event.number} is open again: {event.reason}"
        case _:
            assert_never(event)


def _of_machines(event: CheckAnswered | RunLinked | HandedOver | TakenOver) -> tuple[Mark, str, str]:
    match event:
        case CheckAnswered():
            colour = {True: "GREEN", False: "RED", None: "could not be asked"}[event.green]
            what = f"the version of {event.service} before" if event.service else f"the {event.check} check: {colour}"
            return Mark.CHECK, f"{what}: {event.said}".removesuffix(": "), f"run {event.run}"
        case RunLinked():
            return Mark.RUN, f"run {event.run} of {event.runbook} belongs to it", event.run
        case HandedOver():
            return Mark.HANDED, f"handed over by {event.machine} to {event.receiver or 'whoever has the file'}", ""
        case TakenOver():
            return Mark.HANDED, f"taken in on {event.machine}, from {event.from_person} on {event.from_machine}", ""
        case _:
            assert_never(event)


def _outside(event: Outside) -> tuple[Mark, str, str]:
    match event:
        case BannerSetting(up=True):
            return Mark.BANNER, f"the banner is being put up: {event.text}", ""
        case BannerSetting():
            return Mark.BANNER, "the banner is being taken down", ""
        case BannerSet():
            return Mark.BANNER, "the banner is up" if event.up else "the banner is down", event.how
        case BannerFailed():
            return Mark.NOT_DONE, f"the banner is not {'put up' if event.up else 'taken down'}: {event.why}", ""
        case IssueFiling():
            return Mark.ISSUE, f"an issue is being filed in {event.where}", ""
        case IssueFiled():
            return Mark.ISSUE, f"an issue is filed, {event.how}", event.url
        case IssueFailed():
            filed = "may have been filed" if event.doubt else "was not filed"
            return Mark.IN_DOUBT if event.doubt else Mark.NOT_DONE, f"the issue {filed}: {event.why}", ""
        case _:
            assert_never(event)


# --- runs -------------------------------------------------------------------------------------------------------


def _of_run(name: str, records: Iterable[Record], linked: datetime | None) -> list[tuple[datetime, Row]]:
    """The milestones of a run, none of them before the run was linked."""
    found: list[tuple[datetime, Row]] = []
    latest = linked
    titles: dict[str, str] = {}
    for record in records:
        event = run.event_of(record)
        latest = record.time if latest is None else max(latest, record.time)
        if isinstance(event, run.GateOpened):
            titles[event.item] = event.title
        told = _milestone(event, titles)
        if told is not None:
            mark, text, evidence = told
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
