"""What can come next: one frozen type for each thing that a run may do, and the union of them.

Pure values. `decide` makes them, the loop carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdpoint.engine.events import Reason
from holdpoint.planning.plan import CausesItem, ProofItem, StepItem
from holdpoint.problem import Exit

OPENING = "opening"
PROCEED = "proceed"
BEFORE, AFTER = "recovered-before", "recovered-after"


@dataclass(frozen=True, slots=True)
class AskOpening:
    """On production, one agreement covers all reads."""


@dataclass(frozen=True, slots=True)
class AskProceed:
    """Nothing is red at the start: ask whether to go on."""


@dataclass(frozen=True, slots=True)
class Skip:
    item: StepItem
    host: str
    reason: Reason
    note: str


Tries = tuple[tuple[str, int], ...]
"""Hosts, each with the number of its attempt, which counts from 1."""


@dataclass(frozen=True, slots=True)
class Read:
    """Execute a reading step."""

    item: StepItem
    tries: Tries


@dataclass(frozen=True, slots=True)
class Look:
    item: ProofItem
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecideCauses:
    item: CausesItem
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakeLock:
    """Take a host's lock, before anything is done there; `item` is what wants it, where it has not begun yet."""

    host: str
    item: StepItem | None = None


@dataclass(frozen=True, slots=True)
class AskTarget:
    """Make sure that no step that was begun before lives on the host before anything is begun there."""

    host: str


@dataclass(frozen=True, slots=True)
class AskGate:
    """The gate of a change; `among` are the hosts that came as far as this step."""

    item: StepItem
    hosts: tuple[str, ...]
    among: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Execute what was agreed to."""

    item: StepItem
    tries: Tries


@dataclass(frozen=True, slots=True)
class Settle:
    """Intended, and its end is not recorded: ask the targets."""

    item: StepItem
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verify:
    item: StepItem
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskDoubt:
    item: StepItem
    host: str


@dataclass(frozen=True, slots=True)
class Perform:
    """A step that is no command: a person's work, a question, a wait, a message, an action item."""

    item: StepItem
    host: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    exit: Exit
    why: str
    item: str = ""
    wants: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    exit: Exit
    why: str


Next = (
    AskOpening
    | AskProceed
    | Skip
    | Read
    | Look
    | DecideCauses
    | TakeLock
    | AskTarget
    | AskGate
    | Change
    | Settle
    | Verify
    | AskDoubt
    | Perform
    | Stop
    | Finish
)
