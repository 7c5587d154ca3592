"""What a person is shown before they answer: every question, built from facts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from holdpoint.document.model import Ask, Effect, Manual, Registered, Run, Step, ValueType
from holdpoint.engine.asked import Asked, Question, Word
from holdpoint.engine.batches import batches
from holdpoint.engine.events import CauseDecided, Status
from holdpoint.engine.facts import Facts, executed_as, is_changing, names, shown
from holdpoint.engine.file_texts import file_texts
from holdpoint.engine.next import OPENING, PROCEED
from holdpoint.engine.target import Target, Tier
from holdpoint.planning.plan import Mode, ProofItem, StepItem
from holdpoint.shell import NAME, as_text, is_bytes

RUN = Word("run", "do it, exactly as shown")
SKIP = Word("skip", "leave this step out and go on")
STOP = Word("stop", "end here; the run can be resumed")
ROLLBACK = Word("rollback", "stop, and take back what was changed")
ESCALATE = Word("escalate", "call for help, and stay at this question")
SHOW = Word("show", "print the whole command and what was read")


def opening(facts: Facts) -> Question:
    """On production, before anything is dialled: it covers the reads, and the locks that are taken before a change."""
    reads = [
        i for i in facts.plan.items if isinstance(i, StepItem) and not is_changing(i) and isinstance(i.step.action, Run)
    ]
    may = (
        "May it look at what was begun?"
        if facts.state.changed
        else "May the diagnosis read?"
        if reads
        else "May its lock be taken?"
    )
    return Question(
        kind=Asked.OPENING,
        key=OPENING,
        title=f"This is production. {may}",
        targets=_targets(facts, facts.plan.hosts),
        words=(RUN, STOP, ESCALATE, SHOW),
        agree=("run",),
        digest=facts.plan.digest,
        why=f"{_covered(facts, len(reads))} Every change asks again.",
        show=tuple(
            (
                executed_as(f"{item.key}: {item.step.title}", item.step.become),
                script_of(facts, item, facts.plan.hosts[0]),
            )
            for item in reads
        ),
    )


def _covered(facts: Facts, reads: int) -> str:
    """What one agreement at the start is about."""
    if reads:
        count = "1 step reads, and changes nothing." if reads == 1 else f"{reads} steps read, and change nothing."
        locks = any(is_changing(item) for item in facts.plan.items)
        return f"{count} Your word covers taking the lock as well." if locks else count
    proof = any(isinstance(item, ProofItem) for item in facts.plan.items)
    return f"Your word covers the connection{', the lock and the check of recovery' if proof else ' and the lock'}."


def proceed(facts: Facts) -> Question:
    """`recovered` is green before the first change."""
    return Question(
        kind=Asked.PROCEED,
        key=PROCEED,
        title="Nothing is red at the start. Go on all the same?",
        targets=_targets(facts, facts.plan.hosts),
        words=(RUN, STOP, ESCALATE, SHOW),
        agree=("run",),
        digest=facts.plan.digest,
        why="The check of recovery is green before the first change, so it cannot prove the repair."
        " Each step is judged by its own check.",
        evidence=evidence(facts, "", ()),
        remains=remains(facts),
    )


def gate(facts: Facts, item: StepItem, hosts: tuple[str, ...], among: tuple[str, ...], now: datetime) -> Question:
    """Before a change: all that the person has to know to agree."""
    step, first = item.step, hosts[0]
    targets = _targets(facts, hosts)
    prod = any(target.tier is Tier.PROD for target in targets)
    spec = step.gate
    rollback = () if facts.plan.mode is Mode.ROLLBACK else (ROLLBACK,)
    return Question(
        kind=Asked.GATE,
        key=item.key,
        title=step.title,
        targets=targets,
        words=(RUN, SKIP, STOP, *rollback, ESCALATE, SHOW),
        agree=hosts if prod and step.effect is Effect.DESTROY else ("run",),
        digest=gate_digest(facts, item, hosts),
        effect=step.effect,
        why=facts.fill(item, first, step.why),
        prompt=facts.fill(item, first, spec.prompt),
        batch=_batch(facts, item, hosts, among),
        commands=tuple((host, script_of(facts, item, host)) for host in hosts),
        become=step.become or "",
        values=_values(facts, item, hosts),
        chosen=_valued(facts, item, hosts, spec.show) if step.effect is Effect.DESTROY else (),
        evidence=(*evidence(facts, item.scope, hosts), *_earlier(facts, item, hosts)),
        reverts=reverts(step),
        proof=step.verify.run.told() if step.verify else "",
        remains=remains(facts, item.key, hosts),
        attempts=step.retry.max + 1 if step.retry and step.idempotent else 1,
        approvers=spec.approvers,
        expires=now + spec.expires if spec.expires else None,
        show=_outputs(facts, item, spec.show, first),
    )


def manual(facts: Facts, item: StepItem, host: str, now: datetime) -> Question:
    """A person does it, and says how it ended."""
    step = item.step
    assert isinstance(step.action, Manual)  # noqa: S101 - narrows the type for the reader and the checker
    rollback = () if facts.plan.mode is Mode.ROLLBACK else (ROLLBACK,)
    done = (Word("done", "it is done"), Word("failed", "it was tried and did not work"))
    return Question(
        kind=Asked.MANUAL,
        key=item.key,
        title=step.title,
        targets=_concerned(facts, host),
        words=(*done, SKIP, STOP, *rollback, ESCALATE, SHOW),
        digest=gate_digest(facts, item, (host,)),
        effect=step.effect,
        why=facts.fill(item, host, step.why),
        prompt=facts.fill(item, host, step.action.text),
        values=_values(facts, item, (host,)),
        evidence=evidence(facts, item.scope, (host,)),
        reverts=reverts(step),
        proof=step.verify.run.told() if step.verify else "",
        expires=now + step.gate.expires if step.gate.expires else None,
        show=_outputs(facts, item, step.gate.show, host),
    )


def value(facts: Facts, item: StepItem, host: str, problem: str) -> Question:
    """A person answers; the answer is registered."""
    step = item.step
    assert isinstance(step.action, Ask)  # noqa: S101 - narrows the type for the reader and the checker
    name = step.register[0]
    return Question(
        kind=Asked.VALUE,
        key=item.key,
        title=step.title,
        targets=_concerned(facts, host),
        words=(),
        why=facts.fill(item, host, step.why),
        prompt=facts.fill(item, host, step.action.text) + f" ({_wanted(name)})",
        values=_values(facts, item, (host,)),
        show=_outputs(facts, item, step.gate.show, host),
        hidden=step.sensitive or name.type is ValueType.SECRET,
        problem=problem,
    )


def _wanted(name: Registered) -> str:
    """What an answer may be, in a few words; a pattern is not shown, since the question says in words what it wants."""
    if name.enum:
        return f"one of: {', '.join(as_text(one) for one in name.enum)}"
    low, high = (None if edge is None else f"{edge:g}" for edge in (name.min, name.max))
    span = {(True, True): f" from {low} to {high}", (True, False): f" from {low}", (False, True): f" up to {high}"}
    return f"{name.type}{span.get((low is not None, high is not None), '')}"


def doubt(facts: Facts, item: StepItem, host: str, what: str) -> Question:
    """It was begun, and what became of it is not known."""
    return Question(
        kind=Asked.DOUBT,
        key=item.key,
        title=f"In doubt: {item.step.title}",
        targets=_targets(facts, (host,)),
        words=(
            Word("happened", "you looked, and it was done"),
            Word("again", "you looked, and it was not done; its gate opens anew"),
            STOP,
            ESCALATE,
            SHOW,
        ),
        effect=item.step.effect,
        why=f"It was begun on {host}, and what became of it is not known: {what}",
        prompt="Look for yourself before you answer. Nothing is repeated on its own.",
        commands=((host, script_of(facts, item, host)),),
        become=item.step.become or "",
        proof=item.step.verify.run.told() if item.step.verify else "",
        show=_outputs(facts, item, (), host),
    )


def _batch(facts: Facts, item: StepItem, hosts: tuple[str, ...], among: tuple[str, ...]) -> str:
    """Which of the hosts of the step these are, and what became of it on the others."""
    cut = batches(facts, item, among)
    if item.step.fanout is None or len(cut) == 1:
        return ""
    total = sum(map(len, cut))
    number = next(n for n, batch in enumerate(cut, 1) if set(batch) & set(hosts))
    failed = [host for batch in cut for host in batch if facts.failed(item, host)]
    may = item.step.fanout.max_failures
    told = f"failed so far on {', '.join(failed)}" if failed else "none failed so far"
    lost = [host for host in facts.hosts(item) if host not in among]
    told += f"; left out before: {', '.join(lost)}" if lost else ""
    between = "it asks again before each of them" if item.step.fanout.gate_between else "your word covers all of them"
    return f"{number} of {len(cut)}, {len(hosts)} of {total} hosts; {between}; {told}; {may} may fail"


# --- the parts --------------------------------------------------------------------------------------------------


def gate_digest(facts: Facts, item: StepItem, hosts: tuple[str, ...]) -> str:
    """A digest of all that is agreed to at once, for this attempt and this opening of the gate, and no other."""
    parts = (f"{facts.digest(item, host)} {facts.progress(item, host).attempts}" for host in hosts)
    return hashlib.sha256("\0".join((str(facts.state.seq), *parts)).encode()).hexdigest()


def script_of(facts: Facts, item: StepItem, host: str) -> str:
    """The masked command of a step, as it would be executed now."""
    action = item.step.action
    if not isinstance(action, Run):
        return ""
    missing = [
        f"# {name}: not known yet\n"
        for name in facts.missing(item, host)
        if name in action.reads and not is_bytes(name)
    ]
    return "".join(missing) + facts.script(item, host, action).masked()


def evidence(facts: Facts, scope: str, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Which causes were found, each with its line; then those that are not known; then the names of those ruled out.

    Of the hosts that the question is about, or of all where it is about none of the targets; equal findings as one.
    """
    about = set(hosts) & set(facts.plan.hosts) or set(facts.plan.hosts)
    findings: dict[tuple[bool | None, str, str], list[str]] = {}
    ruled_out: dict[str, list[str]] = {}
    for decided in _decided(facts, scope):
        if decided.host not in about:
            continue
        if decided.holds is False:
            ruled_out.setdefault(decided.host, []).append(decided.title)
        else:
            findings.setdefault((decided.holds, decided.title, decided.evidence), []).append(decided.host)
    lines = [_finding(names(at), title, holds, text) for (holds, title, text), at in findings.items()]
    lines.sort(key=lambda line: ": found: " not in line)
    without: dict[str, list[str]] = {}
    for host, titles in ruled_out.items():
        without.setdefault("; ".join(titles), []).append(host)
    return (*lines, *(f"{names(at)}: ruled out: {titles}" for titles, at in without.items()))


