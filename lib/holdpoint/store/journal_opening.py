"""Opening a journal that is there: as the only writer, and with what is really on the disk."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from holdpoint.journal.chain import Chain, Damaged
from holdpoint.journal.chain import read as read_chain
from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store.disk import sync_folder

GLANCE = 0.02
GLANCES = 3 * GLANCE
"""Seconds in which somebody who only looks whether the lock is held has let go of it."""
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


def open_alone(path: Path, patience: float = GLANCES) -> int:
    """Open a journal to write it, as the only process; another one is waited for, `patience` seconds.

    Raises `HoldpointError`: exit code 2, or 9 where one has it still.
    """
    try:
        fd = os.open(path, FLAGS)
    except OSError as error:
        problem = Problem("journal-closed", f"the journal cannot be opened: {error.strerror}", Place(str(path), 0, 0))
        raise HoldpointError(problem) from error
    try:
        lock(fd, patience)
    except OSError as error:
        problem = Problem(
            "journal-locked",
            f"another process writes this journal: {_writer(path, fd)}",
            Place(str(path), 0, 0),
            hint="wait for it to end, or look on with `inv run.follow`",
        )
        os.close(fd)
        raise HoldpointError(problem, exit_code=Exit.LOCKED) from error
    return fd


def lock(fd: int, patience: float) -> None:
    """Take the lock of a file; raises `BlockingIOError` where another one has it for longer than `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(GLANCE)
        else:
            return


def is_written(path: Path) -> bool:
    """Tell whether a process has the journal open to write it; also where that cannot be looked at."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _writer(path: Path, fd: int) -> str:
    """Name the process that holds the lock, from the kernel's list, and the person of the last record."""
    status = os.fstat(fd)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    held = ""
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1:2] == ["FLOCK"] and fields[5:6] == [place]:
                held = fields[4]
    process = f"process {held}" if held.strip("-0") else "a process that cannot be seen from here"
    with suppress(OSError):
        chain = read_chain(path.read_bytes(), str(path))
        records = chain.good if isinstance(chain, Damaged) else chain.records
        if records:
            last = records[-1]
            return f"{process}, person `{last.person}`, last record at {last.time:%Y-%m-%d %H:%M:%S} UTC"
    return process


def recover(path: Path, fd: int, sync: Callable[[int], None]) -> Chain:
    """Read what is really on the disk, and cut off a torn end.

    A writer that was killed may have left records that only the kernel holds: they are made durable before anybody
    relies on them. After a failed `fdatasync` the kernel may hold bytes that never reached the disk: they are dropped.
    """
    sync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        chain = read_chain(file.read(), str(path))
    if isinstance(chain, Damaged):
        raise chain.error()
    if chain.torn:
        os.ftruncate(fd, chain.good_bytes)
        os.fsync(fd)
    sync_folder(path.parent)
    return chain
