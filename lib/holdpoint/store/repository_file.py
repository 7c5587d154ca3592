"""A file of the repository that people edit too: read with care, and replaced whole or not at all.

It is written only where it is still what was read, so that what somebody saved meanwhile is not lost.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import disk
from holdpoint.store.crash import crash_point

LARGEST = 4 * 1024 * 1024
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""The byte order mark that some editors put at the head of a file; it is left alone, and is no part of the text."""
_TRIES = 5


def read(path: Path) -> str | None:
    """Read it; None where there is none. Raises `HoldpointError` for what is no text file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise HoldpointError(_unfit(path, "it is not a file"))
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HoldpointError(_unfit(path, (error.strerror or str(error)).lower())) from error
    if len(data) > LARGEST:
        raise HoldpointError(_unfit(path, f"it is larger than {LARGEST:,} bytes"))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise HoldpointError(_unfit(path, f"it is not UTF-8 (byte {error.start})")) from error


def leads_out(root: Path, path: Path) -> str:
    """Say where a path leads that reads as one within the folder `root`, and is not, over a symbolic link; else nothing."""
    if not Path(os.path.normpath(path)).is_relative_to(os.path.normpath(root)):
        return ""
    real = os.path.realpath(path)
    return "" if Path(real).is_relative_to(os.path.realpath(root)) else real


def rewrite(path: Path, change: Callable[[str | None], str]) -> str:
    """Replace the file by what `change` makes of it, and give that; a file that is new gets the usual rights.

    Where somebody saves the file meanwhile, `change` is asked again. Raises `HoldpointError`; then the file stands as
    it was.
    """
    for _ in range(_TRIES):
        seen = read(path)
        text = change(seen)
        if text == seen or _put(path, text, seen):
            return text
    raise HoldpointError(_unfit(path, "somebody saves it again and again; close it in the editor, then try again"))


def _put(path: Path, text: str, seen: str | None) -> bool:
    """Put a text there, durably and at once; False where the file is not what was seen any more."""
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        crash_point("document:before")
        disk.write_new(fresh, text.encode())
        fresh.chmod(stat.S_IMODE(path.stat().st_mode) if seen is not None else 0o666 & ~_umask())
        crash_point("document:written")
        if read(path) != seen:
            return False
        if seen is None:
            path.hardlink_to(fresh)
        else:
            fresh.replace(path.resolve())
        disk.sync_folder(path.parent)
        crash_point("document:placed")
    except FileExistsError:
        return False
    except OSError as error:
        raise HoldpointError(_unfit(path, (error.strerror or str(error)).lower())) from error
    finally:
        with suppress(OSError):
            fresh.unlink()
    return True


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unfit(path: Path, why: str) -> Problem:
    return Problem("document", f"the file cannot be used: {why}", Place(str(path), 0, 0))