def _decided(facts: Facts, scope: str) -> list[CauseDecided]:
    in_order = sorted(facts.state.causes.items(), key=lambda pair: pair[1].seq)
    return [decided.cause for (key, _, _), decided in in_order if key == f"{scope}causes"]


def _finding(where: str, title: str, holds: bool | None, text: str) -> str:
    verdict = {True: "found", False: "ruled out", None: "not known"}[holds]
    return f"{where}: {title}: {verdict}: {text}"


def remains(facts: Facts, key: str = "", hosts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What was changed so far, and what stays undone if one stops now; each with its hosts."""
    done: dict[str, list[str]] = {}
    undone: dict[str, list[str]] = {}
    for item in facts.plan.items:
        if not isinstance(item, StepItem) or not is_changing(item):
            continue
        for host in facts.hosts(item):
            ended = facts.progress(item, host).ended
            if ended is not None and ended.status is Status.OK:
                done.setdefault(f"done: {item.step.title}", []).append(host)
            elif ended is not None and ended.status is not Status.SKIPPED:
                done.setdefault(f"{ended.status}: {item.step.title}", []).append(host)
            elif ended is None and facts.applies(item, host) is not False:
                this = item.key == key and host in hosts
                undone.setdefault(f"{'this step' if this else 'not done'}: {item.step.title}", []).append(host)
    return tuple(f"{text} ({names(at)})" for text, at in (*done.items(), *undone.items()))


def reverts(step: Step) -> str:
    """How a step is taken back, and as whom; or why it cannot be."""
    undo = step.undo
    if undo is None:
        return f"cannot be taken back: {step.irreversible}" if step.irreversible else ""
    if isinstance(undo.action, Manual):
        return f"can be taken back: {undo.action.text}"
    return f"{executed_as('can be taken back', undo.become or step.become)}: {undo.action.told()}"


def _targets(facts: Facts, hosts: tuple[str, ...]) -> tuple[Target, ...]:
    """The targets of a question; what is done here for production is asked as carefully as there."""
    prod = any(facts.targets[host].tier is Tier.PROD for host in facts.plan.hosts)
    return tuple(
        facts.targets[host]
        if not prod or host in facts.plan.hosts
        else replace(facts.targets[host], tier=Tier.PROD, here=True)
        for host in hosts
    )


def _concerned(facts: Facts, host: str) -> tuple[Target, ...]:
    """The targets that a person's own work is about: it is done here, and it is for the hosts of the run."""
    return _targets(facts, (host,) if host in facts.plan.hosts else facts.plan.hosts)


def _values(facts: Facts, item: StepItem, hosts: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    names = [name for name in sorted(item.step.reads) if NAME.fullmatch(name)]  # others stand in the command
    return _valued(facts, item, hosts, names)


def _valued(
    facts: Facts, item: StepItem, hosts: tuple[str, ...], names: Iterable[str]
) -> tuple[tuple[str, str, str], ...]:
    return tuple((host, name, shown(facts.value(item.scope, host, name))) for host in hosts for name in names)


def _earlier(facts: Facts, item: StepItem, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """What became of earlier attempts at this very step."""
    lines = []
    for host in hosts:
        ended = facts.progress(item, host).ended
        if ended is not None:
            how = f"exit {ended.exit}" if ended.exit is not None else str(ended.status)
            lines.append(f"{host}: attempt {ended.attempt} of this step ended: {how} {ended.note}".rstrip())
    return tuple(lines)


def _outputs(facts: Facts, item: StepItem, names: tuple[str, ...], host: str) -> tuple[tuple[str, str], ...]:
    """What `show` prints: the command, the named values, and what the reading steps of this scope printed."""
    command = executed_as("the command", item.step.become)
    shows = [(command, script_of(facts, item, host)), *file_texts(facts, item, host)]
    shows += [(name, shown(facts.value(item.scope, host, name))) for name in names]
    shows += [
        (
            "the causes",
            "\n".join(_finding(one.host, one.title, one.holds, one.evidence) for one in _decided(facts, item.scope)),
        )
    ]
    for other in facts.plan.items:
        if isinstance(other, StepItem) and other.scope == item.scope and not is_changing(other):
            ended = facts.progress(other, host).ended
            if ended is not None and ended.stdout:
                shows.append((f"{other.key}: {other.step.title}", ended.stdout))
    return tuple(shows)
