"""Where an incident stands: a fold over its records, in the order of their numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import assert_never

from holdpoint.document.model import Severity
from holdpoint.incident.actions import ActionItem, folded
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
    Purpose,
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    TakenOver,
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
    Outside,
)
from holdpoint.incident.phases import ITEMS, By, Item, Known, Phase, items_for
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
class AlertGroup:
    """A group of alerts that belongs to it: the last news of it, how often that came, and how grave it was at most."""

    last: AlertReceived
    times: int
    gravest: Severity


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
    losses: tuple[str, ...] = ()
    """What was said to be lost, as it was found out."""
    users_see: bool | None = None
    done: Mapping[str, Done] = field(default_factory=dict)
    checks: Mapping[str, CheckAnswered] = field(default_factory=dict)
    """The last answer of each check; of the versions that ran before, by `version SERVICE`."""
    runs: Mapping[str, int] = field(default_factory=dict)
    """Linked runs, with the number of the record that links each."""
    alerts: Mapping[str, AlertGroup] = field(default_factory=dict)
    """Groups of alerts that were received, by their keys."""
    handed: HandedOver | None = None
    """To whom it was handed over; None where it was taken in since."""
    messages: Mapping[int, Message] = field(default_factory=dict)
    last_sent: datetime | None = None
    """When the message went out that was last recorded as sent."""
    counted_from: datetime | None = None
    """Where the response target is counted from: noticed, or made graver since."""
    responded: datetime | None = None
    resolved: Resolved | None = None
    """How it ended; None while it is open."""
    resolved_seq: int = -1
    """The record that says so."""
    times_reopened: int = 0
    actions: Mapping[int, ActionItem] = field(default_factory=dict)
    document: str = ""
    """The file of the post-mortem in the repository; empty before it has one."""
    published: PostMortemPublished | None = None
    asked: str = ""
    """Why it is to have a post-mortem although its severity asks for none."""
    asked_at: datetime | None = None
    code_bug: bool = False
    notices: tuple[AuthorityTold, ...] = ()
    """What the authority was told in phases, before the last notice."""
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
    def groups(self) -> frozenset[str]:
        """The groups of alerts that belong to it."""
        return frozenset(filter(None, (self.opening.group, *self.alerts)))

    @property
    def known(self) -> Known:
        return Known(self.severity, self.loses_data, self.users_see is True, post_mortem=bool(self.asked))

    @property
    def notified(self) -> datetime | None:
        """When the authority was told first, in a phase or at once; None as long as it was not."""
        times = [notice.happened for notice in self.notices]
        times += [self.done["authority"].happened] if "authority" in self.done else []
        return min(times, default=None)

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
    if isinstance(event, Messaging):
        return _messaged(state, event, record)
    if isinstance(event, Alerting):
        return _alerted(state, event)
    if isinstance(event, Outside):
        return _outside(state, event, record)
    if isinstance(event, Afterwards):
        return _afterwards(state, event, record)
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
        case CheckAnswered() | RunLinked() | HandedOver() | TakenOver():
            return _of_machines(state, event, record)
        case DataLossNoticed():
            return replace(state, aware=state.aware or event.happened, losses=(*state.losses, event.what))
        case Resolved():
            return replace(state, resolved=event, resolved_seq=record.seq)
        case Reopened():
            again = {item.id for item in state.items if item.phase in _AGAIN} - _STAYS
            kept = {item: one for item, one in state.done.items() if item not in again}
            return replace(
                state, resolved=None, times_reopened=state.times_reopened + 1, done=kept, checks={}, published=None
            )
        case _:
            assert_never(event)


def _messaged(state: State, event: Messaging, record: Record) -> State:
    match event:
        case MessageRendered():
            return _with_message(state, Message(event, record.seq))
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


def _alerted(state: State, event: Alerting) -> State:
    match event:
        case AlertReceived():
            before = state.alerts.get(event.group)
            gravest = event.severity if before is None else min(before.gravest, event.severity)
            return replace(state, alerts={**state.alerts, event.group: AlertGroup(event, 1, gravest)})
        case AlertRepeated():
            group = replace(_group(state, event.group), times=event.times)
            return replace(state, alerts={**state.alerts, event.group: group})
        case _:
            assert_never(event)


def _afterwards(state: State, event: Afterwards, record: Record) -> State:
    match event:
        case ActionAdded() | ActionChanged() | ActionClosed() | ActionReopened():
            return replace(state, actions=folded(state.actions, event, record, state.opening.incident))
        case AuthorityTold():
            return replace(state, notices=(*state.notices, event))
        case CodeBugFound():
            return replace(state, code_bug=True)
        case PostMortemNamed():
            return replace(state, document=event.path)
        case PostMortemAsked():
            return replace(state, asked=event.why, asked_at=event.happened)
        case PostMortemPublished():
            done = Done("", event.path, event.happened, record.person, record.seq)
            return replace(state, published=event, done={**state.done, "published": done})
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


def _of_machines(state: State, event: CheckAnswered | RunLinked | HandedOver | TakenOver, record: Record) -> State:
    """What was run for it, and on which machine it goes on."""
    match event:
        case CheckAnswered():
            return _checked(state, event, record)
        case RunLinked():
            return replace(state, runs={event.run: record.seq, **state.runs})
        case HandedOver():
            return replace(state, handed=event)
        case TakenOver():
            return replace(state, handed=None)
        case _:
            assert_never(event)


def _checked(state: State, event: CheckAnswered, record: Record) -> State:
    """What a check answered. To find out, any answer will do; to verify, it has to be green, and after the repair.

    A red one takes the tick back that an earlier one gave.
    """
    named = f"{event.check} {event.service}".rstrip()
    done = dict(state.done)
    for item in ITEMS:
        if item.check != event.check or event.green is None:
            continue
        if item.phase is not Phase.VERIFY:
            colour = "green" if event.green else "RED"
            said = f"{colour}: {event.said}".removesuffix(": ")
            done[item.id] = Done(said, f"run {event.run}", event.happened, record.person, record.seq)
        elif not event.green:
            done.pop(item.id, None)
        elif "restored" in done:
            done[item.id] = Done("", f"run {event.run}", event.happened, record.person, record.seq)
    return replace(state, done=done, checks={**state.checks, named: event})


def _outside(state: State, event: Outside, record: Record) -> State:
    match event:
        case BannerSetting() | BannerSet() | BannerFailed():
            return _banner(state, event, record)
        case IssueFiling() | IssueFiled() | IssueFailed():
            after = replace(state, issue=issue_after(state.issue, event, record))
            return _ticked(after, "issue", event.url, event, record) if isinstance(event, IssueFiled) else after
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


def _group(state: State, key: str) -> AlertGroup:
    if key not in state.alerts:
        raise ValueError("an alert came again that never came")
    return state.alerts[key]


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
