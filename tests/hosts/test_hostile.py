"""What other users plant, a disk without inodes, and what killed agents leave."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, TimedOut, Unreachable
from holdpoint.engine.ports import Acquired, HeldBy, Unwatched, Wish
from holdpoint.hosts.agent import agent_path
from holdpoint.hosts.lock import Room
from tests.hosts.support import (
    Watcher,
    claim,
    command,
    ending,
    lives,
    machine,
    pids,
    ticket,
    wait_for,
    wipe,
    with_shell,
)
from tests.needs import require, require_root

SHELLS = ["dash", "bash", "busybox"]
NOBODY = 65534


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
    try:
        place.chmod(0o1777)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def public() -> Iterator[Path]:
    """Give a folder that every user can reach."""
    require_root("be two users")
    require("setpriv", "util-linux")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def as_nobody(script: str) -> None:
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sh", "-c", script]
    subprocess.run(line, check=True, timeout=60)


@pytest.mark.parametrize("shell", SHELLS)
def test_on_a_disk_with_few_inodes_it_runs_once_or_surely_not(tmp_path: Path, shell: str) -> None:
    require(shell, shell)
    require_root("mount a small disk")
    seen = set()
    for inodes in range(4, 24):
        with small_disk(tmp_path / "target", f"size=4m,nr_inodes={inodes}"):
            made = tmp_path / f"made-{inodes}"
            host = machine(tmp_path, run=f"run{inodes}", environment=with_shell(tmp_path, shell))
            outcome = host.change(command(f"echo x >>{made}; exit 3"), ticket(f"run{inodes}.t1"), Watcher())
            assert isinstance(outcome, Exited if made.exists() else Unreachable), (inodes, outcome)
            assert not isinstance(outcome, Exited) or outcome.code == 3
            seen.add(type(outcome))
    assert seen == {Exited, Unreachable}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("late", [False, True])
def test_a_disk_that_fills_while_the_step_runs_loses_no_exit(tmp_path: Path, shell: str, late: bool) -> None:
    require(shell, shell)
    require_root("mount a small disk")
    target = tmp_path / "target"
    with small_disk(target, "size=4m,nr_inodes=64"), ending(tmp_path / "pids"):
        host = machine(tmp_path, environment=with_shell(tmp_path, shell))
        assert host.prepare() == Room()
        fill = f"head -c 9000000 /dev/zero >{target}/fill; i=0; while [ $i -lt 80 ]; do mkdir {target}/$i; i=$((i+1)); done"
        end = "sleep 1000" if late else "exit 3"
        given = command(f"({fill}) 2>/dev/null; {end}", timeout=3 if late else 50, grace=0.2)
        outcome = host.change(given, ticket(), Watcher())
        assert isinstance(outcome, TimedOut if late else Exited), outcome
        dog = target / f"agent-{os.getuid()}" / "s.run1.t1" / "dog"
        wait_for("the watchdog ended", lambda: not [pid for pid in pids(dog) if lives(pid)], 10)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_for_which_there_is_no_room_is_refused(tmp_path: Path, shell: str) -> None:
    require(shell, shell)
    require_root("mount a small disk")
    with small_disk(tmp_path / "target", "size=64k"):
        made = tmp_path / "made"
        given = command(f"touch {made}\n" + "# long\n" * 20_000 + f"touch {made}\n")
        outcome = machine(tmp_path, environment=with_shell(tmp_path, shell)).change(given, ticket(), Watcher())
        assert isinstance(outcome, Unreachable), outcome
        assert "room" in outcome.why
        assert not made.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_watchdog_ends_with_its_supervisor_though_the_folder_is_gone(tmp_path: Path, shell: str) -> None:
    require(shell, shell)
    host = machine(tmp_path, environment=with_shell(tmp_path, shell))
    spool = tmp_path / "target" / f"agent-{os.getuid()}" / "s.run1.t1"
    with ending(tmp_path / "pids"):
        given = command(f"echo $$ >{tmp_path}/pids; echo begun; sleep 1000", timeout=2000)
        host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="begun"))
        wait_for("the watchdog is known", (spool / "dog").read_text)
        dog, supervisor = pids(spool / "dog")[0], int((spool / "started").read_text().split()[0])
        wipe(spool)
        os.kill(supervisor, signal.SIGKILL)
        os.killpg(pids(tmp_path / "pids")[0], signal.SIGKILL)
        wait_for("the watchdog ended", lambda: not lives(dog), 10)


@pytest.mark.parametrize("operation", ["lock", "unlock", "heads", "forget", "run"])
def test_the_command_of_a_killed_agent_is_cleared_and_that_of_a_live_one_not(tmp_path: Path, operation: str) -> None:
    def begin(token: str) -> subprocess.Popen[bytes]:
        places = [f"target={tmp_path}/target", f"memory_folder={tmp_path}/memory"]
        line = ["sh", str(agent_path()), "run", *places, f"token={token}", "size=100000"]
        agent = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert agent.stdin
        agent.stdin.write(b"# wortschatz-17\n")
        agent.stdin.flush()
        wait_for("it is on disk", lambda: list(mine.glob(f"cmd.{agent.pid}*")))
        return agent

    mine = tmp_path / "target" / f"agent-{os.getuid()}"
    dead, alive = begin("run1.t8"), begin("run1.t9")
    try:
        dead.kill()
        dead.wait()
        host = machine(tmp_path)
        match operation:
            case "lock":
                host.lock(claim(), Unwatched())
            case "unlock":
                host.unlock(claim())
            case "heads":
                host.heads("run1")
            case "forget":
                host.forget(ticket())
            case _:
                host.change(command("true"), ticket(), Watcher())
        assert not list(mine.glob(f"*.{dead.pid}.*"))
        assert len(list(mine.glob(f"cmd.{alive.pid}.*"))) == 1
    finally:
        for agent in (dead, alive):
            assert agent.stdin
            agent.stdin.close()
            agent.wait(30)


def test_a_release_by_another_user_is_none_and_does_not_prevent_ones_own(public: Path) -> None:
    host = machine(public)
    assert host.lock(claim(), Unwatched()) == Acquired(1)
    as_nobody(f"echo x >{public}/target/locks/epoch.1.done")
    assert isinstance(machine(public, run="run2").lock(claim("run2"), Unwatched()), HeldBy)
    assert isinstance(host.change(command("true"), ticket(epoch=1), Watcher()), Exited)
    host.unlock(claim())
    assert machine(public, run="run2").lock(claim("run2"), Unwatched()) == Acquired(2)


@pytest.mark.parametrize("number", ["999999999", "999999999999999", "9999999999999999999", "09", "00"])
def test_an_absurd_epoch_that_another_user_planted_blocks_nobody(public: Path, number: str) -> None:
    host = machine(public)
    assert host.lock(claim(), Unwatched()) == Acquired(1)
    as_nobody(f"echo 'x y' >{public}/target/locks/epoch.{number}")
    assert isinstance(host.change(command("true"), ticket(epoch=1), Watcher()), Exited)
    assert machine(public, run="run2").lock(claim("run2"), Unwatched(), take_over=True) == Acquired(2)


def test_an_epoch_that_comes_within_reach_is_held_and_can_be_passed(public: Path) -> None:
    host = machine(public)
    assert host.lock(claim(), Unwatched()) == Acquired(1)
    as_nobody(f"echo 'x y' >{public}/target/locks/epoch.1000002")
    assert host.lock(claim(), Unwatched()) == Acquired(1)
    assert machine(public, run="run2").lock(claim("run2"), Unwatched(), take_over=True) == Acquired(1000003)
    assert isinstance(host.lock(claim(), Unwatched()), HeldBy)


def test_a_planted_epoch_within_reach_is_held_and_passed_for_good(public: Path) -> None:
    host, second = machine(public), machine(public, run="run2")
    host.lock(claim(), Unwatched())
    as_nobody(
        f"cd {public}/target/locks; echo 'x y' >epoch.900000; mkfifo epoch.1800000; ln -s /etc/passwd epoch.1800001"
    )
    assert isinstance(host.lock(claim(), Unwatched()), HeldBy)
    assert second.lock(claim("run2"), Unwatched(), take_over=True) == Acquired(1800002)
    as_nobody(f"cd {public}/target/locks; rm epoch.900000 epoch.1800000 epoch.1800001")
    assert isinstance(host.lock(claim(), Unwatched()), HeldBy)
    assert isinstance(second.change(command("true"), ticket("run2.t1", epoch=1800002), Watcher()), Exited)
    second.unlock(claim("run2"))
    assert host.lock(claim(), Unwatched()) == Acquired(1800003)


@pytest.mark.parametrize("planted", ["target", "target/locks", "target/agent-0", "link", "agent-link", "locks-link"])
def test_a_planted_folder_is_refused_and_no_lack_of_room(public: Path, planted: str) -> None:
    as_nobody(f"mkdir -m 1777 {public}/x")
    if "/" in planted or planted.endswith("-link"):
        (public / "target").mkdir()
        (public / "target").chmod(0o1777)
    match planted:
        case "link":
            as_nobody(f"ln -s {public}/x {public}/target")
        case "agent-link":
            as_nobody(f"ln -s {public}/x {public}/target/agent-0")
        case "locks-link":
            as_nobody(f"ln -s {public}/x {public}/target/locks")
        case _:
            as_nobody(f"mkdir -m 1777 {public}/{planted}")
    host = machine(public, memory_allowed=True)
    for answer in (host.prepare(), host.lock(claim(), Unwatched()), host.change(command("true"), ticket(), Watcher())):
        assert isinstance(answer, Unreachable)
        assert "refused" in answer.why
        assert "room" not in answer.why
        assert f"user {NOBODY}" in answer.why or "symbolic link" in answer.why
    assert not host.bury(ticket())
    assert not (public / "memory").exists()
    assert not list((public / "x").iterdir())


def test_a_folder_of_root_serves_other_users(public: Path) -> None:
    assert machine(public).lock(claim(), Unwatched()) == Acquired(1)
    places = f"target={public}/target memory_folder={public}/memory"
    (public / "agent.sh").write_text(agent_path().read_text())
    (public / "agent.sh").chmod(0o644)
    as_nobody(f"sh {public}/agent.sh lock {places} run=run2 claim=x | grep -q 'held 1 yes'")
    as_nobody(f"sh {public}/agent.sh lock {places} run=run2 over=yes claim=x | grep -q 'acquired 2'")
    assert isinstance(machine(public).lock(claim(), Unwatched()), HeldBy)
    as_nobody(f"sh {public}/agent.sh unlock {places} run=run2 | grep -q 'unlocked yes'")
    assert machine(public).lock(claim(), Unwatched()) == Acquired(3)


def test_whose_order_it_is_through_sudo_may_own_the_folder(public: Path) -> None:
    places = f"target={public}/target memory_folder={public}/memory"
    (public / "agent.sh").write_text(agent_path().read_text())
    (public / "agent.sh").chmod(0o644)
    as_nobody(f"sh {public}/agent.sh room {places} | grep -q 'room disk'")
    assert isinstance(machine(public).prepare(), Unreachable)
    ordered = machine(public, environment={**os.environ, "SUDO_UID": str(NOBODY)})
    assert ordered.prepare() == Room()
    assert isinstance(ordered.change(command("true"), ticket(), Watcher()), Exited)
