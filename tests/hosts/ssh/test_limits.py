"""A host over SSH at its limits: a gigabyte of output in bounded memory, and a disk without room."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.ports import Acquired, Exited, Unreachable, Unwatched
from holdpoint.hosts.agent import LinkFailed
from holdpoint.hosts.lock import NoRoom
from holdpoint.hosts.ssh.channel import SshChannel
from holdpoint.hosts.ssh.transport import WINDOW
from tests.hosts.ssh.support import ssh_machine, way_to
from tests.hosts.support import Watcher, claim, command, ticket, wait_for
from tests.needs import require_root
from tests.sshd import Site

GIGABYTE = 1 << 30
MOST = 100 * 1024
"""Kilobytes by which this process may grow."""


class Deaf(Watcher):
    """Keeps nothing of what it is shown."""

    def output(self, stream: str, text: str) -> None: ...


def test_a_gigabyte_comes_whole_and_in_bounded_memory(ssh_site: Site, tmp_path: Path) -> None:
    machine = ssh_machine(ssh_site, way_to(ssh_site, "dash"), tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = machine.read(command(f"head -c {GIGABYTE} /dev/zero; exit 3", timeout=300), Deaf())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    machine.close()
    assert isinstance(outcome, Exited), outcome
    assert (outcome.code, outcome.output.stdout_size, outcome.output.value) == (3, GIGABYTE, None)
    kept = tmp_path / "run1" / outcome.output.stdout_file
    assert kept.stat().st_size == GIGABYTE
    kept.unlink()
    assert grown < MOST


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes that is full, at the place of the shared folder."""
    require_root("mount a small disk")
    disk = tmp_path / "target"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    subprocess.run(f"cat /dev/zero >{disk}/fill 2>/dev/null", shell=True, check=False)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told_and_memory_is_used_after_a_yes(ssh_site: Site, full: Path, tmp_path: Path) -> None:
    alias = way_to(ssh_site, "dash")
    without = ssh_machine(ssh_site, alias, tmp_path)
    assert isinstance(without.prepare(), NoRoom)
    assert isinstance(without.lock(claim(), Unwatched()), Unreachable)
    without.close()
    asked: list[str] = []
    machine = ssh_machine(ssh_site, alias, tmp_path, agree=asked.append)
    assert machine.lock(claim(), Unwatched()) == Acquired(1)
    assert asked
    assert machine.memory_used
    outcome = machine.change(command("echo done"), replace(ticket(), epoch=1), Watcher())
    assert isinstance(outcome, Exited)
    assert outcome.output.stdout == "done\n"
    machine.forget(ticket())
    machine.close()


def test_a_connection_that_breaks_while_room_is_made_for_more_is_a_lost_one(ssh_site: Site, tmp_path: Path) -> None:
    """What came lies here still; the server stands still, so that nothing but the write tells of the break."""
    server = ssh_site.sshd(f"breaks-{tmp_path.name}")
    machine = ssh_machine(ssh_site, ssh_site.host(f"breaks-{tmp_path.name}", server.port, server), tmp_path)
    channel = machine.connection.execute("head -c 100000000 /dev/zero")
    transport = channel._channel.get_transport()
    held = channel._channel.in_buffer
    wait_for("the window is full", lambda: len(held) >= WINDOW - 100_000)
    pids = [*server.pids(), *map(int, _children(server.pids()))]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        transport.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(LinkFailed):
            _read_out(channel)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        machine.close()


def _read_out(channel: SshChannel) -> None:
    for _ in range(WINDOW):
        assert channel.next(1) is not None


def _children(pids: list[int]) -> list[str]:
    found: list[str] = []
    for pid in pids:
        found += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return found
