"""What comes next: a pure function of plan, state and time.

Every decision is one value of the union `Next`. The loop carries it out, records what happened, and asks again; so a run
that was cut off anywhere is taken up by the same function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from holdpoint.document.model import Ask, Manual, Notify, OnFailure, Run, Todo, Wait
from holdpoint.engine.batches import next_batch
from holdpoint.engine.conclusion import conclude
from holdpoint.engine.events import Reason, Status
from holdpoint.engine.facts import Facts, is_changing, names
from holdpoint.engine.next import (
    AFTER,
    BEFORE,
    OPENING,
    PROCEED,
    AskDoubt,
    AskGate,
    AskOpening,
    AskProceed,
    AskTarget,
    Change,
    DecideCauses,
    Finish,
    Look,
    Next,
    Perform,
    Read,
    Settle,
    Skip,
    Stop,
    TakeLock,
    Verify,
)
from holdpoint.engine.state import FAILURES, NOTHING_YET, Progress
from holdpoint.engine.target import Tier
from holdpoint.engine.using import PassedOver, decides, goes_on
from holdpoint.planning.plan import CausesItem, Item, Mode, ProofItem, StepItem
from holdpoint.problem import Exit


def decide(facts: Facts, now: datetime) -> Next:
    """Give the one next thing to do."""
    prod = any(facts.targets[host].tier is Tier.PROD for host in facts.plan.hosts)
    if prod and not _agreed(facts, OPENING) and _looks(facts):
        return AskOpening()
    for host in sorted(facts.state.inherited):
        return TakeLock(host)
    lost: dict[str, str] = {}
    passed = PassedOver(facts.plan)
    for index, item in enumerate(facts.plan.items):
        hosts = tuple(host for host in facts.hosts(item) if host not in lost)
        found = _item(facts, index, hosts, now, passed)
        if found is not None:
            return found
        if isinstance(item, StepItem) and (item.step.fanout is not None or facts.plan.mode is Mode.ROLLBACK):
            lost.update({host: item.key for host in hosts if fails(facts, item, host)})
    return conclude(facts, lost)


def _item(facts: Facts, index: int, hosts: tuple[str, ...], now: datetime, passed: PassedOver) -> Next | None:
    """The next thing to do for an item, but for the hosts on which the runbook that it belongs to failed."""
    item = facts.plan.items[index]
    while True:
        among = tuple(host for host in hosts if not passed.why(index, host))
        if isinstance(item, StepItem) and len(among) < len(hosts):
            for host in hosts:
                if host not in among and facts.progress(item, host) == NOTHING_YET:
                    why = f"passed over, since `{passed.why(index, host)}` failed"
                    return Skip(item, host, Reason.CONDITION, why)
        if not among:
            return None
        match item:
            case StepItem():
                found = _step(facts, item, among, now)
            case ProofItem():
                found = _proof(facts, item, among)
            case CausesItem():
                found = _causes(facts, item, among)
            case _:
                assert_never(item)
        if not isinstance(found, Stop) or found.exit is not Exit.FAILED or found.wants == "rollback":
            return found
        if not goes_on(facts.plan, item):
            return found if decides(facts.plan, item) is None else replace(found, wants="rollback")
        passed.failed(index, _failing(facts, item, among))


def _failing(facts: Facts, item: Item, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts on which an item failed; all, where that is not told by host."""
    match item:
        case StepItem():
            begun = {host: _begun(facts, item, host, facts.progress(item, host)) for host in hosts}
            failed = (host for host, one in begun.items() if isinstance(one, Stop) and one.exit is Exit.FAILED)
        case ProofItem():
            proofs = {host: facts.state.proofs.get((item.key, host)) for host in hosts if facts.concerns(item, host)}
            failed = (host for host, proof in proofs.items() if proof is not None and proof.green is not True)
        case CausesItem():
            return hosts
        case _:
            assert_never(item)
    return tuple(failed) or hosts


def _looks(facts: Facts) -> bool:
    """Whether anything is read, or is to be asked about what was begun."""
    return any(not isinstance(item, StepItem) or isinstance(item.step.action, Run) for item in facts.plan.items)


