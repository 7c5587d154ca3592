"""The banner of a status page on disk, and the command that is told of it.

A banner that is down is an empty file: whoever includes it shows nothing, and has no missing file to stumble over.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from holdpoint.outside.reasons import meaning
from holdpoint.store.bounded import run_bounded

_LIMIT = 64 * 1024
_SHOWN = 200
_MODE = 0o644
"""Of a new file: the server of a status page is another user."""


def put(path: Path, content: str) -> str:
    """Write the file in one step, keeping its owner and mode; give why it could not be written, or nothing.

    Readers see the old content or the new one, whole. A symbolic link stays one.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():
            return f"`{path}` is not a file"
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        was = path.stat() if path.exists() else None
        try:
            with beside.open("xb") as file:
                file.write(content.encode())
                _keep_owner(file.fileno(), was)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        _keep_folder(path.parent)
    except OSError as error:
        return f"`{path}` cannot be written: {(error.strerror or str(error)).lower()}"
    return ""


def _keep_owner(descriptor: int, was: os.stat_result | None) -> None:
    """Give a file the owner and the mode that the old one had; only root can give it to somebody else."""
    if was is not None:
        with suppress(PermissionError):
            os.fchown(descriptor, was.st_uid, was.st_gid)
    os.fchmod(descriptor, was.st_mode & 0o7777 if was is not None else _MODE)


def _keep_folder(folder: Path) -> None:
    """Have the new name survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tell(command: Sequence[str], environ: Mapping[str, str], text: str, within: timedelta) -> str:
    """Run the command, with the text on its input; give why it failed, or nothing."""
    name = command[0]
    try:
        ended = run_bounded(command, environ=environ, seconds=within.total_seconds(), limit=_LIMIT, given=text.encode())
    except (OSError, ValueError) as error:
        return f"the command `{name}` cannot be started: {meaning(str(error))}"
    if not ended.failure:
        return ""
    said = (ended.stderr.splitlines() or [""])[-1][-_SHOWN:]
    return f"the command `{name}` {ended.failure}" + (f": {said}" if said else "")
