"""Before it was passed, nothing tells what a drill is about: not the list, not its name, not the way it is begun."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdpoint.drill.choosing import candidates, numbered
from tests.case import Case
from tests.drills.test_prove import DRILL, drill
from tests.drills.test_shipped import load
from tests.drills.test_training import nothing_is_left, typed
from tests.laws.terminal import left, person

TITLE, LESSON = "The door was left open", "An open door lets the warmth out"
HINTS = ("open-door", LESSON, TITLE)


def passes(case: Case, name: str) -> str:
    """Pass it, by this name; gives all that was shown until the debrief."""
    with person(case, "drill", name, environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "say I look", "diagnose wide", "shell")
        child.expect_exact("DRILL > ")
        seen = child.before
        child.sendline("mkdir evidence; cp door evidence; rm door; exit")
        typed(child, "done")
        child.expect("PASSED")
        assert left(child) == 0
    return str(seen)


def test_the_list_tells_the_page_and_once_it_is_passed_the_lesson(case: Case) -> None:
    drill(case)
    told = case.run("drill.list").expect(0, ..., "").stdout
    assert "door.1" in told
    assert "WarmthFalling" in told
    assert not [hint for hint in HINTS if hint in told]
    whole = case.run("drill.list", "--all", environ={"COLUMNS": "120"}).expect(0, ..., "").stdout
    assert LESSON in " ".join(whole.split())
    before = passes(case, "door.1")
    assert not [hint for hint in HINTS if hint in before]
    told = case.run("drill.list", environ={"COLUMNS": "120"}).expect(0, ..., "").stdout
    assert f"passed: {LESSON}" in " ".join(told.split())
    assert "open-door" in told
    (one,) = (one for one in case.run("drill.list", "--json").json() if one["id"] == "open-door")
    assert (one["id"], one["number"], one["passed"], one["teaches"]) == ("open-door", "door.1", True, LESSON)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("door.9", "did you mean `door.1`?"),
        ("dor", "did you mean `door`?"),
        ("open-dor", "`inv drill.list` shows"),
        ("../x", "`inv drill.list` shows"),
        ("Door.1 ", "did you mean `door.1`?"),
    ],
)
def test_a_wrong_name_is_refused_without_the_id_of_a_drill(case: Case, name: str, hint: str) -> None:
    drill(case)
    said = " ".join(case.run("drill", name).expect(2, "", ...).stderr.split())
    assert f"there is no drill `{name}`".replace(" `", "`") in said.replace(" `", "`")
    assert hint in said
    assert "open-door" not in said


def test_without_a_terminal_the_number_does_not_tell_what_it_is(case: Case) -> None:
    drill(case)
    said = case.run("drill", "door.1").expect(7, "", ...).stderr
    assert "`inv drill.prove` tries all of them" in said
    assert "open-door" not in said


@pytest.mark.parametrize("name", ["door", "any"])
def test_one_is_chosen_and_not_told(case: Case, name: str) -> None:
    drill(case)
    with person(case, "drill", name, environ={"NO_COLOR": "1"}) as child:
        typed(child, "leave")
        child.expect(r"drill +([a-z-]+)\r")
        seen, chosen = str(child.before).rpartition("═══ ")[0], child.match[1]  # the debrief begins with what was wrong
        assert left(child) == 3
    assert chosen == "open-door" or name == "any"
    assert chosen not in seen
    assert nothing_is_left(case)


def test_the_easiest_that_was_not_passed_comes_next(case: Case) -> None:
    drill(case).write(
        "drills/shut-door.yaml", DRILL.replace("id: open-door", "id: shut-door").replace("level: 1", "level: 2")
    )
    for name in ("open-door", "shut-door"):
        passes(case, "door")
        assert case.run("drill.history", "--json").json()[-1]["drill"] == name


def test_a_runbook_without_a_drill_here_is_refused(case: Case) -> None:
    drill(case, level="1\nneeds: {programs: {no-such-program: no-such-package}}")
    ran = case.run("drill", "door").expect(2, "", ...)
    assert "`door` is a runbook, and no drill; none that is repaired by it can be made here" in " ".join(
        ran.stderr.split()
    )
    told = case.run("drill.list").expect(0, ..., "").stdout
    assert "Not here: door.1: it lacks" in told


def test_numbers_go_from_easy_to_hard_and_are_each_runbooks_own() -> None:
    one = load("disk-full-held")
    drills = [
        replace(one, id=name, level=level, runbook=book)
        for name, level, book in (("b", 2, "disk"), ("c", 1, "disk"), ("a", 2, "disk"), ("d", 3, "wiki"))
    ]
    assert numbered(drills) == {"c": "disk.1", "a": "disk.2", "b": "disk.3", "d": "wiki.1"}
    for passed, come in (
        ((), "c"),
        (("c",), "ba"),
        (("c", "b"), "a"),
        (("c", "b", "a"), "d"),
        (("a", "b", "c", "d"), "bcad"),
    ):
        assert [drill.id for drill in candidates(drills, passed)] == list(come), passed