def _agreed(facts: Facts, key: str) -> bool:
    agreement = facts.state.agreements.get(key)
    return agreement is not None and agreement.word == "run"


# --- steps ------------------------------------------------------------------------------------------------------


def _step(facts: Facts, item: StepItem, hosts: tuple[str, ...], now: datetime) -> Next | None:
    """The next thing to do for a step on its hosts; None where it is settled on all.

    What was begun is seen to its end before anybody is asked, and before anything is begun anew.
    """
    begun = {host: _begun(facts, item, host, facts.progress(item, host)) for host in hosts}
    ending = _ending(item, begun)
    if ending is not None:
        return ending
    stops = {
        host: found for host, found in begun.items() if isinstance(found, Stop) and not _left_behind(facts, item, host)
    }
    if stops and len(stops) > (item.step.fanout.max_failures if item.step.fanout else 0):
        return _stopped(item, stops)
    asked = next((found for found in begun.values() if found is not None and not isinstance(found, int | Stop)), None)
    if asked is not None:
        return asked
    ready: list[tuple[str, int]] = []
    for host, attempt in begun.items():
        found = _ready(facts, item, host, attempt, now) if isinstance(attempt, int) else None
        if isinstance(found, int):
            ready.append((host, found))
        elif found is not None:
            return found
    if not ready:
        return None
    if _needs_proceed(facts, item):
        return AskProceed()
    return _start(facts, item, hosts, ready)


def _stopped(item: StepItem, stops: Mapping[str, Stop]) -> Stop:
    """Stop for the first host, and name all of them."""
    first = next(iter(stops.values()))
    if len(stops) == 1:
        return first
    may = f", and {item.step.fanout.max_failures} may fail" if item.step.fanout else ""
    return replace(first, why=f"{first.why}; in all it did not succeed on {names(stops)}{may}")


def _ending(item: StepItem, begun: Mapping[str, Next | int | None]) -> Next | None:
    """What sees to the end of what was begun, on all hosts that want the same."""
    for kind in (Settle, Verify):
        hosts = tuple(host for host, found in begun.items() if isinstance(found, kind))
        if hosts:
            return kind(item, hosts)
    tries = tuple(one for found in begun.values() if isinstance(found, Read) for one in found.tries)
    return Read(item, tries) if tries else None


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
        return _unseen(item, host, progress) or Verify(item, (host,))
    return _failed(facts, item, host, progress) if progress.verified is False else None


def _left_behind(facts: Facts, item: StepItem, host: str) -> bool:
    """Whether a rollback goes on without a host: one that cannot be reached keeps no other from being taken back."""
    ended = facts.progress(item, host).ended
    unreachable = ended is not None and ended.status is Status.UNREACHABLE
    return facts.plan.mode is Mode.ROLLBACK and unreachable and len(facts.plan.hosts) > 1


def fails(facts: Facts, item: StepItem, host: str) -> bool:
    """Whether a step has failed on a host for good, as far as this process goes."""
    return isinstance(_begun(facts, item, host, facts.progress(item, host)), Stop)


