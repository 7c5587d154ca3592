"""A host over SSH at its limits: a gigabyte of output in bounded memory, and a disk without room."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.ports import Acquired, Exited, Unreachable, Unwatched
from holdpoint.hosts.lock import NoRoom
from tests.hosts.ssh.support import ssh_machine, way_to
from tests.hosts.support import Watcher, claim, command, ticket
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
