"""What the proof of a drill found: its stages in order, each with a verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that must hold; `note` says what was seen where it does not."""

    name: str
    holds: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of one drill. `idle` are steps of the runbook without which the check is green as well."""

    drill: str
    runbook: str
    stages: tuple[Stage, ...]
    seconds: float
    idle: tuple[str, ...] = ()
    missing: str = ""
    """Why nothing was proven: what is not there."""

    @property
    def holds(self) -> bool:
        return not self.missing and all(stage.holds for stage in self.stages)

    def traps(self) -> tuple[int, int]:
        """How many traps were refused, of how many that were tried."""
        tried = [stage for stage in self.stages if stage.name.startswith("trap ")]
        return sum(stage.holds for stage in tried), len(tried)
