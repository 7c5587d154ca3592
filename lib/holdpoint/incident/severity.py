"""How grave an incident is, and what depends on that. Knows what time a target is counted in, and no calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from holdpoint.document.model import Severity
from holdpoint.problem import HoldpointError, Problem


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs by severity."""

    meaning: str
    response: timedelta
    """The time to the first message, or until the people needed are alerted."""
    working: bool
    """Whether that time is counted in working hours."""
    cadence: timedelta | None
    """The longest time between two messages; None where nobody waits for one."""


RULES: Mapping[Severity, Rules] = {
    Severity.SEV1: Rules(
        "critical: the service is down completely, or data is being lost",
        response=timedelta(minutes=15),
        working=False,
        cadence=timedelta(minutes=30),
    ),
    Severity.SEV2: Rules(
        "warning: much of it is degraded or unavailable, and no data is lost",
        response=timedelta(hours=4),
        working=True,
        cadence=timedelta(minutes=30),
    ),
    Severity.SEV3: Rules(
        "info: one isolated bug, with a workaround",
        response=timedelta(hours=24),
        working=True,
        cadence=None,
    ),
}


def severity_of(text: str) -> Severity:
    """Read `1`, `SEV1` or `sev1`; raises `HoldpointError` for anything else."""
    written = text.strip().upper().removeprefix("SEV").strip()
    for severity in Severity:
        if severity.value == f"SEV{written}":
            return severity
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    meanings = "; ".join(f"`{one.value[-1]}` {rules.meaning}" for one, rules in RULES.items())
    raise HoldpointError(
        Problem("severity", "this is not a severity", found=f"`{shown}`", expected=meanings, hint=WHEN_UNSURE)
    )


def is_raised(was: Severity, to: Severity) -> bool:
    """Tell whether a change makes it graver."""
    return to.value < was.value


def proposed(*, down: bool | None, loses_data: bool | None, works_around: bool | None) -> Severity:
    """Propose a severity from three answers; what is not known counts as the worse."""
    if down is not False or loses_data is not False:
        return Severity.SEV1
    return Severity.SEV3 if works_around is True else Severity.SEV2


WHEN_UNSURE = "when unsure, take the graver one: it can be lowered later, with a reason"
_SHOWN = 40
