"""What happened in a run: one frozen type for each kind of record, and their exact form in the journal.

Names are in the past tense. All fields are plain JSON values, masked by whoever made them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, cast, get_args

from holdpoint.journal.record import Json
from holdpoint.journal.shapes import Shapes
from holdpoint.shell import Plain


class Status(StrEnum):
    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why a step was skipped; empty for every other status."""

    NONE = ""
    CONDITION = "condition"
    OPERATOR = "operator"
    DRY_RUN = "dry_run"
    DEPENDENCY = "dependency"


@dataclass(frozen=True, slots=True)
class RunOpened:
    """The first record. `steps` maps item keys to the digests of what they are; `params` holds masked texts.

    `hosts` are the targets with their tiers, `order` their names as they were given; `here` is the person's own machine,
    which `beside` names where steps change it as well. `plan` is a digest over everything, secrets keyed, and `content`
    one over what needs no key, nor the person's own machine. A rollback holds its locks as `holds_as`, like the run that
    it takes back.
    """

    kind: ClassVar[str] = "run.opened"
    run: str
    runbook: str
    title: str
    mode: str
    of_run: str
    document: str
    plan: str
    steps: Mapping[str, str]
    hosts: Mapping[str, str]
    params: Mapping[str, str]
    incident: str = ""
    file: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    here: str = ""
    content: str = ""
    holds_as: str = ""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """Another process goes on. Agreements that were not acted on are void, and what failed may be tried again."""

    kind: ClassVar[str] = "run.resumed"
    process: int


@dataclass(frozen=True, slots=True)
class RunHandedOver:
    """Somebody else is to go on with it, and this person no more. `machine_id` is a digest of the machine's own.

    `files` are the SHA-256 of what goes with the journal, by name; `outputs` is one over all outputs.
    """

    kind: ClassVar[str] = "run.handed_over"
    machine: str
    machine_id: str = ""
    to: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    outputs: str = ""


@dataclass(frozen=True, slots=True)
class RunTakenOver:
    """The person of this record goes on with a run that was handed over.

    From here on its locks are held under another name, which nobody else who has its journal holds them under. `moved`
    are the steps that are done where the person is, which is `machine` now; `plan` is the digest under this one's key.
    """

    kind: ClassVar[str] = "run.taken_over"
    from_person: str
    from_machine: str
    machine: str
    moved: tuple[str, ...]
    plan: str


@dataclass(frozen=True, slots=True)
class TakeoverBegun:
    """The lock of another run is about to be taken; nothing may be changed before the target answered for that run."""

    kind: ClassVar[str] = "takeover.begun"
    host: str
    from_run: str
    from_person: str


@dataclass(frozen=True, slots=True)
class TargetAnswered:
    """No step that was begun before lives on the target any more, of whichever run."""

    kind: ClassVar[str] = "target.answered"
    host: str


@dataclass(frozen=True, slots=True)
class LockTaken:
    kind: ClassVar[str] = "lock.taken"
    host: str
    epoch: int
    taken_over_from: str = ""


@dataclass(frozen=True, slots=True)
class LockReturned:
    """It was given back; or it was not this run's any more, and `note` says so."""

    kind: ClassVar[str] = "lock.returned"
    host: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LockKept:
    """It could not be given back, so the target is held still."""

    kind: ClassVar[str] = "lock.kept"
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection was lost under a step, or under a look at the target, and is made again."""

    kind: ClassVar[str] = "connection.lost"
    host: str
    item: str
    why: str


@dataclass(frozen=True, slots=True)
class ConnectionMade:
    """It stands again, and the step goes on: the same execution where it changes something, else once more."""

    kind: ClassVar[str] = "connection.made"
    host: str
    item: str


@dataclass(frozen=True, slots=True)
class StepIntended:
    """Durable before the first byte goes to the host. `digest` is what the person agreed to.

    `become` is the user that it is executed as; empty for the one who is logged in.
    """

    kind: ClassVar[str] = "step.intent"
    step: str
    host: str
    attempt: int
    token: str
    effect: str
    digest: str
    command: str
    spool: str
    become: str = ""


@dataclass(frozen=True, slots=True)
class StepEnded:
    """How an attempt ended, or that the step was skipped. `hidden` names registered values that are kept nowhere."""

    kind: ClassVar[str] = "step.result"
    step: str
    host: str
    attempt: int
    status: Status
    reason: Reason = Reason.NONE
    note: str = ""
    exit: int | None = None
    present: bool | None = None
    """For a symptom: whether it is there."""
    stdout: str = ""
    stderr: str = ""
    stdout_size: int = 0
    stderr_size: int = 0
    stdout_file: str = ""
    stderr_file: str = ""
    values: Mapping[str, Plain] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    digest: str = ""
    """The SHA-256 of a file that was fetched; it lies in the run's folder as `stdout_file`."""
    proposes: Mapping[str, str] = field(default_factory=dict)
    """The action item of a prevention step: `title`, `owner`, and `due`, a length of time; else empty."""


