"""Strict YAML: from text to plain data in which every mapping and list knows its places.

JSON scalars only: whatever is not `null`, `true`, `false` or a JSON number is text, so `no`, `on`, `1:30` and
`0755` stay what was written. Duplicate keys, anchors, aliases, merge keys, tags, several documents and deep
nesting are refused. Works on the parser's events, in a loop, so that no document can exhaust a stack.
"""

from __future__ import annotations

import math
import re
from typing import cast

import yaml
from yaml import events

from holdpoint.document.source import Lines
from holdpoint.document.syntax import DEEPEST, explained, too_deep
from holdpoint.problem import Place, Problem

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Json] = {"null": None, "true": True, "false": False, "": None}
_MOST_DIGITS = 18
_BEGIN = "-0123456789tfn"
"""What the first character of a JSON scalar can be; nothing at all is one too."""


class Map(dict[str, Json]):
    """A mapping; `key_marks` and `marks` hold the events of its keys and values, `mark` its own."""

    __slots__ = ("key_marks", "mark", "marks")

    def __init__(self, mark: events.Event) -> None:
        super().__init__()
        self.mark = mark
        self.key_marks: dict[str, events.Event] = {}
        self.marks: dict[str, events.Event] = {}


class Seq(list[Json]):
    """A list; `marks` holds the events of its elements."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: events.Event) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[events.Event] = []


def span(event: events.Event) -> tuple[int, int, int]:
    """Line and column (from 0) and length of what an event stands for; up to the line's end where it has several."""
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return 0, 0, 1
    return start.line, start.column, end.column - start.column if end.line == start.line else 1


def place(lines: Lines, event: events.Event) -> Place:
    """Point at what an event stands for."""
    return lines.at(*span(event))


def load(text: str, lines: Lines) -> tuple[Map | None, tuple[Problem, ...]]:
    """Read one mapping. It is None where the text cannot be parsed; problems may come beside a mapping too."""
    reading = _Reading(lines)
    loader = _LOADER(text)
    try:
        following, plain = loader.get_event, reading.plain
        while (event := following()) is not None:
            if not plain(event) and not reading.take(event):
                return None, tuple(reading.problems)
    except yaml.MarkedYAMLError as error:
        reading.problems.append(explained(lines, error))
        return None, tuple(reading.problems)
    except yaml.YAMLError as error:
        reading.problems.append(Problem("yaml", "this is not YAML", Place(lines.name, 1, 1), found=str(error)))
        return None, tuple(reading.problems)
    finally:
        loader.dispose()
    return reading.root, tuple(reading.problems)


