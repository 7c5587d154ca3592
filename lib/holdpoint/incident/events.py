"""What happened in an incident: one frozen type for each kind of record, and their exact form in the journal.

Names are in the past tense. `happened` is when it happened, as people know it; when it was written is the record's own
time. The two differ where somebody wrote it down later. An event without `happened` happened as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, get_args

from holdpoint.document.model import Severity
from holdpoint.incident.alert import Status
from holdpoint.incident.alert_events import Alerting, AlertRepeated
from holdpoint.incident.learning_events import Afterwards, PostMortemNamed
from holdpoint.incident.outside_events import Outside
from holdpoint.journal.record import Record
from holdpoint.journal.shapes import Shapes, moment


class Trigger(StrEnum):
    """What told people of it."""

    MONITOR = "monitor"
    USER = "user"
    LOGS = "logs"
    ALERT = "alert"


class Purpose(StrEnum):
    """What a message is for; the name of its template."""

    FIRST = "first"
    UPDATE = "update"
    DATA_LOSS = "data-loss"
    RESOLVED = "resolved"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Declared:
    """The first record. `happened` is when it was noticed; `users_see` is null where that is not known yet.

    `principal` and `backup` are who was on call then.
    """

    kind: ClassVar[str] = "incident.declared"
    incident: str
    title: str
    severity: Severity
    services: tuple[str, ...]
    trigger: Trigger
    happened: datetime
    data_loss: bool = False
    """Data is lost, or may be: `happened` is then also when people became aware of it."""
    users_see: bool | None = None
    principal: str = ""
    backup: str = ""
    language: str = "en"
    group: str = ""
    """The group of alerts that it was declared for; empty where a person declared it."""


@dataclass(frozen=True, slots=True)
class Noted:
    kind: ClassVar[str] = "note.made"
    text: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    kind: ClassVar[str] = "severity.changed"
    was: Severity
    to: Severity
    reason: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class UsersSawIt:
    """Whether users see it was found out."""

    kind: ClassVar[str] = "users.saw"
    sees: bool
    happened: datetime


@dataclass(frozen=True, slots=True)
class OutputRecorded:
    """An item of the checklist is done; done once more, the later record counts."""

    kind: ClassVar[str] = "output.recorded"
    item: str
    say: str
    evidence: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class OutputWithdrawn:
    """It turned out not to be done."""

    kind: ClassVar[str] = "output.withdrawn"
    item: str
    reason: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class CheckAnswered:
    """A check of the team's own was read by `run`; `green` is null where nobody could be asked.

    `check` is one of the team's checks, or `version` with the `service` whose version of before was read.
    """

    kind: ClassVar[str] = "check.answered"
    check: str
    service: str
    green: bool | None
    said: str
    run: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class RunLinked:
    """A run belongs to it; what happened in it stands in its own journal."""

    kind: ClassVar[str] = "run.linked"
    run: str
    runbook: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """It was written into a file for another machine, with these files beside it, each with its SHA-256."""

    kind: ClassVar[str] = "incident.handed_over"
    receiver: str
    machine: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """It was taken in from such a file, on another machine."""

    kind: ClassVar[str] = "incident.taken_over"
    from_person: str
    from_machine: str
    machine: str


@dataclass(frozen=True, slots=True)
class MessageRendered:
    """A text was made and shown. Whether it went out is another record. `message` counts from 1."""

    kind: ClassVar[str] = "message.rendered"
    message: int
    purpose: Purpose
    language: str
    channel: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageSending:
    """It is about to be sent to these destinations, which takes at most so many seconds; durable before the first byte."""

    kind: ClassVar[str] = "message.sending"
    message: int
    destinations: tuple[str, ...]
    seconds: int
    happened: datetime


@dataclass(frozen=True, slots=True)
class MessageSent:
    """It went out: as the person says, or as `how` it was sent. An empty `destination` is everywhere."""

    kind: ClassVar[str] = "message.sent"
    message: int
    how: str
    happened: datetime
    destination: str = ""


@dataclass(frozen=True, slots=True)
class MessageFailed:
    """It could not be delivered; it stays to be sent. `doubt` says that it may have gone out all the same."""

    kind: ClassVar[str] = "message.failed"
    message: int
    why: str
    happened: datetime
    destination: str = ""
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class DataLossNoticed:
    """Somebody became aware that data is lost, later than at the declaration: at `happened` the 72 hours begin."""

    kind: ClassVar[str] = "loss.noticed"
    what: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class LossRuledOut:
    """No data is lost after all, for this reason: the 72 hours end. A loss that is noticed later counts again."""

    kind: ClassVar[str] = "loss.ruled_out"
    reason: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class Resolved:
    """It is over. `began` and `restored` are the milestones that the downtime is counted from, as they stood then."""

    kind: ClassVar[str] = "incident.resolved"
    cause: str
    impact: str
    data_loss: bool
    began: datetime
    restored: datetime
    happened: datetime
    without_verify: str = ""


@dataclass(frozen=True, slots=True)
class Reopened:
    kind: ClassVar[str] = "incident.reopened"
    reason: str
    happened: datetime


Machines = CheckAnswered | RunLinked | HandedOver | TakenOver
"""What ran for it, and on which machine it goes on."""
Messaging = MessageRendered | MessageSending | MessageSent | MessageFailed
"""What is told to people, and whether it reached them."""

Event = (
    Declared
    | Noted
    | SeverityChanged
    | UsersSawIt
    | OutputRecorded
    | OutputWithdrawn
    | DataLossNoticed
    | LossRuledOut
    | Resolved
    | Reopened
    | Machines
    | Messaging
    | Outside
    | Alerting
    | Afterwards
)
KINDS: Mapping[str, type[Event]] = {event.kind: event for event in get_args(Event)}
_TYPED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("severity", "was", "to"), Severity),
    **dict.fromkeys(("happened", "began", "restored"), moment),
    "due": date.fromisoformat,
    "status": Status,
    "trigger": Trigger,
    "purpose": Purpose,
}
"""How what is no plain JSON is read back, by the name of its field, which means the same in every event."""

_SHAPES = Shapes(KINDS, _TYPED)
data_of, event_of = _SHAPES.data_of, _SHAPES.event_of


def happened(event: Event, record: Record) -> datetime:
    """When it happened: as it was told, else when it was written."""
    match event:
        case RunLinked() | HandedOver() | TakenOver() | MessageRendered() | PostMortemNamed() | AlertRepeated():
            return record.time
        case _:
            return event.happened
