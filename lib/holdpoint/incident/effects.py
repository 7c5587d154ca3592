"""How something stands that reaches outside: a message on its way to one destination, the banner, an issue.

Each is begun on record before its first byte goes out, and ended on record after it. What was begun, and whose end is
not on record or not known, is in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from holdpoint.incident.events import Purpose
from holdpoint.incident.outside_events import (
    BannerFailed,
    BannerSet,
    BannerSetting,
    IssueFailed,
    IssueFiled,
    IssueFiling,
)
from holdpoint.journal.record import Record
from holdpoint.oncall.outside import Audience

AUDIENCE: Mapping[Purpose, Audience] = {
    Purpose.FIRST: Audience.OPS,
    Purpose.UPDATE: Audience.OPS,
    Purpose.RESOLVED: Audience.OPS,
    Purpose.DATA_LOSS: Audience.MANAGEMENT,
    Purpose.EVERYBODY: Audience.EVERYBODY,
}
SLACK = timedelta(seconds=15)
"""What it may take besides, to begin, and to have the end on record."""


class Standing(StrEnum):
    """How far it has come."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    """It surely did not happen."""
    IN_DOUBT = "in doubt"
    """It may have happened: it was begun, and its end is not known."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One of them. `at` and `person` are of the record that says so, `why` is empty where all is well.

    `until` is the moment after which whoever began it does not work on it any more.
    """

    standing: Standing
    at: datetime
    person: str
    why: str = ""
    until: datetime | None = None

    def now(self, now: datetime) -> Standing:
        """What it is at a moment: begun, and without an end when its time is over, is in doubt."""
        if self.standing is Standing.BEGUN and (self.until is None or not self.at <= now <= self.until):
            return Standing.IN_DOUBT
        return self.standing


@dataclass(frozen=True, slots=True)
class Banner:
    """The banner of a status page, as it was last put up (`up`) or taken down, with its text and what a person said."""

    up: bool
    say: str
    text: str
    effect: Effect

    @property
    def may_stand(self) -> bool:
        """Whether users may see it: also where it is not known."""
        return self.up or self.effect.standing is not Standing.DONE


@dataclass(frozen=True, slots=True)
class Issue:
    """The issue of a tracker. `url` is empty as long as none is known to be there."""

    where: str
    effect: Effect
    url: str = ""


# --- folds ------------------------------------------------------------------------------------------------------


def begun(record: Record, seconds: int) -> Effect:
    """It is about to happen, for so many seconds at most."""
    until = record.time + timedelta(seconds=seconds) + SLACK
    return Effect(Standing.BEGUN, record.time, record.person, until=until)


def ended_well(record: Record) -> Effect:
    """It happened."""
    return Effect(Standing.DONE, record.time, record.person)


def failed(record: Record, why: str, *, doubt: bool = False) -> Effect:
    """It did not happen, or where there is `doubt` it may not have."""
    return Effect(Standing.IN_DOUBT if doubt else Standing.FAILED, record.time, record.person, why)


def banner_after(was: Banner | None, event: BannerSetting | BannerSet | BannerFailed, record: Record) -> Banner:
    """The banner after an event; its text is that of the last one that was put up."""
    say, text = (was.say, was.text) if was else ("", "")
    match event:
        case BannerSetting(up=True):
            return Banner(event.up, event.say, event.text, begun(record, event.seconds))
        case BannerSetting():
            return Banner(event.up, say, text, begun(record, event.seconds))
        case BannerSet():
            return Banner(event.up, say, text, ended_well(record))
        case BannerFailed():
            return Banner(event.up, say, text, failed(record, event.why))
        case _:
            assert_never(event)


def issue_after(was: Issue | None, event: IssueFiling | IssueFiled | IssueFailed, record: Record) -> Issue:
    """The issue after an event; one that is there stays there, whatever comes of another try."""
    if was is not None and was.url:
        return was
    where = was.where if was else ""
    match event:
        case IssueFiling():
            return Issue(event.where, begun(record, event.seconds))
        case IssueFiled():
            return Issue(where, ended_well(record), event.url)
        case IssueFailed():
            return Issue(where, failed(record, event.why, doubt=event.doubt))
        case _:
            assert_never(event)
