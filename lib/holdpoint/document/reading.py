"""Typed access to a tree that fits the schema: texts, flags, lengths of time, patterns, each with its place.

What the schema cannot know (a length of time that is too long, a pattern that is no regular expression) is
collected as problems; the caller gets a stand-in and goes on, so that everything is said in one go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypedDict, cast

from holdpoint.document import duration, shelltext
from holdpoint.document.model import ValueType
from holdpoint.document.source import Lines
from holdpoint.document.yaml import Map, Seq, place, span
from holdpoint.problem import HoldpointError, Level, Place, Problem
from holdpoint.shell import Plain

_ZERO = timedelta(0)


class Rules(TypedDict):
    """What a value may be, by the names that `model.NamedValue` has for it."""

    type: ValueType
    pattern: str | None
    enum: tuple[Plain, ...]
    min: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one document. `known` are the names of all values that it defines anywhere."""

    lines: Lines
    known: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    _reads: dict[str, frozenset[str]] = field(default_factory=dict)

    def reads(self, script: str) -> frozenset[str]:
        """Give the known names that a script reads; asked several times, looked for once."""
        found = self._reads.get(script)
        if found is None:
            found = self._reads[script] = shelltext.reads(script, self.known)
        return found

    def at(self, owner: Map, key: str) -> Place:
        """Point at the value of a key."""
        return place(self.lines, owner.marks[key])

    def at_key(self, owner: Map, key: str) -> Place:
        return place(self.lines, owner.key_marks[key])

    def inside(self, owner: Map, key: str, offset: int, length: int) -> Place:
        """Point at a part of a text, by its offset in the value; at the whole text where that cannot be told."""
        value, event = self.text(owner, key), owner.marks[key]
        line, column, _ = span(event)
        before = value[:offset]
        if getattr(event, "style", "") == "|":
            number = before.count("\n")
            line += 1 + number
            inner = value.split("\n")[number]
            raw = self.lines.lines[line] if line < len(self.lines.lines) else ""
            column = len(raw) - len(inner) + offset - (before.rfind("\n") + 1)
        elif getattr(event, "style", "") == "'":
            column += 1 + offset + before.count("'")
        else:
            column += offset + (1 if getattr(event, "style", "") else 0)
        raw = self.lines.lines[line] if line < len(self.lines.lines) else ""
        if column >= 0 and raw[column : column + length] == value[offset : offset + length]:
            return self.lines.at(line, column, length)
        return self.at(owner, key)

    def text(self, owner: Map, key: str, default: str = "") -> str:
        return cast("str", owner.get(key, default))

    def optional(self, owner: Map, key: str) -> str | None:
        return cast("str | None", owner.get(key))

    def flag(self, owner: Map, key: str, *, default: bool = False) -> bool:
        return cast("bool", owner.get(key, default))

    def whole(self, owner: Map, key: str, default: int) -> int:
        """Read a whole number; JSON Schema takes `3.0` for one."""
        return int(cast("float", owner.get(key, default)))

    def number(self, owner: Map, key: str) -> float | None:
        return cast("float | None", owner.get(key))

    def literal(self, owner: Map, key: str) -> Plain | None:
        return cast("Plain | None", owner.get(key))

    def texts(self, owner: Map, key: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", owner.get(key, ())))

    def map(self, owner: Map, key: str) -> Map | None:
        value = owner.get(key)
        return value if isinstance(value, Map) else None

    def maps(self, owner: Map, key: str) -> tuple[Map, ...]:
        """Give the mappings of a list."""
        value = owner.get(key)
        return tuple(entry for entry in value if isinstance(entry, Map)) if isinstance(value, Seq) else ()

    def length(self, owner: Map, key: str, default: timedelta = _ZERO) -> timedelta:
        """Read a length of time."""
        text = owner.get(key)
        if text is None:
            return default
        try:
            return duration.parse(str(text))
        except HoldpointError as error:
            (problem,) = error.problems
            self.say(problem.code, problem.message, self.at(owner, key), expected=problem.expected)
            return default

    def rules(self, spec: Map) -> Rules:
        """Read what a value may be: the part that parameters and registered values share."""
        return Rules(
            type=ValueType(self.text(spec, "type")),
            pattern=self.regex(spec, "pattern"),
            enum=tuple(cast("list[Plain]", spec.get("enum", ()))),
            min=self.number(spec, "min"),
            max=self.number(spec, "max"),
        )

    def regex(self, owner: Map, key: str) -> str | None:
        """Read a regular expression and make sure that it is one."""
        text = cast("str | None", owner.get(key))
        if text is not None:
            self.compiles(text, self.at(owner, key))
        return text

    def compiles(self, text: str, at: Place) -> None:
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            self.say("regex", "this is no regular expression", at, found=str(error))

    def say(
        self,
        code: str,
        message: str,
        at: Place,
        *,
        found: str = "",
        expected: str = "",
        hint: str = "",
        level: Level = Level.ERROR,
    ) -> None:
        """Note a problem."""
        self.problems.append(Problem(code, message, at, found, expected, hint, level))
