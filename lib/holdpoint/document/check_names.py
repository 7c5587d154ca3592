"""Names of values: unknown, read too early, given twice, never read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdpoint.document import conditions, shelltext, texts
from holdpoint.document.build import Draft
from holdpoint.document.model import Compare, Fetch, Step, Use, ValueRef
from holdpoint.document.scope import Scope, Text, all_texts, close, entry_of
from holdpoint.problem import Level, Place, Problem, did_you_mean

_ASSIGN = "assign it in the script; a variable of the environment is written in upper case"


def errors(draft: Draft, scope: Scope) -> Iterator[Problem]:
    """Say which names are wrong."""
    for text in all_texts(draft):
        yield from _script(draft, scope, text) if text.shell else _people(draft, scope, text)
    yield from _conditions(draft, scope)
    yield from _registered_twice(draft, scope)
    yield from _fetched_twice(draft)
    yield from _handed_over(draft, scope)


def _handed_over(draft: Draft, scope: Scope) -> Iterator[Problem]:
    """A used runbook gets its parameters when the run is laid out, before anything was read."""
    for step in draft.runbook.steps():
        for arg in step.action.args if isinstance(step.action, Use) else ():
            if isinstance(arg.value, ValueRef) and arg.value.name not in scope.params and arg.value.name in scope.since:
                message = f"step `{step.id}` hands over `{arg.value.name}`, which is known only once a step has read it"
                hint = f"let the used runbook read it itself; `{arg.name}` can be left to its default there"
                expected = "a parameter of this runbook, or the value itself"
                yield Problem("use-value", message, arg.place, expected=expected, hint=hint)


def unused(draft: Draft) -> Iterator[Problem]:
    """Warn of parameters that nothing reads; silent where a part could not be looked at."""
    if draft.ghosts.any:
        return
    read: set[str] = set()
    for step in draft.runbook.steps():
        read |= step.reads
    for cause in draft.runbook.causes:
        read |= conditions.names(cause.when)
    for text in all_texts(draft):
        read |= draft.reader.reads(text.text) if text.shell else texts.names(text.text)
    for param in draft.runbook.params:
        if param.name not in read:
            message = f"nothing reads parameter `{param.name}`"
            hint = f'a command reads it as `"${param.name}"`'
            yield Problem("unused-param", message, param.place, hint=hint, level=Level.WARNING)


def _script(draft: Draft, scope: Scope, text: Text) -> Iterator[Problem]:
    known = draft.reader.known
    for mention in shelltext.unknown(text.text, known):
        offset = text.text.find(mention.name, mention.offset)
        place = draft.reader.inside(text.owner, text.key, offset, len(mention.name))
        message = f"no parameter and no step gives `{mention.name}`"
        hint = did_you_mean(mention.name, scope.since) or _ASSIGN
        yield Problem("unknown-name", message, place, hint=hint)
    for name in sorted(draft.reader.reads(text.text)):
        if _too_early(name, text, scope):
            yield _early(name, _first(draft, text, f"${name}", f"${{{name}"), text.step, scope)


def _people(draft: Draft, scope: Scope, text: Text) -> Iterator[Problem]:
    if "{" not in text.text and "}" not in text.text:
        return
    for offset in texts.strays(text.text):
        place = draft.reader.inside(text.owner, text.key, offset, 1)
        hint = "write `{{` and `}}` for braces that shall be seen"
        yield Problem("stray-brace", "a brace that does not enclose a name", place, expected="`{name}`", hint=hint)
    for name in sorted(texts.names(text.text)):
        known = name in scope.since
        if known and not _too_early(name, text, scope):
            continue
        place = _first(draft, text, f"{{{name}}}")
        yield _early(name, place, text.step, scope) if known else _unknown(name, place, scope)


def _too_early(name: str, text: Text, scope: Scope) -> bool:
    return name not in text.own and scope.since.get(name, -1) >= text.step


def _first(draft: Draft, text: Text, *forms: str) -> Place:
    """Point at the first mention of a name in one of its forms."""
    found = [(offset, form) for form in forms if (offset := text.text.find(form)) >= 0]
    if not found:
        return draft.reader.at(text.owner, text.key)
    offset, form = min(found)
    return draft.reader.inside(text.owner, text.key, offset, len(form))


def _conditions(draft: Draft, scope: Scope) -> Iterator[Problem]:
    for step in draft.runbook.steps():
        number = scope.numbers.get(step.id, 0)
        named: list[tuple[str, Place]] = []
        if step.when is not None:
            named += _named(conditions.compares(step.when))
        named += [(name, _shown(draft, step)) for name in step.gate.show]
        if isinstance(step.action, Use):
            named += [(a.value.name, a.place) for a in step.action.args if isinstance(a.value, ValueRef)]
        yield from _each(named, number, scope)
    for cause in draft.runbook.causes:
        yield from _each(_named(conditions.compares(cause.when)), scope.decided, scope)


def _named(compares: Iterable[Compare]) -> list[tuple[str, Place]]:
    return [
        (name, compare.place)
        for compare in compares
        for name in (compare.value, *((compare.than.name,) if isinstance(compare.than, ValueRef) else ()))
    ]


def _shown(draft: Draft, step: Step) -> Place:
    """Point at the gate of a step."""
    entry = entry_of(draft, step)
    return draft.reader.at_key(entry, "gate") if entry is not None and "gate" in entry else step.place


def _each(named: Iterable[tuple[str, Place]], number: float, scope: Scope) -> Iterator[Problem]:
    for name, place in named:
        if name not in scope.since:
            yield _unknown(name, place, scope)
        elif scope.since[name] >= number:
            yield _early(name, place, number, scope)


def _registered_twice(draft: Draft, scope: Scope) -> Iterator[Problem]:
    for step in draft.runbook.steps():
        for value in step.register:
            param, first = scope.params.get(value.name), scope.registered[value.name]
            if param is not None:
                found = f"the parameter is on line {param.place.line}"
                message = f"step `{step.id}` registers `{value.name}`, which is a parameter"
                yield Problem("shadowed-param", message, value.place, found=found, hint="choose another name")
            elif first.type is not value.type:
                message = f"`{value.name}` is registered with two types"
                found = f"`{value.type}` here, `{first.type}` on line {first.place.line}"
                yield Problem("two-types", message, value.place, found=found, hint="choose another name, or one type")


def _fetched_twice(draft: Draft) -> Iterator[Problem]:
    """Two files of one name would take each other's place in the run's folder."""
    first: dict[str, Step] = {}
    for step in draft.runbook.steps():
        if isinstance(step.action, Fetch):
            before = first.setdefault(step.action.name, step)
            if before is not step:
                message = f"step `{step.id}` fetches a file as `{step.action.name}`, as step `{before.id}` does"
                yield Problem("fetched-twice", message, step.action.place, hint="choose another name")


def _unknown(name: str, place: Place, scope: Scope) -> Problem:
    message = f"no parameter and no step gives `{name}`"
    return Problem("unknown-name", message, place, hint=close(name, scope))


def _early(name: str, place: Place, number: float, scope: Scope) -> Problem:
    value = scope.registered.get(name)
    found = f"it is registered on line {value.place.line}" if value else "it is registered later"
    if scope.since[name] == number:
        return Problem("read-early", f"`{name}` is read by the step that registers it", place, found=found)
    hint = "change the order of the steps"
    if number == scope.decided:
        hint = "causes and `recovered` are looked at before the first change; register it in the diagnosis"
    return Problem("read-early", f"`{name}` is read before it is registered", place, found=found, hint=hint)
