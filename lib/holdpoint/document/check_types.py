"""Types: defaults and choices of parameters, both sides of comparisons, and what secrets must not be used for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from holdpoint.document import conditions, values
from holdpoint.document.build import Draft
from holdpoint.document.model import Compare, Condition, Op, Param, Registered, ValueRef, ValueType
from holdpoint.document.schema import advice
from holdpoint.document.scope import Scope, entry_of
from holdpoint.document.yaml import Map
from holdpoint.problem import Place, Problem
from holdpoint.shell import Plain

_NUMBERS = frozenset({ValueType.INTEGER, ValueType.NUMBER})
_TEXTS = frozenset({ValueType.STRING, ValueType.PATH})
_OPS = {
    **dict.fromkeys(_NUMBERS, (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE)),
    **dict.fromkeys(_TEXTS, (Op.EQ, Op.NE, Op.CONTAINS, Op.MATCHES)),
    ValueType.BOOLEAN: (Op.EQ, Op.NE),
}


def errors(draft: Draft, scope: Scope) -> Iterator[Problem]:
    """Say where a value is not of the type that it should have."""
    params = draft.tree.get("params")
    for param in draft.runbook.params:
        spec = params.get(param.name) if isinstance(params, Map) else None
        if isinstance(spec, Map):
            yield from _param(draft, param, spec)
    for step in draft.runbook.steps():
        entry = entry_of(draft, step) if step.register else None
        register = entry.get("register") if entry is not None else None
        for value in step.register:
            spec = register.get(value.name) if isinstance(register, Map) else None
            if isinstance(spec, Map):
                yield from _rules(draft, value, spec)
    for condition in _all_conditions(draft):
        for compare in conditions.compares(condition):
            yield from _compare(compare, scope)


def _all_conditions(draft: Draft) -> Iterator[Condition]:
    for step in draft.runbook.steps():
        if step.when is not None:
            yield step.when
    for cause in draft.runbook.causes:
        yield cause.when


def kind(value: ValueType) -> str:
    """Name what values of a type compare with."""
    return "a number" if value in _NUMBERS else "a text" if value in _TEXTS else values.WORDS[value]


def _param(draft: Draft, param: Param, spec: Map) -> Iterator[Problem]:
    yield from _rules(draft, param, spec)
    if param.default is not None and not any(problem.code == "regex" for problem in draft.reader.problems):
        yield from _literal(param, param.default, partial(draft.reader.at, spec, "default"), "the default of ")


def _rules(draft: Draft, param: Param | Registered, spec: Map) -> Iterator[Problem]:
    who = values.who(param)
    for key in ("min", "max"):
        if key in spec and param.type not in _NUMBERS:
            message = f"{who} is {values.WORDS[param.type]}, and has no `{key}`"
            yield Problem("param", message, draft.reader.at_key(spec, key), hint="remove it, or use `pattern`")
    if param.min is not None and param.max is not None and param.min > param.max:
        found = f"`min` is {param.min:g}, `max` is {param.max:g}"
        message = f"no value of {who} is allowed"
        yield Problem("param", message, draft.reader.at(spec, "min"), found=found)
    if param.pattern is not None and param.type not in _TEXTS:
        message = f"{who} is {values.WORDS[param.type]}, and has no `pattern`"
        hint = "remove it, or use `min` and `max`" if param.type in _NUMBERS else "remove it"
        yield Problem("param", message, draft.reader.at_key(spec, "pattern"), hint=hint)
    if any(problem.code == "regex" for problem in draft.reader.problems):
        return
    bare = replace(param, enum=()) if param.enum else param
    for choice in param.enum:
        yield from _literal(bare, choice, partial(draft.reader.at_key, spec, "enum"), "a choice of ")


def _literal(param: Param | Registered, value: Plain, at: Callable[[], Place], what: str) -> Iterator[Problem]:
    problem = literal(param, value)
    if problem is not None:
        yield replace(problem, place=at(), message=what + problem.message)


def literal(param: Param | Registered, value: Plain) -> Problem | None:
    """Check a literal of a document: there a number in quotes is a text, and no number."""
    if isinstance(value, str) and param.type not in _TEXTS:
        hint = advice(value, {"type": "boolean"}) if param.type is ValueType.BOOLEAN else ""
        return Problem(
            "value-type",
            f"{values.who(param)} is not {values.WORDS[param.type]}",
            found=f"the text {values.shown(value)}",
            expected=values.WORDS[param.type],
            hint="remove the quotes" if _bare(param, value) else hint,
        )
    if not isinstance(value, str) and param.type in _TEXTS:
        message = f"{values.who(param)} is not {values.WORDS[param.type]}"
        hint = f"put it in quotes: `'{values.shown(value).split('`')[1]}'`"
        return Problem("value-type", message, found=values.shown(value), expected=values.WORDS[param.type], hint=hint)
    checked = values.check(param, value)
    return checked if isinstance(checked, Problem) else None


def _bare(param: Param | Registered, value: str) -> bool:
    """Tell whether a text would be a value of the type without its quotes."""
    dashed = replace(param, allow_dash=True) if isinstance(param, Param) else param
    return not isinstance(values.check(dashed, value), Problem)


def _compare(compare: Compare, scope: Scope) -> Iterator[Problem]:
    left = scope.type(compare.value)
    if left is None:
        return
    if left is ValueType.SECRET:
        hint = "ask a command that uses it, and register what that says"
        yield Problem("secret", f"`{compare.value}` is a secret, and cannot be compared", compare.place, hint=hint)
        return
    if compare.op not in _OPS[left]:
        message = f"`{compare.value}` is {values.WORDS[left]}, and cannot be compared with `{compare.op}`"
        expected = ", ".join(f"`{op}`" for op in _OPS[left])
        yield Problem("comparison", message, compare.place, expected=expected)
        return
    if isinstance(compare.than, ValueRef):
        right = scope.type(compare.than.name)
        if right is not None and kind(right) != kind(left):
            yield _mismatch(compare, left, f"`{compare.than.name}`, which is {values.WORDS[right]}")
    elif not _fits(left, compare.than):
        yield _mismatch(compare, left, _literally(compare.than))


def _literally(value: Plain) -> str:
    return f"the text {values.shown(value)}" if isinstance(value, str) else values.shown(value)


def _fits(left: ValueType, right: Plain) -> bool:
    if left in _NUMBERS:
        return conditions.is_number(right)
    return isinstance(right, str if left in _TEXTS else bool)


def _mismatch(compare: Compare, left: ValueType, found: str) -> Problem:
    message = f"`{compare.value}` is compared with something of another type"
    return Problem("comparison", message, compare.place, found=found, expected=kind(left))
