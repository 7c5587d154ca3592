"""What happened outside of an incident's messages: to the banner of a status page, and to the issue in a tracker.

Each is on record before it begins to happen, and again when it ended. They are part of `events.Event`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class BannerSetting:
    """The banner is about to be put up, or taken down, which takes at most so many seconds.

    `say` is what a person wants it to say, and `text` what it says as a whole; both are empty where it is taken down.
    """

    kind: ClassVar[str] = "banner.setting"
    up: bool
    say: str
    text: str
    seconds: int
    happened: datetime


@dataclass(frozen=True, slots=True)
class BannerSet:
    """The banner is up, or down; `how` names what was done."""

    kind: ClassVar[str] = "banner.set"
    up: bool
    how: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class BannerFailed:
    """It could not be put up, or taken down, or not wholly."""

    kind: ClassVar[str] = "banner.failed"
    up: bool
    why: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class IssueFiling:
    """An issue is about to be filed in a tracker, which takes at most so many seconds; `text` is its title and body."""

    kind: ClassVar[str] = "issue.filing"
    where: str
    text: str
    seconds: int
    happened: datetime


@dataclass(frozen=True, slots=True)
class IssueFiled:
    """The issue is there, at `url`."""

    kind: ClassVar[str] = "issue.filed"
    url: str
    how: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class IssueFailed:
    """No issue was filed; where there is `doubt`, one may be there all the same."""

    kind: ClassVar[str] = "issue.failed"
    why: str
    happened: datetime
    doubt: bool = False


Outside = BannerSetting | BannerSet | BannerFailed | IssueFiling | IssueFiled | IssueFailed
"""What is done outside of Holdpoint, besides messages."""
