"""What can be told from plan and state: values, causes, whether a step applies, and exactly what it would execute.

All of it is derived, nothing is remembered. Conditions have three answers; `None` is "not known".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdpoint.document import conditions, texts
from holdpoint.document.model import Cause, Check, Effect, OnFailure, Run, Section, Where
from holdpoint.engine.events import Status, StepEnded
from holdpoint.engine.ports import Target
from holdpoint.engine.state import FAILURES, Progress, State
from holdpoint.planning.plan import CausesItem, Guard, Item, Plan, ProofItem, StepItem
from holdpoint.shell import Plain, Script, Secret, Value, script, value_digest

STALE = timedelta(minutes=10)
"""A value that was read longer ago is read again before anybody agrees to something on its ground."""

Hidden = Mapping[tuple[str, str, str], Secret]
"""Registered values that are kept nowhere: by scope, host and name."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A plan, the state of its run, and the secrets that this process holds."""

    plan: Plan
    state: State
    hidden: Hidden
    targets: Mapping[str, Target]

    # --- items and hosts

    def hosts(self, item: Item) -> tuple[str, ...]:
        """The hosts that an item concerns, whether or not it applies there."""
        match item:
            case StepItem(step=step, hosts=only):
                here = (self.plan.here,) if step.where is Where.LOCAL else self.plan.hosts
                return here if only is None else only
            case CausesItem() | ProofItem():
                return self.plan.hosts

    def progress(self, item: Item, host: str) -> Progress:
        return self.state.steps.get((item.key, host), Progress())

    # --- values

    def value(self, scope: str, host: str, name: str) -> Value | None:
        """A parameter, a value registered on the host, one handed over by the plan, or None."""
        own = self.plan.scopes[scope].params
        if name in own:
            return own[name]
        for item in self._registering(scope, name):
            for where in (host, self.plan.here):
                progress = self.state.steps.get((item.key, where))
                if progress is None or progress.ended is None:
                    continue
                if name in progress.ended.values:
                    return progress.ended.values[name]
                if name in progress.ended.hidden:
                    return self.hidden.get((scope, where, name))
        return self.plan.seeds.get((scope, host), {}).get(name)

    def lookup(self, scope: str, host: str) -> Callable[[str], Value | None]:
        return lambda name: self.value(scope, host, name)

    def _registering(self, scope: str, name: str) -> Iterator[StepItem]:
        """The latest step that registers a name comes first, so a value that was read anew wins."""
        for item in reversed(self.plan.items):
            if isinstance(item, StepItem) and item.scope == scope and any(r.name == name for r in item.step.register):
                yield item

    def sources(self, scope: str, names: frozenset[str]) -> tuple[StepItem, ...]:
        """The reading steps that these values come from."""
        items = (item for name in sorted(names) for item in self._registering(scope, name))
        return tuple(dict.fromkeys(item for item in items if is_reading(item)))

    # --- conditions

    def applies(self, item: Item, host: str) -> bool | None:
        """Whether the item's conditions hold on the host; None where a value that they read is not known."""
        answers = [self._guard(guard, host) for guard in item.guards]
        if isinstance(item, StepItem) and item.step.section is Section.RESOLUTION and not item.step.causes:
            answers.append(self._some_cause(item.scope))
        return False if False in answers else None if None in answers else True

    def _guard(self, guard: Guard, host: str) -> bool | None:
        by_cause = _any(self.cause(guard.scope, host, cause) for cause in guard.causes) if guard.causes else True
        if guard.when is None or by_cause is False:
            return by_cause
        by_value = conditions.evaluate(guard.when, self.lookup(guard.scope, host))
        return False if by_value is False else None if None in (by_value, by_cause) else True

    def cause(self, scope: str, host: str, cause: str) -> bool | None:
        """Whether a cause was found; on this machine's own steps, whether it was found anywhere."""
        hosts = (host,) if host in self.plan.hosts else self.plan.hosts
        found = [self.state.causes.get((f"{scope}causes", where, cause)) for where in hosts]
        return _any(None if one is None else one.cause.holds for one in found)

    def holds(self, scope: str, host: str, cause: Cause) -> bool | None:
        """Whether a cause's condition holds by the values as they are known now."""
        return conditions.evaluate(cause.when, self.lookup(scope, host))

    def _some_cause(self, scope: str) -> bool | None:
        """A step for every cause applies where the document names no causes, or one was found."""
        causes = self.plan.scopes[scope].runbook.causes
        if not causes:
            return True
        return _any(self.cause(scope, host, cause.id) for cause in causes for host in self.plan.hosts)

    def passed_over(self, item: Item, host: str) -> str:
        """The step whose failure jumps over this one, or an empty text."""
        keys = [i.key for i in self.plan.items]
        here = keys.index(item.key)
        for other in self.plan.items[:here]:
            if not isinstance(other, StepItem) or other.step.on_failure is not OnFailure.GOTO:
                continue
            target = other.key.removesuffix(other.step.id) + str(other.step.goto)
            if target in keys and here < keys.index(target) and self.failed(other, host):
                return other.key
        return ""

    def missing(self, item: StepItem, host: str) -> tuple[str, ...]:
        """The values that the step reads and that are not known."""
        return tuple(name for name in sorted(item.step.reads) if self.value(item.scope, host, name) is None)

    # --- how a step stands

    def failed(self, item: StepItem, host: str) -> bool:
        """Ended badly, or its verify is red."""
        progress = self.progress(item, host)
        if progress.ended is None or progress.settled is True:
            return progress.verified is False
        return progress.ended.status in FAILURES or progress.verified is False

    def red(self, scope: str) -> tuple[str, ...]:
        """What shows that something is wrong: symptoms that are present, and a `recovered` that is not green."""
        lines: list[str] = []
        for item, host in ((i, h) for i in self.plan.items if i.scope == scope for h in self.hosts(i)):
            match item:
                case StepItem(step=step):
                    ended = self.progress(item, host).ended
                    if ended is not None and ended.present:
                        lines.append(f"{host}: {step.title}")
                case ProofItem(after=False):
                    proof = self.state.proofs.get((item.key, host))
                    if proof is not None and proof.green is False:
                        lines.append(f"{host}: the check of recovery is red")
                case _:
                    pass
        return tuple(lines)

    def stale(self, item: Item, host: str, now: datetime) -> StepItem | None:
        """A reading step whose values this item rests on, and that is older than ten minutes or not held any more."""
        for guard_scope, names in self._rests_on(item):
            for source in self.sources(guard_scope, names):
                for where in self.hosts(source):
                    progress = self.progress(source, where)
                    if (
                        where in (host, self.plan.here)
                        and progress.ended is not None
                        and self._too_old(source, where, now)
                    ):
                        return source
        return None

    def _too_old(self, source: StepItem, host: str, now: datetime) -> bool:
        progress = self.progress(source, host)
        ended = progress.ended
        if ended is None or ended.status is Status.SKIPPED or progress.time is None:
            return False
        unheld = any((source.scope, host, name) not in self.hidden for name in ended.hidden)
        return unheld or abs(now - progress.time) > STALE

    def _rests_on(self, item: Item) -> Iterator[tuple[str, frozenset[str]]]:
        for guard in item.guards:
            if guard.when is not None:
                yield guard.scope, conditions.names(guard.when)
            if guard.causes and not self.state.changed:
                causes = self.plan.scopes[guard.scope].runbook.causes
                found = (conditions.names(cause.when) for cause in causes if cause.id in guard.causes)
                yield guard.scope, frozenset[str]().union(*found)
        if isinstance(item, StepItem):
            yield item.scope, item.step.reads

    def newest(self, scope: str, cause: Cause, host: str) -> int:
        """The number of the newest record that a cause's values come from."""
        sources = self.sources(scope, conditions.names(cause.when))
        return max((self.progress(s, where).seq for s in sources for where in (host, self.plan.here)), default=-1)

    # --- what would be executed

    def fill(self, item: Item, host: str, text: str) -> str:
        return texts.fill(text, self.lookup(item.scope, host))

    def script(self, item: Item, host: str, run: Run) -> Script:
        known = {name: self.value(item.scope, host, name) for name in run.reads}
        return script(run.script, {n: v for n, v in known.items() if v is not None}, run.reads, run.shell)

    def check_script(self, item: Item, host: str, check: Check) -> Script:
        return self.script(item, host, check.run)

    def digest(self, item: StepItem, host: str) -> str:
        """What an agreement is bound to: document, step, command, the values that it reads, and the host."""
        runbook = self.plan.scopes[item.scope].runbook
        values = {name: self.value(item.scope, host, name) for name in sorted(item.step.reads)}
        parts = [runbook.digest, self.plan.digest, item.key, host]
        parts += [f"{n}={'' if v is None else value_digest(v, self.plan.key)}" for n, v in values.items()]
        if isinstance(item.step.action, Run):
            parts.append(self.script(item, host, item.step.action).digest(self.plan.key))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_reading(item: Item) -> bool:
    """Whether an item may be repeated at will."""
    return isinstance(item, StepItem) and item.step.effect is Effect.READ and isinstance(item.step.action, Run)


def is_changing(item: Item) -> bool:
    return isinstance(item, StepItem) and item.step.effect is not Effect.READ


def ended_well(ended: StepEnded | None) -> bool:
    return ended is not None and ended.status is Status.OK


def shown(value: Plain | Secret | None) -> str:
    return "(not known yet)" if value is None else str(value)


def _any(answers: Iterator[bool | None]) -> bool | None:
    seen = list(answers)
    return True if True in seen else None if None in seen else False
