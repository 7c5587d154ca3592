"""What a record says in a row of the timeline: a mark, a text, and its evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from holdpoint.incident.actions import ActionEvent
from holdpoint.incident.alert_events import Alerting, AlertReceived, AlertRepeated
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
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    TakenOver,
    UsersSawIt,
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
from holdpoint.incident.phases import answered


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


def told(event: Event) -> tuple[Mark, str, str]:
    """Give a row's mark, text and evidence."""
    if isinstance(event, Machines):
        return _of_machines(event)
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
        case DataLossNoticed():
            return Mark.LOSS, f"data is lost: {event.what}", ""
        case LossRuledOut():
            return Mark.FOUND_OUT, f"no data is lost after all: {event.reason}", ""
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


def _of_machines(event: Machines) -> tuple[Mark, str, str]:
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
