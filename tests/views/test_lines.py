"""How single values are written."""

from __future__ import annotations

import pytest

from holdpoint.views.lines import assigned


@pytest.mark.parametrize(
    ("value", "text"),
    [(False, "x = false"), (True, "x = true"), (0, "x = 0"), ("False", "x = False"), ("", "x is empty")],
)
def test_a_value_is_written_as_in_a_runbook(value: object, text: str) -> None:
    assert assigned("x", value) == text
