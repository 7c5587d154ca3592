"""The lock on the target, the approvals beside it, and what happens where there is no room."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from holdpoint.engine.outcomes import Exited, Unreachable
from holdpoint.engine.ports import Acquired, HeldBy, Unwatched
from holdpoint.hosts.lock import NoRoom, Room
from tests.hosts.support import Watcher, claim, command, machine, ticket, with_shell
from tests.needs import require, require_root


def test_one_run_holds_it_until_it_gives_it_back(tmp_path: Path) -> None:
    first, second = machine(tmp_path), machine(tmp_path, run="run2")
    assert first.lock(claim(), Unwatched()) == Acquired(1)
    assert second.lock(claim("run2", "bob"), Unwatched()) == HeldBy(claim(), 1)
    assert first.lock(claim(), Unwatched()) == Acquired(1)
    second.unlock(claim("run2", "bob"))
    assert second.lock(claim("run2", "bob"), Unwatched()) == HeldBy(claim(), 1)
    first.unlock(claim())
    assert second.lock(claim("run2", "bob"), Unwatched()) == Acquired(2)


def test_taking_over_passes_the_old_owner_for_good(tmp_path: Path) -> None:
    first, second = machine(tmp_path), machine(tmp_path, run="run2")
    first.lock(claim(), Unwatched())
    assert second.lock(claim("run2", "bob"), Unwatched(), take_over=True) == Acquired(2)
    assert isinstance(first.lock(claim(), Unwatched()), HeldBy)
    first.unlock(claim())
    assert isinstance(first.lock(claim(), Unwatched()), HeldBy)


def test_a_claim_keeps_any_text(tmp_path: Path) -> None:
    odd = claim("run1", 'Ann Ó\'Neil "x"\n$(id)', "ディスク %s \\n | full")
    machine(tmp_path).lock(odd, Unwatched())
    assert machine(tmp_path).lock(claim("run2"), Unwatched()) == HeldBy(odd, 1)


def test_a_restart_frees_nothing_but_is_told(tmp_path: Path) -> None:
    machine(tmp_path).lock(claim(), Unwatched())
    (tmp_path / "boot").write_text("other-boot\n")
    after = machine(tmp_path, environment={**os.environ, "HOLDPOINT_BOOT_ID": str(tmp_path / "boot")})
    answer = after.lock(claim("run2"), Unwatched())
    assert isinstance(answer, HeldBy)
    assert "restarted" in answer.claim.title


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    def take(n: int) -> object:
        return machine(tmp_path, run=f"r{n}").lock(claim(f"r{n}"), Unwatched())

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(take, range(12)))
    assert [answer for answer in answers if isinstance(answer, Acquired)] == [Acquired(1)]
    assert len([answer for answer in answers if isinstance(answer, HeldBy)]) == 11


def test_old_epochs_are_cleared_and_the_count_goes_on(tmp_path: Path) -> None:
    host = machine(tmp_path)
    for epoch in range(1, 36):
        assert host.lock(claim(), Unwatched()) == Acquired(epoch)
        host.unlock(claim())
    assert len(list((tmp_path / "target" / "locks").glob("epoch.*"))) < 80


def test_what_others_planted_is_not_followed(tmp_path: Path) -> None:
    host = machine(tmp_path)
    assert host.prepare() == Room()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "target" / "locks" / "epoch.1").symlink_to(victim)
    assert not isinstance(host.lock(claim(), Unwatched()), Acquired) or victim.read_text() == "precious"
    assert victim.read_text() == "precious"
    assert (tmp_path / "target").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "target" / f"agent-{os.getuid()}").stat().st_mode & 0o7777 == 0o700


def test_of_a_run_the_gate_that_was_shown_last_is_read_until_it_is_withdrawn(tmp_path: Path) -> None:
    host, other = machine(tmp_path), machine(tmp_path, run="run2")
    other.announce("run2", "d9", {"title": "of another run"})
    for digest in ("d2", "d1", "d3", "d3"):
        host.announce("run1", digest, {"title": digest})
        assert host.gates("run1") == ({"title": digest},)
    host.withdraw("run1")
    assert host.gates("run1") == ()
    assert host.gates("run2") == ({"title": "of another run"},)


def test_a_gate_that_another_account_left_comes_after_a_newer_one(tmp_path: Path) -> None:
    """Who took a run over cannot remove what the first person left."""
    require_root("own a file as another user")
    host = machine(tmp_path)
    host.announce("run1", "d2", {"title": "now"})
    for digest in ("d1", "d3"):
        left = tmp_path / "target" / "locks" / f"gate.run1.{digest}.65534"
        left.write_text('{"title": "before"}\n')
        os.utime(left, (1e9, 1e9))
        os.chown(left, 65534, 65534)
    assert [gate["title"] for gate in host.gates("run1")] == ["now", "before", "before"]


def test_an_approval_is_somebody_elses(tmp_path: Path) -> None:
    host = machine(tmp_path)
    host.lock(claim(), Unwatched())
    assert host.approvals("run1", "d1") == ()
    assert machine(tmp_path).approve("run1", "d1", "ann") == ""
    assert host.approvals("run1", "d1") == ()
    assert machine(tmp_path).approve("run1", "d1", 'Bób "x"') == ""
    assert machine(tmp_path).approve("run1", "d1", 'Bób "x"') == ""
    assert host.approvals("run1", "d1") == ('Bób "x"',)
    assert host.approvals("run1", "d2") == ()
    assert host.approvals("run2", "d1") == ()


def fill(file: IO[bytes]) -> None:
    while True:
        file.write(b"x" * 4096)


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_where_the_disk_is_full_memory_is_used_after_a_yes(tmp_path: Path, shell: str) -> None:
    require(shell, shell)
    require_root("mount a small disk")
    full = tmp_path / "target"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(full)], check=True)
    try:
        full.chmod(0o1777)
        with (full / "fill").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            fill(file)
        host = machine(tmp_path, environment=with_shell(tmp_path, shell))
        assert isinstance(host.prepare(), NoRoom)
        assert isinstance(host.lock(claim(), Unwatched()), Unreachable)
        assert isinstance(host.change(command("true"), ticket(), Watcher()), Unreachable)
        assert host.memory_used == ""
        host.memory_allowed = True
        assert host.prepare() == Room()
        assert host.lock(claim(), Unwatched()) == Acquired(1)
        assert "memory" in host.memory_used
        assert isinstance(machine(tmp_path).lock(claim("run2"), Unwatched()), HeldBy | Unreachable)
        outcome = host.change(command("echo x"), ticket(epoch=1), Watcher())
        assert isinstance(outcome, Exited)
        assert isinstance(machine(tmp_path).settle(command("echo x"), ticket(epoch=1), Watcher()), Exited)
        host.forget(ticket())
        assert host.heads("run1") == {"run1.t1": "h1"}
        (full / "fill").unlink()
        assert isinstance(machine(tmp_path, run="run2").lock(claim("run2"), Unwatched()), HeldBy)
        host.unlock(claim())
        assert machine(tmp_path, run="run2").lock(claim("run2"), Unwatched()) == Acquired(2)
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_a_full_run_folder_loses_no_step(tmp_path: Path) -> None:
    require_root("mount a small disk")
    run = tmp_path / "run1"
    run.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(run)], check=True)
    try:
        outcome = machine(tmp_path).read(command("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"), Watcher())
        assert isinstance(outcome, Exited)
        assert outcome.output.stdout_size == 3_000_005
        assert "No space left" in outcome.output.stdout
        assert "end\n" in outcome.output.stdout
    finally:
        subprocess.run(["umount", str(run)], check=True)


def test_what_was_asked_under_another_name_goes_with_the_lock(tmp_path: Path) -> None:
    host = machine(tmp_path)
    host.lock(claim(), Unwatched())
    host.announce("run1", "0" * 64, {"title": "a change"})
    host.announce("back1", "1" * 64, {"title": "its undo"})
    assert len(list((tmp_path / "target" / "locks").glob("gate.*"))) == 2
    host.unlock(claim())
    assert not list((tmp_path / "target" / "locks").glob("gate.*"))
