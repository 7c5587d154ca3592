"""Shared memory of this machine, which outlives whoever made it: what processes hold, what is left, and giving it back.

Both kinds: segments of System V, told by a number, and files in `/dev/shm`. Knows nothing of sandboxes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from holdpoint.hosts import process

SEGMENT, FILES = "/SYSV", "/dev/shm/"  # noqa: S108 - that is where they are
SEGMENTS = Path("/proc/sysvipc/shm")


def held_by(pids: Iterable[int]) -> set[str]:
    """Give what processes hold: the path of a file, or `KEY ID` of a segment."""
    held = set[str]()
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
                *_, inode, name = line.split(maxsplit=5) if line.count("/") else (line, "", "")
                if name.startswith(SEGMENT):
                    held.add(f"{int(name[len(SEGMENT) :].split()[0], 16)} {inode}")
                elif name.startswith(FILES):
                    held.add(name)
    return held


def noted_in(folder: Path) -> set[str]:
    """Give the segments of servers whose data lies below a folder: PostgreSQL notes key and id in its seventh line."""
    noted = set[str]()
    for file in folder.rglob("postmaster.pid"):
        with suppress(OSError, IndexError):
            noted.add(" ".join(file.read_text(errors="replace").splitlines()[6].split()))
    return noted


def left_of(names: Iterable[str]) -> list[str]:
    """Give those that are still there, and that no living process holds."""
    segments, files = _unheld(), {name for name in names if name.startswith("/") and Path(name).exists()}
    if files:
        files -= held_by(process.all_pids())
    return sorted({name for name in names if name in segments} | files)


def end(names: Iterable[str]) -> None:
    """Give it back. What is not ours stays."""
    for name in names:
        if name.startswith("/"):
            with suppress(OSError):
                Path(name).unlink()
        else:
            subprocess.run(["ipcrm", "-m", name.split()[1]], capture_output=True, check=False)


def _unheld() -> set[str]:
    with suppress(OSError):
        rows = [line.split() for line in SEGMENTS.read_text().splitlines()[1:]]
        return {f"{int(row[0]) & 0xFFFFFFFF} {row[1]}" for row in rows if row[6] == "0"}
    return set()
