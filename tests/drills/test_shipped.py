"""Every drill that comes with Holdpoint is proven: broken for real, repaired by its runbook, restarted; every trap refused.

Each is tried in a state folder of its own, so they go side by side. Whole stacks are processes here, as on a machine where
no Docker engine can be started; `test_engine.py` starts one.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from holdpoint.app.drills import is_there
from holdpoint.document.source import Source
from holdpoint.drill.parse import parse
from holdpoint.store import library
from tests.case import Case
from tests.needs import lacking, require_root

ROOT = Path(__file__).parents[2]
LIMIT = 900.0
NAMES = sorted(path.stem for path in (ROOT / "drills").glob("*.yaml"))
THROUGH = {"postgres-in-docker": "docmost-db-damaged"}
"""Drilled through a runbook that leads to it, since a trainee meets it there."""


def load(name: str):  # type: ignore[no-untyped-def]
    return parse(Source(name, (ROOT / "drills" / f"{name}.yaml").read_bytes()), library.schema("drill"), name)


ODD = 'it\'s $HOME `b` "c" '


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("app-secret-restarted", ODD),
        ("docmost-false-alarm", ODD),
        ("pg-crashed", "it's a "),  # what pg_ctl hands to a shell stands between double quotes
        ("secrets-leaked", ODD),
    ],
)
def test_a_sandbox_is_made_and_repaired_in_a_folder_whose_name_a_shell_would_read_otherwise(
    case: Case, name: str, odd: str
) -> None:
    for program, package in load(name).programs.items():
        if not is_there(program):
            lacking(f"{program} is not here: apt-get install {package}")
    text = (ROOT / "drills" / f"{name}.yaml").read_text()
    case.write(f"drills/{name}.yaml", re.sub(r"(?ms)^traps:\n.*?^(?=hints:)", "traps: []\n", text))
    for folder in ("lib", "stand-ins"):
        (case.repository / "drills" / folder).symlink_to(ROOT / "drills" / folder)
    # where servers reach it, and a socket fits
    with tempfile.TemporaryDirectory(prefix=odd, dir="/tmp") as place:
        Path(place).chmod(0o755)
        environ = {"TMPDIR": place, "DRILL_CONTAINERS": "processes"}
        ran = case.run("drill.prove", "--only", name, "--json", environ=environ, limit=LIMIT)
        assert list(Path(place).iterdir()) == []
    (proof,) = ran.json()
    assert proof["proven"], [stage for stage in proof["stages"] if not stage["holds"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_drill_is_proven(case: Case, name: str) -> None:
    drill = load(name)
    if drill.root or drill.mounts:
        require_root("mount a small filesystem")
    for program, package in drill.programs.items():
        if not is_there(program):
            lacking(f"{program} is not here: apt-get install {package}")
    stacks = {"DRILL_CONTAINERS": "processes"}
    ran = case.run("drill.prove", "--only", name, "--json", environ=stacks, cwd=ROOT, limit=LIMIT)
    (proof,) = ran.json()
    failed = [stage for stage in proof["stages"] if not stage["holds"]]
    assert proof["proven"], (proof["missing"], failed)
    assert not list(case.state.glob("drills/armed/*"))


def test_there_are_enough_of_them_for_each_runbook() -> None:
    drills = [load(name) for name in NAMES]
    runbooks = {path.stem for path in (ROOT / "runbooks").glob("*.yaml")}
    assert {drill.runbook for drill in drills} <= runbooks
    assert len(drills) >= 14
    for runbook in sorted(runbooks):
        own = [drill for drill in drills if drill.runbook == runbook]
        if runbook in THROUGH:
            assert THROUGH[runbook] in NAMES
            continue
        assert len(own) >= 2, runbook
    assert any(not drill.fault for drill in drills)
    assert all(drill.traps for drill in drills if drill.fault)
