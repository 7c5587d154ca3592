"""Where a run stands: a fold over its events, and nothing else.

The loop keeps no memory of its own, so a run that was killed at any record is taken up by folding its journal again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import TypeVar, assert_never

from holdpoint.engine.events import (
    CauseDecided,
    DoubtSettled,
    Escalated,
    Event,
    GateAnswered,
    GateOpened,
    LockReturned,
    LockTaken,
    ProofLooked,
    Reason,
    RollbackBegun,
    RunFinished,
    RunOpened,
    RunResumed,
    RunStopped,
    Status,
    StepEnded,
    StepIntended,
    StepVerified,
    event_of,
)
from holdpoint.journal.record import Record

At = tuple[str, str]
"""An item's key and a host's name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step on one host. `seq` and `time` are those of the last record about it."""

    attempts: int = 0
    intent: StepIntended | None = None
    head: str = ""
    ended: StepEnded | None = None
    verified: bool | None = None
    verified_seq: int = -1
    settled: bool | None = None
    """What was decided of a doubt: it happened, it is to be done again, or nothing yet."""
    again: bool = False
    """A person may try again what failed: the run was resumed since."""
    seq: int = -1
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    word: str
    digests: Mapping[str, str]
    person: str
    seq: int


@dataclass(frozen=True, slots=True)
class Proof:
    green: bool | None
    output: str
    after: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Decided:
    cause: CauseDecided
    seq: int


@dataclass(frozen=True, slots=True)
class OpenGate:
    opened: GateOpened
    time: datetime
    escalated: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything the next decision may depend on, besides the plan and the time."""

    opened: RunOpened | None = None
    steps: Mapping[At, Progress] = field(default_factory=dict)
    causes: Mapping[tuple[str, str, str], Decided] = field(default_factory=dict)
    proofs: Mapping[At, Proof] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    gate: OpenGate | None = None
    epochs: Mapping[str, int] = field(default_factory=dict)
    changed: bool = False
    """A change was intended; from here on the causes that were found stand."""
    not_run: bool = False
    """Something was shown and not done, so what depends on it cannot be known."""
    taken_back_by: str = ""
    """The run that takes this one back."""
    end: RunStopped | RunFinished | None = None
    seq: int = -1


def replay(records: Iterable[Record]) -> State:
    """Fold a journal from its start."""
    return reduce(fold, records, State())


def fold(state: State, record: Record) -> State:
    """Take in one record; raises `ValueError` for a kind that is not known."""
    return replace(_apply(state, event_of(record), record), seq=record.seq)


def _apply(state: State, event: Event, record: Record) -> State:
    match event:
        case RunOpened():
            return replace(state, opened=event)
        case RunResumed():
            return _resumed(state)
        case LockTaken():
            return replace(state, epochs=_with(state.epochs, event.host, event.epoch))
        case LockReturned():
            return replace(state, epochs={h: e for h, e in state.epochs.items() if h != event.host})
        case StepIntended() | StepEnded() | StepVerified() | DoubtSettled():
            return _step(state, event, record)
        case ProofLooked():
            proof = Proof(event.green, event.output, event.after, record.seq)
            return replace(state, proofs=_with(state.proofs, (event.item, event.host), proof))
        case CauseDecided():
            key = (event.item, event.host, event.cause)
            return replace(state, causes=_with(state.causes, key, Decided(event, record.seq)))
        case GateOpened():
            return replace(state, gate=OpenGate(event, record.time))
        case GateAnswered():
            agreement = Agreement(event.word, event.digests, event.person, record.seq)
            return replace(state, gate=None, agreements=_with(state.agreements, event.item, agreement))
        case Escalated():
            if state.gate is None or event.after < 0:
                return state
            return replace(state, gate=replace(state.gate, escalated=event.after + 1))
        case RollbackBegun():
            return replace(state, taken_back_by=event.by_run)
        case RunStopped() | RunFinished():
            return replace(state, end=event, gate=None)
        case _:
            assert_never(event)


def _step(state: State, event: StepIntended | StepEnded | StepVerified | DoubtSettled, record: Record) -> State:
    at = (event.step, event.host)
    old = replace(state.steps.get(at, Progress()), seq=record.seq, time=record.time)
    match event:
        case StepIntended():
            new = Progress(event.attempt, event, record.hash, seq=record.seq, time=record.time)
            state = replace(state, changed=state.changed or event.effect != "read")
        case StepEnded():
            new = replace(old, attempts=event.attempt, ended=event, settled=None, again=False, verified=None)
            state = replace(state, not_run=state.not_run or event.reason is Reason.DRY_RUN)
        case StepVerified():
            new = replace(old, verified=event.green, verified_seq=record.seq)
        case DoubtSettled():
            new = replace(old, settled=event.happened, verified=None)
        case _:
            assert_never(event)
    return replace(state, steps=_with(state.steps, at, new))


def _resumed(state: State) -> State:
    """Void what was agreed to and not acted on; let a person try again what failed; look anew at what was red."""
    steps = {at: _may_try_again(progress) for at, progress in state.steps.items()}
    proofs = {at: proof for at, proof in state.proofs.items() if proof.green or not proof.after}
    return replace(state, steps=steps, proofs=proofs, agreements={}, epochs={}, gate=None, end=None)


FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE})


def _may_try_again(progress: Progress) -> Progress:
    ended = progress.ended
    red = progress.verified is False
    if ended is not None and (ended.status in FAILURES or (ended.status is Status.OK and red)):
        return replace(progress, again=True, verified=None if red else progress.verified)
    return progress


K = TypeVar("K")
V = TypeVar("V")


def _with(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return MappingProxyType({**mapping, key: value})
