"""The way through a document: ids, causes and who treats them, jumps, steps that nobody reaches, effects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from holdpoint.document import conditions
from holdpoint.document.build import Draft
from holdpoint.document.model import All, Cause, Condition, Effect, OnFailure, Section, Step
from holdpoint.document.possible import possible
from holdpoint.document.scope import Scope, at_key
from holdpoint.problem import Level, Place, Problem, did_you_mean

SUFFIX = ".yaml"


RESERVED = frozenset({"opening", "proceed", "memory", "causes", "recovered-before", "recovered-after"})
"""Keys that a plan, or a file of answers, uses itself."""


def errors(draft: Draft, scope: Scope) -> Iterator[Problem]:
    """Say what is wrong with the way through."""
    yield from _file_name(draft)
    yield from _ids(draft)
    yield from _causes(draft)
    yield from _jumps(draft, scope)
    yield from _reached(draft)
    for step in draft.runbook.steps():
        yield from _effects(step)


def warnings(draft: Draft, scope: Scope) -> Iterator[Problem]:
    """Warn of causes that nobody treats, and of causes without evidence."""
    treated = {cause for step in draft.runbook.resolution for cause in step.causes} | draft.ghosts.treated
    always = any(not step.causes for step in draft.runbook.resolution) or draft.ghosts.any
    for cause in draft.runbook.causes:
        if cause.id not in treated and not always:
            hint = f"give a step of `resolution` `for: [{cause.id}]`, if only one that says whom to call"
            message = f"no step treats cause `{cause.id}`"
            yield Problem("untreated-cause", message, cause.place, hint=hint, level=Level.WARNING)
        names = conditions.names(cause.when)
        if names <= scope.params.keys():
            message = f"cause `{cause.id}` reads nothing that a step registered"
            hint = "a cause is told from others by what the diagnosis finds"
            yield Problem("no-evidence", message, cause.place, hint=hint, level=Level.WARNING)


def _file_name(draft: Draft) -> Iterator[Problem]:
    path, found = PurePosixPath(draft.runbook.file), draft.runbook.id
    if path.suffix == SUFFIX and found and path.stem != found:
        at = draft.reader.at(draft.tree, "id")
        hint = f"write `id: {path.stem}`, or rename the file to `{found}{SUFFIX}`"
        yield Problem("file-name", f"the file of runbook `{found}` is named `{path.name}`", at, hint=hint)


def _ids(draft: Draft) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    things: list[Step | Cause] = [*draft.runbook.steps(), *draft.runbook.causes]
    for thing in sorted(things, key=lambda one: (one.place.line, one.place.column)):
        if thing.id in first:
            found = f"the first one is on line {first[thing.id].line}"
            message = f"the id `{thing.id}` is given twice"
            yield Problem("duplicate-id", message, thing.place, found=found, hint="choose another id")
        elif thing.id in RESERVED or thing.id.startswith("undo-"):
            message = f"the id `{thing.id}` is kept for questions of Holdpoint's own"
            yield Problem("reserved-id", message, thing.place, hint="choose another id")
        else:
            first[thing.id] = thing.place


def _causes(draft: Draft) -> Iterator[Problem]:
    known = {cause.id for cause in draft.runbook.causes} | draft.ghosts.causes
    for step in draft.runbook.steps():
        if known.issuperset(step.causes):
            continue
        for number, name in enumerate(step.causes):
            if name not in known and ("causes" not in draft.tree or draft.runbook.causes or draft.ghosts.causes):
                expected = ", ".join(f"`{one}`" for one in sorted(known))
                hint = did_you_mean(name, known)
                expected = "" if hint else expected or "a cause under `causes`"
                message = f"step `{step.id}` is for cause `{name}`, which is not there"
                yield Problem(
                    "unknown-cause", message, at_key(draft, step, "for", number), expected=expected, hint=hint
                )


def _jumps(draft: Draft, scope: Scope) -> Iterator[Problem]:
    known = scope.numbers.keys()
    rolling_back = {step.id for step in draft.runbook.rollback}
    for step in draft.runbook.steps():
        if step.section is Section.ROLLBACK and step.on_failure is OnFailure.ROLLBACK:
            hint = "`stop` and `continue` are possible here"
            message = f"step `{step.id}` is part of the rollback, and cannot begin one"
            yield Problem("jump", message, at_key(draft, step, "on_failure"), hint=hint)
        if step.goto is None:
            continue
        if step.goto not in known:
            message = f"step `{step.id}` goes to `{step.goto}`, which is not there"
            yield Problem("unknown-step", message, at_key(draft, step, "goto"), hint=did_you_mean(step.goto, known))
        elif scope.numbers[step.goto] <= scope.numbers.get(step.id, -1):
            what = "itself" if step.goto == step.id else f"the earlier step `{step.goto}`"
            message = f"step `{step.id}` goes to {what}, and would loop"
            yield Problem(
                "loop", message, at_key(draft, step, "goto"), expected="a later step", hint="`retry` repeats a step"
            )
        elif step.goto in rolling_back and step.id not in rolling_back:
            message = f"step `{step.id}` goes to `{step.goto}`, which only a rollback does"
            hint = "`on_failure: rollback` takes the changes back"
            yield Problem("jump", message, at_key(draft, step, "goto"), expected="a step of this run", hint=hint)


def _reached(draft: Draft) -> Iterator[Problem]:
    """Conditions that can never hold, and steps behind them."""
    causes = {cause.id: cause for cause in draft.runbook.causes}
    never = {cause.id for cause in draft.runbook.causes if not possible(cause.when)}
    for name in never:
        cause = causes[name]
        message = f"cause `{name}` can never hold"
        yield Problem("never-holds", message, _where(cause.when), hint="its comparisons contradict each other")
    for step in draft.runbook.steps():
        if step.when is None:
            continue
        if not possible(step.when):
            message = f"nobody can reach step `{step.id}`"
            hint = "the comparisons of its `when` contradict each other"
            yield Problem("unreachable", message, _where(step.when), hint=hint)
        elif step.causes and all(name in causes for name in step.causes):
            whens = [causes[name].when for name in step.causes if name not in never]
            if whens and not any(possible(All((when, step.when))) for when in whens):
                message = f"nobody can reach step `{step.id}`"
                hint = "its `when` contradicts every cause that it is for"
                yield Problem("unreachable", message, _where(step.when), hint=hint)


def _where(condition: Condition) -> Place:
    return next(compare.place for compare in conditions.compares(condition))


def _effects(step: Step) -> Iterator[Problem]:
    """What the schema cannot see, since the effect is not written there."""
    if step.effect is Effect.READ:
        return
    if step.retry is not None and not step.idempotent:
        message = f"step `{step.id}` changes something and is repeated"
        yield Problem("retry", message, step.place, hint="say `idempotent: true` where running it twice is safe")
    if step.sensitive and step.register:
        message = f"step `{step.id}` is sensitive and changes something, and cannot register values"
        hint = (
            "its output is not kept, so the value would be lost when the run is resumed; read it in a step of its own"
        )
        yield Problem("sensitive-register", message, step.place, hint=hint)
