"""Whether a filesystem has room for a run: asked by taking some, since the figures of a filesystem do not tell.

Inodes can be used up while blocks are free, blocks can be promised to others, and quotas stand in no figure.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdpoint.store.disk import Reserved, reserve

ROOM_BYTES = 1024 * 1024
ROOM_FILES = 16


@dataclass(frozen=True, slots=True)
class Room:
    """There is room, now."""


@dataclass(frozen=True, slots=True)
class NoRoom:
    """There is none. `why` is a sentence for people."""

    why: str


def probe(path: Path, *, room: int = ROOM_BYTES, files: int = ROOM_FILES) -> Room | NoRoom:
    """Tell whether `room` bytes and `files` files fit into the folder, or the one it would be made in.

    It really takes them, and gives them back. Never raises for what a filesystem can cause.
    """
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    trial = place / f".holdpoint-room-{os.urandom(4).hex()}"
    try:
        trial.mkdir(mode=0o700)
        try:
            _take_blocks(trial / "blocks", room)
            for number in range(files):
                os.close(os.open(trial / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        finally:
            with suppress(OSError):
                shutil.rmtree(trial)
    except OSError as error:
        return NoRoom(_sentence(path, place, error))
    return Room()


def _take_blocks(path: Path, room: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        answer = reserve(fd, 0, room)
        if answer is Reserved.UNSUPPORTED:
            left = room
            while left > 0:
                left -= os.write(fd, bytes(min(left, 64 * 1024)))
            os.fdatasync(fd)
        elif answer is Reserved.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(fd)


def _sentence(path: Path, place: Path, error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"the filesystem of `{path}` has no room left: {_what_ran_out(place)}"
    return f"nothing can be written to `{path}`: {error.strerror}"


def _what_ran_out(place: Path) -> str:
    with suppress(OSError):
        figures = os.statvfs(place)
        if figures.f_files and not figures.f_favail:
            return "its inodes are used up, so no file can be made"
        return f"{figures.f_bavail * figures.f_frsize // 1024} KiB are free"
    return "no block is free"
