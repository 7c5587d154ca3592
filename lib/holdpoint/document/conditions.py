"""What a condition reads and whether it holds, in three values: true, false, not known.

A value that is missing makes a comparison not known, and a dry run therefore never guesses. Knows nothing of
where values come from.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeGuard, assert_never

from holdpoint.document.model import All, Any, Compare, Condition, Not, Op, ValueRef
from holdpoint.shell import Plain, Secret

Lookup = Callable[[str], Plain | Secret | None]

_ORDER: dict[Op, Callable[[float, float], bool]] = {
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}


def compares(condition: Condition) -> Iterator[Compare]:
    """Give every comparison of a condition, in the order of the document."""
    match condition:
        case Compare():
            yield condition
        case All(conditions) | Any(conditions):
            for inner in conditions:
                yield from compares(inner)
        case Not(inner):
            yield from compares(inner)
        case _:
            assert_never(condition)


def names(condition: Condition) -> frozenset[str]:
    """Give the names of all values that a condition reads."""
    found = set()
    for compare in compares(condition):
        found.add(compare.value)
        if isinstance(compare.than, ValueRef):
            found.add(compare.than.name)
    return frozenset(found)


def evaluate(condition: Condition, lookup: Lookup) -> bool | None:
    """Tell whether a condition holds; None where that is not known, since a value that it needs is missing."""
    match condition:
        case Compare():
            return _compare(condition, lookup)
        case All(conditions):
            return _all(evaluate(inner, lookup) for inner in conditions)
        case Any(conditions):
            return _not(_all(_not(evaluate(inner, lookup)) for inner in conditions))
        case Not(inner):
            return _not(evaluate(inner, lookup))
        case _:
            assert_never(condition)


def _all(parts: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            result = None
    return result


def _not(part: bool | None) -> bool | None:
    return None if part is None else not part


def _compare(compare: Compare, lookup: Lookup) -> bool | None:
    left = lookup(compare.value)
    right = lookup(compare.than.name) if isinstance(compare.than, ValueRef) else compare.than
    if left is None or right is None or isinstance(left, Secret) or isinstance(right, Secret):
        return None
    match compare.op:
        case Op.EQ | Op.NE:
            same = _same(left, right)
            return same if compare.op is Op.EQ else _not(same)
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return _ORDER[compare.op](left, right) if is_number(left) and is_number(right) else None
        case Op.CONTAINS:
            return right in left if isinstance(left, str) and isinstance(right, str) else None
        case Op.MATCHES:
            return re.search(right, left) is not None if isinstance(left, str) and isinstance(right, str) else None
        case _:
            assert_never(compare.op)


def _same(left: Plain, right: Plain) -> bool | None:
    """Compare two values of one kind; a text is never equal to a number, and asking is not known."""
    if (is_number(left) and is_number(right)) or type(left) is type(right):
        return left == right
    return None


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
