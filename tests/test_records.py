"""The use cases of what was recorded, through the real command: list, show, follow, verify."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.case import LIMIT, Case, Ran
from tests.laws.terminal import person


@pytest.fixture
def hall(case: Case) -> Path:
    hall = case.runbook().folder / "hall"
    hall.write_text("x\n")
    return hall


def _run(case: Case, hall: Path, *words: str, kill_at: str = "") -> Ran:
    environ = {"HOLDPOINT_KILL_AT": kill_at} if kill_at else {}
    return case.run("runbook", "door", "--param", f"door={hall}", *words, answers="shut: run", environ=environ)


# --- list ---


def test_no_runs_yet(case: Case) -> None:
    case.run("run.list").expect(0, "There are no runs yet.\n")
    assert case.run("run.list", "--json").json() == []
    assert "no run is recorded here yet" in case.run("run.show", "last").expect(2, "", ...).stderr


def test_list(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    (listed,) = case.run("run.list", "--json").expect(0, ...).json()
    assert listed["status"] == "finished"
    assert Path(listed["journal"]) == case.journals()[0]
    assert listed["run"] == case.journals()[0].parent.name
    assert "RUN-door" in case.run("run.list").expect(0, ...).stdout


def test_a_damaged_run_is_listed_as_damaged(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    _alter(case.journals()[0])
    (listed,) = case.run("run.list", "--json").expect(0, ...).json()
    assert listed["status"] == "damaged"


def test_a_run_whose_folder_was_renamed_is_listed_as_such(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    folder = case.journals()[0].parent
    folder.rename(folder.with_name("mine"))
    assert [(one["run"], one["status"]) for one in case.run("run.list", "--json").expect(0, ...).json()] == [
        ("mine", "renamed")
    ]


def test_a_run_that_was_killed_is_listed_as_cut_off(case: Case, hall: Path) -> None:
    assert _run(case, hall, kill_at="record:3:durable").status == -signal.SIGKILL
    (listed,) = case.run("run.list", "--json").expect(0, ...).json()
    assert listed["status"] == "cut off"
    assert "no process goes on with it" in case.run("run.show", "last").expect(0, ...).stdout


def test_a_run_that_waits_for_a_person_is_listed_as_open(case: Case, hall: Path) -> None:
    with person(case, "runbook", "door", "--param", f"door={hall}") as child:
        child.expect(r" > ")
        (listed,) = case.run("run.list", "--json").expect(0, ...).json()
        assert listed["status"] == "open"


def _alter(journal: Path) -> None:
    journal.write_text(journal.read_text().replace("Somebody left it open", "Nobody left it open!!"))


# --- show ---


def test_show(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    ran = case.run("run.show", "last").expect(0, ...)
    for text in ("Somebody left it open", "1 hands wide", "Shut the door", "status     finished"):
        assert text in ran.stdout
    shown = case.run("run.show", "last", "--json").json()
    assert shown["events"] == [json.loads(line) for line in case.journals()[0].read_text().splitlines()]


def test_show_a_run_whose_document_is_gone(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    (case.repository / "runbooks/door.yaml").unlink()
    assert "Somebody left it open" in case.run("run.show", "last").expect(0, ...).stdout


def test_show_a_damaged_run(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    _alter(case.journals()[0])
    for task in ("run.show", "run.verify", "run.follow", "run.resume"):
        ran = case.run(task, "last").expect(10, ..., ...)
        assert "it is damaged or was altered" in ran.stderr, task


# --- follow ---


def test_follow_a_run_that_is_over(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    assert "Shut the door" in case.run("run.follow", "last").expect(0, ...).stdout
    assert case.run("run.follow", "last", "--json").lines()[-1]["kind"] == "run.finished"


def test_follow_a_run_from_another_terminal_until_it_ends(case: Case, hall: Path) -> None:
    assert _run(case, hall, kill_at="record:3:durable").status == -signal.SIGKILL
    with case.started("run.follow", "last", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["kind"] == "run.opened"
        case.run("run.resume", "last", answers="shut: run").expect(0, ...)
        rest, error = process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert (
        error.decode()
        == f"It was cut off: `inv run.resume {case.journals()[0].parent.name}` goes on with it. Waiting for that.\n"
    )
    assert json.loads(rest.splitlines()[-1])["kind"] == "run.finished"


# --- verify ---


def test_verify(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    ran = case.run("run.verify", "last").expect(0, ...)
    assert re.fullmatch(
        r"RUN-door: \d+ records, each fits the one before it; the last is [0-9a-f]{16}…\n"
        r"HOST remembers 1 change, and the journal holds the record of each\n"
        r"all is well: everything fits together\n",
        ran.stdout,
    )
    found = case.run("run.verify", "last", "--json").json()
    assert found["records"] == len(case.journals()[0].read_text().splitlines())
    assert list(found["remembered"].values()) == [1]


def test_verify_where_nothing_was_begun(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    case.journals()[0].write_text("")
    (listed,) = case.run("run.list", "--json").expect(0, ...).json()
    assert listed["status"] == "never began"
    case.journals()[0].write_text("")
    shown = case.run("run.list").expect(0, ...).stdout
    assert "never began" in shown
    assert "open" not in shown


def test_verify_a_run_without_an_end(case: Case, hall: Path) -> None:
    assert _run(case, hall, kill_at="record:3:durable").status == -signal.SIGKILL
    said = case.run("run.verify", "last").expect(0, ...).stdout.splitlines()
    assert said[-1] == "all fits together; no end is recorded: the run was cut off"


def test_a_check_is_listed_as_one(case: Case, hall: Path) -> None:
    case.run("runbook", "door", "--param", f"door={hall}", "--check").expect(0, ...)
    assert "check: finished (0)" in case.run("run.list").expect(0, ...).stdout


def test_a_cut_before_the_last_change_shows(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    journal = case.journals()[0]
    lines = journal.read_text().splitlines(keepends=True)
    intent = next(n for n, line in enumerate(lines) if '"kind":"step.intent"' in line and '"effect":"change"' in line)
    journal.write_text("".join(lines[:intent]))
    ran = case.run("run.verify", "last").expect(10, "", ...)
    assert "for a record that the journal of `RUN-door` does not hold" in ran.stderr
    (problem,) = case.run("run.verify", "last", "--json").expect(10, ..., ...).json()
    assert problem["code"] == "journal-cut"


def test_a_torn_end_is_no_damage(case: Case, hall: Path) -> None:
    _run(case, hall).expect(0, ...)
    journal = case.journals()[0]
    journal.write_bytes(journal.read_bytes()[:-20])
    ran = case.run("run.verify", "last").expect(0, ...)
    assert re.search(r"a last line that was not written to its end \(\d+ bytes\) is left out", ran.stdout)
