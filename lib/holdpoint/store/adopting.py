"""A run that came from somewhere else becomes one of this state folder's: new, or the continuation of what is here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import disk, journal_opening
from holdpoint.store.run_folder import RunFolder


def adopt(folder: RunFolder, unpacked: Path, file: Path) -> None:
    """Put an unpacked run in its place; `file` is where it came from, for messages.

    Where a run of that name is here, its journal must be the beginning of the one that came. The journal is put in its
    place last. Raises `HoldpointError`; then what is here stands as it was.
    """
    if not folder.journal.exists():
        _place_new(folder, unpacked)
        return
    descriptor = journal_opening.open_alone(folder.journal)
    try:
        _continue(folder, unpacked, file)
    finally:
        os.close(descriptor)


def _place_new(folder: RunFolder, unpacked: Path) -> None:
    (unpacked / folder.out.name).mkdir(mode=0o700, exist_ok=True)
    for path in (*unpacked.rglob("*"), unpacked):
        if path.is_dir():
            disk.sync_folder(path)
    if folder.path.is_dir():  # left by a process that was killed before its journal was there
        shutil.rmtree(folder.path)
    unpacked.rename(folder.path)
    disk.sync_folder(folder.path.parent)


def _continue(folder: RunFolder, unpacked: Path, file: Path) -> None:
    came, here = (unpacked / folder.journal.name).read_bytes(), folder.journal.read_bytes()
    whole = here[: here.rfind(b"\n") + 1]
    if came == whole:
        return
    if not came.startswith(whole):
        raise HoldpointError(_went_on(folder, file) if whole.startswith(came) else _parted(folder, file))
    for path in sorted(unpacked.rglob("*")):
        to = folder.path / path.relative_to(unpacked)
        if path.is_file() and to != folder.journal:
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.replace(to)
            disk.sync_folder(to.parent)
    disk.write_whole(folder.journal, came)


def _went_on(folder: RunFolder, file: Path) -> Problem:
    message = f"run `{folder.name}` was taken from such a file before, and went on here since"
    return Problem(
        "handover-older", message, Place(str(file), 0, 0), hint=f"`run.resume {folder.name}` goes on with it"
    )


def _parted(folder: RunFolder, file: Path) -> Problem:
    message = f"run `{folder.name}` is here already, and its journal is not the beginning of the one in the file"
    hint = "somebody went on with it in two places: look at both journals, and begin a new run"
    return Problem("handover-parted", message, Place(str(file), 0, 0), hint=hint)
