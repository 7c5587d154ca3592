"""One run at a time on a target: who came first is named, a takeover is explicit, and the old owner cannot go on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.case import Case
from tests.crash.test_killed import wait_until
from tests.laws.terminal import book, left, person

TWO = """\
  - {id: first, title: The first, effect: change, run: 'echo $$ >> FOLDER/mark-first', irreversible: no}
  - {id: second, title: The second, effect: change, run: 'echo $$ >> FOLDER/mark-second', irreversible: no}
"""
ANSWERS = "first: run\nsecond: run\n"


@pytest.fixture
def lab(case: Case) -> Case:
    return case.runbook("lab", book(TWO).replace("FOLDER", str(case.folder)))


def test_the_second_is_told_who_has_it_since_when_and_what_to_do(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        ran = lab.run("runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_PERSON": "bob"}).expect(9, ..., ...)
        name = lab.journals()[0].parent.name
        assert f"is held by ada, run {name} (The lab is red), since " in ran.raw.replace("\n", " ")
        own = lab.journals()[-1].parent.name
        assert own != name
        assert f"run.resume {own} --take-over" in " ".join(ran.raw.split())
        child.sendline("stop")
        assert left(child) == 3
    lab.run("runbook", "lab", answers=ANSWERS).expect(0, ..., ...)


def test_of_many_at_once_one_wins(lab: Case) -> None:
    with (
        lab.started("runbook", "lab") as one,
        lab.started("runbook", "lab") as two,
        lab.started("runbook", "lab") as three,
    ):
        codes = sorted(process.wait(timeout=120) for process in (one, two, three))
    assert set(codes) <= {7, 9}
    assert 7 in codes, "whoever had it reached its gate"


def test_a_run_that_was_killed_keeps_its_lock_and_takes_it_again(lab: Case) -> None:
    lab.run("runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_KILL_AT": "effect:1:before"}).expect(-9, ..., ...)
    told = lab.run("runbook", "lab", answers=ANSWERS).expect(9, ..., ...)
    name = lab.journals()[0].parent.name
    assert f"`run.resume {name}` takes it up" in " ".join(told.raw.split())
    lab.run("run.resume", name, answers=ANSWERS).expect(0, ..., ...)
    assert len((lab.folder / "mark-first").read_text().splitlines()) == 1
    lab.run("runbook", "lab", answers=ANSWERS).expect(0, ..., ...)


def test_a_rollback_of_nothing_gives_the_lock_back(lab: Case) -> None:
    lab.run("runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_KILL_AT": "effect:0:before"}).expect(-9, ..., ...)
    told = lab.run("run.rollback", "last").expect(2, ..., ...)
    assert "changed nothing" in told.stderr
    assert "its lock on HOST was given back" in told.stderr
    lab.run("runbook", "lab", answers=ANSWERS).expect(0, ..., ...)


def test_the_old_owner_cannot_pass_the_epoch(lab: Case) -> None:
    """The first is stopped at its second gate, taken over by a rollback of its own run's rival, and continued."""
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendline("run")
        wait_until((lab.folder / "mark-first").exists)
        child.expect("The second")
        child.expect(r" > ")
        os.kill(child.pid, signal.SIGSTOP)
        lab.run("runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_PERSON": "bob"}).expect(9, ..., ...)
        rival = lab.journals()[-1].parent.name
        taken = lab.run("run.resume", rival, "--take-over", answers=ANSWERS, environ={"HOLDPOINT_PERSON": "bob"})
        taken.expect(0, ..., ...)
        assert '"taken_over_from"' in lab.journals()[-1].read_text()
        os.kill(child.pid, signal.SIGCONT)
        child.sendline("run")
        child.expect("taken over")
        assert left(child) == 9
    assert len((lab.folder / "mark-second").read_text().splitlines()) == 1


def test_takeover_is_on_record(lab: Case) -> None:
    lab.run("runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_KILL_AT": "effect:1:before"}).expect(-9, ..., ...)
    lab.run("runbook", "lab", answers=ANSWERS).expect(9, ..., ...)
    rival = lab.journals()[-1].parent.name
    lab.run("run.resume", rival, "--take-over", answers=ANSWERS).expect(0, ..., ...)
    taken = [json.loads(line) for line in lab.journals()[-1].read_text().splitlines()]
    (lock,) = [record["data"] for record in taken if record["kind"] == "lock.taken"]
    first = lab.journals()[0].parent.name
    assert first in lock["taken_over_from"], lock


def test_no_new_change_while_the_old_ones_step_still_runs(case: Case) -> None:
    slow = """\
  - {id: first, title: The first, effect: change, irreversible: no,
     run: 'echo x >> FOLDER/mark-first; until test -e FOLDER/go; do sleep 0.05; done'}
"""
    case.runbook("lab", book(slow).replace("FOLDER", str(case.folder)))
    with case.started("runbook", "lab", "--answers", str(answers(case))) as process:
        wait_until((case.folder / "mark-first").exists)
        process.kill()
        process.wait()
    case.run("runbook", "lab", answers=ANSWERS_ONE).expect(9, ..., ...)
    rival = case.journals()[-1].parent.name
    ran = case.run("run.resume", rival, "--take-over", answers=ANSWERS_ONE).expect(8, ..., ...)
    assert "still runs on" in ran.stdout
    assert (case.folder / "mark-first").read_text() == "x\n"
    case.run("runbook", "lab", answers=ANSWERS_ONE).expect(9, ..., ...)
    third = case.journals()[-1].parent.name
    case.run("run.resume", third, "--take-over", answers=ANSWERS_ONE).expect(8, ..., ...)
    assert (case.folder / "mark-first").read_text() == "x\n"
    (case.folder / "go").touch()
    wait_until(lambda: case.run("run.resume", rival, "--take-over", answers=ANSWERS_ONE).status == 0)
    assert (case.folder / "mark-first").read_text() == "x\nx\n"


ANSWERS_ONE = "first: run\n"


def answers(case: Case) -> Path:
    file = case.folder / "answers.yaml"
    file.write_text(ANSWERS_ONE)
    return file
