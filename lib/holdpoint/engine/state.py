"""Where a run stands: a fold over its events, and nothing else.

The loop keeps no memory of its own, so a run that was killed at any record is taken up by folding its journal again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from types import MappingProxyType
from typing import TypeVar, assert_never

from holdpoint.engine.events import (
    NEVER_STARTED,
    CauseDecided,
    ConnectionLost,
    ConnectionMade,
    DoubtSettled,
    Escalated,
    Event,
    GateAnswered,
    GateOpened,
    LockKept,
    LockReturned,
    LockTaken,
    ProofLooked,
    Reason,
    RollbackBegun,
    RunFinished,
    RunHandedOver,
    RunOpened,
    RunResumed,
    RunStopped,
    RunTakenOver,
    Status,
    StepEnded,
    StepIntended,
    StepLeft,
    StepVerified,
    TakeoverBegun,
    TargetAnswered,
    event_of,
)
from holdpoint.engine.growing import Growing
from holdpoint.journal.record import Record

At = tuple[str, str]
"""An item's key and a host's name."""
TELLING = 8
"""Digits of a hash that tell those apart who took one run over."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step on one host. `seq` and `time` are those of the last record about it, `began` of its last intent."""

    first: int = -1
    """The number of its first intent."""
    touched: bool = False
    """An earlier attempt was not surely without effect."""
    began: datetime | None = None
    attempts: int = 0
    intent: StepIntended | None = None
    head: str = ""
    epoch: int = 0
    """That of the host's lock when it was intended."""
    ended: StepEnded | None = None
    left: StepLeft | None = None
    """What the last process knew of it, which did not see its end."""
    verified: bool | None = None
    verified_seq: int = -1
    unseen: str = ""
    """Why its own check could not be looked at, where that was tried since."""
    settled: bool | None = None
    """What was decided of a doubt: it happened, it is to be done again, or nothing yet."""
    again: bool = False
    """A person may try again what failed: the run was resumed since."""
    seq: int = -1
    time: datetime | None = None


NOTHING_YET = Progress()
"""Of a step that no record is about."""


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
    owed: frozenset[str] = frozenset()
    """Hosts whose lock a process of this run took, or may have taken, and none gave back."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Hosts whose lock could not be given back, and why."""
    unanswered: frozenset[str] = frozenset()
    """Hosts on which a step that was begun before may live, of whichever run: nothing is begun there before the target
    answered."""
    changed: bool = False
    """A change was intended; from here on the causes that were found stand."""
    not_run: bool = False
    """Something was shown and not done, so what depends on it cannot be known."""
    taken_back_by: str = ""
    """The run that takes this one back."""
    handed: RunHandedOver | None = None
    """Somebody else is to go on with it, and nobody here."""
    here: str = ""
    """The machine of the person who goes on with it."""
    plan: str = ""
    """The digest that its plan must have, under that person's key."""
    holds_as: str = ""
    """The name under which its locks are held."""
    held_as: str = ""
    """The name under which they were held when it was taken over; empty where it was not."""
    inherited: frozenset[str] = frozenset()
    """Hosts whose lock may stand under that name still, and is to be taken over before anything else."""
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
            taken_back = frozenset((*event.hosts, *event.beside) if event.of_run else ())
            owed = taken_back  # the lock may be held still for the run that is taken back
            state = replace(
                state, here=event.here, plan=event.plan, holds_as=event.holds_as or event.of_run or event.run
            )
            return replace(state, opened=event, unanswered=taken_back, owed=owed, not_run=event.mode == "dry-run")
        case RunResumed():
            return _resumed(state)
        case RunHandedOver():
            return replace(state, handed=event, gate=None)
        case RunTakenOver():
            return _taken_over(state, event, record)
        case TakeoverBegun() | TargetAnswered() | LockTaken() | LockReturned() | LockKept():
            return _holding(state, event)
        case ConnectionLost() | ConnectionMade():
            return state
        case StepIntended() | StepEnded() | StepLeft() | StepVerified() | DoubtSettled():
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


def _holding(state: State, event: TakeoverBegun | TargetAnswered | LockTaken | LockReturned | LockKept) -> State:
    """Who holds the hosts, and whether they answered for what was begun before."""
    match event:
        case TakeoverBegun(host=host):
            return replace(state, unanswered=state.unanswered | {host}, owed=state.owed | {host})
        case TargetAnswered(host=host):
            return replace(state, unanswered=state.unanswered - {host})
        case LockTaken(host=host, epoch=epoch):
            inherited = state.inherited - {host}
            return replace(
                state,
                epochs=_with(state.epochs, host, epoch),
                owed=state.owed | {host},
                inherited=inherited,
                kept=_without(state.kept, host),
            )
        case LockReturned(host=host):
            inherited = state.inherited - {host}
            epochs, kept = _without(state.epochs, host), _without(state.kept, host)
            return replace(state, epochs=epochs, owed=state.owed - {host}, inherited=inherited, kept=kept)
        case LockKept(host=host, why=why):
            return replace(state, kept=_with(state.kept, host, why))
        case _:
            assert_never(event)


