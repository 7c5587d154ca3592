"""What is kept of drills: attempts, what was typed in one, and certificates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SAY, FOUND, DIAGNOSE, HINT = "say", "found", "diagnose", "hint"
TELLING = (SAY, FOUND)
"""The words with which the team is told something."""
NOTHING = "nothing"
"""What is diagnosed where all is well."""
CHANGED = "changed"
"""Not typed: the sandbox was seen to be changed, at the latest now."""
TRAPPED = "trapped"
"""Not typed: a known wrong repair was seen to be done, at the latest now; the text is its id."""


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

    @property
    def name(self) -> str:
        """By which a person names it: when it ended, and its drill."""
        return self.folder.rpartition("/")[2]


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
    """One thing that was typed, or that was seen meanwhile."""

    time: datetime
    word: str
    text: str