class _Reading:
    """The stack of collections that are open, and what was found so far."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[Problem] = []
        self.root: Map | None = None
        self.stack: list[Map | Seq] = []
        self.keys: list[events.ScalarEvent | None] = []
        self.anchors: dict[str, Json] = {}
        self.started = False

    def plain(self, event: events.Event) -> bool:
        """Take in what most of a document is, keys and texts without anything special; False for all else."""
        if type(event) is not events.ScalarEvent or event.anchor is not None or event.tag is not None or not self.stack:
            return False
        top = self.stack[-1]
        value: str = event.value
        if type(top) is Map:
            key = self.keys[-1]
            if key is None:
                if value == "<<":
                    return False
                self.keys[-1] = event
                return True
            name = str(key.value)
            if name in top or name == "<<":
                return False
            top[name] = value if event.style or value[:1] not in _BEGIN else self._plain(event)
            top.marks[name] = event
            top.key_marks[name] = key
            self.keys[-1] = None
            return True
        if isinstance(top, Seq):
            top.append(value if event.style or value[:1] not in _BEGIN else self._plain(event))
            top.marks.append(event)
        return True

    def take(self, event: events.Event) -> bool:
        """Take one event in; False where it makes no sense to read on."""
        kind = type(event)
        if kind is events.ScalarEvent:
            return self._scalar(cast("events.ScalarEvent", event))
        if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            return self._open(cast("events.CollectionStartEvent", event))
        if kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            self.stack.pop()
            self.keys.pop()
            return True
        if kind is events.AliasEvent:
            return self._alias(cast("events.AliasEvent", event))
        if kind is events.DocumentStartEvent:
            return self._document(event)
        if kind is events.StreamEndEvent and not self.started:
            found = Place(self.lines.name, 1, 1)
            self.problems.append(Problem("empty", "the document is empty", found, expected="a runbook"))
            return False
        return True

    def _document(self, event: events.Event) -> bool:
        if self.started:
            hint = "keep each runbook in a file of its own"
            self._say("several-documents", "a second document begins here", event, hint=hint)
            return False
        self.started = True
        return True

    def _scalar(self, event: events.ScalarEvent) -> bool:
        if event.anchor is not None or event.tag is not None:
            self._decoration(event)
        if not self.stack:
            return self._not_mapping(event, f"`{_short(str(event.value))}`" if event.value else "nothing")
        top = self.stack[-1]
        if type(top) is Map and self.keys[-1] is None:
            return self._key(event)
        value = event.value if event.style or event.tag or event.value[:1] not in _BEGIN else self._plain(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        self._add(event, value)
        return True

    def _plain(self, event: events.ScalarEvent) -> Json:
        """Resolve text without quotes that may be a JSON scalar."""
        text = str(event.value)
        if text in _WORDS:
            return _WORDS[text]
        match = _NUMBER.fullmatch(text)
        if match is None:
            return text
        if match[2] is None and match[3] is None and len(text) <= _MOST_DIGITS:
            return int(text)
        number = float(text)
        if (match[2] or match[3]) and math.isfinite(number):
            return number
        expected = f"a number of at most {_MOST_DIGITS} digits, or a text in quotes"
        self._say("number-too-large", f"the number `{_short(text)}` is too large", event, expected=expected)
        return 0

    def _key(self, event: events.ScalarEvent) -> bool:
        self.keys[-1] = event
        if event.value == "<<" and not event.style:
            hint = "write the keys out"
            self._say("merge-key", "merge keys are not read", event, hint=hint)
        return True

    def _add(self, event: events.NodeEvent, value: Json) -> None:
        top = self.stack[-1]
        if isinstance(top, Seq):
            top.append(value)
            top.marks.append(event)
            return
        key = self.keys[-1]
        if key is None:
            return
        self.keys[-1] = None
        name = str(key.value)
        if name in top:
            first = span(top.key_marks[name])
            self._say(
                "duplicate-key",
                f"key `{_short(name)}` is given twice in one mapping",
                key,
                found=f"the first one is on line {first[0] + 1}, column {first[1] + 1}",
                hint="keep one of the two",
            )
        elif name == "<<" and not key.style:
            return
        else:
            top[name] = value
            top.marks[name] = event
            top.key_marks[name] = key

    def _open(self, event: events.CollectionStartEvent) -> bool:
        if event.anchor is not None or event.tag is not None:
            self._decoration(event)
        new = Map(event) if type(event) is events.MappingStartEvent else Seq(event)
        if self.stack:
            if isinstance(self.stack[-1], Map) and self.keys[-1] is None:
                hint = "a text that begins with `{` or `[` needs quotes"
                self._say("key", "a key is a text", event, found=f"a {_name(new)}", hint=hint)
                return False
            self._add(event, new)
        elif isinstance(new, Map):
            self.root = new
        else:
            return self._not_mapping(event, "a list")
        self.stack.append(new)
        self.keys.append(None)
        if len(self.stack) > DEEPEST:
            self.problems.append(too_deep(place(self.lines, event)))
            return False
        return True

    def _not_mapping(self, event: events.Event, found: str) -> bool:
        expected = "keys and values, such as `schema: holdpoint/runbook/1`"
        self._say("not-a-mapping", "the document is not a mapping", event, found=found, expected=expected)
        return False

    def _alias(self, event: events.AliasEvent) -> bool:
        hint = "write the value out here"
        self._say("alias", f"aliases such as `*{_short(str(event.anchor))}` are not read", event, hint=hint)
        value = self.anchors.get(str(event.anchor))
        if value is None or not self.stack or (isinstance(self.stack[-1], Map) and self.keys[-1] is None):
            return False
        self._add(event, value)
        return True

    def _decoration(self, event: events.ScalarEvent | events.CollectionStartEvent) -> None:
        if event.anchor is not None:
            hint = "remove it; a text that begins with `&` needs quotes"
            self._say("anchor", f"anchors such as `&{_short(event.anchor)}` are not read", event, hint=hint)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "remove it; a text that begins with `!` needs quotes"
            self._say("tag", f"tags such as `{_short(tag)}` are not read", event, hint=hint)

    def _say(
        self, code: str, message: str, event: events.Event, *, found: str = "", expected: str = "", hint: str = ""
    ) -> None:
        self.problems.append(Problem(code, message, place(self.lines, event), found, expected, hint))


def _name(value: Map | Seq) -> str:
    return "mapping" if isinstance(value, Map) else "list"


def _short(text: str, longest: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
