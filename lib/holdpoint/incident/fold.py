"""From the records of an incident to where it stands: a fold, in the order of their numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import assert_never

from holdpoint.incident.actions import folded
from holdpoint.incident.alert_events import Alerting, AlertReceived, AlertRepeated
from holdpoint.incident.effects import (
    AUDIENCE,
    Effect,
    Standing,
    banner_after,
    begun,
    ended_well,
    failed,
    issue_after,
)
from holdpoint.incident.events import (
    CheckAnswered,
    DataLossNoticed,
    Declared,
    Event,
    HandedOver,
    LossRuledOut,
    Machines,
    MessageFailed,
    MessageRendered,
    MessageSending,
    MessageSent,
    Messaging,
    Noted,
    OutputRecorded,
    OutputWithdrawn,
    Purpose,
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    TakenOver,
    UsersSawIt,
    event_of,
)
from holdpoint.incident.learning_events import (
    ActionAdded,
    ActionChanged,
    ActionClosed,
    ActionReopened,
    Afterwards,
    AuthorityTold,
    CodeBugFound,
    PostMortemAsked,
    PostMortemNamed,
    PostMortemPublished,
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
from holdpoint.incident.phases import ITEMS, By, Phase
from holdpoint.incident.severity import is_raised
from holdpoint.incident.state import BACK, AlertGroup, Done, Jump, Message, State
from holdpoint.journal.record import Record
from holdpoint.oncall.outside import Audience


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
            jumps = _behind(jumps, record.seq, state.latest - record.time)
        latest = max(state.latest, record.time)
    people = tuple(dict.fromkeys((*state.people, record.person)))
    return replace(after, seq=record.seq, people=people, latest=latest, jumps=jumps)


def _behind(jumps: tuple[Jump, ...], seq: int, by: timedelta) -> tuple[Jump, ...]:
    """Take in a record that lies behind; those that follow one another are one jump."""
    if not jumps or jumps[-1].last != seq - 1:
        return (*jumps, Jump(seq, by, seq))
    return (*jumps[:-1], Jump(jumps[-1].seq, max(jumps[-1].by, by), seq))


def _apply(state: State, event: Event, record: Record) -> State:
    if isinstance(event, Machines):
        return _of_machines(state, event, record)
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
        case DataLossNoticed():
            aware = min(state.aware or event.happened, event.happened)
            return replace(state, aware=aware, losses=(*state.losses, event.what), ruled_out=None)
        case LossRuledOut():
            return replace(state, ruled_out=Done(event.reason, "", event.happened, record.person, record.seq))
        case Resolved():
            return replace(state, resolved=event, resolved_seq=record.seq)
        case Reopened():
            again = {item.id for item in state.items if item.phase in _AGAIN} - _STAYS
            kept = {item: one for item, one in state.done.items() if item not in again}
            times = state.times_reopened + 1
            return replace(
                state, resolved=None, ruled_out=None, times_reopened=times, done=kept, checks={}, published=None
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
            there = _message(state, event.message).deliveries.get(event.destination)
            if there is not None and there.standing is Standing.DONE:
                return state  # an earlier try came to its end after a later one had arrived
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


def _of_machines(state: State, event: Machines, record: Record) -> State:
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
