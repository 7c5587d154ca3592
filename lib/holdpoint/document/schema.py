"""Whether a document fits the JSON Schema, and if not, what is wrong, in words a person can use.

A document that fits costs no more than a walk over it; `jsonschema` is imported only to explain what does not fit.
The wording comes from the schema: the `description` beside a rule says what is expected there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdpoint.document.fits import Fits, compiled
from holdpoint.document.source import Lines
from holdpoint.document.values import shown
from holdpoint.document.yaml import Map, Seq, place
from holdpoint.problem import Place, Problem, did_you_mean
from holdpoint.shell import as_text

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

MOST = 200
_FEW = 12
_SECTIONS = frozenset({"symptoms", "diagnostic", "resolution", "prevention", "rollback"})
_EITHER = {
    "run": "`run` nor `manual`",
    "undo": "`undo` nor `irreversible`",
    "value": "`value` nor `all`, `any` or `not`",
}
"""What a missing key could have been given instead, in the rules that name only one."""

_SYMBOLS = {
    ">=": "ge",
    ">": "gt",
    "<=": "le",
    "<": "lt",
    "==": "eq",
    "=": "eq",
    "!=": "ne",
    "<>": "ne",
    "=~": "matches",
}
_COMPILED: list[tuple[Mapping[str, Any], Fits]] = []
"""The schemas that were used last, with their functions; compiling takes longer than a hundred documents."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A problem and the path of what does not fit."""

    path: Path
    problem: Problem
    missing: str = ""
    """The key that is missing at the path."""


def misfits(tree: Map, lines: Lines, schema: Mapping[str, Any]) -> tuple[Misfit, ...]:
    """Say everything that does not fit the schema; nothing where the document fits."""
    if _fits(schema)(tree):
        return ()
    from jsonschema import Draft7Validator  # noqa: PLC0415 - 90 ms, and only for a document with errors

    explain = _Explain(tree, lines, schema)
    errors = islice(Draft7Validator(schema).iter_errors(tree), MOST)
    return _sifted([misfit for error in errors for misfit in explain.error(error)])


def _fits(schema: Mapping[str, Any]) -> Fits:
    for known, fits in _COMPILED:
        if known is schema:
            return fits
    fits = compiled(schema)
    _COMPILED.insert(0, (schema, fits))
    del _COMPILED[4:]
    return fits


def describe(tree: Map, path: Path) -> str:
    """Name what a path leads to: "step `truncate`", "`every` in `verify` of step `truncate`"."""
    rest = list(path)
    owner = ""
    if len(rest) > 1 and rest[0] in _SECTIONS | {"causes"} and isinstance(rest[1], int):
        kind = "cause" if rest[0] == "causes" else "step"
        section = tree.get(str(rest[0]))
        step = section[rest[1]] if isinstance(section, list) else None
        name = step.get("id") if isinstance(step, dict) else None
        known = isinstance(name, str) and name
        owner = f"{kind} `{name}`" if known else f"{kind} {rest[1] + 1} of `{rest[0]}`"
        rest = rest[2:]
    elif len(rest) > 1 and rest[0] == "params":
        owner = f"parameter `{rest[1]}`"
        rest = rest[2:]
    names: list[str] = []
    for part in rest:
        if isinstance(part, int) and names:
            names[-1] = f"item {part + 1} of {names[-1]}"
        elif isinstance(part, str):
            names.append(f"`{part}`")
    inner = " in ".join(reversed(names))
    return f"{inner} of {owner}" if inner and owner else inner or owner or "the document"


