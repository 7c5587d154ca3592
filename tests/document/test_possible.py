"""Whether a condition can hold: nothing that is negated makes it go round in circles."""

from __future__ import annotations

import pytest

from holdpoint.document.model import All, Any, Compare, Condition, Not, Op
from holdpoint.document.possible import possible
from holdpoint.problem import Place


def compare(op: Op, than: int | str) -> Compare:
    return Compare("x", op, than, Place("f", 1, 1))


@pytest.mark.parametrize("op", list(Op))
def test_every_comparison_can_be_negated(op: Op) -> None:
    one: Condition = Not(compare(op, "1"))
    assert possible(one)
    assert possible(All((one, compare(Op.NE, "2"))))
    assert possible(Not(Not(Any((one,)))))


def test_what_contradicts_itself_is_impossible() -> None:
    assert not possible(All((compare(Op.EQ, 1), compare(Op.EQ, 2))))
    assert not possible(All((compare(Op.GT, 5), Not(compare(Op.GE, 5)))))
