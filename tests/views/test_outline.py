"""The outline of a runbook: a screen or two, with every cause and every step that changes something or needs a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.document import parse
from holdpoint.document.model import Effect, Manual
from holdpoint.document.source import Source
from holdpoint.store import library
from holdpoint.views.outline import outline
from tests.case import Case
from tests.views.screens import drawn, fits

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted(path.stem for path in (ROOT / "runbooks").glob("*.yaml"))
TWO_SCREENS = 80


def shipped(name: str):
    return parse.parse(Source(name, (ROOT / "runbooks" / f"{name}.yaml").read_bytes()), library.schema())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", RUNBOOKS)
def test_it_fits_and_names_every_cause_and_every_gate(name: str, width: int) -> None:
    book = shipped(name)
    text = drawn(outline(book, width))
    fits(text, width)
    assert len(text.splitlines()) <= TWO_SCREENS
    words = " ".join(text.split())
    for cause in book.causes:
        assert f"{cause.id}: {cause.title}" in words
    for step in book.resolution:
        if step.effect is not Effect.READ:
            assert f"{step.id} [{step.effect}" in words
        elif isinstance(step.action, Manual):
            assert f"{step.id} [by hand" in words


def test_a_step_stands_under_the_causes_that_it_is_for_in_their_order() -> None:
    lines = drawn(outline(shipped("docmost-down"), 80)).splitlines()
    at = next(number for number, one in enumerate(lines) if one.startswith("  redis-stopped: "))
    assert lines[at + 1].strip() == "start-redis [change], start-app [change]"


@pytest.mark.parametrize("words", [("runbook", "door", "--dry-run", "--param", "door=/x"), ("runbook.show", "door")])
def test_a_walk_through_and_a_page_begin_with_it_and_go_on_in_full(case: Case, words: tuple[str, ...]) -> None:
    told = case.runbook().run(*words).expect(0, ..., "").stdout
    assert told.index("wide: Somebody left it open\n    shut [change]") < told.index("The door stands open")
    assert 'mv -- "$door" "$door.shut"' in told


def test_a_walk_through_says_what_the_words_do_once(case: Case) -> None:
    second = """  - id: lock
    title: Lock it
    for: [wide]
    effect: change
    irreversible: somebody may be outside
    run: touch "$door.locked"
prevention:
"""
    from tests.case import DOOR

    case.runbook("door", DOOR.replace("prevention:\n", second))
    told = case.run("runbook", "door", "--dry-run", "--param", "door=/x").expect(0, ..., "").stdout
    assert told.count("HOLD ") == 2
    assert told.count('touch "$door.locked"') == 1
    assert told.count("  escalate ") == 1
    assert "not done:" not in told