def _step(
    state: State, event: StepIntended | StepEnded | StepLeft | StepVerified | DoubtSettled, record: Record
) -> State:
    at = (event.step, event.host)
    old = replace(state.steps.get(at, NOTHING_YET), seq=record.seq, time=record.time)
    match event:
        case StepIntended():
            new = Progress(
                first=old.first if old.first >= 0 else record.seq,
                touched=old.touched or may_have_effect(old),
                began=record.time,
                attempts=event.attempt,
                intent=event,
                head=record.hash,
                epoch=state.epochs.get(event.host, 0),
                seq=record.seq,
                time=record.time,
            )
            state = replace(state, changed=state.changed or event.effect != "read")
        case StepEnded():
            touched = old.touched or (old.ended is not None and may_have_effect(old))
            new = replace(
                old,
                attempts=event.attempt,
                ended=event,
                left=None,
                settled=None,
                again=False,
                verified=None,
                unseen="",
                touched=touched,
            )
            state = replace(state, not_run=state.not_run or event.reason is Reason.DRY_RUN)
        case StepLeft():
            new = replace(old, left=event)
        case StepVerified():
            unseen = event.note or "it gave no answer" if event.green is None else ""
            new = replace(old, verified=event.green, verified_seq=record.seq, unseen=unseen)
        case DoubtSettled():
            sure = event.happened or event.by == NEVER_STARTED
            touched = old.touched or not sure
            new = replace(old, settled=event.happened, verified=None, unseen="", touched=touched)
            if not sure:
                state = replace(state, unanswered=state.unanswered | {event.host})
        case _:
            assert_never(event)
    return replace(state, steps=_with(state.steps, at, new))


def _taken_over(state: State, event: RunTakenOver, record: Record) -> State:
    """Another person goes on, maybe at another machine: what is done where the person is was done at the one before."""
    state = moved(state, event.moved, event.machine)
    opened = state.opened
    run = (opened.of_run or opened.run) if opened else ""
    return replace(
        state,
        handed=None,
        plan=event.plan,
        holds_as=f"{run}.{record.hash[:TELLING]}",
        held_as=state.holds_as,
        epochs={},
        inherited=state.owed,
        unanswered=state.unanswered | state.owed,
    )


def moved(state: State, steps: Collection[str], machine: str) -> State:
    """Let the person be at another machine; what these steps did where the person was counts there."""
    progress = {
        (key, machine if key in steps and host == state.here else host): one for (key, host), one in state.steps.items()
    }
    return replace(state, here=machine, steps=MappingProxyType(progress))


def _resumed(state: State) -> State:
    """Void what was agreed to and not acted on; let a person try again what failed; look anew at what was red."""
    steps = {at: _may_try_again(progress) for at, progress in state.steps.items()}
    if state.opened is not None and state.opened.of_run:
        steps = {at: _asked_again(progress) for at, progress in steps.items()}
    proofs = {at: proof for at, proof in state.proofs.items() if proof.green or not proof.after}
    return replace(state, steps=steps, proofs=proofs, agreements={}, epochs={}, gate=None, end=None)


FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE})


def _may_try_again(progress: Progress) -> Progress:
    ended, progress = progress.ended, replace(progress, unseen="", left=None)
    if ended is None:
        return progress
    red = progress.verified is False
    if ended.status in FAILURES or red:
        return replace(progress, again=True, verified=None if red else progress.verified)
    return progress


def _asked_again(progress: Progress) -> Progress:
    """In a rollback, what was left out is asked for again: it is not complete without it."""
    ended = progress.ended
    if ended is None or ended.reason not in (Reason.OPERATOR, Reason.DEPENDENCY):
        return progress
    return replace(progress, intent=None, ended=None, touched=progress.touched or may_have_effect(progress))


def may_have_effect(progress: Progress) -> bool:
    """Whether its last attempt, or one before, may have changed something."""
    if progress.touched:
        return True
    if progress.intent is None or progress.settled is False:
        return False
    ended = progress.ended
    return ended is None or ended.status not in (Status.UNREACHABLE, Status.SKIPPED)


K = TypeVar("K")
V = TypeVar("V")


def _without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    return MappingProxyType({name: value for name, value in mapping.items() if name != key})


def _with(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return (mapping if isinstance(mapping, Growing) else Growing(mapping)).having(key, value)
