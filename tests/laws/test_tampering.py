"""A journal shows when it was altered: every command that reads it refuses it, and says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.case import Case
from tests.laws.terminal import book

TWO = """\
  - {id: first, title: The first, effect: change, run: 'echo x >> FOLDER/mark-first', undo: {run: 'true'}}
  - {id: second, title: The second, effect: change, run: 'echo x >> FOLDER/mark-second', undo: {run: 'true'}}
"""


@pytest.fixture
def journal(case: Case) -> Path:
    """A run that stopped at its second gate."""
    case.runbook("lab", book(TWO).replace("FOLDER", str(case.folder)))
    case.run("runbook", "lab", answers="first: run\nsecond: stop\n").expect(3, ..., ...)
    return case.journals()[0]


@pytest.mark.parametrize("command", ["run.show", "run.resume", "run.verify", "run.rollback"])
@pytest.mark.parametrize("how", ["altered", "swapped", "removed", "repeated"])
def test_refused(case: Case, journal: Path, command: str, how: str) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    match how:
        case "altered":
            lines[2] = lines[2].replace(b'"ada"', b'"bob"')
        case "swapped":
            lines[2], lines[3] = lines[3], lines[2]
        case "removed":
            del lines[2]
        case _:
            lines.insert(2, lines[2])
    journal.write_bytes(b"".join(lines))
    ran = case.run(command, "last").expect(10, ..., ...)
    assert "journal.jsonl" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_cut_before_the_last_change_shows(case: Case, journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["kind"] for line in lines]
    journal.write_bytes(b"".join(lines[: kinds.index("step.intent")]))
    for command in ("run.resume", "run.verify", "run.rollback"):
        ran = case.run(command, "last").expect(10, ..., ...)
        assert "the journal was cut or altered" in " ".join(ran.stderr.split()) or "does not hold" in ran.stderr


def test_a_torn_last_record_is_cut_off(case: Case, journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"data":{"exit"')
    case.run("run.verify", "last").expect(0, ..., ...)
    case.run("run.resume", "last", answers="second: run\n").expect(0, ..., ...)
    assert (case.folder / "mark-first").read_text() == "x\n"


def test_a_plan_that_differs_is_refused_by_name(case: Case, journal: Path) -> None:
    file = case.repository / "runbooks/lab.yaml"
    before = file.read_text()
    file.write_text(before.replace("mark-second", "mark-other"))
    ran = case.run("run.resume", "last").expect(2, ..., ...)
    assert "`second` differs" in ran.stderr
    file.write_text(before)
    case.run("run.resume", "last", answers="second: run\n").expect(0, ..., ...)
