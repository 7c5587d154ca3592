"""What a notification means for the incidents that there are: which one it belongs to, and what is recorded there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from holdpoint.document.model import Severity
from holdpoint.incident.alert import Notification, Status
from holdpoint.incident.alert_events import AlertReceived, AlertRepeated
from holdpoint.incident.events import Event, SeverityChanged
from holdpoint.incident.severity import is_raised
from holdpoint.incident.state import State
from holdpoint.oncall.alerts import AlertMap, Alerts, Grading

MOST_FINGERPRINTS = 20
_APART = timedelta(seconds=2)
"""By so much the clocks of two machines may differ."""


class Became(StrEnum):
    """What a notification came to."""

    DECLARED = "declared"
    JOINED = "joined"
    """It said something new to an incident that is open."""
    AGAIN = "again"
    """It said what was known."""
    AFTER = "after"
    """It belongs to an incident that people resolved already."""
    NOTHING = "nothing"
    """It says that something is over which no incident is about."""


@dataclass(frozen=True, slots=True)
class Graded:
    """How grave it is, and why."""

    severity: Severity
    because: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """The incident that a notification belongs to; `incident` is empty where one is to be declared, or none is."""

    became: Became
    incident: str = ""


def home(notification: Notification, known: Sequence[tuple[str, State]]) -> Home:
    """Find the incident of a group: the last open one that has it, else a resolved one that is about the same alerts.

    An alert that began after its incident was resolved is another occurrence, and a new incident.
    """
    having = [(name, state) for name, state in known if notification.group in state.groups]
    open_ones = [one for one in having if one[1].is_open]
    if open_ones:
        name, state = open_ones[-1]
        return Home(Became.AGAIN if is_known(notification, state) else Became.JOINED, name)
    if having and not _is_new(notification, having[-1][1]):
        return Home(Became.AFTER, having[-1][0])
    return Home(Became.DECLARED if notification.firing else Became.NOTHING)


def is_known(notification: Notification, state: State) -> bool:
    """Whether an incident knows already what a notification says."""
    group = state.alerts.get(notification.group)
    return group is not None and group.last.digest == notification.digest


def _is_new(notification: Notification, state: State) -> bool:
    ended = state.resolved.happened if state.resolved else None
    return ended is not None and any(
        alert.started is None or alert.started > ended + _APART for alert in notification.firing
    )


def events(notification: Notification, state: State, graded: Graded, now: datetime) -> tuple[Event, ...]:
    """Give what is to be recorded in an incident. Made graver is it only by an alert that is graver than any before."""
    group = state.alerts.get(notification.group)
    if group is not None and is_known(notification, state):
        return (AlertRepeated(notification.group, group.times + 1),)
    firing = {alert.fingerprint for alert in notification.firing}
    received = AlertReceived(
        source=notification.source,
        group=notification.group,
        name=notification.name,
        text=notification.title,
        status=notification.status,
        severity=graded.severity,
        firing=len(firing),
        resolved=len(notification.alerts) - len(notification.firing),
        fingerprints=tuple(sorted(firing)[:MOST_FINGERPRINTS]),
        digest=notification.digest,
        happened=happened(notification, now),
        odd=notification.odd,
    )
    gravest = min((one.gravest for one in state.alerts.values()), default=None)
    raises = (
        state.is_open
        and bool(firing)
        and is_raised(state.severity, graded.severity)
        and gravest is not None
        and is_raised(gravest, graded.severity)
    )
    if not raises:
        return (received,)
    return (received, SeverityChanged(state.severity, graded.severity, f"alert: {graded.because}", received.happened))


def happened(notification: Notification, now: datetime) -> datetime:
    """When the newest of what fires began, or when the last of it ended; now, where that is not said or still to come."""
    if notification.status is Status.FIRING:
        times = [alert.started for alert in notification.firing if alert.started]
    else:
        times = [alert.ended for alert in notification.alerts if alert.ended]
    return min(max(times, default=now), now)


def noticed(notification: Notification, now: datetime) -> datetime:
    """When the first of what fires began, for the declaration; never still to come."""
    return min([now, *(alert.started for alert in notification.firing if alert.started)])


def graded(notification: Notification, alerts: Alerts, by: AlertMap | None, runbook: Severity | None) -> Graded:
    """Grade a notification by the gravest of its alerts; where no label says it, by its runbook; when unsure, the graver."""
    grading: Grading = (by.severity if by else None) or alerts.severity
    found: list[Graded] = []
    for alert in notification.told:
        value = alert.labels.get(grading.label, "").strip()
        severity = grading.of(value) if value else None
        if severity is not None:
            found.append(Graded(severity, f"{grading.label}={value}"))
        elif value:
            found.append(Graded(grading.otherwise, f"{grading.label}={value} is not known", unsure=True))
        elif runbook is not None:
            found.append(Graded(runbook, f"no label `{grading.label}`, so the runbook's"))
        else:
            found.append(Graded(grading.otherwise, f"no label `{grading.label}`", unsure=True))
    return min(found, key=lambda one: one.severity)
