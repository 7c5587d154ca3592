"""Where an incident stands: a fold over its records, in the order of their numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import assert_never

from holdpoint.document.model import Severity
from holdpoint.incident.effects import (
    AUDIENCE,
    Banner,
    Effect,
    Issue,
    Standing,
    banner_after,
    begun,
    ended_well,
    failed,
    issue_after,
)
from holdpoint.incident.events import (
    DataLossNoticed,
    Declared,
    Event,
    MessageFailed,
    MessageRendered,
    MessageSending,
    MessageSent,
    Noted,
    OutputRecorded,
    OutputWithdrawn,
    Purpose,
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    UsersSawIt,
    event_of,
)
from holdpoint.incident.outside_events import (
    BannerFailed,
    BannerSet,
    BannerSetting,
    IssueFailed,
    IssueFiled,
    IssueFiling,
)
from holdpoint.incident.phases import By, Item, Known, Phase, items_for
from holdpoint.incident.severity import is_raised
from holdpoint.journal.record import Record
from holdpoint.oncall.outside import Audience

BACK = timedelta(seconds=2)
"""Clocks of two machines differ by less; a record that is earlier than one before by more shows that a clock was set."""


@dataclass(frozen=True, slots=True)
class Done:
    """An item that is done, with who said so. `seq` is that of the record."""

    say: str
    evidence: str
    happened: datetime
    person: str
    seq: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was made. `sent` is when it went out, None as long as it has not."""

    rendered: MessageRendered
    seq: int
    sent: datetime | None = None
    failed: str = ""
    """Why the last try to deliver it came to nothing."""
    deliveries: Mapping[str, Effect] = field(default_factory=dict)
    """How it stands with each destination that it was sent to."""

    @property
    def undelivered(self) -> Mapping[str, Effect]:
        """The destinations that it did not surely reach."""
        return {name: one for name, one in self.deliveries.items() if one.standing is not Standing.DONE}

    @property
    def waits(self) -> bool:
        """It has not gone out, or not everywhere."""
        return self.sent is None or bool(self.undelivered)


