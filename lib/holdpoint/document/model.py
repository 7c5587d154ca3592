"""The validated runbook: frozen values that mirror `schemas/runbook.schema.json`.

Owns the vocabulary of documents. Only `document.parse` makes a `Runbook`, so whoever holds one holds a valid one.
Times are `timedelta`; every element that a message can point at carries its `place`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from holdpoint.problem import Place
from holdpoint.shell import Plain, Shell


class Section(StrEnum):
    SYMPTOMS = "symptoms"
    DIAGNOSTIC = "diagnostic"
    RESOLUTION = "resolution"
    PREVENTION = "prevention"
    ROLLBACK = "rollback"


class Severity(StrEnum):
    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"


class Effect(StrEnum):
    READ = "read"
    CHANGE = "change"
    DESTROY = "destroy"


class Where(StrEnum):
    """Whether a step runs on the run's targets or on the machine of the person."""

    TARGETS = "targets"
    LOCAL = "local"


class OnFailure(StrEnum):
    STOP = "stop"
    CONTINUE = "continue"
    ROLLBACK = "rollback"
    GOTO = "goto"


class ValueType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    PATH = "path"
    SECRET = "secret"  # noqa: S105 - the name of a type


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    CONTAINS = "contains"
    MATCHES = "matches"


# --- parameters -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FromCommand:
    """The secret is the standard output of a command, without its trailing newlines."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromEnv:
    name: str


@dataclass(frozen=True, slots=True)
class FromPrompt:
    """The secret is typed by the person, without echo."""


SecretSource = FromCommand | FromEnv | FromPrompt


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value by its name, and what it may be."""

    name: str
    type: ValueType
    place: Place
    pattern: str | None = None
    enum: tuple[Plain, ...] = ()
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class Param(NamedValue):
    """A parameter. `default` is None where a value must be given; `source` is set for secrets only."""

    default: Plain | None = None
    prompt: str = ""
    allow_dash: bool = False
    """Whether a value may begin with `-`, and so look like an option to a command."""
    source: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class Registered(NamedValue):
    """A value that a step registers: from its standard output, or from a person's answer."""


# --- conditions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compare:
    value: str
    op: Op
    than: Plain | ValueRef
    place: Place


@dataclass(frozen=True, slots=True)
class ValueRef:
    """The other side of a comparison is a value too: `than: {value: limit}`."""

    name: str


@dataclass(frozen=True, slots=True)
class All:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


Condition = Compare | All | Any | Not


# --- what a step does -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """Shell text; `reads` are the names of parameters and registered values that it reads as variables."""

    script: str
    shell: Shell = Shell.SH
    reads: frozenset[str] = frozenset()

    def told(self) -> str:
        """What people read of it."""
        return self.script.strip()


@dataclass(frozen=True, slots=True)
class Manual:
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    duration: timedelta


@dataclass(frozen=True, slots=True)
class UseArg:
    """A parameter handed to a used runbook: a literal, or the name of a parameter of the using one."""

    name: str
    value: Plain | ValueRef
    place: Place


@dataclass(frozen=True, slots=True)
class Use:
    runbook: str
    args: tuple[UseArg, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Notify:
    to: str
    say: str


@dataclass(frozen=True, slots=True)
class Put:
    """Copy a file of the library to the target."""

    source: str
    to: str
    mode: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Fetch:
    """Copy a file of the target into the run's folder, under `name`."""

    source: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Todo:
    """A prevention step's action item."""

    owner: str
    due: timedelta


Action = Run | Manual | Ask | Wait | Use | Notify | Put | Fetch | Todo


# --- more of a step ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expect:
    """When a command counts as good: exit code in `exits` and, where given, `stdout` (a regular expression) found."""

    exits: tuple[int, ...] = (0,)
    stdout: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A read that can be red or green: asked every `every` until green, `within` at most; 0 asks once."""

    run: Run
    expect: Expect
    place: Place
    every: timedelta = timedelta(seconds=2)
    within: timedelta = timedelta(0)
    timeout: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Undo:
    """What takes a change back; safe on a change that never ran."""

    action: Run | Manual
    title: str
    timeout: timedelta
    place: Place
    become: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """At most `max` more attempts, `backoff` apart and doubling, after exit codes in `exits` (any, where empty)."""

    max: int
    backoff: timedelta = timedelta(seconds=1)
    exits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GateSpec:
    prompt: str = ""
    show: tuple[str, ...] = ()
    approvers: int = 1
    expires: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Fanout:
    """Batches are counts of hosts or percentages ("25%")."""

    batches: tuple[int | str, ...] = ()
    max_failures: int = 0
    gate_between: bool = True


@dataclass(frozen=True, slots=True)
class Escalation:
    after: timedelta
    to: str
    say: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `reads` names every value that its texts, its command and its conditions depend on."""

    id: str
    title: str
    section: Section
    action: Action
    effect: Effect
    place: Place
    why: str = ""
    causes: tuple[str, ...] = ()
    """`for` of the document: the step applies where one of these holds; empty: always."""
    when: Condition | None = None
    where: Where = Where.TARGETS
    become: str | None = None
    register: tuple[Registered, ...] = ()
    expect: Expect = Expect()
    verify: Check | None = None
    undo: Undo | None = None
    irreversible: str | None = None
    timeout: timedelta = timedelta(minutes=10)
    kill_grace: timedelta = timedelta(seconds=10)
    retry: Retry | None = None
    on_failure: OnFailure = OnFailure.STOP
    goto: str | None = None
    idempotent: bool = False
    sensitive: bool = False
    gate: GateSpec = GateSpec()
    fanout: Fanout | None = None
    escalate: tuple[Escalation, ...] = ()
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cause:
    id: str
    title: str
    when: Condition
    evidence: str
    place: Place


@dataclass(frozen=True, slots=True)
class Runbook:
    """A valid document. `digest` is the SHA-256 of its bytes; `file` is where it was read, for messages only."""

    id: str
    title: str
    owner: str
    severity: Severity
    services: tuple[str, ...]
    alerts: tuple[str, ...]
    matches: tuple[str, ...]
    reviewed: date
    lock: str
    params: tuple[Param, ...]
    symptoms: tuple[Step, ...]
    diagnostic: tuple[Step, ...]
    causes: tuple[Cause, ...]
    resolution: tuple[Step, ...]
    prevention: tuple[Step, ...]
    rollback: tuple[Step, ...]
    recovered: Check | None
    escalation: tuple[Escalation, ...]
    digest: str
    file: str

    def steps(self) -> Iterator[Step]:
        """Every step, in the order of the sections."""
        for section in (self.symptoms, self.diagnostic, self.resolution, self.prevention, self.rollback):
            yield from section
