"""How a run whose every step is settled ends: what counts as recovered, as well, or as rolled back."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.engine.events import Reason, Status
from holdpoint.engine.facts import Facts, is_changing, names
from holdpoint.engine.next import AFTER, BEFORE, AskTarget, Finish, Next, Stop
from holdpoint.planning.plan import Mode, StepItem
from holdpoint.problem import Exit


def conclude(facts: Facts, lost: Mapping[str, str]) -> Next:
    if facts.state.not_run:
        return _not_run(facts)
    unanswered = sorted((facts.state.unanswered & facts.state.owed) - lost.keys())
    if unanswered:  # the lock is not given back while a step of an earlier owner may live
        return AskTarget(unanswered[0])
    if facts.plan.mode is Mode.ROLLBACK:
        return _end_of_rollback(facts)
    if lost:
        by_step: dict[str, list[str]] = {}
        for host, key in lost.items():
            by_step.setdefault(key, []).append(host)
        left = "; ".join(f"`{key}` failed on {names(hosts)}" for key, hosts in by_step.items())
        return Stop(Exit.FAILED, f"not all hosts came to the end: {left}", wants="escalation")
    after = [proof for (key, _), proof in facts.state.proofs.items() if key == AFTER]
    before = [proof for (key, _), proof in facts.state.proofs.items() if key == BEFORE]
    if not after:
        return _end_without_proof(facts)
    if any(proof.green is False for proof in before):
        return Finish(Exit.OK, "recovered: the check was red before and is green now")
    how = "was green before as well" if any(proof.green for proof in before) else "could not be looked at before"
    return Finish(Exit.OK, f"{_all_done(facts)}; the check of recovery {how}, so it proves nothing")


def _all_done(facts: Facts) -> str:
    """Say that every step is settled, and which failed where the document has the run go on after that."""
    failed: dict[str, list[str]] = {}
    for item in facts.plan.items:
        for host in facts.hosts(item) if isinstance(item, StepItem) else ():
            if isinstance(item, StepItem) and facts.failed(item, host):
                failed.setdefault(item.key, []).append(host)
    if not failed:
        return "every step is done"
    told = ", ".join(f"`{key}` on {names(hosts)}" for key, hosts in failed.items())
    return f"every step was tried; {told} failed"


def _not_run(facts: Facts) -> Finish:
    opened = facts.state.opened
    what = "check" if opened is not None and opened.mode == "check" else "walk-through"
    return Finish(Exit.OK, f"the {what} ended; what was shown was not done")


def _end_without_proof(facts: Facts) -> Next:
    """Without a `recovered`, what was red counts as repaired only where something was changed for it."""
    changes = [item for item in facts.plan.items if isinstance(item, StepItem) and is_changing(item)]
    ended = [(item, host, facts.progress(item, host).ended) for item in changes for host in facts.hosts(item)]
    failed = [f"`{item.key}` on {host}" for item, host, _ in ended if facts.failed(item, host)]
    failed += [
        f"`{key}` on {host}"
        for (key, host), proof in facts.state.proofs.items()
        if proof.after and proof.green is False
    ]
    if failed:
        return Stop(Exit.FAILED, f"not every change was made: {', '.join(failed)} failed", wants="escalation")
    made = any(one is not None and one.status is not Status.SKIPPED for _, _, one in ended)
    red = facts.red("") or facts.found("")
    if red and changes and not made:
        return Stop(Exit.FAILED, "nothing was changed, and it is as it was: " + "; ".join(red), wants="escalation")
    left_out = "nothing was changed: every change was left out"
    return Finish(Exit.OK, _all_done(facts) if made or not changes else left_out)


def _end_of_rollback(facts: Facts) -> Next:
    """Only where every part succeeded, or was not meant for the host, is it rolled back."""
    missing: dict[str, list[str]] = {}
    for item in facts.plan.items:
        for host in facts.hosts(item) if isinstance(item, StepItem) else ():
            ended = facts.progress(item, host).ended
            if ended is not None and ended.status is Status.UNREACHABLE:
                missing.setdefault(f"`{item.key}` could not be done on", []).append(host)
            elif ended is not None and ended.status is Status.SKIPPED and ended.reason is not Reason.CONDITION:
                missing.setdefault(f"`{item.key}` was left out on", []).append(host)
            elif isinstance(item, StepItem) and facts.failed(item, host):
                missing.setdefault(f"`{item.key}` failed on", []).append(host)
    if missing:
        told = "; ".join(f"{what} {names(hosts)}" for what, hosts in missing.items())
        return Stop(Exit.ROLLBACK_FAILED, f"the rollback is not complete: {told}")
    return Finish(Exit.ROLLED_BACK, "rolled back: every undo that there is succeeded")
