"""How single values are written."""

from __future__ import annotations

import pytest

from holdpoint.views.lines import as_text, assigned, whole, wrap


@pytest.mark.parametrize(
    ("value", "text"),
    [(False, "x = false"), (True, "x = true"), (0, "x = 0"), ("False", "x = False"), ("", "x is empty")],
)
def test_a_value_is_written_as_in_a_runbook(value: object, text: str) -> None:
    assert assigned("x", value) == text


@pytest.mark.parametrize("width", [20, 30, 60])
def test_a_command_between_backquotes_is_not_broken_where_it_fits(width: int) -> None:
    text = "One real user flow works, from end to end; `inv incident.show`, or `inv action.list` twice"
    drawn = wrap(text, width)
    assert max(map(len, drawn)) <= width
    assert sum("`inv incident.show`," in one for one in drawn) == 1
    assert " ".join(drawn) == text


def test_a_command_that_is_longer_than_the_line_is_broken_at_its_spaces() -> None:
    assert wrap("`inv incident.done scope --say here`", 20) == ["`inv incident.done", "scope --say here`"]
    assert wrap("a ` alone and long enough to be broken", 20) == ["a ` alone and long", "enough to be broken"]


def test_a_path_is_never_broken() -> None:
    path = "/var/lib/holdpoint/" + "x" * 80
    assert [as_text(one) for one in whole("file", path, 80)] == ["file", path]
    assert [as_text(one) for one in whole("file", "/short", 80)] == ["file       /short"]
