"""The real process is killed at every record and at every boundary around an effect; then the run is taken up."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

RUNBOOK = """\
schema: holdpoint/runbook/1
id: two
title: Two changes and a proof
owner: ops
severity: SEV2
services: [lab]
alerts: []
matches: []
reviewed: 2026-11-23
params:
  folder: {type: path, prompt: Which folder}
symptoms:
  - {id: red, title: The second mark is missing, run: '! test -e "$folder/second"'}
diagnostic:
  - {id: look, title: What is there, run: 'ls "$folder" | wc -l', register: {count: {type: integer}}}
causes:
  - {id: missing, title: A mark is missing, when: {value: count, op: lt, than: 2}, evidence: "{count} marks"}
resolution:
  - id: first
    title: Write the first mark
    for: [missing]
    effect: change
    run: |
      echo began >> "$folder/first"
      until test -e "$folder/../go"; do sleep 0.02; done
      echo first
    undo: {run: 'rm -f "$folder/first"'}
  - id: second
    title: Write the second mark
    effect: destroy
    run: echo second >> "$folder/second"
    irreversible: the mark stays
    verify: {run: 'test -s "$folder/second"'}
prevention: []
rollback: []
recovered: {run: 'test -e "$folder/second"'}
"""
RECORDS = 20
POINTS = [f"record:{seq}:{where}" for seq in range(RECORDS) for where in ("before", "torn", "written", "durable")]
POINTS += [f"effect:{number}:{where}" for number in (0, 1) for where in ("before", "after")]
POINTS += [f"{what}:{where}" for what in ("lock", "forget", "unlock") for where in ("before", "after")]


class Lab:
    """A library, a state folder and a target folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "runbooks").mkdir()
        (folder / "runbooks/two.yaml").write_text(RUNBOOK)
        (folder / "answers.yaml").write_text("first: run\nsecond: run\n")
        self.work = folder / "work"
        self.work.mkdir()
        (folder / "go").touch()

    def start(self, *words: str, kill_at: str = "") -> subprocess.Popen[bytes]:
        environ = os.environ | {
            "HOLDPOINT_STATE": str(self.folder / "state"),
            "HOLDPOINT_TARGET": str(self.folder / "target"),
            "HOLDPOINT_KILL_AT": kill_at,
        }
        command = [sys.executable, "-m", "holdpoint.cli", *words, "--answers", "answers.yaml"]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *words: str, kill_at: str = "") -> tuple[int, str]:
        process = self.start(*words, kill_at=kill_at)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output.decode()

    def begin(self, kill_at: str = "") -> tuple[int, str]:
        return self.run("runbook", "two", "--param", f"folder={self.work}", kill_at=kill_at)

    def journals(self) -> list[Path]:
        return sorted(self.folder.glob("state/runs/*/journal.jsonl"))

    def kinds(self) -> list[str]:
        return [json.loads(line)["kind"] for line in self.journals()[-1].read_text().splitlines()]

    def marks(self) -> tuple[str, str]:
        files = (self.work / "first", self.work / "second")
        first, second = (file.read_text() if file.exists() else "" for file in files)
        return first, second


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def take_up(lab: Lab) -> None:
    """Resume, or begin again where nothing was begun, and expect each effect exactly once."""
    records = lab.journals()[-1].read_bytes() if lab.journals() else b""
    code, output = lab.run("run.resume", "last") if b"\n" in records else lab.begin()
    assert code == 0, output
    assert lab.marks() == ("began\n", "second\n"), output


def test_the_points_cover_every_record(lab: Lab) -> None:
    code, output = lab.begin()
    assert code == 0, output
    assert len(lab.kinds()) == RECORDS


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(lab: Lab, point: str) -> None:
    code, output = lab.begin(kill_at=point)
    assert code == -signal.SIGKILL, output
    if point.startswith(f"record:{RECORDS - 1}") and point.endswith(("written", "durable")):
        assert lab.run("run.resume", "last")[0] == 2, "the run is over"
        assert lab.marks() == ("began\n", "second\n")
    else:
        take_up(lab)


def test_killed_while_a_change_runs_and_attached_to_again(lab: Lab) -> None:
    (lab.folder / "go").unlink()
    process = lab.start("runbook", "two", "--param", f"folder={lab.work}")
    wait_for(lab.work / "first", process)
    process.kill()
    process.communicate()
    again = lab.start("run.resume", "last")
    (lab.folder / "go").touch()
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 0, output.decode()
    assert lab.marks() == ("began\n", "second\n")
    assert "first" in (next(lab.folder.glob("state/runs/*/out/*first*.out"))).read_text()


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_random(lab: Lab, seed: int) -> None:
    chance = random.Random(seed)
    process = lab.start("runbook", "two", "--param", f"folder={lab.work}")
    for _ in range(3):
        try:
            process.communicate(timeout=chance.uniform(0.05, 1.6))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        begun = lab.journals() and b"\n" in lab.journals()[-1].read_bytes()
        process = (
            lab.start("run.resume", "last") if begun else lab.start("runbook", "two", "--param", f"folder={lab.work}")
        )
    output, _ = process.communicate(timeout=60)
    assert process.returncode in (0, 2), output.decode()
    assert lab.marks() == ("began\n", "second\n"), output.decode()


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    def there() -> bool:
        assert process.poll() is None, process.communicate()
        return path.exists()

    wait_until(there)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that comes, under a hard limit."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