class _Explain:
    """Turns the errors of `jsonschema` into problems of this document."""

    def __init__(self, tree: Map, lines: Lines, schema: Mapping[str, Any]) -> None:
        self.tree = tree
        self.lines = lines
        self.schema = schema

    def error(self, error: ValidationError) -> Iterator[Misfit]:
        """Say what one error means; a rule about keys may name several."""
        path: Path = tuple(error.absolute_path)
        rule = error.schema if isinstance(error.schema, dict) else {}
        instance: Any = error.instance
        if "propertyNames" in error.absolute_schema_path:
            yield self._bad_name(path, str(instance), rule)
            return
        match error.validator:
            case "additionalProperties":
                yield from self._unknown_keys(path, instance, rule)
            case "required":
                name = next(n for n in rule["required"] if n not in instance and repr(n) in error.message)
                yield self._missing_key(path, name, rule)
            case "not":
                yield self._out_of_place(path, rule)
            case "minProperties" | "maxProperties" | "minItems" | "maxItems":
                yield self._wrong_count(path, instance, rule)
            case _:
                yield self._wrong_value(path, instance, rule, str(error.validator))

    def _bad_name(self, path: Path, name: str, rule: Mapping[str, Any]) -> Misfit:
        message = f"{shown(name)} cannot be a name in {describe(self.tree, path)}"
        problem = Problem("bad-name", message, self._key(path, name), expected=_description(rule))
        return Misfit((*path, name), problem)

    def _unknown_keys(self, path: Path, instance: Mapping[str, Any], rule: Mapping[str, Any]) -> Iterator[Misfit]:
        known: Mapping[str, Any] = dict(rule["properties"])
        unknown = [name for name in instance if name not in known]
        left = _listed([name for name in known if name not in instance])
        for name in unknown[:MOST]:
            hint = did_you_mean(name, known)
            message = f"unknown key {shown(name)} in {describe(self.tree, path)}"
            problem = Problem("unknown-key", message, self._key(path, name), expected="" if hint else left, hint=hint)
            yield Misfit((*path, name), problem)

    def _missing_key(self, path: Path, name: str, rule: Mapping[str, Any]) -> Misfit:
        who = describe(self.tree, path)
        message, expected = f"{who} has no `{name}`", self._meaning(rule.get("properties", {}).get(name))
        if rule.get("type") != "object":
            expected = _description(rule)
            if name == "run" and expected.startswith("one of"):
                message = f"{who} does nothing"
            elif name in _EITHER:
                message = f"{who} has neither {_EITHER[name]}"
        return Misfit(path, Problem("missing-key", message, self._head(path), expected=expected), name)

    def _out_of_place(self, path: Path, rule: Mapping[str, Any]) -> Misfit:
        name = str(path[-1])
        message = f"`{name}` is out of place in {describe(self.tree, path[:-1])}"
        return Misfit(path, Problem("out-of-place", message, self._key(path[:-1], name), hint=_description(rule)))

    def _wrong_count(self, path: Path, instance: Mapping[str, Any] | list[Any], rule: Mapping[str, Any]) -> Misfit:
        who = describe(self.tree, path)
        message = f"{who} has more than one entry" if instance else f"{who} is empty"
        return Misfit(path, Problem("wrong-count", message, self.at(path), expected=_description(rule)))

    def _wrong_value(self, path: Path, instance: object, rule: Mapping[str, Any], keyword: str) -> Misfit:
        who = describe(self.tree, path)
        message = f"{who} has no value" if instance is None else f"{who} cannot be {shown(instance)}"
        choices = rule["enum"] if keyword == "enum" else [rule["const"]] if keyword == "const" else []
        if choices:
            reason = "" if all(f"`{choice}`" in _description(rule) for choice in choices) else _description(rule)
            hint = _close(instance, choices) if len(choices) > 1 else reason
            return Misfit(path, Problem("not-a-choice", message, self.at(path), expected=_listed(choices), hint=hint))
        code = "wrong-type" if keyword == "type" else "wrong-value"
        hint = advice(instance, rule)
        return Misfit(path, Problem(code, message, self.at(path), expected=_description(rule), hint=hint))

    def _meaning(self, rule: Mapping[str, Any] | None) -> str:
        """The description of a property, through its reference."""
        name = str((rule or {}).get("$ref", "")).removeprefix("#/definitions/")
        return _description(self.schema["definitions"][name] if name else rule or {})

    def _collection(self, path: Path) -> Map | Seq | None:
        """The collection that a path leads to."""
        here: Any = self.tree
        for part in path:
            here = here[part]
        return here if isinstance(here, Map | Seq) else None

    def at(self, path: Path) -> Place:
        """Point at a value; at its key, where the value is a collection or nothing."""
        owner = self._collection(path[:-1]) if path else None
        last = path[-1] if path else ""
        if isinstance(owner, Map) and isinstance(last, str):
            below = isinstance(owner[last], dict | list) or owner[last] is None
            return place(self.lines, (owner.key_marks if below else owner.marks)[last])
        if isinstance(owner, Seq) and isinstance(last, int):
            return place(self.lines, owner.marks[last])
        return place(self.lines, self.tree.mark)

    def _key(self, path: Path, name: str) -> Place:
        owner = self._collection(path)
        return place(self.lines, owner.key_marks[name]) if isinstance(owner, Map) else self.at(path)

    def _head(self, path: Path) -> Place:
        """Point at a mapping that lacks something: at its `id`, at its own key, or at its beginning."""
        owner = self._collection(path)
        if isinstance(owner, Map) and "id" in owner and path:
            return place(self.lines, owner.marks["id"])
        if owner is not None and (not path or isinstance(path[-1], int)):
            return place(self.lines, owner.mark)
        return self.at(path)


