"""The public API: load, plan, run, as another program uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

import holdpoint
from tests.engine.fakes import FakeOperator
from tests.laws.terminal import book

STEPS = "  - {id: mark, title: Mark it, effect: change, run: 'touch FOLDER/mark', undo: {run: 'rm FOLDER/mark'}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("STATE", "TARGET", "TARGET_MEMORY"):
        monkeypatch.setenv(f"HOLDPOINT_{name}", str(tmp_path / name.lower()))
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/lab.yaml").write_text(book(STEPS).replace("FOLDER", str(tmp_path)))
    return tmp_path


def test_load_plan_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = holdpoint.plan(holdpoint.load("lab"))
    assert holdpoint.run(plan, dry_run=True).exit is holdpoint.Exit.OK
    assert holdpoint.run(plan, check=True).exit is holdpoint.Exit.OK
    assert not (folder / "mark").exists()
    assert holdpoint.run(plan).exit is holdpoint.Exit.NEEDS_PERSON
    assert holdpoint.run(plan, answers={"mark": "run"}).exit is holdpoint.Exit.OK
    assert (folder / "mark").exists()
    capsys.readouterr()


def test_an_operator_of_ones_own(folder: Path) -> None:
    plan = holdpoint.plan(holdpoint.load("lab"))
    operator = FakeOperator({"mark": ["run"]})
    assert holdpoint.run(plan, operator=operator).exit is holdpoint.Exit.OK
    assert [question.key for question in operator.questions] == ["mark"]


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    (folder / "runbooks/bad.yaml").write_text(
        book(STEPS).replace("id: lab", "id: bad").replace("effect: change", "efect: x")
    )
    with pytest.raises(holdpoint.HoldpointError) as error:
        holdpoint.load("bad")
    assert error.value.exit_code == 2
    assert {problem.place.line for problem in error.value.problems if problem.place} == {13}
