"""The debrief: which known wrong repair was done, what counts as evidence and as telling people; and it can be shown again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.case import DOOR, Case
from tests.drills.test_prove import drill
from tests.drills.test_training import SHELL, nothing_is_left, typed
from tests.laws.terminal import left, person

DID, WOULD = "You did what is known to be wrong", "What would have been wrong"


def in_the_shell(child: Any, *lines: tuple[str, str]) -> None:
    """Type lines in the sandbox's shell, each with what it answers, and go back."""
    typed(child, "shell")
    for line, answer in lines:
        child.expect_exact(SHELL)
        child.sendline(line)
        if answer:
            child.expect_exact(answer)
    child.expect_exact(SHELL)
    child.sendline("exit")


def bare(said: str) -> str:
    """What was said without colours, and all on one line, up to where the record lies, whose path is broken anywhere."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", said).split()).partition(" record ")[0]


def parts(said: str) -> tuple[str, str]:
    """What was done of the known wrong repairs, and what was not."""
    done, _, rest = bare(said).partition("What happened")
    return done.partition(DID)[2], rest.partition(WOULD)[2]


def test_a_wrong_repair_that_was_done_is_named_also_where_it_was_mended_again(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        in_the_shell(child, ("mv rooms elsewhere", ""))
        in_the_shell(child, ("mv elsewhere rooms; rm door", ""))
        typed(child, "done")
        child.expect("PASSED")
        said = child.read()
        left(child)
    done, would = parts(said)
    assert "Burn the house: The rooms are gone" in done
    assert "Burn the house" not in would
    assert "Wait: It stays open" in would
    assert "Let the cat out: It was not the cat" in would
    text = bare(said)
    assert re.search(r"\d\d:\d\d a known wrong repair was seen: Burn the house", text)
    assert re.search(r"safety 16 of 20 .*a known wrong repair was done once", text)
    shown = case.run("drill.show", "open-door", "--json").json()
    assert [one["done"] for one in shown["wrong"]] == [False, True, False]


def test_the_end_of_a_debrief_says_again_how_it_went(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        in_the_shell(child, ("rm door rooms", ""))
        typed(child, "done")
        said = child.read()
        assert left(child) == 4
    begins, ends = (bare(piece) for piece in (said.partition("NOT PASSED")[2], said.rpartition("NOT PASSED")[2]))
    why = "of 100 points All is green, and data was lost; without it there is no pass."
    assert re.match(rf"\d+ {why} what points why", begins)
    assert re.fullmatch(rf"\d+ {why} again inv drill\.show last", ends)


def test_a_wrong_repair_that_still_stands_is_named_when_it_is_left(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        in_the_shell(child, ('kill "$(cut -d " " -f 1 pids/cat)"; sleep 0.2', ""))
        typed(child, "leave")
        said = child.read()
        assert left(child) == 3
    done, would = parts(said)
    assert "Let the cat out" in done
    assert "Burn the house" in would


def test_the_right_repair_is_no_wrong_one(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        in_the_shell(child, ("rm door", ""))
        typed(child, "done")
        said = child.read()
        left(child)
    assert DID not in said


def test_a_debrief_is_shown_again(case: Case) -> None:
    drill(case)
    said = []
    for _ in range(2):
        with person(case, "drill", "open-door") as child:
            typed(child, "leave")
            child.expect("NOT PASSED")
            said.append(child.read())
            assert left(child) == 3
    assert "no points: it was left" in said[0]
    first, second = (one["attempt"] for one in case.run("drill.history", "--json").json())
    for name in (first, second, "open-door", "last"):
        shown = case.run("drill.show", name, environ={"COLUMNS": "80"}).expect(0, ..., "").raw
        assert bare(shown.partition("NOT PASSED")[2]) == bare(said[0 if name == first else 1]), name
    ran = case.run("drill.show", "shut-door").expect(2, "", ...)
    assert "there is no attempt `shut-door`" in ran.stderr
    assert nothing_is_left(case)


@pytest.mark.parametrize(
    ("lines", "points"),
    [
        ((("mkdir evidence; cp door evidence/; rm door", ""),), 10),
        ((("rm door; sleep 1.1; say over", "told"), ("sleep 1.1; mkdir evidence; echo late >evidence/door", "")), 0),
        ((("found the door stands open, by two hands", "Kept as evidence"), ("rm door", "")), 10),
        ((("rm door; found it stood open", "so it is no evidence"),), 0),
        ((("say by hand", "told"), ("rm door", "")), 0),
    ],
)
def test_evidence_counts_when_it_was_kept_before_the_first_change(
    case: Case, lines: tuple[tuple[str, str], ...], points: int
) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        in_the_shell(child, *lines)
        typed(child, "done")
        child.expect(f"data kept +{20 + points} of 30")
        left(child)


def test_what_was_found_is_told_at_the_prompt_too(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "found")
        child.expect("found what")
        typed(child, "found it stands open")
        child.expect("Kept as evidence, and the team was told")
        in_the_shell(child, ("rm door", ""))
        typed(child, "found nothing more")
        child.expect("so it is no evidence")
        typed(child, "done")
        child.expect("data kept +30 of 30")
        child.expect("communication +15 of 15")
        left(child)


ESCALATION = "escalation:\n  - {after: 15m, to: backup, say: The door is still open}\n"


@pytest.mark.parametrize(("escalation", "told"), [(ESCALATION, True), ("", False)])
def test_whoever_calls_for_help_at_a_gate_has_told_people(case: Case, escalation: str, told: bool) -> None:
    drill(case).runbook("door", DOOR + escalation)
    with person(case, "drill", "open-door") as child:
        typed(child, "runbook")
        child.expect("Type run, skip, stop")
        child.sendline("escalate")
        child.expect("> $")
        child.sendline("run")
        typed(child, "done")
        child.expect("communication +(.*)\r\n")
        assert ("the team was told nothing" not in child.match[1]) is told
        left(child)


def test_the_history_begins_with_what_was_cut_off(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door") as child:
        child.expect("drill 00:")
        child.kill(9)
    assert "door.1, begun at" in case.run("drill.history").expect(0, ..., "").stdout.splitlines()[0]
    case.run("drill.heal").expect(0, ..., "")
    assert "cut off" not in case.run("drill.history").expect(0, ..., "").stdout
