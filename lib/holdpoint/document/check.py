"""What a schema cannot say: whether names, types and jumps make sense, in one document and across a library.

Errors keep a document from being a runbook; warnings are for its author.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from holdpoint.document import check_commands, check_flow, check_names, check_types
from holdpoint.document.build import Draft
from holdpoint.document.model import Effect, Param, Registered, Runbook, Section, Step, Use, UseArg, ValueRef, ValueType
from holdpoint.document.scope import scope
from holdpoint.problem import Problem, by_place, did_you_mean

_READING = frozenset({Section.SYMPTOMS, Section.DIAGNOSTIC, Section.PREVENTION})


def errors(draft: Draft) -> tuple[Problem, ...]:
    """Say what is wrong in a draft, as far as its sound parts tell."""
    found = scope(draft)
    return tuple(
        chain(check_flow.errors(draft, found), check_names.errors(draft, found), check_types.errors(draft, found))
    )


def warnings(draft: Draft) -> tuple[Problem, ...]:
    """Say what an author should look at again."""
    found = scope(draft)
    return tuple(chain(check_flow.warnings(draft, found), check_names.unused(draft), check_commands.warnings(draft)))


def cross(runbooks: Mapping[str, Runbook], others: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Check each `use` against the runbook that it names. `others` are there, but could not be read."""
    unread = frozenset(others)
    changing = _changing(runbooks)
    found: list[Problem] = []
    for runbook in runbooks.values():
        for step, use in _uses(runbook):
            target = runbooks.get(use.runbook)
            if target is not None:
                found += _use(runbook, step, use, target, changing)
            elif use.runbook not in unread:
                message = f"step `{step.id}` uses runbook `{use.runbook}`, which is not there"
                hint = did_you_mean(use.runbook, runbooks)
                found.append(Problem("unknown-runbook", message, use.place, hint=hint))
    return by_place(chain(found, _cycles(runbooks)))


def _uses(runbook: Runbook) -> Iterator[tuple[Step, Use]]:
    for step in runbook.steps():
        if isinstance(step.action, Use):
            yield step, step.action


def _use(runbook: Runbook, step: Step, use: Use, target: Runbook, changing: Mapping[str, str]) -> Iterator[Problem]:
    params = {param.name: param for param in target.params}
    given = {arg.name for arg in use.args}
    for arg in use.args:
        if arg.name not in params:
            message = f"runbook `{target.id}` has no parameter `{arg.name}`"
            expected = ", ".join(f"`{name}`" for name in sorted(params)) or "no parameters"
            yield Problem("unknown-param", message, arg.place, expected=expected, hint=did_you_mean(arg.name, params))
        else:
            yield from _argument(runbook, arg, params[arg.name], target)
    for param in target.params:
        if param.name not in given and param.default is None and param.type is not ValueType.SECRET:
            message = f"step `{step.id}` gives no value for parameter `{param.name}` of runbook `{target.id}`"
            hint = f"write `use: {{runbook: {target.id}, with: {{{param.name}: …}}}}`"
            yield Problem("missing-param", message, use.place, hint=hint)
    if step.section in _READING and target.id in changing:
        what = "prevention" if step.section is Section.PREVENTION else "diagnosis"
        message = f"step `{step.id}` is {what}, but runbook `{target.id}` changes things"
        hint = "use it in `resolution`"
        yield Problem("changing-use", message, use.place, found=changing[target.id], hint=hint)


def _argument(runbook: Runbook, arg: UseArg, param: Param, target: Runbook) -> Iterator[Problem]:
    who = f"parameter `{param.name}` of runbook `{target.id}`"
    if isinstance(arg.value, ValueRef):
        given = _type(runbook, arg.value.name)
        same = (given is ValueType.SECRET) == (param.type is ValueType.SECRET)
        if given is not None and (not same or check_types.kind(given) != check_types.kind(param.type)):
            found = f"`{arg.value.name}`, of type `{given}`"
            yield Problem("argument", f"{who} gets another type", arg.place, found=found, expected=f"`{param.type}`")
    elif param.type is ValueType.SECRET:
        hint = "leave it out; it comes from its own source"
        yield Problem("argument", f"{who} is a secret, and cannot stand in a document", arg.place, hint=hint)
    else:
        problem = check_types.literal(param, arg.value)
        if problem is not None:
            message = problem.message.replace(f"parameter `{param.name}`", who)
            yield replace(problem, place=arg.place, message=message)


def _type(runbook: Runbook, name: str) -> ValueType | None:
    values: Iterator[Param | Registered] = chain(
        runbook.params, (value for step in runbook.steps() for value in step.register)
    )
    return next((value.type for value in values if value.name == name), None)


def _changing(runbooks: Mapping[str, Runbook]) -> dict[str, str]:
    """Name the runbooks that change something, themselves or by what they use, with the step that does."""
    found = {
        runbook.id: f"step `{step.id}` of `{runbook.id}` has `effect: {step.effect}`"
        for runbook in runbooks.values()
        for step in reversed(list(runbook.steps()))
        if step.effect is not Effect.READ
    }
    users: dict[str, list[str]] = {}
    for runbook in runbooks.values():
        for _, use in _uses(runbook):
            users.setdefault(use.runbook, []).append(runbook.id)
    waiting = list(found)
    while waiting:
        used = waiting.pop()
        for user in users.get(used, ()):
            if user not in found:
                found[user] = found[used]
                waiting.append(user)
    return found


def _cycles(runbooks: Mapping[str, Runbook]) -> Iterator[Problem]:
    """Find circles of `use`, each told once, where it closes. A loop of its own, since chains may be long."""
    done: set[str] = set()
    for start in sorted(runbooks):
        trail: list[str] = []
        waiting: list[tuple[str, Iterator[tuple[Step, Use]]]] = []
        if start not in done:
            trail.append(start)
            waiting.append((start, _uses(runbooks[start])))
        while waiting:
            name, uses = waiting[-1]
            step_use = next(uses, None)
            if step_use is None:
                waiting.pop()
                trail.pop()
                done.add(name)
                continue
            step, use = step_use
            if use.runbook in trail:
                circle = " uses ".join(f"`{one}`" for one in (*trail[trail.index(use.runbook) :], use.runbook))
                message = f"step `{step.id}` closes a circle"
                yield Problem("use-circle", message, use.place, found=circle, hint="a runbook cannot use itself")
            elif use.runbook in runbooks and use.runbook not in done:
                trail.append(use.runbook)
                waiting.append((use.runbook, _uses(runbooks[use.runbook])))
