"""What monitors told of an incident: the records of their alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from holdpoint.document.model import Severity
from holdpoint.incident.alert import Status


@dataclass(frozen=True, slots=True)
class AlertReceived:
    """A notification of a group of alerts that says something new.

    `firing` and `resolved` count its alerts, `fingerprints` are those that fire, the first of many, and `digest` stands
    for all of them. `happened` is when the newest of it began, or when the last of it ended.
    """

    kind: ClassVar[str] = "alert.received"
    source: str
    group: str
    name: str
    text: str
    status: Status
    severity: Severity
    firing: int
    resolved: int
    fingerprints: tuple[str, ...]
    digest: str
    happened: datetime
    odd: tuple[str, ...] = ()
    """What of it could not be read."""


@dataclass(frozen=True, slots=True)
class AlertRepeated:
    """The same came once more: for the `times`-th time, the first one included."""

    kind: ClassVar[str] = "alert.repeated"
    group: str
    times: int


Alerting = AlertReceived | AlertRepeated
"""What monitors told."""
