"""Ctrl-C: nothing is lost, nothing is ended that the person did not want to be ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.case import Case
from tests.crash.test_killed import wait_until
from tests.laws.terminal import alive, book, left, person

STUBBORN = """\
  - id: work
    title: Work for long
    effect: change
    kill_grace: 1s
    run: |
      trap '' TERM
      echo began >> FOLDER/mark
      echo $$ > FOLDER/pid
      sh -c 'trap "" TERM; echo $$ > FOLDER/child; while :; do sleep 0.1; done' &
      until test -e FOLDER/go; do sleep 0.05; done
      kill -9 $!
      echo ended
    undo: {run: 'true'}
"""


@pytest.fixture
def lab(case: Case) -> Iterator[Case]:
    yield case.runbook("lab", book(STUBBORN).replace("FOLDER", str(case.folder)))
    (case.folder / "go").touch()  # whatever a test left running ends


def began(case: Case) -> Path:
    wait_until((case.folder / "child").exists)
    return case.folder / "pid"


def begin(child: object) -> None:
    child.expect(r" > ")  # type: ignore[attr-defined]
    child.sendline("run")  # type: ignore[attr-defined]


def test_wait_goes_on(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        begin(child)
        began(lab)
        child.sendintr()
        child.expect("leave or end> ")
        child.sendline("wait")
        (lab.folder / "go").touch()
        assert left(child) == 0
    assert (lab.folder / "mark").read_text() == "began\n"


def test_enter_waits_too(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        begin(child)
        began(lab)
        child.sendintr()
        child.expect("leave or end> ")
        child.sendline("")
        (lab.folder / "go").touch()
        assert left(child) == 0


@pytest.mark.parametrize("how", ["leave", "again"])
def test_leave_leaves_it_running_and_a_resume_finds_its_end(lab: Case, how: str) -> None:
    with person(lab, "runbook", "lab") as child:
        begin(child)
        pid = began(lab)
        child.sendintr()
        child.expect("leave or end> ")
        child.sendintr() if how == "again" else child.sendline("leave")
        assert left(child) == 3
    assert alive(pid)
    other = lab.run("runbook", "lab", answers="work: run\n").expect(9, ..., ...)
    assert "is held by ada" in other.stdout
    (lab.folder / "go").touch()
    name = lab.journals()[0].parent.name
    lab.run("run.resume", name).expect(0, ..., ...)
    assert (lab.folder / "mark").read_text() == "began\n"


def test_end_ends_the_step_with_its_whole_group(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        begin(child)
        pid = began(lab)
        child.sendintr()
        child.expect("leave or end> ")
        child.sendline("end")
        assert left(child) == 3
    assert not alive(pid)
    assert not alive(lab.folder / "child")
    assert '"status":"failed"' in lab.journals()[0].read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_goes_away_leaves_it_running(lab: Case, number: signal.Signals) -> None:
    with person(lab, "runbook", "lab") as child:
        begin(child)
        pid = began(lab)
        child.kill(number)
        assert left(child) == 3
    assert alive(pid)
    (lab.folder / "go").touch()
    lab.run("run.resume", "last").expect(0, ..., ...)


def test_at_a_gate_it_stops_the_run(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendintr()
        assert left(child) == 3
    assert not (lab.folder / "mark").exists()


def test_while_it_reads_it_stops_the_run_and_ends_the_read(case: Case) -> None:
    slow = "\n  - {id: slow, title: Slow, run: 'echo $$ > FOLDER/child; exec sleep 600'}"
    case.runbook("lab", book("  []", diagnostic=slow).replace("FOLDER", str(case.folder)))
    with person(case, "runbook", "lab") as child:
        pid = case.folder / "child"
        wait_until(lambda: pid.exists() and pid.read_text() != "")
        child.sendintr()
        assert left(child) == 3
    assert not alive(pid)
