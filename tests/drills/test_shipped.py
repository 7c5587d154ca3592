"""Every drill that comes with Holdpoint is proven: broken for real, repaired by its runbook, restarted; every trap refused.

Each is tried in a state folder of its own, so they go side by side.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.document.source import Source
from holdpoint.drill.parse import parse
from holdpoint.store import library
from tests.case import Case
from tests.needs import require, require_root

ROOT = Path(__file__).parents[2]
LIMIT = 900.0
NAMES = sorted(path.stem for path in (ROOT / "drills").glob("*.yaml"))
ALONE = {"restore-from-backup", "rotate-app-secret"}
"""With one drill of their own; the first is led to by those of `postgres-corrupted` as well."""
THROUGH = {"postgres-in-docker": "docmost-db-damaged"}
"""Drilled through a runbook that leads to it, since a trainee meets it there."""
LONG = {
    "baserow-migration-lock",
    "baserow-workers-dead",
    "docmost-db-damaged",
    "docmost-db-password",
    "docmost-db-stopped",
    "docmost-migration-failed",
    "docmost-redis-gone",
}
"""Whole stacks that are made anew for each of five traps take minutes each: `inv drill.prove` tries them, and not every commit."""


def load(name: str):  # type: ignore[no-untyped-def]
    return parse(Source(name, (ROOT / "drills" / f"{name}.yaml").read_bytes()), library.schema("drill"), name)


@pytest.mark.parametrize("name", sorted({*NAMES} - LONG))
def test_a_drill_is_proven(case: Case, name: str) -> None:
    drill = load(name)
    if drill.root:
        require_root("mount a small filesystem")
    for program, package in drill.programs.items():
        require(program, package)
    ran = case.run("drill.prove", "--only", name, "--json", cwd=ROOT, limit=LIMIT)
    (proof,) = ran.json()
    failed = [stage for stage in proof["stages"] if not stage["holds"]]
    assert proof["proven"], (proof["missing"], failed)
    assert not list(case.state.glob("drills/armed/*"))


def test_there_are_enough_of_them_for_each_runbook() -> None:
    drills = [load(name) for name in NAMES]
    runbooks = {path.stem for path in (ROOT / "runbooks").glob("*.yaml")}
    assert {drill.runbook for drill in drills} <= runbooks
    assert len(drills) >= 14
    assert {*NAMES} >= LONG
    for runbook in sorted(runbooks):
        own = [drill for drill in drills if drill.runbook == runbook]
        if runbook in THROUGH:
            assert THROUGH[runbook] in NAMES
            continue
        assert len(own) >= (1 if runbook in ALONE else 2), runbook
    assert any(not drill.fault for drill in drills)
    assert all(drill.traps for drill in drills if drill.fault)
