"""Tables: no word is broken as long as the columns can give way, and nothing is lost where they cannot."""

from __future__ import annotations

import pytest

from holdpoint.views.lines import as_text
from holdpoint.views.tables import table

HEADS = ("runbook", "reviewed", "services", "title", "proven")
ROWS = (
    (
        "restore-from-backup",
        "2026-11-25",
        "docmost, baserow, bridge",
        "Restore a database from a backup",
        "by 3, today",
    ),
    ("disk-full", "2026-11-23", "postgresql", "A disk is full", "before it changed"),
)


def drawn(width: int) -> list[str]:
    return [as_text(line) for line in table(HEADS, ROWS, width)]


@pytest.mark.parametrize("width", [72, 80, 120, 200])
def test_no_word_is_broken(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    words = {word for row in (HEADS, *ROWS) for cell in row for word in cell.split()}
    assert {word for line in lines for word in line.split()} == words


@pytest.mark.parametrize("width", [30, 40, 50])
def test_nothing_is_lost_where_words_must_be_broken(width: int) -> None:
    letters = sorted("".join("".join(row) for row in (HEADS, *ROWS)).replace(" ", ""))
    assert sorted("".join(drawn(width)).replace(" ", "")) == letters
