"""Typed events in the form of a record's data, and back: one mechanism for every kind of journal.

An event is a frozen dataclass with a `kind`. Its fields are plain JSON values, moments, days, tuples, mappings of text, and
enumerations of text. What JSON has no type for is read back by the name of its field, which therefore means the same
in every event of a journal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from holdpoint.journal.record import Json, Record

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Shapes(Generic[E]):
    """The events that one kind of journal holds, by their `kind`; `typed` makes a value of what JSON gave for a field."""

    kinds: Mapping[str, type[E]]
    typed: Mapping[str, Callable[[Any], Any]]

    def data_of(self, event: E) -> dict[str, Json]:
        """Give the journal's `data` for an event."""
        return {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(cast("Any", event))}

    def event_of(self, record: Record) -> E:
        """Read an event back; raises `ValueError` for a kind or a shape that this version does not know."""
        kind = self.kinds.get(record.kind)
        if kind is None:
            raise ValueError(f"record {record.seq} is of an unknown kind, `{record.kind}`")
        try:
            return self.read(kind, record.data)
        except (TypeError, ValueError) as error:
            raise ValueError(f"record {record.seq} (`{record.kind}`) has another shape: {error}") from error

    def read(self, kind: Callable[..., E], data: Mapping[str, Json]) -> E:
        """Make an event of one kind of its data; raises `TypeError` or `ValueError` for another shape."""
        return kind(**{name: self._value(name, value) for name, value in data.items()})

    def _value(self, name: str, value: Json) -> Any:
        if name in self.typed:
            return self.typed[name](value)
        return tuple(value) if isinstance(value, list) else value


def moment(text: str) -> datetime:
    """Read a moment as it stands in a record."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _plain(value: Any) -> Json:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): _plain(inner) for name, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case StrEnum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise TypeError(f"no value of an event: {value!r}")
