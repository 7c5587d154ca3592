"""Processes of this machine: who is left of an execution, and ending all of it.

An execution is known by its process group and by a cookie in its environment, which children keep that made a session
of their own. Owns signals and `/proc`. Knows nothing of output or outcomes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CLOSE_PATIENCE = 2.0
"""Seconds that a program whose input was closed has to end by itself."""
COOKIE = "HOLDPOINT_TOKEN"
PROC = Path("/proc")
FLAGS, KERNEL = 6, 0x00200000
"""Where `stat` has a process's flags, and the one of a thread of the kernel (proc(5), PF_KTHREAD)."""
INSTANT = 0.002
STOP_LOOKS = 50
HAS_PROC = Path("/proc/self/environ").exists()


def cookie(token: str) -> bytes:
    """Give the environment entry that marks every process of an execution; it ends in a character no token has."""
    return f"{COOKIE}={token}/".encode()


def last_pid() -> int:
    """Give the youngest process id of this machine, 0 where it cannot be told."""
    try:
        return int((PROC / "loadavg").read_bytes().split()[-1])
    except (OSError, ValueError, IndexError):
        return 0


def name(pid: int) -> str:
    """Give the name of a program that runs; empty where it is gone."""
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "comm").read_text(errors="replace").strip()
    return ""


def carriers(mark: bytes, *, younger_than: int = 0) -> list[int]:
    """Give the living processes that carry the cookie; only those younger than a process id, where that is given.

    While a process becomes another program it shows no environment for an instant: it is looked at once more.
    """
    seen = {pid: _environment(pid) for pid in all_pids() if pid > younger_than}
    between = [pid for pid, environment in seen.items() if not environment and _is_program(pid)]
    if between:
        time.sleep(INSTANT)
        seen |= {pid: _environment(pid) for pid in between}
    return [pid for pid, environment in seen.items() if mark in environment and _alive(pid)]


def nameless(folder: Path) -> list[int]:
    """Give the living programs that work in or below a folder and show no environment, so that no cookie is seen.

    Servers are so that write their title over it, as PostgreSQL and Redis do; whoever only looks around there is not.
    """
    return [pid for pid in all_pids() if _works_in(pid, folder) and b"=" not in _environment(pid) and _is_program(pid)]


def group_lives(group: int) -> bool:
    """Tell whether anything but remains is left of a process group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not HAS_PROC:
        return True
    return any(_in_group(pid, group) for pid in all_pids())


def send(number: signal.Signals, group: int, pids: list[int]) -> None:
    """Signal a group and more processes; those that are gone, or not ours, are passed over."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    send_each(number, pids)


def send_each(number: signal.Signals, pids: list[int]) -> None:
    """Signal processes; those that are gone, or not ours, are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def stop(pids: list[int]) -> None:
    """Have processes stand still, and wait a moment until they do."""
    send_each(signal.SIGSTOP, pids)
    for _ in range(STOP_LOOKS):
        if not any(_stat(pid)[:1] in ([b"R"], [b"S"]) for pid in pids):
            return
        time.sleep(INSTANT)


def see_off(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child whose input is at its end; kill it where it stays."""
    try:
        process.wait(CLOSE_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def all_pids() -> Iterator[int]:
    """Give every process of this machine."""
    try:
        names = os.listdir(PROC)  # noqa: PTH208 - a step waits for this
    except OSError:
        return
    for name in names:
        if name.isdigit():
            yield int(name)


def _environment(pid: int) -> bytes:
    try:
        descriptor = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(folder)  # noqa: PTH115 - it may be gone
    except OSError:
        return False


def _stat(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return []


def _is_program(pid: int) -> bool:
    """Whether a living process is one of a user's, and no part of the kernel."""
    fields = _stat(pid)
    return len(fields) > FLAGS and fields[0] not in {b"Z", b"X"} and not int(fields[FLAGS]) & KERNEL


def _alive(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in {b"Z", b"X"}


def _in_group(pid: int, group: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and fields[0] not in {b"Z", b"X"} and int(fields[2]) == group
