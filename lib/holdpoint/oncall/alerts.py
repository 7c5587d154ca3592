"""What a team says of alerts in its `team.yaml`: how grave they are, what their labels mean, and payloads of other monitors.

Values only. A pointer is a JSON Pointer (RFC 6901), such as `/monitor/name`: data, and no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from holdpoint.document.model import Severity

NAMES: Mapping[str, Severity] = MappingProxyType(
    {
        **dict.fromkeys(
            ("1", "p1", "sev1", "critical", "crit", "page", "emergency", "fatal", "disaster"), Severity.SEV1
        ),
        **dict.fromkeys(("2", "p2", "sev2", "error", "high", "major", "warning", "warn", "average"), Severity.SEV2),
        **dict.fromkeys(("3", "p3", "sev3", "info", "information", "minor", "low", "notice", "none"), Severity.SEV3),
    }
)
"""What the values of a label mean where a team says nothing else, in small letters."""


@dataclass(frozen=True, slots=True)
class Grading:
    """How grave an alert is, by one of its labels. `values` are in small letters and come before `NAMES`."""

    label: str = "severity"
    values: Mapping[str, Severity] = field(default_factory=dict)
    otherwise: Severity = Severity.SEV1
    """For a value that is not known, or none: the graver, when unsure."""

    def of(self, value: str) -> Severity | None:
        """The severity that a value of the label means; None where it means none."""
        word = value.strip().casefold()
        return self.values.get(word) or NAMES.get(word)


@dataclass(frozen=True, slots=True)
class AlertMap:
    """Where a payload that is one alert has what; each is a pointer, empty where there is none."""

    group: str
    """What tells one trouble from another: payloads that have the same here belong together."""
    labels: Mapping[str, str]
    """`alertname` is among them."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    resolved: frozenset[str] = frozenset()
    """The texts at `status` that mean that it is over; any other means that it fires."""
    started: str = ""
    ended: str = ""
    severity: Grading | None = None
    """Takes the place of the team's."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Everything that a team says of them, with its defaults."""

    severity: Grading = field(default_factory=Grading)
    params: Mapping[str, str] = field(default_factory=lambda: {"mountpoint": "mount"})
    """Which parameter of a runbook a label gives; a label with a parameter's own name gives that one."""
    host: str = "instance"
    """The label that names the host; what follows a `:` is its port."""
    service: str = "service"
    """The label that names the service."""
    maps: Mapping[str, AlertMap] = field(default_factory=dict)
