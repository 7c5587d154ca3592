"""What the operating system does for a file that must not be lost: room kept for it, and folders on disk.

Room is kept with `fallocate(2)` and `FALLOC_FL_KEEP_SIZE`, which Python does not offer: blocks belong to the file, its
size stays, and a full disk cannot take them away.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

BLOCK = 4096
_KEEP_SIZE = 1
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors that mean: no room, or a limit on size."""
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV, errno.EPERM})


class Reserved(StrEnum):
    """What became of a wish for room."""

    YES = "yes"
    FULL = "full"
    UNSUPPORTED = "unsupported"


@functools.cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    import ctypes  # noqa: PLC0415 - only whoever writes a journal pays for it

    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate64
    except (OSError, AttributeError):
        try:
            function = ctypes.CDLL(None, use_errno=True).fallocate
        except (OSError, AttributeError):
            return None
        if ctypes.sizeof(ctypes.c_long) < ctypes.sizeof(ctypes.c_int64):
            return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    function.restype = ctypes.c_int

    def call(fd: int, mode: int, offset: int, length: int) -> int:
        """Give 0 or the error's number."""
        while function(fd, mode, offset, length):
            if (error := ctypes.get_errno()) != errno.EINTR:
                return error
        return 0

    return call


def reserve(fd: int, offset: int, length: int) -> Reserved:
    """Keep room for `length` bytes from `offset`, beyond the file's end, without changing its size.

    Raises `OSError` for anything but a lack of room and a filesystem that cannot do it.
    """
    call = _fallocate()
    error = errno.ENOSYS if call is None else call(fd, _KEEP_SIZE, offset, length)
    if error == 0:
        return Reserved.YES
    if error in FULL:
        return Reserved.FULL
    if error in _UNSUPPORTED:
        return Reserved.UNSUPPORTED
    raise OSError(error, os.strerror(error))


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by `data`, durably and at once: whoever reads it sees the old bytes or the new. Mode 600.

    Raises `OSError`; then the old file stands as it was.
    """
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    try:
        write_new(fresh, data)
        fresh.rename(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there yet, with its contents durable (its name is not). Mode 600."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
