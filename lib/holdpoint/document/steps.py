"""From the tree of one step to a `Step`: what it does, what it reads, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, cast

from holdpoint.document import conditions, model, texts
from holdpoint.document.reading import Reader
from holdpoint.document.yaml import Map, Seq
from holdpoint.shell import Plain, Shell

KINDS = ("run", "manual", "ask", "wait", "use", "notify", "put", "fetch", "action")
_TEXTS: dict[str, tuple[str, ...]] = {
    "title": (),
    "why": (),
    "manual": (),
    "ask": (),
    "irreversible": (),
    "notify": ("say",),
    "gate": ("prompt",),
    "undo": ("title", "manual"),
}
"""The texts for people of a step: keys, and keys within these."""

_SECOND, _MINUTE, _TEN_MINUTES = timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=10)


_EXIT_0 = model.Expect()
_NOTHING: frozenset[str] = frozenset()


def step(reader: Reader, entry: Map, section: model.Section) -> model.Step:
    """Build a step. The entry fits the schema; what it does not say is as the model has it."""
    action = _action(reader, entry)
    said = {part[0]: part[1](reader, entry) for key in entry if (part := _PARTS.get(key))}
    return model.Step(
        id=reader.text(entry, "id"),
        title=reader.text(entry, "title"),
        section=section,
        action=action,
        effect=_effect(entry),
        place=reader.at(entry, "id"),
        reads=_reads(reader, entry, action, said.get("when"), said.get("register", ())),
        **said,
    )


def people_texts(entry: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Give the texts of a step in which `{name}` stands for a value, by their paths."""
    found: dict[tuple[str, ...], str] = {}
    for key, value in entry.items():
        inner = _TEXTS.get(key)
        if inner is None:
            continue
        if isinstance(value, str) and not inner:
            found[key,] = value
        elif isinstance(value, dict):
            found.update({(key, name): value[name] for name in inner if isinstance(value.get(name), str)})
    return found


def _action(reader: Reader, entry: Map) -> model.Action:
    if "run" in entry:
        return run(reader, entry)
    kind = next(kind for kind in KINDS if kind in entry)
    inner = reader.map(entry, kind) or Map(entry.mark)
    match kind:
        case "manual":
            return model.Manual(reader.text(entry, kind))
        case "ask":
            return model.Ask(reader.text(entry, kind))
        case "wait":
            return model.Wait(reader.length(entry, kind))
        case "use":
            return _use(reader, entry, inner)
        case "notify":
            return model.Notify(reader.text(inner, "to"), reader.text(inner, "say"))
        case "put":
            source, mode = reader.text(inner, "from"), reader.optional(inner, "mode")
            return model.Put(source, reader.text(inner, "to"), mode, reader.at(inner, "from"))
        case "fetch":
            return model.Fetch(reader.text(inner, "from"), reader.text(inner, "name"), reader.at(inner, "name"))
        case _:
            return model.Todo(reader.text(inner, "owner"), reader.length(inner, "due"))


def _effect(entry: Map) -> model.Effect:
    if "effect" in entry:
        return model.Effect(str(entry["effect"]))
    return model.Effect.CHANGE if "put" in entry else model.Effect.READ


def run(reader: Reader, owner: Map) -> model.Run:
    """Read `run` and `shell` of a step, a check or an undo."""
    script = reader.text(owner, "run")
    shell = Shell(reader.text(owner, "shell")) if "shell" in owner else Shell.SH
    return model.Run(script, shell, reader.reads(script))


def _use(reader: Reader, entry: Map, inner: Map) -> model.Use:
    if isinstance(entry["use"], str):
        return model.Use(entry["use"], (), reader.at(entry, "use"))
    given = reader.map(inner, "with")
    args = (
        [model.UseArg(name, _operand(given, name), reader.at_key(given, name)) for name in given or ()] if given else []
    )
    return model.Use(reader.text(inner, "runbook"), tuple(args), reader.at(inner, "runbook"))


def _operand(owner: Map, key: str) -> Plain | model.ValueRef:
    value = owner[key]
    return model.ValueRef(str(value["value"])) if isinstance(value, Map) else cast("Plain", value)


def condition(reader: Reader, tree: Map) -> model.Condition:
    """Build a condition; its depth is bounded by that of the document."""
    if "all" in tree:
        return model.All(tuple(condition(reader, inner) for inner in reader.maps(tree, "all")))
    if "any" in tree:
        return model.Any(tuple(condition(reader, inner) for inner in reader.maps(tree, "any")))
    negated = reader.map(tree, "not")
    if negated is not None:
        return model.Not(condition(reader, negated))
    op = model.Op(reader.text(tree, "op"))
    than = _operand(tree, "than")
    if op is model.Op.MATCHES and isinstance(than, str):
        reader.compiles(than, reader.at(tree, "than"))
    return model.Compare(reader.text(tree, "value"), op, than, reader.at(tree, "value"))


def _when(reader: Reader, entry: Map) -> model.Condition:
    return condition(reader, reader.map(entry, "when") or Map(entry.mark))


def _register(reader: Reader, entry: Map) -> tuple[model.Registered, ...]:
    given = reader.map(entry, "register") or Map(entry.mark)
    return tuple(
        model.Registered(name=name, place=reader.at_key(given, name), **reader.rules(spec))
        for name, spec in given.items()
        if isinstance(spec, Map)
    )


