"""From a runbook and its values to a plan: `use` steps are opened up, everything is laid out in one order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from holdpoint.document.model import Fetch, Put, Runbook, Section, Step, Use, UseArg, ValueRef
from holdpoint.planning.files import Files, content, fetch_step, no_files, put_steps
from holdpoint.planning.plan import CausesItem, Guard, Item, Mode, Plan, ProofItem, Scope, StepItem
from holdpoint.planning.values import bind
from holdpoint.problem import HoldpointError, Problem
from holdpoint.shell import Secret, Value, as_text, value_digest

Load = Callable[[str], Runbook]
"""Give the runbook of a name, for `use`; raises `HoldpointError` where there is none."""

DEEPEST = 8


def plan(
    runbook: Runbook,
    values: Mapping[str, Value],
    *,
    hosts: tuple[str, ...],
    here: str,
    key: bytes,
    load: Load,
    files: Files = no_files,
) -> Plan:
    """Lay a run out. `values` come from `bind`.

    Raises `HoldpointError` for a `use` that cannot be opened up, and for a file of the library that cannot be put; also
    for one that only a rollback would put.
    """
    for step in runbook.rollback:
        if isinstance(step.action, Put):
            content(runbook, step, step.action, files)
    layout = _Layout(load, files, {}, [])
    layout.runbook(runbook, Scope("", runbook, dict(values)), (), tuple(Section))
    return seal(Plan(runbook, Mode.REMEDIATE, hosts, here, layout.scopes, tuple(layout.items), "", key))


def laid_out(
    plan: Plan, steps: tuple[Step, ...], load: Load, files: Files = no_files
) -> tuple[Mapping[str, Scope], tuple[Item, ...]]:
    """Lay more steps of the root's runbook out, with the scopes that they need beside those that the plan has."""
    layout = _Layout(load, files, dict(plan.scopes), [])
    layout.steps(steps, plan.scopes[""], ())
    return layout.scopes, tuple(layout.items)


def seal(unsealed: Plan) -> Plan:
    """Compute the digests: documents, parameters, targets and the program; and the same without what is one person's."""
    parts: list[str] = [unsealed.mode, *unsealed.hosts, unsealed.of_run]
    own = [unsealed.here]
    for scope in unsealed.scopes.values():
        parts += [scope.name, scope.runbook.digest]
        for name, value in sorted(scope.params.items()):
            secret = isinstance(value, Secret)
            parts.append(f"{name}={'a secret' if secret else value_digest(value, unsealed.key)}")
            own += [value_digest(value, unsealed.key)] if secret else []
    parts += [f"{key}:{digest}" for key, digest in unsealed.fingerprints().items()]
    content = _digest(parts)
    return replace(unsealed, content=content, digest=_digest([content, *own]))


def _digest(parts: Sequence[str]) -> str:
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(f"{len(part)}:{part}".encode())
    return hasher.hexdigest()


@dataclass(frozen=True, slots=True)
class _Layout:
    load: Load
    files: Files
    scopes: dict[str, Scope]
    items: list[Item]

    def runbook(self, runbook: Runbook, scope: Scope, guards: tuple[Guard, ...], sections: tuple[Section, ...]) -> None:
        """Append a runbook's program: read, look at the proof, decide the causes, repair, look again, prevent."""
        self.scopes[scope.name] = scope
        self.steps(runbook.symptoms, scope, guards)
        self.steps(runbook.diagnostic, scope, guards)
        if Section.RESOLUTION not in sections:
            return
        self._proof(runbook, scope, guards, after=False)
        if runbook.causes:
            self.items.append(CausesItem(f"{scope.name}causes", scope.name, runbook.causes, guards))
        self.steps(runbook.resolution, scope, guards)
        self._proof(runbook, scope, guards, after=True)
        if Section.PREVENTION in sections:
            self.steps(runbook.prevention, scope, guards)

    def _proof(self, runbook: Runbook, scope: Scope, guards: tuple[Guard, ...], *, after: bool) -> None:
        if runbook.recovered is not None:
            key = f"{scope.name}recovered-{'after' if after else 'before'}"
            self.items.append(ProofItem(key, scope.name, runbook.recovered, after, guards))

    def steps(self, steps: tuple[Step, ...], scope: Scope, guards: tuple[Guard, ...]) -> None:
        for step in steps:
            own = (*guards, Guard(scope.name, step.causes, step.when)) if step.causes or step.when else guards
            match step.action:
                case Use():
                    self._use(step, step.action, scope, own)
                case Put():
                    self._put(step, step.action, scope, own)
                case Fetch():
                    self._step(fetch_step(step, step.action, scope.name), scope, own)
                case _:
                    self._step(step, scope, own)

    def _step(self, step: Step, scope: Scope, guards: tuple[Guard, ...]) -> None:
        self.items.append(StepItem(f"{scope.name}{step.id}", scope.name, step, guards))

    def _put(self, step: Step, put: Put, scope: Scope, guards: tuple[Guard, ...]) -> None:
        """Look first, then change; the digest of the file is remembered, to be compared before an effect."""
        blob = content(scope.runbook, step, put, self.files)
        known = self.scopes[scope.name]
        self.scopes[scope.name] = replace(known, files={**known.files, put.source: blob.digest})
        for one in put_steps(step, put, blob):
            self._step(one, scope, guards)

    def _use(self, step: Step, use: Use, scope: Scope, guards: tuple[Guard, ...]) -> None:
        if scope.name.count("/") >= DEEPEST:
            message = f"`use` goes deeper than {DEEPEST} runbooks at step `{scope.name}{step.id}`"
            raise HoldpointError(Problem("use-too-deep", message, use.place, hint="does one use itself?"))
        used = self.load(use.runbook)
        given = {arg.name: _argument(arg, scope) for arg in use.args}
        inner = Scope(f"{scope.name}{step.id}/", used, bind(used, given), use=step)
        reading = step.section in (Section.SYMPTOMS, Section.DIAGNOSTIC)
        sections = (Section.DIAGNOSTIC,) if reading else (Section.DIAGNOSTIC, Section.RESOLUTION)
        self.runbook(used, inner, guards, sections)


def _argument(arg: UseArg, scope: Scope) -> Value | str:
    if isinstance(arg.value, ValueRef):
        if arg.value.name not in scope.params:
            message = f"`{arg.value.name}` has no value to hand to `{arg.name}`"
            raise HoldpointError(Problem("use-value", message, arg.place, hint="give the parameter, or a default"))
        return scope.params[arg.value.name]
    return as_text(arg.value)


def differences(recorded: Mapping[str, str], plan: Plan) -> tuple[str, ...]:
    """The keys of the items that are not as they were recorded, in the plan's order; gone ones last."""
    now = plan.fingerprints()
    changed = [key for key in now if recorded.get(key) != now[key]]
    return (*changed, *(key for key in recorded if key not in now))
