"""A drill: a fault that is set in a sandbox, and the facts that tell whether its repair is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from holdpoint.shell import Plain


class Leaves(StrEnum):
    """By what a known wrong repair is refused."""

    RED = "red"
    """The check stays red, at the latest after a restart."""
    LOST = "lost"
    """Data is gone."""
    UNSAFE = "unsafe"
    """Something was touched that was not the fault's."""


@dataclass(frozen=True, slots=True)
class Trap:
    """A known wrong repair, executable."""

    id: str
    title: str
    run: str
    leaves: Leaves
    why: str
    seen: str = ""
    """Ends with 0 where the sandbox shows that it was done; empty where nothing shows it."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. Scripts are POSIX shell, and find the sandbox's folder in `$sandbox`."""

    id: str
    title: str
    runbook: str
    level: int
    teaches: str
    page: str
    within: timedelta
    """How long the repair may take."""
    programs: Mapping[str, str]
    """What must be installed, each with its Debian package."""
    room: int
    """How many MB it takes of the disk with the temporary files; 0 where that is next to nothing."""
    mounts: bool
    """Whether it mounts filesystems in memory."""
    root: bool
    """Whether only root can make it."""
    uses: tuple[str, ...]
    values: Mapping[str, Plain]
    """The runbook's parameters; `{sandbox}` stands for the folder."""
    make: str
    breaks: str
    """Empty where nothing is wrong."""
    check: str
    kept: str
    safe: str
    restart: str
    heal: str
    answers: Mapping[str, Plain]
    fault: bool
    causes: frozenset[str]
    traps: tuple[Trap, ...]
    hints: tuple[str, ...]
    expert: str
    digest: str
    """The SHA-256 of the document."""
