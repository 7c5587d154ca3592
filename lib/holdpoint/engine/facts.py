"""What can be told from plan and state: values, causes, whether a step applies, and exactly what it would execute.

All of it is derived, nothing is remembered. Conditions have three answers; `None` is "not known".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from holdpoint.document import conditions, texts
from holdpoint.document.model import Ask, Cause, Effect, Notify, OnFailure, Run, Section, Step, Todo, Wait, Where
from holdpoint.engine.events import Status
from holdpoint.engine.state import FAILURES, NOTHING_YET, Progress, State, may_have_effect
from holdpoint.engine.target import Target
from holdpoint.planning.plan import CausesItem, FileRun, Guard, Item, Mode, Plan, ProofItem, StepItem, Stood
from holdpoint.shell import Plain, Script, Secret, Value, script, value_digest

STALE = timedelta(minutes=10)
"""A value that was read longer ago is read again before anybody agrees to something on its ground."""

NAMED = 5

Hidden = Mapping[tuple[str, str, str], Secret]
"""Registered values that are kept nowhere: by scope, host and name."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was found out once and is the same for every host: one decision asks for it on each."""

    registering: dict[tuple[str, str], tuple[StepItem, ...]] = field(default_factory=dict)
    sources: dict[tuple[str, frozenset[str]], tuple[StepItem, ...]] = field(default_factory=dict)
    some_cause: dict[str, bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """A plan, the state of its run, and the secrets that this process holds."""

    plan: Plan
    state: State
    hidden: Hidden
    targets: Mapping[str, Target]
    _asked: _Asked = field(default_factory=_Asked, init=False, repr=False, compare=False)

    # --- items and hosts

    def concerns(self, item: Item, host: str) -> bool:
        """Whether an item is for this host; in a walk-through, also where that is not known."""
        applies = self.applies(item, host)
        return applies is True or (applies is None and self.state.not_run)

    def hosts(self, item: Item) -> tuple[str, ...]:
        """The hosts that an item concerns, whether or not it applies there."""
        match item:
            case StepItem(step=step, hosts=only):
                here = (self.plan.here,) if is_local(step) else self.plan.hosts
                return here if only is None else only
            case CausesItem() | ProofItem():
                return self.plan.hosts

    def progress(self, item: Item, host: str) -> Progress:
        return self.state.steps.get((item.key, host), NOTHING_YET)

    # --- values

    def value(self, scope: str, host: str, name: str) -> Value | None:
        """A parameter, a value registered on the host, one handed over by the plan, or None."""
        own = self.plan.scopes[scope].params
        if name in own:
            return own[name]
        for item in self._registering(scope, name):
            where = self.home_of(item, host)
            ended = self.state.steps.get((item.key, where), NOTHING_YET).ended
            if ended is not None and name in ended.values:
                return ended.values[name]
            if ended is not None and name in ended.hidden:
                return self.hidden.get((scope, where, name))
        seeds = (self.plan.seeds.get((scope, where), {}) for where in (host, self.plan.here))
        return next((seed[name] for seed in seeds if name in seed), None)

    def home_of(self, item: StepItem, host: str) -> str:
        """Where the values of a step lie that `host` may rest on: its own, or, of a local step, those of the run."""
        if is_local(item.step):
            return self.plan.here
        return host if host in self.plan.hosts or len(self.plan.hosts) != 1 else self.plan.hosts[0]

    def unknown(self, item: Item, host: str, names: frozenset[str]) -> tuple[str, ...]:
        """Those of the names that have no value."""
        return tuple(name for name in sorted(names) if self.value(item.scope, host, name) is None)

    def lookup(self, scope: str, host: str) -> Callable[[str], Value | None]:
        return lambda name: self.value(scope, host, name)

    def _registering(self, scope: str, name: str) -> tuple[StepItem, ...]:
        """The latest step that registers a name comes first, so a value that was read anew wins."""
        found = self._asked.registering.get((scope, name))
        if found is None:
            steps = (item for item in reversed(self.plan.items) if isinstance(item, StepItem) and item.scope == scope)
            found = tuple(item for item in steps if any(one.name == name for one in item.step.register))
            self._asked.registering[scope, name] = found
        return found

    def sources(self, scope: str, names: frozenset[str]) -> tuple[StepItem, ...]:
        """The steps that these values come from and that may be repeated."""
        found = self._asked.sources.get((scope, names))
        if found is None:
            items = (item for name in sorted(names) for item in self._registering(scope, name))
            asked = (item for item in items if is_reading(item) or isinstance(item.step.action, Ask))
            found = self._asked.sources[scope, names] = tuple(dict.fromkeys(asked))
        return found

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
        if self.plan.mode is Mode.ROLLBACK:
            return any((f"{scope}causes", where, cause) in self.plan.found for where in hosts)
        found = [self.state.causes.get((f"{scope}causes", where, cause)) for where in hosts]
        return _any(None if one is None else one.cause.holds for one in found)

    def holds(self, scope: str, host: str, cause: Cause) -> bool | None:
        """Whether a cause's condition holds by the values as they are known now."""
        return conditions.evaluate(cause.when, self.lookup(scope, host))

    def _some_cause(self, scope: str) -> bool | None:
        """A step for every cause applies where the document names no causes, or one was found."""
        if scope not in self._asked.some_cause:
            causes = self.plan.scopes[scope].runbook.causes
            each = (self.cause(scope, host, cause.id) for cause in causes for host in self.plan.hosts)
            self._asked.some_cause[scope] = _any(each) if causes else True
        return self._asked.some_cause[scope]

    def passed_over(self, item: Item, host: str) -> str:
        """The step whose failure jumps over this one, or an empty text."""
        here = self.plan.items.index(item)
        for index, other in enumerate(self.plan.items[:here]):
            if not isinstance(other, StepItem) or other.step.on_failure is not OnFailure.GOTO:
                continue
            target = other.key.removesuffix(other.step.id) + str(other.step.goto)
            keys = [i.key for i in self.plan.items[index:]]
            to = next((at for at, key in enumerate(keys, index) if key == target or key.startswith(f"{target}/")), 0)
            if here < to and self.failed(other, self.home_of(other, host)):
                return other.key
        return ""

    def missing(self, item: StepItem, host: str) -> tuple[str, ...]:
        """The values that the step reads and that are not known."""
        return self.unknown(item, host, item.step.reads)

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

    def found(self, scope: str) -> tuple[str, ...]:
        """The causes that were found."""
        decided = (one.cause for (key, _, _), one in self.state.causes.items() if key == f"{scope}causes")
        return tuple(f"{cause.host}: {cause.title}" for cause in decided if cause.holds)

    def unseen(self, scope: str) -> tuple[str, ...]:
        """Symptoms and checks of recovery that could not be looked at."""
        lines: list[str] = []
        for item, host in ((i, h) for i in self.plan.items if i.scope == scope for h in self.hosts(i)):
            match item:
                case StepItem(step=step) if step.section is Section.SYMPTOMS:
                    ended = self.progress(item, host).ended
                    if ended is not None and ended.present is None and ended.status is not Status.SKIPPED:
                        lines.append(f"{host}: {step.title}")
                case ProofItem(after=False):
                    proof = self.state.proofs.get((item.key, host))
                    if proof is not None and proof.green is None:
                        lines.append(f"{host}: the check of recovery")
                case _:
                    pass
        return tuple(lines)

    def stale(self, item: Item, host: str, now: datetime) -> tuple[StepItem, str] | None:
        """A step whose values this item rests on, and where, that is too old or whose secret is not held any more."""
        places = [
            (source, self.home_of(source, host))
            for scope, names in self._rests_on(item)
            for source in self.sources(scope, names)
        ]
        before = self.state.steps.get((item.key, host), NOTHING_YET)
        if may_have_effect(before):  # what an undo puts back is what stood there before the first attempt
            places = [place for place in places if not any(isinstance(one, Stood) for one in place[0].step.register)]
        asked = self._asked_before(places, before.seq) if before.again else None
        if asked is not None:
            return asked
        limit = STALE + sum((self._took(source, where) for source, where in places), timedelta(0))
        return next(((source, where) for source, where in places if self._too_old(source, where, now, limit)), None)

    def _asked_before(self, places: list[tuple[StepItem, str]], seq: int) -> tuple[StepItem, str] | None:
        """A question whose answer may be why a step failed: it is asked anew before the step is tried again."""
        asked = ((source, where) for source, where in places if isinstance(source.step.action, Ask))
        return next(((source, where) for source, where in asked if self.progress(source, where).seq < seq), None)

    def _took(self, source: StepItem, host: str) -> timedelta:
        """How long a read took: reading several slow ones must not make the first one old again."""
        progress = self.progress(source, host)
        if progress.began is None or progress.time is None or not is_reading(source):
            return timedelta(0)
        return max(timedelta(0), progress.time - progress.began)

    def _too_old(self, source: StepItem, host: str, now: datetime, limit: timedelta) -> bool:
        progress = self.progress(source, host)
        ended = progress.ended
        if ended is None or ended.status is Status.SKIPPED or progress.time is None:
            return False
        if any((source.scope, host, name) not in self.hidden for name in ended.hidden):
            return True
        return is_reading(source) and abs(now - progress.time) > limit

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
        return max((self.progress(source, self.home_of(source, host)).seq for source in sources), default=-1)

    # --- what would be executed

    def fill(self, item: Item, host: str, text: str) -> str:
        return texts.fill(text, self.lookup(item.scope, host))

    def script(self, item: Item, host: str, run: Run) -> Script:
        known = {name: self.value(item.scope, host, name) for name in run.reads}
        bound = script(run.script, {n: v for n, v in known.items() if v is not None}, run.reads, run.shell)
        return replace(bound, given=run.given, says=run.says) if isinstance(run, FileRun) else bound

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


def is_local(step: Step) -> bool:
    """Whether a step is done once for the run, where the person is, and not on each host."""
    return step.where is Where.LOCAL or isinstance(step.action, Ask | Wait | Notify | Todo)


def is_changing(item: Item) -> bool:
    return isinstance(item, StepItem) and item.step.effect is not Effect.READ


def names(hosts: Iterable[str]) -> str:
    """Name hosts for a person; of many, those beyond a few are counted."""
    listed = tuple(dict.fromkeys(hosts))
    if len(listed) <= NAMED:
        return ", ".join(listed)
    return f"{', '.join(listed[: NAMED - 1])} and {len(listed) - NAMED + 1} more"


def executed_as(what: str, become: str | None) -> str:
    """Add the user that something is executed as, where it is not the one who is logged in."""
    return f"{what}, as {become}" if become else what


def shown(value: Plain | Secret | None) -> str:
    return "(not known yet)" if value is None else str(value)


def _any(answers: Iterator[bool | None]) -> bool | None:
    seen = list(answers)
    return True if True in seen else None if None in seen else False
