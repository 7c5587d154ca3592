"""The plan: one validated runbook (and those it uses) laid out as a flat program with typed values.

Owns what will be done in which order, and the digest that a resume compares. Knows nothing of machines or people.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from holdpoint.document.model import Cause, Check, Condition, Registered, Run, Runbook, Step
from holdpoint.problem import Place
from holdpoint.shell import Blob, Plain, Secret, Value


class Mode(StrEnum):
    """Why the program is laid out: to repair, or to take a run's changes back."""

    REMEDIATE = "remediate"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Guard:
    """A step's condition, to be looked at in the scope that it was written in."""

    scope: str
    causes: tuple[str, ...]
    when: Condition | None


@dataclass(frozen=True, slots=True)
class StepItem:
    """A step to do. `key` is the step's id, behind the ids of the `use` steps that lead to it: `restore/copy`."""

    key: str
    scope: str
    step: Step
    guards: tuple[Guard, ...]
    hosts: tuple[str, ...] | None = None
    """The only hosts that it concerns, where that is not for the step to say: those where a change is taken back."""


@dataclass(frozen=True, slots=True)
class FileRun(Run):
    """A command that was made from a `put` or a `fetch`, and not written by an author."""

    says: str = ""
    """What people read in place of the script."""
    given: tuple[tuple[str, str | Blob], ...] = ()
    """Variables of its own."""
    quiet: bool = False
    """Its standard output is only registered: neither shown nor kept."""
    keeps: str = ""
    """The name under which the run's folder keeps the file that it prints, behind a line with its SHA-256."""

    def told(self) -> str:
        return self.says


@dataclass(frozen=True, slots=True)
class Stood(Registered):
    """What stood at a place before a change, which an undo puts back: not read again once the change may be made."""


@dataclass(frozen=True, slots=True)
class CausesItem:
    """Decide the causes of a scope from what was read."""

    key: str
    scope: str
    causes: tuple[Cause, ...]
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class ProofItem:
    """Look at `recovered`: before the first change, or after the last."""

    key: str
    scope: str
    check: Check
    after: bool
    guards: tuple[Guard, ...]


Item = StepItem | CausesItem | ProofItem


@dataclass(frozen=True, slots=True)
class Scope:
    """The values that one runbook of the plan starts with. `name` is "" for the run's own."""

    name: str
    runbook: Runbook
    params: Mapping[str, Value]
    files: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each file of the library that its steps put, by its path there."""
    use: Step | None = None
    """The step that uses it; None for the run's own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. `digest` covers documents, parameters (secrets keyed), targets and the program.

    `content` leaves secrets and the person's own machine out, so that another person's plan has the same.
    """

    runbook: Runbook
    mode: Mode
    hosts: tuple[str, ...]
    here: str
    """The machine of the person, where steps with `where: local` run."""
    scopes: Mapping[str, Scope]
    items: tuple[Item, ...]
    digest: str
    key: bytes = field(repr=False)
    """Keys the digests over secrets; never shown, never kept in a journal."""
    of_run: str = ""
    """The run that is taken back."""
    seeds: Mapping[tuple[str, str], Mapping[str, Plain]] = field(default_factory=dict)
    """Values that the run which is taken back had registered, by scope and host."""
    found: frozenset[tuple[str, str, str]] = frozenset()
    """The causes that it had found: item, host and cause."""
    not_undone: tuple[str, ...] = ()
    """Changes of that run which cannot be taken back, each with its reason."""
    content: str = ""

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret parameter: what must be masked in all that the run shows or keeps."""
        return tuple(v for scope in self.scopes.values() for v in scope.params.values() if isinstance(v, Secret))

    def fingerprints(self) -> dict[str, str]:
        """A digest of each item, without the places in the file, so that a difference can be named."""
        return {item.key: fingerprint(item) for item in self.items}


def fingerprint(value: object) -> str:
    """Digest any value of the model by its content; two that differ only in `Place` agree."""
    return hashlib.sha256(repr(_content(value)).encode()).hexdigest()


def _content(value: object) -> object:
    if isinstance(value, Place):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, *(_content(getattr(value, f.name)) for f in dataclasses.fields(value)))
    if isinstance(value, tuple):
        return tuple(_content(inner) for inner in value)
    if isinstance(value, frozenset):
        return tuple(sorted(map(repr, value)))
    return value