def _expect(reader: Reader, owner: Map) -> model.Expect:
    given = reader.map(owner, "expect")
    if given is None:
        return _EXIT_0
    exits = given.get("exit", 0)
    listed = exits if isinstance(exits, Seq) else [exits]
    return model.Expect(tuple(int(one) for one in cast("list[float]", listed)), reader.regex(given, "stdout"))


def check(reader: Reader, owner: Map, key: str) -> model.Check:
    """Build `verify` or `recovered`."""
    tree = reader.map(owner, key) or Map(owner.mark)
    return model.Check(
        run=run(reader, tree),
        expect=_expect(reader, tree),
        place=reader.at_key(owner, key),
        every=reader.length(tree, "every", 2 * _SECOND),
        within=reader.length(tree, "within"),
        timeout=reader.length(tree, "timeout", _MINUTE),
    )


def _undo(reader: Reader, entry: Map) -> model.Undo:
    tree = reader.map(entry, "undo") or Map(entry.mark)
    return model.Undo(
        action=model.Manual(reader.text(tree, "manual")) if "manual" in tree else run(reader, tree),
        title=reader.text(tree, "title", f"Undo: {reader.text(entry, 'title')}"),
        timeout=reader.length(tree, "timeout", _TEN_MINUTES),
        place=reader.at_key(entry, "undo"),
        become=reader.optional(tree, "become"),
    )


def _retry(reader: Reader, entry: Map) -> model.Retry:
    tree = reader.map(entry, "retry") or Map(entry.mark)
    exits = tuple(int(one) for one in cast("list[float]", tree.get("exit", ())))
    return model.Retry(reader.whole(tree, "max", 1), reader.length(tree, "backoff", _SECOND), exits)


def _gate(reader: Reader, entry: Map) -> model.GateSpec:
    tree = reader.map(entry, "gate") or Map(entry.mark)
    return model.GateSpec(
        prompt=reader.text(tree, "prompt"),
        show=reader.texts(tree, "show"),
        approvers=reader.whole(tree, "approvers", 1),
        expires=reader.length(tree, "expires") if "expires" in tree else None,
    )


def _fanout(reader: Reader, entry: Map) -> model.Fanout:
    tree = reader.map(entry, "fanout") or Map(entry.mark)
    batches = cast("list[float | str]", tree.get("batches", ()))
    return model.Fanout(
        batches=tuple(batch if isinstance(batch, str) else int(batch) for batch in batches),
        max_failures=reader.whole(tree, "max_failures", 0),
        gate_between=reader.flag(tree, "gate_between", default=True),
    )


def escalations(reader: Reader, owner: Map, key: str) -> tuple[model.Escalation, ...]:
    """Build `escalation` of a runbook or `escalate` of a step."""
    return tuple(
        model.Escalation(reader.length(tree, "after"), reader.text(tree, "to"), reader.text(tree, "say"))
        for tree in reader.maps(owner, key)
    )


def _reads(
    reader: Reader,
    entry: Map,
    action: model.Action,
    when: model.Condition | None,
    register: Collection[model.Registered],
) -> frozenset[str]:
    """Everything that a step depends on. What only its check or its texts read from itself is its own."""
    found: set[str] = set()
    for text in people_texts(entry).values():
        if "{" in text:
            found |= texts.names(text)
    for key in ("verify", "undo"):
        tree = entry.get(key)
        if isinstance(tree, Map) and "run" in tree:
            found |= reader.reads(reader.text(tree, "run"))
    if register:
        found.difference_update(value.name for value in register)
    if isinstance(action, model.Run):
        found |= action.reads
    elif isinstance(action, model.Use):
        found |= {arg.value.name for arg in action.args if isinstance(arg.value, model.ValueRef)}
    if when is not None:
        found |= conditions.names(when)
    gate = entry.get("gate")
    if isinstance(gate, Map):
        found |= set(reader.texts(gate, "show"))
    return frozenset(found & reader.known) if found else _NOTHING


_PARTS: Mapping[str, tuple[str, Callable[[Reader, Map], Any]]] = {
    "why": ("why", lambda reader, entry: reader.text(entry, "why")),
    "for": ("causes", lambda reader, entry: reader.texts(entry, "for")),
    "when": ("when", _when),
    "where": ("where", lambda reader, entry: model.Where(reader.text(entry, "where"))),
    "become": ("become", lambda reader, entry: reader.text(entry, "become")),
    "register": ("register", _register),
    "expect": ("expect", _expect),
    "verify": ("verify", lambda reader, entry: check(reader, entry, "verify")),
    "undo": ("undo", _undo),
    "irreversible": ("irreversible", lambda reader, entry: reader.text(entry, "irreversible")),
    "timeout": ("timeout", lambda reader, entry: reader.length(entry, "timeout")),
    "kill_grace": ("kill_grace", lambda reader, entry: reader.length(entry, "kill_grace")),
    "retry": ("retry", _retry),
    "on_failure": ("on_failure", lambda reader, entry: model.OnFailure(reader.text(entry, "on_failure"))),
    "goto": ("goto", lambda reader, entry: reader.text(entry, "goto")),
    "idempotent": ("idempotent", lambda reader, entry: reader.flag(entry, "idempotent")),
    "sensitive": ("sensitive", lambda reader, entry: reader.flag(entry, "sensitive")),
    "gate": ("gate", _gate),
    "fanout": ("fanout", _fanout),
    "escalate": ("escalate", lambda reader, entry: escalations(reader, entry, "escalate")),
}
"""What a step may say beside what it does: by its key, the field of the model and how it is read."""
