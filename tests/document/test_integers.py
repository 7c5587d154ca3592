"""A whole number is read as what it is, however it is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdpoint.document.model import Registered, ValueType
from holdpoint.document.values import check
from holdpoint.problem import Place, Problem

USED = Registered("used", ValueType.INTEGER, Place("f", 1, 1))


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 5), st.sampled_from(["", "+", " "]))
def test_integers(number: int, zeros: int, before: str) -> None:
    sign = "-" if number < 0 else before
    assert check(USED, f"{sign}{'0' * zeros}{abs(number)}") == number


def test_what_is_no_integer() -> None:
    for text in ("", "1.0", "1e3", "0x1f", "one", str(2**63), "1 000", "--1"):
        assert isinstance(check(USED, text), Problem), text
    assert check(USED, "0" * 5000 + "7") == 7
