"""A file that a person asked for, such as a page or a calendar: written whole, and over nothing but an older one of its kind."""

from __future__ import annotations

import os
from pathlib import Path

from holdpoint.problem import HoldpointError, Place, Problem


def replace(file: Path, data: bytes, *, begins: bytes, what: str) -> None:
    """Write it in the place of an older one, or where nothing is. `begins` is how every file of the kind begins.

    Raises `HoldpointError` for another file, and where it cannot be written; then what is there stands as it was.
    """
    place = Place(str(file), 0, 0)
    if file.is_dir():
        raise HoldpointError(Problem("out", f"the {what} cannot be written: it is a folder", place))
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if file.exists():
            with file.open("rb") as old:
                if old.read(len(begins)) != begins:
                    message = f"this file is no {what}, and is not written over"
                    raise HoldpointError(Problem(f"not-a-{what}", message, place))
        fresh.write_bytes(data)
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        message = f"the {what} cannot be written: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(Problem("out", message, place)) from error
