"""A mapping that is a value, and from which the next one is made without copying it whole.

A fold makes a new state for every record. To copy what it knows of each step on each host every time would make a run on
many hosts cost the square of what it does; here one more entry costs the root of what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt
from typing import TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
LEAST = 16
"""Entries that are copied each time in any case."""


class Growing(Mapping[K, V]):
    """Entries in the order in which they were first given. Neither of its two parts is ever written to again."""

    __slots__ = ("_base", "_count", "_over")

    def __init__(self, entries: Mapping[K, V], over: Mapping[K, V] | None = None) -> None:
        """`over` takes the place of entries with the same keys, and comes after the others."""
        self._base = entries
        self._over = {} if over is None else over
        self._count = len(entries) + sum(key not in entries for key in self._over)

    def having(self, key: K, value: V) -> Growing[K, V]:
        """The same with one entry more, or with another value for it."""
        over = {**self._over, key: value}
        if len(over) <= LEAST + isqrt(len(self._base)):
            return Growing(self._base, over)
        return Growing({**self._base, **over})

    def __getitem__(self, key: K) -> V:
        return self._over[key] if key in self._over else self._base[key]

    @overload
    def get(self, key: K, default: None = None, /) -> V | None: ...
    @overload
    def get(self, key: K, default: V | D, /) -> V | D: ...
    def get(self, key: K, default: V | D | None = None, /) -> V | D | None:
        return self._over[key] if key in self._over else self._base.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._over or key in self._base

    def __iter__(self) -> Iterator[K]:
        yield from self._base
        for key in self._over:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Growing({dict(self)!r})"
