"""Whether a condition can hold at all: comparisons with literals that contradict each other cannot.

Looks at what stands in the condition only. "Possible" may be wrong, "impossible" never is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from holdpoint.document.conditions import is_number
from holdpoint.document.model import All, Any, Compare, Condition, Not, Op, ValueRef
from holdpoint.shell import Plain

_OPPOSITE = {Op.EQ: Op.NE, Op.NE: Op.EQ, Op.LT: Op.GE, Op.GE: Op.LT, Op.GT: Op.LE, Op.LE: Op.GT}


def possible(condition: Condition) -> bool:
    """Tell whether a condition may hold for some values."""
    match condition:
        case Any(conditions):
            return any(possible(inner) for inner in conditions)
        case Not(All() | Any() | Not()):
            return True
        case Not(Compare(op=op)) if op not in _OPPOSITE:
            return True
        case _:
            parts = list(_parts(condition))
            compares = [part for part in parts if isinstance(part, Compare)]
            others = [part for part in parts if not isinstance(part, Compare)]
            return _agree(compares) and all(possible(other) for other in others)


def _parts(condition: Condition) -> Iterator[Condition]:
    """Take apart what must hold together."""
    match condition:
        case All(conditions):
            for inner in conditions:
                yield from _parts(inner)
        case Not(Compare(value, op, than, place)) if op in _OPPOSITE:
            yield Compare(value, _OPPOSITE[op], than, place)
        case _:
            yield condition


@dataclass(slots=True)
class _Bounds:
    """What is left for one value."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    equal: list[Plain] = field(default_factory=list)
    unequal: list[Plain] = field(default_factory=list)

    def take(self, op: Op, than: Plain) -> None:
        if op is Op.EQ:
            self.equal.append(than)
        elif op is Op.NE:
            self.unequal.append(than)
        elif is_number(than) and op in (Op.GT, Op.GE) and (than, op is Op.GT) > (self.low, self.open_low):
            self.low, self.open_low = than, op is Op.GT
        elif is_number(than) and op in (Op.LT, Op.LE) and (-than, op is Op.LT) > (-self.high, self.open_high):
            self.high, self.open_high = than, op is Op.LT

    def empty(self) -> bool:
        if self.equal:
            first = self.equal[0]
            return any(one != first for one in self.equal) or first in self.unequal or not self._within(first)
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))

    def _within(self, value: Plain) -> bool:
        if not is_number(value):
            return True
        above = value > self.low or (value == self.low and not self.open_low)
        return above and (value < self.high or (value == self.high and not self.open_high))


def _agree(compares: Iterable[Compare]) -> bool:
    bounds: dict[str, _Bounds] = {}
    for compare in compares:
        if not isinstance(compare.than, ValueRef):
            bounds.setdefault(compare.value, _Bounds()).take(compare.op, compare.than)
    return not any(one.empty() for one in bounds.values())
