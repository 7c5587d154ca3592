"""The machine that a run works on, as people know it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    PROD = "prod"
    STAGING = "staging"
    PRACTICE = "practice"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that a run works on, as people know it."""

    name: str
    tier: Tier
    here: bool = False
    """It is the person's own machine, with the tier of the targets that something is done for there."""
