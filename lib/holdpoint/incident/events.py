"""What happened in an incident: one frozen type for each kind of record, and their exact form in the journal.

Names are in the past tense. `happened` is when it happened, as people know it; when it was written is the record's own
time. The two differ where somebody wrote it down later. An event without `happened` happened as it was written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, get_args

from holdpoint.document.model import Severity
from holdpoint.incident.outside_events import (
    BannerFailed,
    BannerSet,
    BannerSetting,
    IssueFailed,
    IssueFiled,
    IssueFiling,
)
from holdpoint.journal.record import Json, Record


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
class RunLinked:
    """A run belongs to it; what happened in it stands in its own journal."""

    kind: ClassVar[str] = "run.linked"
    run: str
    runbook: str


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


Event = (
    Declared
    | Noted
    | SeverityChanged
    | UsersSawIt
    | OutputRecorded
    | OutputWithdrawn
    | RunLinked
    | MessageRendered
    | MessageSending
    | MessageSent
    | MessageFailed
    | BannerSetting
    | BannerSet
    | BannerFailed
    | IssueFiling
    | IssueFiled
    | IssueFailed
    | DataLossNoticed
    | Resolved
    | Reopened
)
KINDS: Mapping[str, type[Event]] = {event.kind: event for event in get_args(Event)}
_TYPED: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("severity", "was", "to"), Severity),
    **dict.fromkeys(("happened", "began", "restored"), lambda text: datetime.fromisoformat(text).astimezone(UTC)),
    "services": tuple,
    "destinations": tuple,
    "trigger": Trigger,
    "purpose": Purpose,
}
"""How what is no plain JSON is read back, by the name of its field, which means the same in every event."""


def data_of(event: Event) -> dict[str, Json]:
    """Give the journal's `data` for an event."""
    return {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}


def event_of(record: Record) -> Event:
    """Read an event back; raises `ValueError` for a kind or a shape that this version does not know."""
    kind = KINDS.get(record.kind)
    if kind is None:
        raise ValueError(f"record {record.seq} is of an unknown kind, `{record.kind}`")
    try:
        given: dict[str, Any] = dict(record.data)
        given |= {name: _TYPED[name](value) for name, value in given.items() if name in _TYPED}
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"record {record.seq} (`{record.kind}`) has another shape: {error}") from error


def happened(event: Event, record: Record) -> datetime:
    """When it happened: as it was told, else when it was written."""
    match event:
        case RunLinked() | MessageRendered():
            return record.time
        case _:
            return event.happened


def _plain(value: Any) -> Json:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case tuple():
            return [_plain(inner) for inner in value]
        case StrEnum():
            return value.value
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"no value of an event: {value!r}")