@dataclass(frozen=True, slots=True)
class StepLeft:
    """This process ends without having seen the end of what was begun.

    `runs` says that a person left it to run on there; else the target could not be asked, and `why` says why.
    """

    kind: ClassVar[str] = "step.left"
    step: str
    host: str
    attempt: int
    runs: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class StepVerified:
    """A step's own `verify` was looked at; `green` is None where it could not be."""

    kind: ClassVar[str] = "step.verified"
    step: str
    host: str
    attempt: int
    green: bool | None
    note: str = ""
    output: str = ""


NEVER_STARTED = "it was never started"


@dataclass(frozen=True, slots=True)
class DoubtSettled:
    """What was decided of an execution in doubt: it `happened`, or it is to be done `again`; and by what."""

    kind: ClassVar[str] = "doubt.settled"
    step: str
    host: str
    attempt: int
    happened: bool
    by: str


@dataclass(frozen=True, slots=True)
class ProofLooked:
    """`recovered` was looked at, before the first change or after the last."""

    kind: ClassVar[str] = "proof.looked"
    item: str
    host: str
    after: bool
    green: bool | None
    note: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class CauseDecided:
    """Whether a cause holds; null where a value that it reads is not known."""

    kind: ClassVar[str] = "cause.decided"
    item: str
    host: str
    cause: str
    title: str
    holds: bool | None
    evidence: str


@dataclass(frozen=True, slots=True)
class GateOpened:
    """A question was put, with all that it showed, masked: a second person sees what the first saw.

    `commands` maps hosts to the scripts, which are executed as the user `become`, where one is named. An approval names
    the digest of this whole, so it is of exactly what was shown.
    """

    kind: ClassVar[str] = "gate.opened"
    item: str
    asks: str
    title: str
    digest: str
    hosts: tuple[str, ...]
    approvers: int = 1
    effect: str = "read"
    commands: Mapping[str, str] = field(default_factory=dict)
    reverts: str = ""
    why: str = ""
    prompt: str = ""
    batch: str = ""
    evidence: tuple[str, ...] = ()
    proof: str = ""
    remains: tuple[str, ...] = ()
    become: str = ""


@dataclass(frozen=True, slots=True)
class GateAnswered:
    """`digests` binds the answer: for each host, the digest of exactly what would be done there."""

    kind: ClassVar[str] = "gate.answered"
    item: str
    asks: str
    word: str
    by: str
    person: str
    digest: str
    digests: Mapping[str, str]
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalated:
    kind: ClassVar[str] = "escalated"
    item: str
    to: str
    say: str
    became: str
    after: int = -1
    """Which timed escalation of the item this was; -1 where a person called for it."""


@dataclass(frozen=True, slots=True)
class RollbackBegun:
    """Another run takes this one back: it can go on no more."""

    kind: ClassVar[str] = "rollback.begun"
    by_run: str


@dataclass(frozen=True, slots=True)
class RunStopped:
    """This process ends; the run can be resumed. `wants` is `rollback` where a person, or the document, asked for it."""

    kind: ClassVar[str] = "run.stopped"
    exit: int
    why: str
    item: str = ""
    wants: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last record of a run that is over."""

    kind: ClassVar[str] = "run.finished"
    exit: int
    why: str
    not_undone: tuple[str, ...] = ()


Event = (
    RunOpened
    | RunResumed
    | RunHandedOver
    | RunTakenOver
    | TakeoverBegun
    | TargetAnswered
    | LockTaken
    | LockReturned
    | LockKept
    | ConnectionLost
    | ConnectionMade
    | StepIntended
    | StepEnded
    | StepLeft
    | StepVerified
    | DoubtSettled
    | ProofLooked
    | CauseDecided
    | GateOpened
    | GateAnswered
    | Escalated
    | RollbackBegun
    | RunStopped
    | RunFinished
)
KINDS: Mapping[str, type[Event]] = {event.kind: event for event in get_args(Event)}

_SHAPES = Shapes(KINDS, {"status": Status, "reason": Reason})
data_of, event_of = _SHAPES.data_of, _SHAPES.event_of


def seal_of(gate: GateOpened, person: str) -> str:
    """Digest a gate as it was shown to the person whose run it is: what an approval of somebody else names."""
    text = json.dumps({**data_of(gate), "person": person}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def gate_of(data: Mapping[str, Json]) -> GateOpened:
    """Read a gate that was left on a target; raises `ValueError` for another shape."""
    try:
        return cast("GateOpened", _SHAPES.read(GateOpened, data))
    except (TypeError, ValueError) as error:
        raise ValueError(f"this is no gate: {error}") from error
