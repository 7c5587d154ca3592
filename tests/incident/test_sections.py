"""A document that the record and people write together: nothing that a person wrote is ever lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.incident.sections import (
    Generated,
    Kept,
    belongs_to,
    digest_of,
    generated,
    head,
    is_nothing,
    merged,
    parts,
    sealed,
    whole,
    written,
)

FRESH = """\
<!-- post-mortem of ID, in en -->
# Title

<!-- generated: facts -->
- one: 1
<!-- end: facts -->

## Lessons
<!-- write: lessons -->
<!-- What have we learned? -->

## Table
<!-- generated: table -->
| a | b |
| --- | --- |
| 1 | 2 |
<!-- end: table -->
<!-- write, if needed: more -->
"""
NEWER = FRESH.replace("- one: 1", "- one: 2").replace("| 1 | 2 |", "| 1 | 2 |\n| 3 | 4 |")
NAMES = ("facts", "table")


def test_what_nobody_edited_is_made_anew() -> None:
    again = merged(sealed(FRESH), NEWER)
    assert again.text == sealed(NEWER)
    assert (again.refreshed, again.kept, again.gone) == (NAMES, (), ())
    assert merged(again.text, NEWER).text == again.text
    assert merged(again.text, NEWER).refreshed == ()


@pytest.mark.parametrize("name", NAMES)
def test_an_edited_section_stays_and_the_newer_text_is_offered_once(name: str) -> None:
    document = sealed(FRESH).replace(f"<!-- end: {name} -->", f"and this, by hand\n<!-- end: {name} -->")
    same = merged(document, FRESH)
    assert (same.text, same.kept) == (document, ())
    again = merged(document, NEWER)
    before, after = generated(document), generated(again.text)
    assert after[name].body == before[name].body
    assert again.kept == (Kept(name, before[name].line, generated(NEWER)[name].body),)
    assert again.refreshed == tuple(other for other in NAMES if other != name)
    third = merged(again.text, NEWER)
    assert (third.text, third.kept) == (again.text, ())


@pytest.mark.parametrize("name", NAMES)
def test_a_section_that_was_emptied_is_filled_again(name: str) -> None:
    document = sealed(FRESH).replace(generated(FRESH)[name].body, "\n")
    assert merged(document, NEWER).text == sealed(NEWER)


@pytest.mark.parametrize("marker", ["<!-- generated: facts", "<!-- end: facts"])
def test_a_section_without_its_markers_is_text(marker: str) -> None:
    document = "".join(line for line in sealed(FRESH).splitlines(keepends=True) if not line.startswith(marker))
    again = merged(document, NEWER)
    assert again.gone == ("facts",)
    assert "- one: 1\n" in again.text
    assert "- one: 2" not in again.text


def test_what_takes_the_place_of_a_section_stays_a_persons_as_far_as_it_differs() -> None:
    own = "| a | b |\n| --- | --- |\n| 1 | 2 |\nwhy: because\n"
    again = merged(sealed(FRESH), NEWER, {"table": own})
    assert generated(again.text)["table"].body == own
    assert generated(again.text)["table"].is_edited
    assert generated(merged(again.text, FRESH).text)["table"].body == own
    as_fresh = merged(sealed(FRESH), NEWER, {"table": generated(NEWER)["table"].body})
    assert as_fresh.text == sealed(NEWER)


def test_a_section_that_is_there_twice_is_text() -> None:
    block = sealed(FRESH)[sealed(FRESH).index("<!-- generated: facts") : sealed(FRESH).index("\n\n## Lessons") + 1]
    document = sealed(FRESH) + block
    again = merged(document, NEWER)
    assert again.text.count("- one: 1\n") == 2
    assert again.gone == ("facts",)


def test_a_formatter_is_no_person() -> None:
    """Blanks, the widths of a table, and the ends of lines do not count as an edit; the ends of lines stay."""
    tidy = sealed(FRESH).replace("| a | b |", "| a   | b   |").replace("| --- | --- |", "| ------- | ----- |")
    assert merged(tidy, FRESH).text == tidy
    assert merged(tidy, NEWER).text == sealed(NEWER)
    windows = sealed(FRESH).replace("\n", "\r\n")
    assert merged(windows, FRESH).text == windows
    assert merged(windows, NEWER).text == sealed(NEWER).replace("\n", "\r\n")


@given(
    places=st.lists(st.tuples(st.integers(0, 40), st.text(st.sampled_from("ab |#<!-\n"), max_size=9)), max_size=4),
    times=st.integers(1, 3),
)
def test_whatever_a_person_types_in_wherever_stays(places: list[tuple[int, str]], times: int) -> None:
    """Lines of one's own, put in anywhere, are there after any number of refreshes, in their order."""
    lines = sealed(FRESH).splitlines(keepends=True)
    marks = []
    for number, (at, text) in enumerate(places):
        own = [f"own {number} {one}\n" for one in text.split("\n")]
        marks += own
        lines[min(at, len(lines)) : min(at, len(lines))] = own
    document = "".join(lines)
    kept = [line for line in document.splitlines() if line.startswith("own ")]
    for _ in range(times):
        document = merged(document, NEWER).text
    assert [line for line in document.splitlines() if line.startswith("own ")] == kept
    assert len(kept) == len(marks)


@given(st.text(st.sampled_from("a<!-->\n generatd:end"), max_size=60))
def test_taken_apart_and_put_together_it_is_the_same(text: str) -> None:
    document = f"{FRESH}{text}"
    assert whole(parts(document)) == document


def test_which_sections_are_empty() -> None:
    lessons, more = written(sealed(FRESH))
    assert (lessons.name, lessons.required, lessons.is_empty, lessons.heading) == ("lessons", True, True, "## Lessons")
    assert (more.name, more.required, more.line) == ("more", False, 18)
    filled = sealed(FRESH).replace("<!-- What have we learned? -->", "Backups need a limit.")
    assert not written(filled)[0].is_empty
    assert [is_nothing(text) for text in ("", "TBD", "*TODO*", "...", " <!-- x\ny --> ", "none")] == [True] * 5 + [
        False
    ]


def test_the_digest_and_the_head() -> None:
    assert digest_of("a  b\n\n") == digest_of("a b") != digest_of("ab")
    assert belongs_to(head("20261125-1200-x-0000", "fr") + "\n# x") == ("20261125-1200-x-0000", "fr")
    assert belongs_to("# Something else\n") == ("", "")
    assert not Generated("x", "", "0" * 12).is_edited
