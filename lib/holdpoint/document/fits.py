"""A JSON Schema turned into functions that say yes or no, fast and without `jsonschema`.

Only the keywords that draft-07 and 2020-12 share and that the runbook's schema uses; any other keyword is refused,
so a schema can never be half checked. What is wrong, and where, is `document.schema`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Fits = Callable[[Any], bool]

_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "title", "description", "definitions", "then", "else"})
_TYPES: dict[str, Fits] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}
_PYTHON = {"object": dict, "array": list, "string": str, "boolean": bool}


def compiled(schema: Mapping[str, Any]) -> Fits:
    """Compile a schema. Raises `ValueError` for a keyword that it does not know."""
    return _Compiler(schema).rule(schema)


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.named: dict[str, list[Fits]] = {}

    def rule(self, schema: Any) -> Fits:
        """Make one function of a schema: all of its keywords must agree."""
        if isinstance(schema, bool):
            return lambda _: schema
        if "$ref" in schema:
            return self._ref(schema["$ref"])
        parts: list[Fits] = []
        if "type" in schema:
            parts.append(_type(schema["type"]))
        if schema.keys() & {"properties", "additionalProperties", "propertyNames"}:
            parts.append(self._object(schema))
        for keyword, argument in schema.items():
            if keyword in _ANNOTATIONS or keyword in ("type", "properties", "additionalProperties", "propertyNames"):
                continue
            if keyword == "if":
                parts.append(self._if(argument, schema.get("then", True), schema.get("else", True)))
            elif keyword in ("allOf", "anyOf", "not", "items"):
                parts.append(self._nested(keyword, argument))
            else:
                parts.append(_simple(keyword, argument))
        return _all(parts)

    def _ref(self, ref: str) -> Fits:
        """Definitions may refer to themselves, so a reference is looked up when it is first used."""
        name = ref.removeprefix("#/definitions/")
        if name not in self.named:
            holder = self.named[name] = []
            holder.append(self.rule(self.root["definitions"][name]))
        holder = self.named[name]
        return holder[0] if holder else lambda value: holder[0](value)  # noqa: PLW0108 - not there yet

    def _if(self, condition: Any, then: Any, otherwise: Any) -> Fits:
        test, yes, no = self.rule(condition), self.rule(then), self.rule(otherwise)
        return lambda value: yes(value) if test(value) else no(value)

    def _nested(self, keyword: str, argument: Any) -> Fits:
        if keyword == "allOf":
            return _all([self.rule(one) for one in argument])
        if keyword == "anyOf":
            rules = [self.rule(one) for one in argument]
            return lambda value: any(rule(value) for rule in rules)
        rule = self.rule(argument)
        if keyword == "not":
            return lambda value: not rule(value)
        return lambda value: not isinstance(value, list) or all(map(rule, value))

    def _object(self, schema: Mapping[str, Any]) -> Fits:
        properties = {name: self.rule(one) for name, one in schema.get("properties", {}).items()}
        rest = self.rule(schema.get("additionalProperties", True))
        names = self.rule(schema.get("propertyNames", True))
        any_name = "propertyNames" not in schema
        if schema.get("additionalProperties") is None and any_name:
            pairs = tuple(properties.items())

            def some(value: Any) -> bool:
                if not isinstance(value, dict):
                    return True
                for name, rule in pairs:  # noqa: SIM110 - as below
                    if name in value and not rule(value[name]):
                        return False
                return True

            return some

        def every(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for name, one in value.items():
                if not properties.get(name, rest)(one) or not (any_name or names(name)):
                    return False
            return True

        return every


def _all(parts: list[Fits]) -> Fits:
    if not parts:
        return lambda _: True
    if len(parts) == 1:
        return parts[0]
    chain = tuple(parts)

    def every(value: Any) -> bool:
        for part in chain:  # noqa: SIM110 - a generator would take half as long again
            if not part(value):
                return False
        return True

    return every


def _type(types: str | list[str]) -> Fits:
    if isinstance(types, str):
        kind = _PYTHON.get(types)
        return (lambda value: isinstance(value, kind)) if kind else _TYPES[types]
    rules = [_TYPES[one] for one in types]
    return lambda value: any(rule(value) for rule in rules)


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _simple(keyword: str, argument: Any) -> Fits:
    """Keywords that hold no schema."""
    match keyword:
        case "required":
            need = frozenset(argument)
            return lambda value: not isinstance(value, dict) or need <= value.keys()
        case "enum":
            texts = frozenset(one for one in argument if isinstance(one, str))
            others = [one for one in argument if not isinstance(one, str)]
            return lambda value: value in texts if isinstance(value, str) else any(_same(value, one) for one in others)
        case "const":
            return lambda value: _same(value, argument)
        case "pattern":
            search = re.compile(argument).search
            return lambda value: not isinstance(value, str) or search(value) is not None
        case "minItems":
            return lambda value: not isinstance(value, list) or len(value) >= argument
        case "maxItems":
            return lambda value: not isinstance(value, list) or len(value) <= argument
        case "minProperties":
            return lambda value: not isinstance(value, dict) or len(value) >= argument
        case "maxProperties":
            return lambda value: not isinstance(value, dict) or len(value) <= argument
        case "minimum":
            return lambda value: not _TYPES["number"](value) or value >= argument
        case "maximum":
            return lambda value: not _TYPES["number"](value) or value <= argument
        case _:
            raise ValueError(f"the schema uses `{keyword}`, which is not checked")