def advice(instance: object, rule: Mapping[str, Any]) -> str:
    """Say what to write instead, where the intention can be guessed."""
    expected = _description(rule)
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    if instance is None:
        return (
            "write `[]` for none" if types == ["array"] and "minItems" not in rule else "write a value after the colon"
        )
    if expected.startswith("a length of time") and isinstance(instance, int | float | str):
        digits = str(instance).isdigit()
        return f"write `{instance}s` for seconds" if digits and not isinstance(instance, bool) else ""
    if "string" in types and isinstance(instance, bool | int | float):
        return f"put it in quotes: `'{as_text(instance)}'`"
    if "boolean" in types and isinstance(instance, str):
        words = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        word = words.get(instance.lower(), instance.lower())
        return f"write `{word}`, without quotes" if word in ("true", "false") else ""
    if {"integer", "number"} & set(types) and isinstance(instance, str) and "string" not in types:
        return "write the number in decimal digits, without quotes" if instance[:1].isdigit() else ""
    if types == ["array"]:
        return f"write `[{as_text(instance)}]`" if isinstance(instance, str | int) else "begin each entry with `- `"
    return ""


def _close(instance: object, choices: list[Any]) -> str:
    """Suggest the choice that was meant, in whatever case or sign it was written."""
    words = {str(choice).lower(): str(choice) for choice in choices}
    word = _SYMBOLS.get(str(instance), str(instance)).lower()
    return f"did you mean `{words[word]}`?" if word in words else did_you_mean(str(instance), words.values())


def _description(rule: Mapping[str, Any]) -> str:
    return str(rule.get("description", ""))


def _listed(words: list[Any]) -> str:
    """Name some choices, not all of many."""
    named = [f"`{as_text(word)}`" for word in words]
    return ", ".join(named[:_FEW]) + (f" and {len(named) - _FEW} more" if len(named) > _FEW else "")


def _sifted(found: list[Misfit]) -> tuple[Misfit, ...]:
    """Leave out what follows from something else that is said: of two rules for one value the narrower one stays."""
    latest = {(m.path, m.missing, m.problem.code): m for m in found}
    meant = {(m.path[:-1], m.problem.hint) for m in found if m.problem.code == "unknown-key"}
    parents = {path for path, hint in meant if hint}
    empty = {m.path for m in found if m.missing == "value"}
    kept = []
    for misfit in latest.values():
        does_nothing = misfit.problem.message.endswith("does nothing") and misfit.path in parents
        compares_nothing = misfit.missing in ("op", "than") and misfit.path in empty
        misspelt = (misfit.path, f"did you mean `{misfit.missing}`?") in meant
        if not (does_nothing or compares_nothing or misspelt):
            kept.append(misfit)
    return tuple(kept)
