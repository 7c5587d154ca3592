"""disk-full from the command line: a real fault, gates answered by a file, red before, green after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdpoint.store.state_folder import StateFolder
from tests.runbooks.conftest import LIMIT, ROOT, Disk, Disks


@dataclass(frozen=True)
class Done:
    exit: int
    events: list[dict[str, Any]]
    text: str

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["kind"] == kind]

    def causes(self) -> set[object]:
        return {data["cause"] for data in self.data("cause.decided") if data["holds"]}

    def proofs(self) -> list[object]:
        return [data["green"] for data in self.data("proof.looked")]

    def changed(self) -> set[object]:
        return {
            data["step"]
            for data in self.data("step.intent")
            if data["effect"] == "destroy" or data["step"] == "give-ballast"
        }


@dataclass(frozen=True)
class Cli:
    """`holdpoint`, with a state of its own."""

    folder: Path

    def run(self, disk: Disk, answers: Mapping[str, str], *more: str, **env: str) -> Done:
        file = self.folder / "answers.json"
        file.write_text(json.dumps(dict(answers)))
        given = ["--param", f"mount={disk.at}", "--param", "watch=1", "--answers", str(file)]
        return self.command("runbook", "disk-full", *given, *more, **env)

    def command(self, *words: str, **env: str) -> Done:
        own = {
            name: str(self.folder / name) for name in ("HOLDPOINT_STATE", "HOLDPOINT_TARGET", "HOLDPOINT_TARGET_MEMORY")
        }
        done = subprocess.run(
            [sys.executable, "-m", "holdpoint.cli", *words, "--json"],
            env={**os.environ, **own, **env},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return Done(done.returncode, [event for event in found if isinstance(event, dict)], done.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


PEOPLE = {"slow": "done", "start": "done"}


def repaired(done: Done, cause: str, step: str) -> None:
    assert done.exit == 0, done.text
    assert done.causes() == {cause}
    assert done.proofs() == [False, True], "red before, green after"
    assert done.changed() == {step}


def test_nothing_is_wrong(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    done = cli.run(disk, {})
    assert (done.exit, done.causes(), done.changed()) == (0, set(), set()), done.text
    assert os.listdir(disk.at) == ["lost+found"]


def test_a_held_file(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    log = disk.fill("log", 1000)
    disks.hold(log)
    log.unlink()
    repaired(cli.run(disk, {**PEOPLE, "held-pick": "all", "empty-held": "run"}), "held-open", "empty-held")
    assert disk.used() < 10


def test_large_files(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    keep, dump = disk.fill("keep", 20), disk.fill("old dump", 1000)
    done = cli.run(disk, {**PEOPLE, "files-pick": str(dump), "remove-files": "run"})
    repaired(done, "large-files", "remove-files")
    assert (keep.exists(), dump.exists()) == (True, False)


def test_used_up_inodes(cli: Cli, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m,nr_inodes=200")
    spool = disk.at / "spool"
    spool.mkdir()
    for number in range(190):
        (spool / str(number)).touch()
        os.utime(spool / str(number), (1, 1))
    answers = {**PEOPLE, "crowd-pick": str(spool), "crowd-age": "60", "clear-crowd": "run"}
    repaired(cli.run(disk, answers), "inodes", "clear-crowd")
    assert os.listdir(spool) == []


def test_ballast_is_enough_and_comes_back_on_rollback(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    ballast = disk.fill("ballast", 20)
    for number in range(62):
        disk.fill(f"small{number}", 0.5)
    done = cli.run(disk, {**PEOPLE, "give-ballast": "run", "bought-time": "done"})
    repaired(done, "small-files", "give-ballast")
    assert not ballast.exists()
    run = next(iter(done.data("run.opened")))["run"]
    answers = cli.folder / "rollback.json"
    answers.write_text(json.dumps({"undo-give-ballast": "run", "undo-slow": "done", "tell-owner": "done"}))
    back = cli.command("run.rollback", str(run), "--answers", str(answers))
    assert back.exit == 5, back.text
    assert ballast.stat().st_size == 20 * 1024 * 1024


def test_the_level_is_safe_after_the_first_repair_so_the_second_is_left_out(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    kept, log = disk.fill("kept", 10), disk.fill("log", 1000)
    disks.hold(log)
    log.unlink()
    done = cli.run(disk, {**PEOPLE, "held-pick": "all", "empty-held": "run"})
    assert (done.exit, done.causes()) == (0, {"held-open", "large-files"}), done.text
    assert done.changed() == {"empty-held"}
    assert kept.exists()


def test_ballast_that_was_given_up_leaves_the_cause_to_a_person(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    disk.fill("ballast", 20)
    dump = disk.fill("dump", 1000)
    done = cli.run(disk, {**PEOPLE, "give-ballast": "run"})
    assert (done.exit, done.causes()) == (7, {"large-files"}), done.text
    assert "bought time" in done.text + json.dumps(done.events)
    assert dump.exists()


def test_a_mount_point_that_is_not_there_stops_it_at_once(cli: Cli) -> None:
    done = cli.run(Disk(Path("/nope")), {})
    assert done.exit == 4, done.text
    failed = [data for data in done.data("step.result") if data["status"] == "failed"]
    assert [data["step"] for data in failed] in (["space"], ["no-room"]), done.text
    assert "/nope" in failed[0]["stderr"]


def test_a_gate_that_is_not_answered_changes_nothing(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    dump = disk.fill("dump", 1000)
    done = cli.run(disk, {"slow": "done", "files-pick": str(dump)})
    assert (done.exit, done.changed()) == (7, set()), done.text
    assert dump.exists()


def test_none_is_an_answer_and_the_end_says_that_it_is_still_full(cli: Cli, disks: Disks) -> None:
    disk = disks.ext4()
    disk.fill("dump", 1000)
    done = cli.run(disk, {**PEOPLE, "files-pick": "none", "grow": "skip"})
    assert (done.exit, done.changed(), done.proofs()) == (4, set(), [False, False]), done.text


@pytest.mark.parametrize("kind", ["blocks", "inodes"])
def test_it_works_with_its_own_files_on_the_disk_that_is_full(cli: Cli, disks: Disks, kind: str) -> None:
    memory = disks.tmpfs("size=32m")
    disk = disks.ext4() if kind == "blocks" else disks.tmpfs("size=32m,nr_inodes=200")
    crowd = disk.at / "crowd"
    crowd.mkdir()
    if kind == "blocks":
        log = disk.fill("log", 1000)
        disks.hold(log)
        log.unlink()
        answers = {"held-pick": "all", "empty-held": "run"}
    else:
        for number in range(300):
            try:
                (crowd / str(number)).touch()
                os.utime(crowd / str(number), (1, 1))
            except OSError:
                break
        answers = {"crowd-pick": str(crowd), "crowd-age": "60", "clear-crowd": "run"}
    own = {
        "HOLDPOINT_STATE": str(disk.at / "state"),
        "HOLDPOINT_TARGET": str(disk.at / "target"),
        "HOLDPOINT_TARGET_MEMORY": str(memory.at / "locks"),
        "XDG_RUNTIME_DIR": str(memory.at),
    }
    for twin in StateFolder.default(own).stand_ins:
        disks.stack.callback(shutil.rmtree, twin, ignore_errors=True)
    refused = cli.run(disk, PEOPLE, **own)
    assert refused.exit != 0
    assert refused.changed() == set()
    done = cli.run(disk, {**PEOPLE, **answers, "memory": "yes"}, **own)
    repaired(done, *(("held-open", "empty-held") if kind == "blocks" else ("inodes", "clear-crowd")))
