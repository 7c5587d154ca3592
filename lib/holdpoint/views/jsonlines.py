"""Records for programs: one line of JSON each, exactly as the journal holds them, with times in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from holdpoint.journal.record import Record, encode


def writer(out: TextIO) -> Callable[[Record], None]:
    """Give a function that writes one record at once; a reader that is gone does not stop the run."""
    gone = False

    def write(record: Record) -> None:
        nonlocal gone
        if gone:
            return
        try:
            out.write(encode(record).decode())
            out.flush()
        except (OSError, ValueError):
            gone = True

    return write
