"""What is kept of drills: attempts, what was typed in one, and certificates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `points` is the total, `folder` where its record lies."""

    drill: str
    runbook: str
    person: str
    time: datetime
    seconds: float
    points: int
    passed: bool
    hints: int
    folder: str
    left: bool = False
    """It was left before it was said to be done, and has no points."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The last proof of a drill. The digests say of which documents it holds; it holds of no others."""

    drill: str
    runbook: str
    runbook_digest: str
    drill_digest: str
    time: datetime
    seconds: float
    versions: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was typed."""

    time: datetime
    word: str
    text: str
