"""What comes next: a pure function of plan, state and time.

Every decision is one value of the union `Next`. The loop carries it out, records what happened, and asks again; so a run
that was cut off anywhere is taken up by the same function.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from holdpoint.document.model import Ask, Manual, Notify, OnFailure, Run, Todo, Wait
from holdpoint.engine.events import Reason, Status
from holdpoint.engine.facts import Facts, is_changing
from holdpoint.engine.ports import Tier
from holdpoint.engine.state import FAILURES, Progress
from holdpoint.planning.plan import CausesItem, Mode, ProofItem, StepItem
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


@dataclass(frozen=True, slots=True)
class Read:
    """Execute a reading step; `attempt` counts from 1."""

    item: StepItem
    host: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Look:
    item: ProofItem
    host: str


@dataclass(frozen=True, slots=True)
class DecideCauses:
    item: CausesItem


@dataclass(frozen=True, slots=True)
class TakeLock:
    host: str


@dataclass(frozen=True, slots=True)
class AskTarget:
    """Make sure that no step of a run lives on the host before anything is begun there."""

    host: str
    run: str


@dataclass(frozen=True, slots=True)
class AskGate:
    item: StepItem
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Execute what was agreed to."""

    item: StepItem
    host: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Intended, and its end is not recorded: ask the target."""

    item: StepItem
    host: str


@dataclass(frozen=True, slots=True)
class Verify:
    item: StepItem
    host: str


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


def decide(facts: Facts, now: datetime) -> Next:
    """Give the one next thing to do."""
    prod = any(facts.targets[host].tier is Tier.PROD for host in facts.plan.hosts)
    if prod and not _agreed(facts, OPENING):
        return AskOpening()
    for item in facts.plan.items:
        match item:
            case StepItem():
                found = _step(facts, item, now)
            case ProofItem():
                found = _proof(facts, item)
            case CausesItem():
                found = _causes(facts, item)
            case _:
                assert_never(item)
        if found is not None:
            return found
    return _end(facts)


def _agreed(facts: Facts, key: str) -> bool:
    agreement = facts.state.agreements.get(key)
    return agreement is not None and agreement.word == "run"


# --- steps ------------------------------------------------------------------------------------------------------


def _step(facts: Facts, item: StepItem, now: datetime) -> Next | None:
    """The next thing to do for a step on any of its hosts; None where it is settled on all."""
    ready: list[tuple[str, int]] = []
    for host in facts.hosts(item):
        progress = facts.progress(item, host)
        found = _begun(facts, item, host, progress)
        if isinstance(found, int):
            found = _ready(facts, item, host, found, now)
        if isinstance(found, int):
            ready.append((host, found))
        elif found is not None:
            return found
    if not ready:
        return None
    if _needs_proceed(facts, item):
        return AskProceed()
    return _start(facts, item, ready)


def _begun(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | int | None:
    """How to go on with what was begun: an action, the number of the attempt to make, or None where it is settled."""
    ended, step = progress.ended, item.step
    again = progress.attempts + 1
    if progress.intent is None and ended is None:
        return again
    if progress.settled is False:
        return again
    if ended is None:
        return _unfinished(facts, item, host, progress)
    if ended.status is Status.SKIPPED:
        return None
    if ended.status is Status.IN_DOUBT and progress.settled is None:
        return _doubtful(facts, item, host, progress)
    if ended.status is not Status.OK and progress.settled is not True:
        return _failed(facts, item, host, progress)
    if step.verify is not None and progress.verified is None:
        return Verify(item, host)
    return _failed(facts, item, host, progress) if progress.verified is False else None


def _doubtful(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | None:
    """In doubt: its own check settles it when that is green; a person says otherwise."""
    if progress.verified is True:
        return None
    check = item.step.verify
    if check is not None and progress.verified is None and not facts.unknown(item, host, check.run.reads):
        return Verify(item, host)
    return AskDoubt(item, host)


def _unfinished(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | None:
    """Intended by a process that is gone."""
    match item.step.action:
        case _ if progress.settled is True:
            return None
        case Run() if is_changing(item):
            return Settle(item, host) if host in facts.state.epochs else TakeLock(host)
        case Run():
            return Read(item, host, progress.attempts)
        case Notify():
            return AskDoubt(item, host)
        case _:
            return Perform(item, host, progress.attempts)


def _failed(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | int | None:
    """What the document says about a failure."""
    ended, step = progress.ended, item.step
    retry, code = step.retry, ended.exit if ended else None
    seen = ended is not None and ended.status in (Status.OK, Status.FAILED, Status.TIMED_OUT)
    may = seen and (not is_changing(item) or step.idempotent)
    if retry and may and progress.attempts <= retry.max and (not retry.exits or code in retry.exits):
        return progress.attempts + 1
    if step.on_failure in (OnFailure.CONTINUE, OnFailure.GOTO):
        return None
    if progress.again:
        return progress.attempts + 1
    why = f"`{item.key}` {_how(progress)} on {host}"
    if facts.plan.mode is Mode.ROLLBACK:
        return Stop(Exit.ROLLBACK_FAILED, f"{why}; the rollback is not complete", item.key)
    if ended is not None and ended.status is Status.UNREACHABLE:
        return Stop(Exit.UNKNOWN, f"{why}: {ended.note}", item.key)
    return Stop(Exit.FAILED, why, item.key, "rollback" if step.on_failure is OnFailure.ROLLBACK else "")


def _how(progress: Progress) -> str:
    ended = progress.ended
    if ended is None or (ended.status not in FAILURES and progress.verified is False):
        return "was done, but its check is red"
    if ended.status is Status.FAILED and ended.exit is not None:
        return f"failed with exit {ended.exit}"
    return f"ended as {ended.status}"


def _ready(facts: Facts, item: StepItem, host: str, attempt: int, now: datetime) -> Next | int:
    """Whether a step that is to be begun may be: an action that comes first, or the number of the attempt."""
    over = facts.passed_over(item, host)
    if over:
        return Skip(item, host, Reason.CONDITION, f"passed over, since `{over}` failed")
    stale = facts.stale(item, host, now)
    if stale is not None:
        return Read(*stale, 1) if isinstance(stale[0].step.action, Run) else Perform(*stale, 1)
    applies = facts.applies(item, host)
    if applies is False:
        return Skip(item, host, Reason.CONDITION, "its condition does not hold here")
    if not facts.state.not_run:
        unknown = facts.missing(item, host)
        if unknown or applies is None:
            names = ", ".join(f"`{name}`" for name in unknown) or "a value of its condition"
            return Skip(item, host, Reason.DEPENDENCY, f"{names} was not read")
    return attempt


def _start(facts: Facts, item: StepItem, ready: list[tuple[str, int]]) -> Next:
    host, attempt = ready[0]
    match item.step.action:
        case Run() if is_changing(item):
            return _change(facts, item, ready)
        case Run():
            return Read(item, host, attempt)
        case Manual() if is_changing(item) and (first := _first(facts, ready)) is not None:
            return first
        case Manual() | Ask() | Wait() | Notify() | Todo():
            return Perform(item, host, attempt)
        case other:
            raise AssertionError(f"a plan holds no {other}")


def _change(facts: Facts, item: StepItem, ready: list[tuple[str, int]]) -> Next:
    """Lock, then agreement, then effect."""
    first = _first(facts, ready)
    if first is not None:
        return first
    if not all(_agreement_holds(facts, item, host, attempt) for host, attempt in ready):
        return AskGate(item, tuple(host for host, _ in ready))
    host, attempt = ready[0]
    return Change(item, host, attempt)


def _first(facts: Facts, ready: list[tuple[str, int]]) -> Next | None:
    """What comes before a change: the lock of each host, and that nothing lives there of what was begun before."""
    for host, _ in ready:
        if host not in facts.state.epochs:
            return TakeLock(host)
        if host in facts.state.unanswered:
            return AskTarget(host, facts.state.unanswered[host])
    return None


def _agreement_holds(facts: Facts, item: StepItem, host: str, attempt: int) -> bool:
    """Whether a person agreed to exactly this, on this host, since it was last tried; retries are agreed to at once."""
    agreement, progress = facts.state.agreements.get(item.key), facts.progress(item, host)
    if agreement is None or agreement.word != "run" or agreement.digests.get(host) != facts.digest(item, host):
        return False
    retry = item.step.retry
    ended = progress.ended
    failed = ended is not None and (ended.status in FAILURES or progress.verified is False)
    counted = retry is not None and 1 < attempt <= retry.max + 1
    retrying = counted and failed and progress.settled is None and not progress.again
    return retrying or agreement.seq > progress.seq


def _needs_proceed(facts: Facts, item: StepItem) -> bool:
    """Where `recovered` is green before the first change, a person says whether to go on with the repair."""
    if _agreed(facts, PROCEED) or facts.state.changed:
        return False
    keys = [one.key for one in facts.plan.items]
    if BEFORE not in keys or not keys.index(BEFORE) < keys.index(item.key) < keys.index(AFTER):
        return False
    before = [proof for (key, _), proof in facts.state.proofs.items() if key == BEFORE]
    return bool(before) and all(proof.green for proof in before)


# --- proof and causes -------------------------------------------------------------------------------------------


def _proof(facts: Facts, item: ProofItem) -> Next | None:
    for host in facts.hosts(item):
        if not facts.concerns(item, host):
            continue
        proof = facts.state.proofs.get((item.key, host))
        if proof is None:
            return Look(item, host)
        if item.after and proof.green is False:
            return Stop(
                Exit.FAILED, f"{host} is not recovered: the check of recovery is still red", item.key, "escalation"
            )
        if item.after and proof.green is None and not facts.state.not_run:
            return Stop(Exit.FAILED, f"whether {host} is recovered could not be looked at", item.key)
    return None


def _causes(facts: Facts, item: CausesItem) -> Next | None:
    if not any(facts.concerns(item, host) for host in facts.hosts(item)):
        return None
    for cause in item.causes:
        for host in facts.plan.hosts:
            decided = facts.state.causes.get((item.key, host, cause.id))
            if decided is None or (not facts.state.changed and decided.seq < facts.newest(item.scope, cause, host)):
                return DecideCauses(item)
    holds = [facts.cause(item.scope, host, cause.id) for cause in item.causes for host in facts.plan.hosts]
    if True in holds or facts.state.not_run:
        return None
    red = facts.red(item.scope)
    if red:
        return Stop(
            Exit.FAILED, "something is wrong, and no cause was found: " + "; ".join(red), item.key, "escalation"
        )
    unseen = facts.unseen(item.scope)
    if unseen:
        why = "nothing is seen to be wrong, but not everything could be looked at: " + "; ".join(unseen)
        return Stop(Exit.FAILED, why, item.key)
    if None in holds:
        return Stop(
            Exit.FAILED, "nothing is red, but not every cause could be ruled out: a value was not read", item.key
        )
    return None if item.scope else Finish(Exit.OK, "nothing is wrong: no symptom is present and no cause was found")


# --- the end ----------------------------------------------------------------------------------------------------


def _end(facts: Facts) -> Next:
    if facts.plan.mode is Mode.ROLLBACK:
        return _end_of_rollback(facts)
    if facts.state.not_run:
        return _not_run(facts)
    after = [proof for (key, _), proof in facts.state.proofs.items() if key == AFTER]
    before = [proof for (key, _), proof in facts.state.proofs.items() if key == BEFORE]
    if not after:
        return _end_without_proof(facts)
    if any(proof.green is False for proof in before):
        return Finish(Exit.OK, "recovered: the check was red before and is green now")
    how = "was green before as well" if any(proof.green for proof in before) else "could not be looked at before"
    return Finish(Exit.OK, f"every step is done; the check of recovery {how}, so it proves nothing")


def _not_run(facts: Facts) -> Finish:
    opened = facts.state.opened
    what = "check" if opened is not None and opened.mode == "check" else "walk-through"
    return Finish(Exit.OK, f"the {what} ended; what was shown was not done")


def _end_without_proof(facts: Facts) -> Next:
    """Without a `recovered`, what was red counts as repaired only where something was changed for it."""
    changes = [item for item in facts.plan.items if isinstance(item, StepItem) and is_changing(item)]
    ended = [(item, host, facts.progress(item, host).ended) for item in changes for host in facts.hosts(item)]
    failed = [f"`{item.key}` on {host}" for item, host, _ in ended if facts.failed(item, host)]
    if failed:
        return Stop(Exit.FAILED, f"not every change was made: {', '.join(failed)} failed", wants="escalation")
    made = any(one is not None and one.status is not Status.SKIPPED for _, _, one in ended)
    red = facts.red("") or facts.found("")
    if red and changes and not made:
        return Stop(Exit.FAILED, "nothing was changed, and it is as it was: " + "; ".join(red), wants="escalation")
    return Finish(
        Exit.OK, "every step is done" if made or not changes else "nothing was changed: every change was left out"
    )


def _end_of_rollback(facts: Facts) -> Next:
    """Only where every part succeeded, or was not meant for the host, is it rolled back."""
    if facts.state.not_run:
        return _not_run(facts)
    for host, run in facts.state.unanswered.items():
        return AskTarget(host, run)
    for item in facts.plan.items:
        for host in facts.hosts(item) if isinstance(item, StepItem) else ():
            ended = facts.progress(item, host).ended
            left_out = ended is not None and ended.status is Status.SKIPPED and ended.reason is not Reason.CONDITION
            if isinstance(item, StepItem) and (left_out or facts.failed(item, host)):
                how = "was left out" if left_out else "failed"
                return Stop(
                    Exit.ROLLBACK_FAILED, f"the rollback is not complete: `{item.key}` {how} on {host}", item.key
                )
    return Finish(Exit.ROLLED_BACK, "rolled back: every undo that there is succeeded")
