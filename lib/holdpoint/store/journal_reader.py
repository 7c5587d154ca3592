"""A journal for everybody who does not write it: all records, or each as it comes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from holdpoint.journal.chain import Chain, Damaged, Links, read
from holdpoint.journal.record import Record
from holdpoint.problem import Exit, HoldpointError, Place, Problem

PAUSE = 0.2
"""Seconds between two looks at a journal that is followed."""


def read_file(path: Path) -> Chain:
    """Read a journal as it stands; what follows its last whole record is left alone.

    Raises `HoldpointError`: exit code 10 where it is damaged, 2 where it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HoldpointError(_unreadable(path, error)) from error
    chain = read(data, str(path))
    if isinstance(chain, Damaged):
        raise chain.error()
    return chain


def records(path: Path) -> tuple[Record, ...]:
    """Give every whole record of a journal; raises like `read_file`."""
    return read_file(path).records


def go_on(pause: float) -> bool:
    """Wait, and never end: the default of `follow`."""
    time.sleep(pause)
    return False


def follow(path: Path, ended: Callable[[float], bool] = go_on) -> Iterator[Record]:
    """Yield every record, those that are there and then each as it is written.

    `ended` is called whenever there is nothing new, with the seconds to wait; it waits and tells whether to end (the
    `wait` of a `threading.Event` does just that). A record may be seen an instant before it is durable. A last line
    that is being written is waited for. Raises `HoldpointError` like `read_file`, also when the file becomes shorter.
    """
    links = Links(str(path))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise HoldpointError(_unreadable(path, error)) from error
    try:
        while True:
            size = os.fstat(fd).st_size
            if size < links.offset:
                raise HoldpointError(_shrunk(path, links, size), exit_code=Exit.DAMAGED)
            lines = _read_from(fd, links.offset, size).split(b"\n")[:-1]
            yield from (_take(links, line) for line in lines)
            if not lines and ended(PAUSE):
                return
    finally:
        os.close(fd)


def _take(links: Links, line: bytes) -> Record:
    link = links.take(line)
    if isinstance(link, Damaged):
        raise link.error()
    return link


def _read_from(fd: int, offset: int, end: int) -> bytes:
    parts: list[bytes] = []
    while offset < end and (part := os.pread(fd, end - offset, offset)):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem("journal-closed", f"the journal cannot be read: {error.strerror}", Place(str(path), 0, 0))


def _shrunk(path: Path, links: Links, size: int) -> Problem:
    return Problem(
        "journal-damaged",
        f"the journal lost records that were read from it: {size} bytes are left of {links.offset}",
        Place(str(path), links.seq, 1),
        expected="a file that only grows",
    )
