"""The record of an incident that came from another machine becomes this one's: new, or the continuation of what is here.

A record that is here is never taken away and never rewritten: what is missing is written behind it, so that whoever
else has the journal open goes on with the same file.
"""

from __future__ import annotations

import os
from enum import StrEnum

from holdpoint.journal.chain import Chain
from holdpoint.journal.record import Record, encode
from holdpoint.store import disk, journal_opening
from holdpoint.store.incident_folder import PATIENCE, IncidentFolder


class Took(StrEnum):
    """What became of a record that came."""

    NEW = "new"
    LONGER = "longer"
    NOTHING = "nothing new"
    """Everything in it is here, and perhaps more."""
    PARTED = "parted"
    """Both sides wrote since they were one; nothing was taken."""


def take_in(folder: IncidentFolder, came: Chain) -> tuple[Took, tuple[Record, ...]]:
    """Take what is not here yet. Gives what became of it, and what stood here before.

    Raises `HoldpointError` where the journal here is damaged, or somebody writes to it for too long; `OSError`.
    """
    try:
        folder.path.mkdir(mode=0o700)
        disk.write_new(folder.journal, b"".join(map(encode, came.records)))
        disk.sync_folder(folder.path)
        disk.sync_folder(folder.path.parent)
    except FileExistsError:
        return _continue(folder, came)
    return Took.NEW, ()


def _continue(folder: IncidentFolder, came: Chain) -> tuple[Took, tuple[Record, ...]]:
    if not folder.journal.exists():  # left by a process that was killed before its journal was there
        disk.write_whole(folder.journal, b"".join(map(encode, came.records)))
        return Took.NEW, ()
    descriptor = journal_opening.open_alone(folder.journal, PATIENCE)
    try:
        here = journal_opening.recover(folder.journal, descriptor, os.fdatasync).records
        common = min(len(here), len(came.records))
        if here[:common] != came.records[:common]:
            return Took.PARTED, here
        if common == len(came.records):
            return Took.NOTHING, here
        rest = b"".join(map(encode, came.records[common:]))
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fdatasync(descriptor)
        return Took.LONGER, here
    finally:
        os.close(descriptor)
