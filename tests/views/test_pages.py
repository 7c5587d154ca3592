from __future__ import annotations

import io
import json
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from holdpoint.app import ending
from holdpoint.document.model import Action, Run, Use
from holdpoint.journal.record import decode
from holdpoint.problem import Exit, HoldpointError, Level, Place, Problem
from holdpoint.views import jsonlines, markdown, problems, runbook
from holdpoint.views.steps import deed, operand
from holdpoint.views.tables import table
from tests.views.books import EVENTS, LOG_DISK, load, records
from tests.views.screens import drawn, fits, same

BOOK = load(LOG_DISK)
USE = Use("other", (), Place("f", 1, 1))
ACTIONS = {type(action): action for action in (*(step.action for step in BOOK.steps()), USE)}


def test_every_kind_of_step_is_among_the_examples():
    assert set(ACTIONS) == set(get_args(Action))


@pytest.mark.parametrize("kind", get_args(Action))
def test_every_kind_of_step_has_words_on_every_page(kind):
    said = deed(ACTIONS[kind])
    assert said.phrase
    assert said.code == (kind is Run)
    if kind is not Use:
        assert said.phrase in drawn(runbook.page(BOOK, 120))
        assert markdown.escape(said.phrase) in markdown.page(BOOK)


@pytest.mark.parametrize("width", [80, 120])
def test_a_runbook_looks_like_this(width):
    text = drawn(runbook.page(BOOK, width))
    fits(text, width)
    same(f"runbook-{width}", text)


def test_every_page_says_as_whom_a_step_and_its_undo_are_executed():
    text = drawn(runbook.page(BOOK, 120))
    assert "CHANGE  Runs (sh), as root\n" in text
    assert "can be taken back: Runs (sh), as root\n" in text
    assert markdown.page(BOOK).count(markdown.escape("Runs (sh), as root")) == 2


def test_a_list_of_runbooks_looks_like_this():
    same("runbooks-80", drawn(runbook.listing([BOOK], 80)))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_is_never_wider_than_the_screen(width):
    row = (
        "disk-full",
        "SEV1",
        "2026-11-23",
        "docmost, baserow, bridge, postgresql",
        "/some/where/else/runbooks",
        "A " * 30,
    )
    heads = ("runbook", "severity", "reviewed", "services", "from", "title")
    text = drawn(table(heads, [row], width))
    fits(text, width)
    assert sorted("".join("".join(row).split())) == sorted("".join("".join(text.splitlines()[_head(text) :]).split()))


def _head(text):
    """How many lines the heads take."""
    return next(number for number, line in enumerate(text.splitlines()) if "disk" in line)


def test_a_name_to_be_typed_is_cut_last():
    name = "20261123-2141-stale-lock-b37f"
    text = drawn(
        table(("run", "status (exit)", "hosts", "by"), [(name, "finished (0)", "web1, web2, web3", "ada")], 80)
    )
    assert f"\n{name} " in text


@pytest.mark.parametrize(("value", "shown"), [("", '""'), ("too small", '"too small"'), ("none", "none"), (3, "3")])
def test_a_value_in_a_condition_can_be_seen(value, shown):
    assert operand(value) == shown


def test_signs_of_markup_are_all_shown_alike():
    assert markdown.escape("a < b >= c") == "a &lt; b &gt;= c"


def test_markdown_looks_like_this():
    assert markdown.page(BOOK) == markdown.page(load(LOG_DISK))
    same("runbook-md", markdown.page(BOOK))
    same("index-md", markdown.index([BOOK]))


def read(text):
    return MarkdownIt("js-default").parse(text)


@given(st.text())
def test_text_is_nothing_but_text_in_markdown(text):
    (_, _, _, inline, *_) = read(f"- {markdown.escape(text)}x\n")
    assert {child.type for child in inline.children} <= {"text", "text_special"}


@given(st.text())
def test_a_fence_is_not_closed_by_what_it_holds(text):
    fences = read(markdown.fenced(text))
    assert [token.type for token in fences] == ["fence"]


@given(st.text(min_size=1))
def test_a_label_of_the_flowchart_cannot_end_itself(text):
    label = markdown._label(text)
    assert label[0] == label[-1] == '"'
    assert not set('"`<>[]{}|\n') & set(label[1:-1])


def test_problems_are_drawn_and_counted():
    bad = Problem("code", "it has `\x1b[31m`", Place("f.yaml", 2, 3, 1, "a\x1bb"), hint="mend it")
    warning = Problem("other", "hm", level=Level.WARNING)
    text = problems.as_text([bad, warning])
    assert "\x1b" not in text
    assert text.endswith("1 error, 1 warning\n")
    assert problems.as_data(bad)["place"] == {"file": "f.yaml", "line": 2, "column": 3, "length": 1, "text": "a\x1bb"}
    assert json.dumps([problems.as_data(warning)])


def test_problems_break_at_spaces_where_the_screen_ends():
    path = "/a/path/that/is/longer/than/the/screen/and/must/be/copied/whole/" + "x" * 40
    place = Place("runbooks/lab.yaml", 12, 90, 4, "  - {id: fix, " + "title: a long one, " * 5 + "efect: change}")
    bad = Problem("unknown-key", "`efect` " + "is no key of a step " * 8, place, found=path, hint="mend it " * 20)
    text = problems.as_text([bad], 80)
    lines = text.splitlines()
    assert " ".join(text.split()).startswith(
        " ".join(f"runbooks/lab.yaml:12:90: error[unknown-key]: {bad.message}".split())
    )
    assert [line for line in lines if len(line) > 80] == [f"    {path}"]
    source = next(number for number, line in enumerate(lines) if line.startswith("  12 | "))
    caret = lines[source + 1].index("^")
    assert lines[source][caret:].startswith(place.text[89:93])
    assert lines[source + 1].endswith("^^^^")
    assert problems.as_text([bad]).splitlines()[0].endswith(bad.message)


@pytest.mark.parametrize("terminal", [True, False])
def test_an_error_is_broken_at_spaces_on_a_terminal_and_whole_in_a_file(terminal, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return terminal

    def work():
        raise HoldpointError(Problem("code", "a long message " * 20))

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", Terminal())
    assert ending.conclude(work) == Exit.USAGE
    lines = sys.stderr.getvalue().splitlines()
    assert (len(lines) > 1) is terminal
    assert all(len(line) <= 80 for line in lines) is terminal


def test_json_lines_are_the_journal():
    out = io.StringIO()
    write = jsonlines.writer(out)
    every = records(*EVENTS)
    for record in every:
        write(record)
    assert [decode(line.encode()) for line in out.getvalue().splitlines()] == every
