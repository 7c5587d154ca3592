"""What a machine says became of a command. A union that is matched to the end wherever it is looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Captured:
    """The output of an execution. Files hold all of it, masked; tails are bounded, decoded with replacement, masked.

    `value` is the raw standard output where it is at most `VALUE_LIMIT` bytes, else None; it is for registering only.
    """

    stdout: str = ""
    stderr: str = ""
    stdout_size: int = 0
    stderr_size: int = 0
    stdout_file: str = ""
    stderr_file: str = ""
    value: bytes | None = b""
    secret: bool = False
    """Whether standard output holds a secret in any form that is masked."""
    digest: str = ""
    """The SHA-256 of the file that was kept; empty where none was."""
    lost: str = ""
    """Why a file that was to be kept was not."""


TAIL_LIMIT = 4096
VALUE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exited:
    code: int
    output: Captured


@dataclass(frozen=True, slots=True)
class Signalled:
    """The command's shell was ended by a signal that was not ours."""

    signal: int
    output: Captured


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time was up; `ended` says whether the whole process group was seen to end."""

    ended: bool
    output: Captured


@dataclass(frozen=True, slots=True)
class EndedByPerson:
    """A person ended it; `ended` says whether the whole process group was seen to end."""

    ended: bool
    output: Captured


@dataclass(frozen=True, slots=True)
class LeftRunning:
    """A person left it: it runs on, on the target. Where its turn had not `come`, it was not begun, or not asked about."""

    come: bool = True


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The target cannot be reached; nothing was started."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent or started, and what became of it is not known: in doubt."""

    why: str


@dataclass(frozen=True, slots=True)
class OutOfTouch:
    """It was sent, and the target cannot be asked now: what became of it is there to be found out, by `settle`."""

    why: str


@dataclass(frozen=True, slots=True)
class NotRun:
    """The machine executes nothing (walk-through), or not this (check)."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """Only from `settle`: the target surely did not start this token, on the same machine and boot."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """The target refused: the lock's epoch was raised by somebody else."""

    holder: str


Outcome = (
    Exited
    | Signalled
    | TimedOut
    | EndedByPerson
    | LeftRunning
    | Unreachable
    | Unknown
    | OutOfTouch
    | NotRun
    | NeverStarted
    | Superseded
)
