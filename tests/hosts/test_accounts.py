"""Several accounts on one target: each sees that a step of another lives, though it cannot look into its folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, NeverStarted, Superseded, Unknown
from holdpoint.engine.ports import ANY_RUN, Acquired, HeldBy, NotHeld, Returned, Unwatched
from holdpoint.hosts.agent import agent_path, ask
from holdpoint.hosts.local import LocalMachine
from holdpoint.hosts.machine import Terms
from tests.hosts.support import Watcher, claim, command, machine, ticket, wait_for
from tests.needs import require, require_root

THEM = "them"
NOBODY = "65534"


class Two:
    """A target that root and another account share; `sudo` is a script that becomes the other one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sudo = folder / "sudo"
        sudo.write_text(f'#!/bin/sh\nshift 4\nexec setpriv --reuid={NOBODY} --clear-groups "$@"\n')
        sudo.chmod(0o755)
        self.agent = folder / "agent.sh"
        self.agent.write_text(agent_path().read_text())
        self.agent.chmod(0o644)
        self.root = self.machine("run1")
        self.root.prepare()

    def machine(self, run: str) -> LocalMachine:
        host = machine(self.folder, run, environment={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        host._steps._link._agent = str(self.agent)  # type: ignore[attr-defined] # the one of the clone may be out of reach
        return host

    def seen_by_them(self) -> list[tuple[str, ...]]:
        place = [f"target={self.folder}/target", f"memory_folder={self.folder}/memory", f"run={ANY_RUN}"]
        frames = ask(self.root._steps._link, "heads", place, THEM)
        return [tuple(frame.words()) for frame in frames if frame.kind == "head"]

    def start(self, become: str | None) -> threading.Thread:
        """Begin a step that lives until `go` is there."""
        script = f"echo x >>{self.folder}/begun; until test -e {self.folder}/go; do sleep 0.02; done"
        step = replace(command(script), become=become)
        thread = threading.Thread(target=self.machine("run2").change, args=(step, ticket("run2.t1"), Watcher()))
        thread.start()
        wait_for("the step began", (self.folder / "begun").exists)
        return thread

    def end(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture
def two() -> Iterator[Two]:
    require_root("be two users")
    require("setpriv", "util-linux")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    try:
        yield Two(folder)
    finally:
        shutil.rmtree(folder)


def test_root_sees_what_another_account_runs(two: Two) -> None:
    thread = two.start(THEM)
    assert two.machine("run3").running(ANY_RUN) == ("run2.t1",)
    two.end()
    thread.join(30)
    wait_for("nothing lives", lambda: two.machine("run3").running(ANY_RUN) == ())


def test_another_account_sees_what_root_runs(two: Two) -> None:
    thread = two.start(None)
    assert ("run2.t1", "-", "running") in two.seen_by_them()
    two.end()
    thread.join(30)
    wait_for("the sign is gone", lambda: two.seen_by_them() == [])
    assert not list(two.folder.glob("target/locks/live.*"))


def test_a_sign_of_life_is_no_head_of_a_journal(two: Two) -> None:
    thread = two.start(THEM)
    assert two.root.heads("run2") == {}
    two.end()
    thread.join(30)


def test_a_supervisor_that_was_killed_leaves_it_open_for_others_until_its_own_account_looked(two: Two) -> None:
    thread = two.start(None)
    started = next(two.folder.rglob("s.run2.t1/started"))
    os.kill(int(started.read_text().split()[0]), 9)
    wait_for("it is an orphan", lambda: ("run2.t1", "-", "orphan") in two.seen_by_them())
    assert two.machine("run3").running(ANY_RUN) == ("run2.t1",), "its child lives"
    two.end()
    thread.join(60)
    wait_for("its child ended", lambda: two.machine("run3").running(ANY_RUN) == ())
    assert two.seen_by_them() == []


def test_what_stands_from_another_boot_is_no_sign_of_life(two: Two) -> None:
    life = two.folder / "target" / "locks" / "live.run9.t1.4711"
    life.write_text(f"{os.getpid()} 1 another-boot\n")
    os.chown(life, int(NOBODY), int(NOBODY))
    assert two.machine("run3").running(ANY_RUN) == ()


def test_what_somebody_planted_in_the_place_of_a_sign_is_not_written_through(two: Two) -> None:
    precious = two.folder / "precious"
    precious.write_text("keep")
    for pid in range(1, 40):
        (two.folder / "target" / "locks" / f"live.run2.t1.{os.getpid() + pid}").symlink_to(precious)
    two.end()
    two.machine("run2").change(command("true"), ticket("run2.t1"), Watcher())
    assert precious.read_text() == "keep"


def test_a_run_that_takes_its_own_lock_anew_passes_its_own_earlier_process(tmp_path: Path) -> None:
    first, second = machine(tmp_path), machine(tmp_path)
    assert first.lock(claim(), Unwatched()) == Acquired(1)
    assert second.lock(claim(), Unwatched(), take_over=True) == Acquired(2)
    late = first.change(command("true"), replace(ticket(), epoch=1), Watcher())
    assert isinstance(late, Superseded)
    assert isinstance(second.change(command("true"), replace(ticket("run1.t2"), epoch=2), Watcher()), Exited)


def test_of_one_run_whoever_took_it_over_is_another_holder(tmp_path: Path) -> None:
    first, second = machine(tmp_path), machine(tmp_path)
    theirs = replace(claim(person="bob"), holds_as="run1.0badf00d")
    assert first.lock(claim(), Unwatched()) == Acquired(1)
    assert second.lock(theirs, Unwatched()) == HeldBy(claim(), 1)
    assert second.lock(theirs, Unwatched(), take_over=True) == Acquired(2)
    assert first.lock(claim(), Unwatched()) == HeldBy(theirs, 2)
    assert isinstance(first.unlock(claim()), NotHeld)
    late = first.change(command("true"), replace(ticket(), epoch=1), Watcher())
    assert isinstance(late, Superseded)
    assert "bob, run run1," in late.holder
    second.announce("run1", "d1", {"digest": "d1"})
    assert isinstance(second.change(command("true"), replace(ticket("run1.t2"), epoch=2), Watcher()), Exited)
    assert isinstance(second.unlock(theirs), Returned)
    assert second.gates("run1") == ()
    assert first.lock(claim(), Unwatched()) == Acquired(3)


def test_a_token_that_another_account_may_have_sent_is_not_said_never_to_have_started(tmp_path: Path) -> None:
    assert isinstance(machine(tmp_path).settle(command("true"), ticket("run1.t9"), Watcher()), NeverStarted)
    machine(tmp_path).change(command("true"), ticket(), Watcher())
    (memory,) = (tmp_path / "run1").glob("agent-*")
    assert f"account - {os.getuid()}\n" in memory.read_text()
    assert isinstance(machine(tmp_path).settle(command("true"), ticket("run1.t9"), Watcher()), NeverStarted)
    with memory.open("a") as file:
        file.write("account - 4711\n")
    outcome = machine(tmp_path).settle(command("true"), ticket("run1.t9"), Watcher())
    assert isinstance(outcome, Unknown)
    assert "another account" in outcome.why
    assert isinstance(machine(tmp_path).settle(command("true"), ticket(), Watcher()), Exited), "what is known is known"


def test_a_gate_is_read_by_another_account_and_goes_with_the_lock(two: Two) -> None:
    two.root.lock(claim(), Unwatched())
    two.root.announce("run1", "d1", {"digest": "d1", "title": "Restart 'it'\nnow", "person": "ann"})
    place = [f"target={two.folder}/target", f"memory_folder={two.folder}/memory", "run=run1"]
    (seen,) = [frame.text() for frame in ask(two.root._steps._link, "gates", place, THEM) if frame.kind == "gate"]
    assert seen.startswith("d1 ")
    assert [gate["title"] for gate in two.root.gates("run1")] == ["Restart 'it'\nnow"]
    two.root.unlock(claim())
    assert two.root.gates("run1") == ()


def test_a_survey_says_what_was_left_and_makes_nothing(tmp_path: Path) -> None:
    host = machine(tmp_path)
    survey = host.survey()
    assert (survey.held, survey.steps) == (None, ())
    assert survey.room is not None
    assert not (tmp_path / "target").exists()
    host.lock(claim(), Unwatched())
    host.change(command("true"), replace(ticket(), epoch=1), Watcher())
    survey = machine(tmp_path, "run2").survey()
    assert survey.held is not None
    assert survey.held.claim == claim()
    assert survey.steps == (("run1.t1", "done"),)


def test_the_last_room_is_for_the_lock_and_not_for_the_reserve(tmp_path: Path) -> None:
    require_root("mount a small disk")
    for free in range(1028, 1048, 2):
        disk = tmp_path / f"disk{free}"
        disk.mkdir()
        os.system(f"mount -t tmpfs -o size=3m tmpfs {disk}")
        try:
            fill = 3 * 1024 - free
            (disk / "fill").write_bytes(b"x" * 1024 * fill)
            host = LocalMachine(
                machine(tmp_path).target,
                tmp_path / f"run{free}",
                Terms(disk / "target", tmp_path / f"memory{free}", agree=lambda why: None),
            )
            assert isinstance(host.lock(claim(f"run{free}"), Unwatched()), Acquired), free
        finally:
            os.system(f"umount {disk}")


@pytest.mark.parametrize("operation", ["run", "bury", "forget", "settle"])
def test_a_sign_of_another_step_changes_nothing_of_what_is_asked(tmp_path: Path, operation: str) -> None:
    host = machine(tmp_path)
    host.lock(claim(), Unwatched())
    step = command(f"echo one >>{tmp_path}/did; echo one")
    host.change(step, replace(ticket("run9.other"), epoch=1), Watcher())
    (tmp_path / "target" / "locks" / "live.run9.other.999999").write_text("999999 1 another-boot\n")
    asked = replace(ticket("run1.mine"), epoch=1)
    match operation:
        case "run":
            assert isinstance(host.change(step, asked, Watcher()), Exited)
            assert (tmp_path / "did").read_text() == "one\none\n"
        case "bury":
            assert host.bury(asked)
            assert (tmp_path / "target" / "agent-0" / "t.run1.mine").exists()
        case "forget":
            host.change(step, asked, Watcher())
            (tmp_path / "target" / "locks" / "live.run9.other.999999").write_text("999999 1 another-boot\n")
            host.forget(asked)
            assert set(host.heads("run1") or {}) == {"run1.mine"}
            assert (tmp_path / "target" / "agent-0" / "s.run9.other").exists()
        case _:
            assert not isinstance(host.settle(step, asked, Watcher()), Exited)


def test_a_step_that_was_killed_with_its_whole_group_is_no_living_one_for_others(two: Two) -> None:
    thread = two.start(None)
    started = next(two.folder.rglob("s.run2.t1/started"))
    life = next(two.folder.glob("target/locks/live.*"))
    wait_for("its group is told", lambda: len(life.read_text().splitlines()) == 2, 30)
    group = int(life.read_text().splitlines()[1])
    supervisor = int(started.read_text().split()[0])
    for pid in (
        supervisor,
        *(int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and parent_of(one) == supervisor),
    ):
        os.kill(pid, 9)
    os.killpg(group, 9)
    wait_for("nothing of it lives", lambda: two.seen_by_them() == [], 30)
    thread.join(60)


def parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return 0