@dataclass(frozen=True, slots=True)
class Jump:
    """Record `seq` was written `by` earlier than one before it, by the clock."""

    seq: int
    by: timedelta


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the record says. `declared` is None only before the first record."""

    declared: Declared | None = None
    severity: Severity = Severity.SEV1
    aware: datetime | None = None
    """When people became aware that data is lost; None where it is not."""
    users_see: bool | None = None
    done: Mapping[str, Done] = field(default_factory=dict)
    runs: Mapping[str, int] = field(default_factory=dict)
    """Linked runs, with the number of the record that links each."""
    messages: Mapping[int, Message] = field(default_factory=dict)
    last_sent: datetime | None = None
    """When the message went out that was last recorded as sent."""
    counted_from: datetime | None = None
    """Where the response target is counted from: noticed, or made graver since."""
    responded: datetime | None = None
    resolved: Resolved | None = None
    """How it ended; None while it is open."""
    times_reopened: int = 0
    banner: Banner | None = None
    issue: Issue | None = None
    people: tuple[str, ...] = ()
    latest: datetime | None = None
    """The latest time that any record has."""
    jumps: tuple[Jump, ...] = ()
    seq: int = -1

    @property
    def is_open(self) -> bool:
        return self.declared is not None and self.resolved is None

    @property
    def opening(self) -> Declared:
        """The declaration. Raises `ValueError` before it."""
        if self.declared is None:
            raise ValueError("an incident begins with its declaration")
        return self.declared

    @property
    def known(self) -> Known:
        return Known(self.severity, data_loss=self.loses_data, users_see=self.users_see is True)

    @property
    def loses_data(self) -> bool:
        """Data is lost as far as is known: what was found out at the end counts."""
        return self.resolved.data_loss if self.resolved else self.aware is not None

    @property
    def began(self) -> datetime:
        """Since when it is so: what the item `since` says, else when it was noticed."""
        since = self.done.get("since")
        return since.happened if since else self.opening.happened

    @property
    def items(self) -> tuple[Item, ...]:
        """The checklist as it applies now."""
        return items_for(self.known)

    @property
    def phase(self) -> Phase | None:
        """Where one is: the first phase with something required that is not done; None where nothing is left."""
        return next((item.phase for item in self.items if item.required and item.id not in self.done), None)

    def missing(self, phase: Phase) -> tuple[Item, ...]:
        """What a phase still has to put out."""
        return tuple(item for item in self.items if item.phase is phase and item.required and item.id not in self.done)

    def waiting(self) -> tuple[Message, ...]:
        """The last message to each audience, where it has not gone out."""
        last = {AUDIENCE[message.rendered.purpose]: message for message in self.messages.values()}
        return tuple(message for message in last.values() if message.waits)


def replay(records: Iterable[Record]) -> State:
    """Fold a journal from its start."""
    return reduce(fold, records, State())


def fold(state: State, record: Record) -> State:
    """Take in one record; raises `ValueError` for a kind that is not known."""
    event = event_of(record)
    if state.declared is None and not isinstance(event, Declared):
        raise ValueError(f"record {record.seq} (`{record.kind}`) stands before the declaration")
    after = _responded(_apply(state, event, record))
    jumps, latest = state.jumps, record.time
    if state.latest is not None:
        if record.time < state.latest - BACK:
            jumps = (*jumps, Jump(record.seq, state.latest - record.time))
        latest = max(state.latest, record.time)
    people = tuple(dict.fromkeys((*state.people, record.person)))
    return replace(after, seq=record.seq, people=people, latest=latest, jumps=jumps)


def _apply(state: State, event: Event, record: Record) -> State:
    match event:
        case Declared():
            return replace(
                state,
                declared=event,
                severity=event.severity,
                users_see=event.users_see,
                aware=event.happened if event.data_loss else None,
                counted_from=event.happened,
            )
        case Noted():
            return state
        case SeverityChanged():
            restarts = is_raised(event.was, event.to) and state.responded is None
            return replace(state, severity=event.to, counted_from=event.happened if restarts else state.counted_from)
        case UsersSawIt():
            return replace(state, users_see=event.sees)
        case OutputRecorded():
            done = Done(event.say, event.evidence, event.happened, record.person, record.seq)
            return replace(state, done={**state.done, event.item: done})
        case OutputWithdrawn():
            return replace(state, done={item: done for item, done in state.done.items() if item != event.item})
        case RunLinked():
            return replace(state, runs={event.run: record.seq, **state.runs})
        case MessageRendered():
            return _with_message(state, Message(event, record.seq))
        case MessageSending() | MessageSent() | MessageFailed():
            return _on_its_way(state, event, record)
        case BannerSetting() | BannerSet() | BannerFailed():
            return _banner(state, event, record)
        case IssueFiling() | IssueFiled() | IssueFailed():
            after = replace(state, issue=issue_after(state.issue, event, record))
            return _ticked(after, "issue", event.url, event, record) if isinstance(event, IssueFiled) else after
        case DataLossNoticed():
            return replace(state, aware=state.aware or event.happened)
        case Resolved():
            return replace(state, resolved=event)
        case Reopened():
            again = {item.id for item in state.items if item.phase in _AGAIN} - _STAYS
            kept = {item: one for item, one in state.done.items() if item not in again}
            return replace(state, resolved=None, times_reopened=state.times_reopened + 1, done=kept)
        case _:
            assert_never(event)


_AGAIN = frozenset({Phase.MITIGATE, Phase.VERIFY, Phase.COMMUNICATE, Phase.POSTMORTEM})
"""Phases that have to be gone through again after a reopening."""
_STAYS = frozenset({"authority"})
"""What was done once and for all."""
_TICKS = {
    Purpose.FIRST: By.MESSAGE,
    Purpose.UPDATE: By.MESSAGE,
    Purpose.DATA_LOSS: By.LOSS_MESSAGE,
    Purpose.RESOLVED: By.RESOLVED_MESSAGE,
    Purpose.EVERYBODY: By.EVERYBODYS_MESSAGE,
}
"""The items that are done when a message has gone out."""


def _sent(state: State, event: MessageSent, record: Record) -> State:
    """A message that went out is also what items of the checklist ask for. Only one to the team is an update.

    It went out when it reached the first of its destinations. A person's word, without a destination, is for all.
    """
    message = _message(state, event.message)
    reached = [event.destination] if event.destination else list(message.undelivered)
    deliveries = {**message.deliveries, **dict.fromkeys(reached, ended_well(record))}
    first = message.sent is None or not event.destination
    sent = event.happened if first else message.sent
    state = _with_message(state, replace(message, sent=sent, failed="", deliveries=deliveries))
    purpose = message.rendered.purpose
    done = Done("", f"message {event.message}, {event.how}", event.happened, record.person, record.seq)
    ticked = {item.id: done for item in state.items if item.by is _TICKS[purpose]}
    last = event.happened if first and AUDIENCE[purpose] is Audience.OPS else state.last_sent
    return replace(state, last_sent=last, done={**ticked, **state.done})


def _on_its_way(state: State, event: MessageSending | MessageSent | MessageFailed, record: Record) -> State:
    match event:
        case MessageSending():
            return _delivered(state, event.message, dict.fromkeys(event.destinations, begun(record, event.seconds)))
        case MessageSent():
            return _sent(state, event, record)
        case MessageFailed(destination=""):
            return _with_message(state, replace(_message(state, event.message), failed=event.why))
        case MessageFailed():
            return _delivered(state, event.message, {event.destination: failed(record, event.why, doubt=event.doubt)})
        case _:
            assert_never(event)


def _delivered(state: State, number: int, deliveries: Mapping[str, Effect]) -> State:
    message = _message(state, number)
    return _with_message(state, replace(message, deliveries={**message.deliveries, **deliveries}))


def _banner(state: State, event: BannerSetting | BannerSet | BannerFailed, record: Record) -> State:
    """What was put up ticks one item, and what was taken down the other; put up again, it is not taken down."""
    state = replace(state, banner=banner_after(state.banner, event, record))
    match event:
        case BannerSet(up=True):
            kept = {item: one for item, one in state.done.items() if item != "banner-down"}
            return _ticked(replace(state, done=kept), "banner", event.how, event, record)
        case BannerSet():
            return _ticked(state, "banner-down", event.how, event, record)
        case BannerSetting() | BannerFailed():
            return state
        case _:
            assert_never(event)


def _ticked(state: State, item: str, evidence: str, event: BannerSet | IssueFiled, record: Record) -> State:
    done = Done("", evidence, event.happened, record.person, record.seq)
    return replace(state, done={**state.done, item: done})


def _message(state: State, number: int) -> Message:
    if number not in state.messages:
        raise ValueError(f"there is no message {number}")
    return state.messages[number]


def _with_message(state: State, message: Message) -> State:
    return replace(state, messages={**state.messages, message.rendered.message: message})


def _responded(state: State) -> State:
    """The response is there with the first message that went out, or with all that triage has to put out."""
    if state.responded is not None:
        return state
    if state.last_sent is not None:
        return replace(state, responded=state.last_sent)
    if state.missing(Phase.TRIAGE):
        return state
    done = [state.done[item.id] for item in state.items if item.phase is Phase.TRIAGE and item.required]
    last = max(done, key=lambda one: one.seq, default=None)
    return replace(state, responded=last.happened) if last else state