def _doubtful(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | None:
    """In doubt: its own check settles it when that is green; a person says otherwise."""
    if progress.verified is True:
        return None
    check = item.step.verify
    if check is not None and progress.verified is None and not facts.unknown(item, host, check.run.reads):
        return _unseen(item, host, progress) or Verify(item, (host,))
    return AskDoubt(item, host)


def _unseen(item: StepItem, host: str, progress: Progress) -> Stop | None:
    """Stop where the step's own check could not be looked at; a resume looks anew."""
    if not progress.unseen:
        return None
    why = f"whether `{item.key}` is done on {host} could not be looked at: {progress.unseen}"
    return Stop(Exit.UNKNOWN, why, item.key)


def _unfinished(facts: Facts, item: StepItem, host: str, progress: Progress) -> Next | None:
    """Intended by a process that is gone."""
    match item.step.action:
        case _ if progress.settled is True:
            return None
        case Run() if is_changing(item):
            return Settle(item, (host,)) if host in facts.state.epochs else TakeLock(host)
        case Run():
            return Read(item, ((host, progress.attempts),))
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
    if progress.again and not goes_on(facts.plan, item):  # else the run went on elsewhere long ago
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
    if ended.status is Status.UNREACHABLE:
        return "could not be done"
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
        source, where = stale
        return Read(source, ((where, 1),)) if isinstance(source.step.action, Run) else Perform(source, where, 1)
    applies = facts.applies(item, host)
    if applies is False:
        return Skip(item, host, Reason.CONDITION, "its condition does not hold here")
    if not facts.state.not_run:
        unknown = facts.missing(item, host)
        if unknown or applies is None:
            what = ", ".join(f"`{name}`" for name in unknown) or "a value of its condition"
            return Skip(item, host, Reason.DEPENDENCY, f"{what} was not read")
    return attempt


def _start(facts: Facts, item: StepItem, among: tuple[str, ...], ready: list[tuple[str, int]]) -> Next:
    host, attempt = ready[0]
    match item.step.action:
        case Run() if is_changing(item):
            return _change(facts, item, among, ready)
        case Run():
            return Read(item, tuple(ready))
        case Manual() if is_changing(item) and (first := _first(facts, item, [host])) is not None:
            return first
        case Manual() | Ask() | Wait() | Notify() | Todo():
            return Perform(item, host, attempt)
        case other:
            raise AssertionError(f"a plan holds no {other}")


def _change(facts: Facts, item: StepItem, among: tuple[str, ...], ready: list[tuple[str, int]]) -> Next:
    """Lock, then agreement, then effect: for the batch that is next, its hosts at once.

    Without `fanout` one host after the other is changed, after one gate for all of them.
    """
    fanout, attempts = item.step.fanout, dict(ready)
    batch = tuple(host for host in next_batch(facts, item, among, attempts) if host in attempts)
    at_gate = batch if fanout is not None and fanout.gate_between else tuple(attempts)
    first = _first(facts, item, at_gate)
    if first is not None:
        return first
    if not all(_agreement_holds(facts, item, host, attempts[host]) for host in batch):
        return AskGate(item, at_gate, among)
    return Change(item, tuple((host, attempts[host]) for host in batch))


def _first(facts: Facts, item: StepItem, hosts: Iterable[str]) -> Next | None:
    """What comes before a change: the lock of each host, and that nothing lives there of what was begun before."""
    for host in hosts:
        if host not in facts.state.epochs:
            return TakeLock(host, item)
        if host in facts.state.unanswered:
            return AskTarget(host)
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


def _proof(facts: Facts, item: ProofItem, hosts: tuple[str, ...]) -> Next | None:
    concerned = [host for host in hosts if facts.concerns(item, host)]
    proofs = {host: facts.state.proofs.get((item.key, host)) for host in concerned}
    unseen = tuple(host for host, proof in proofs.items() if proof is None)
    if unseen:
        return Look(item, unseen)
    red = [host for host, proof in proofs.items() if item.after and proof is not None and proof.green is False]
    if red:
        whose = f" of `{facts.plan.scopes[item.scope].runbook.id}`" if item.scope else ""
        why = f"{names(red)} is not recovered: the check of recovery{whose} is still red"
        return Stop(Exit.FAILED, why, item.key, "escalation")
    blind = [host for host, proof in proofs.items() if item.after and proof is not None and proof.green is None]
    if blind and not facts.state.not_run:
        return Stop(Exit.FAILED, f"whether {names(blind)} is recovered could not be looked at", item.key)
    return None


def _causes(facts: Facts, item: CausesItem, hosts: tuple[str, ...]) -> Next | None:
    if not any(facts.concerns(item, host) for host in hosts):
        return None
    for cause in item.causes:
        for host in hosts:
            decided = facts.state.causes.get((item.key, host, cause.id))
            if decided is None or (not facts.state.changed and decided.seq < facts.newest(item.scope, cause, host)):
                return DecideCauses(item, hosts)
    holds = [facts.cause(item.scope, host, cause.id) for cause in item.causes for host in hosts]
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
    if item.scope:
        return None
    missing = [host for host in facts.plan.hosts if host not in hosts]
    if missing:
        return Stop(
            Exit.FAILED, f"nothing is wrong where it could be looked at; left out: {', '.join(missing)}", item.key
        )
    return Finish(Exit.OK, "nothing is wrong: no symptom is present and no cause was found")
