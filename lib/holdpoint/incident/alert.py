"""An alert as a value, and the notification in which a monitor sends several. All texts are one harmless line each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from holdpoint.journal.record import Json

NAMELESS = "an alert without a name"
LONGEST = 200
ALTERED, CUT = "\N{REPLACEMENT CHARACTER}", "…"
_YEARS = range(1970, 2200)
_MILLISECONDS = 100_000_000_000
"""A number from here on counts milliseconds, as seconds it would be far away."""
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)


class Status(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that a monitor says. `started` and `ended` are None where it does not say."""

    status: Status
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    started: datetime | None
    ended: datetime | None
    fingerprint: str

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def fires(self) -> bool:
        return self.status is Status.FIRING


@dataclass(frozen=True, slots=True)
class Notification:
    """What came in one payload: alerts that belong together. `truncated` were left out by the sender."""

    source: str
    group: str
    alerts: tuple[Alert, ...]
    truncated: int = 0
    odd: tuple[str, ...] = field(default=())
    """What could not be read, each in a sentence."""

    @property
    def firing(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in self.alerts if alert.fires)

    @property
    def status(self) -> Status:
        return Status.FIRING if self.firing else Status.RESOLVED

    @property
    def told(self) -> tuple[Alert, ...]:
        """The alerts that it is about: those that fire, else all."""
        return self.firing or self.alerts

    @property
    def name(self) -> str:
        return next((alert.name for alert in self.told if alert.name), NAMELESS)

    @property
    def text(self) -> str:
        """What a person wrote of it, in one line; its name where nobody did."""
        for key in ("summary", "message", "description"):
            for alert in self.told:
                if alert.annotations.get(key):
                    return alert.annotations[key]
        return self.name

    @property
    def title(self) -> str:
        """Its name and what a person wrote of it."""
        name, text = self.name, self.text
        return text if name.casefold() in text.casefold() else plain(f"{name}: {text}")

    @property
    def digest(self) -> str:
        """Which alerts fire; what a later payload of the group is compared by."""
        names = sorted({alert.fingerprint for alert in self.firing})
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def common(self, label: str) -> str | None:
        """The value of a label that all alerts have alike; None where they differ, or lack it."""
        values = {alert.labels.get(label) for alert in self.told}
        return values.pop() if len(values) == 1 else None


def plain(text: str, most: int = LONGEST) -> str:
    """Make a text one harmless line of at most so many characters."""
    kept = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return kept if len(kept) <= most else f"{kept[: most - 1]}{CUT}"


def exact(text: str) -> str:
    """Keep a text as it is; where that would not be one harmless line of `LONGEST` characters, it shows that it is altered."""
    kept = "".join(c if c.isprintable() else ALTERED for c in text)
    return kept if len(kept) <= LONGEST else f"{kept[: LONGEST - 1]}{CUT}"


def is_exact(text: str) -> bool:
    """Whether `exact` may have kept a text as it was."""
    return ALTERED not in text and not text.endswith(CUT)


def moment(given: Json) -> datetime | None:
    """Read RFC 3339, or seconds or milliseconds since 1970, as text too; None for anything else, and for no time at all."""
    if isinstance(given, bool):
        return None
    text = given.strip() if isinstance(given, str) else str(given) if isinstance(given, int | float) else ""
    try:
        if _NUMBER.fullmatch(text):
            seconds = float(text)
            seconds = seconds / 1000 if seconds >= _MILLISECONDS else seconds
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        elif match := _RFC3339.fullmatch(text):
            day, clock, fraction, offset = match.groups()
            found = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset.upper()}").astimezone(UTC)
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return found if found.year in _YEARS else None
