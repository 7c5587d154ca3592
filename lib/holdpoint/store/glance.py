"""Whether a file changed, without reading it: for screens that show what others write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Glance = tuple[tuple[int, int, int] | None, ...]


def glance(paths: Iterable[Path]) -> Glance:
    """Look at files; what is equal did not change between two looks. One that is not there is None."""
    return tuple(_look(path) for path in paths)


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
