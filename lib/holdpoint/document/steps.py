"""From the tree of one step to a `Step`: what it does, what it reads, and what stands around it."""

from __future__ import annotations

from collections.abc import Mapping
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

_MINUTE = timedelta(minutes=1)


def step(reader: Reader, entry: Map, section: model.Section) -> model.Step:
    """Build a step. The entry fits the schema."""
    action = _action(reader, entry)
    register = _register(reader, entry)
    verify = reader.map(entry, "verify")
    condition_tree = reader.map(entry, "when")
    when = condition(reader, condition_tree) if condition_tree is not None else None
    title = reader.text(entry, "title")
    return model.Step(
        id=reader.text(entry, "id"),
        title=title,
        section=section,
        action=action,
        effect=_effect(entry),
        place=reader.at(entry, "id"),
        why=reader.text(entry, "why"),
        causes=reader.texts(entry, "for"),
        when=when,
        where=model.Where(reader.text(entry, "where", "targets")),
        become=reader.optional(entry, "become"),
        register=register,
        expect=_expect(reader, entry),
        verify=check(reader, entry, "verify") if verify is not None else None,
        undo=_undo(reader, entry, title),
        irreversible=reader.optional(entry, "irreversible"),
        timeout=reader.length(entry, "timeout", 10 * _MINUTE),
        kill_grace=reader.length(entry, "kill_grace", _MINUTE / 6),
        retry=_retry(reader, entry),
        on_failure=model.OnFailure(reader.text(entry, "on_failure", "stop")),
        goto=reader.optional(entry, "goto"),
        idempotent=reader.flag(entry, "idempotent"),
        sensitive=reader.flag(entry, "sensitive"),
        gate=_gate(reader, entry),
        fanout=_fanout(reader, entry),
        escalate=escalations(reader, entry, "escalate"),
        reads=_reads(reader, entry, action, when, frozenset(value.name for value in register)),
    )


def people_texts(entry: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Give the texts of a step in which `{name}` stands for a value, by their paths."""
    found: dict[tuple[str, ...], str] = {}
    for key, inner in _TEXTS.items():
        value: Any = entry.get(key)
        if isinstance(value, str) and not inner:
            found[key,] = value
        elif isinstance(value, dict):
            found.update({(key, name): value[name] for name in inner if isinstance(value.get(name), str)})
    return found


def _action(reader: Reader, entry: Map) -> model.Action:
    kind = next(kind for kind in KINDS if kind in entry)
    inner = reader.map(entry, kind) or Map(entry.mark)
    match kind:
        case "run":
            return run(reader, entry)
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
    return model.Run(script, Shell(reader.text(owner, "shell", "sh")), reader.reads(script))


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


def _register(reader: Reader, entry: Map) -> tuple[model.Registered, ...]:
    given = reader.map(entry, "register")
    if given is None:
        return ()
    return tuple(
        model.Registered(name=name, place=reader.at_key(given, name), **reader.rules(spec))
        for name, spec in given.items()
        if isinstance(spec, Map)
    )


def _expect(reader: Reader, owner: Map) -> model.Expect:
    given = reader.map(owner, "expect")
    if given is None:
        return model.Expect()
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
        every=reader.length(tree, "every", _MINUTE / 30),
        within=reader.length(tree, "within"),
        timeout=reader.length(tree, "timeout", _MINUTE),
    )


def _undo(reader: Reader, entry: Map, title: str) -> model.Undo | None:
    tree = reader.map(entry, "undo")
    if tree is None:
        return None
    return model.Undo(
        action=model.Manual(reader.text(tree, "manual")) if "manual" in tree else run(reader, tree),
        title=reader.text(tree, "title", f"Undo: {title}"),
        timeout=reader.length(tree, "timeout", 10 * _MINUTE),
        place=reader.at_key(entry, "undo"),
        become=reader.optional(tree, "become"),
    )


def _retry(reader: Reader, entry: Map) -> model.Retry | None:
    tree = reader.map(entry, "retry")
    if tree is None:
        return None
    exits = tuple(int(one) for one in cast("list[float]", tree.get("exit", ())))
    return model.Retry(reader.whole(tree, "max", 1), reader.length(tree, "backoff", _MINUTE / 60), exits)


def _gate(reader: Reader, entry: Map) -> model.GateSpec:
    tree = reader.map(entry, "gate")
    if tree is None:
        return model.GateSpec()
    return model.GateSpec(
        prompt=reader.text(tree, "prompt"),
        show=reader.texts(tree, "show"),
        approvers=reader.whole(tree, "approvers", 1),
        expires=reader.length(tree, "expires") if "expires" in tree else None,
    )


def _fanout(reader: Reader, entry: Map) -> model.Fanout | None:
    tree = reader.map(entry, "fanout")
    if tree is None:
        return None
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
    reader: Reader, entry: Map, action: model.Action, when: model.Condition | None, own: frozenset[str]
) -> frozenset[str]:
    """Everything that a step depends on. What only its check or its texts read from itself is its own."""
    found: set[str] = set()
    for text in people_texts(entry).values():
        if "{" in text:
            found |= texts.names(text)
    for key in ("verify", "undo"):
        tree = reader.map(entry, key)
        if tree is not None and "run" in tree:
            found |= reader.reads(reader.text(tree, "run"))
    found -= own
    if isinstance(action, model.Run):
        found |= action.reads
    if isinstance(action, model.Use):
        found |= {arg.value.name for arg in action.args if isinstance(arg.value, model.ValueRef)}
    if when is not None:
        found |= conditions.names(when)
    gate = reader.map(entry, "gate")
    if gate is not None:
        found |= set(reader.texts(gate, "show"))
    return frozenset(found & reader.known)
