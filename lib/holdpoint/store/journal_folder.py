"""A folder with one journal in it: that of a run, or of an incident."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holdpoint.journal.record import Record
from holdpoint.store import journal_reader

DAMAGED = "damaged"
"""The status of a run or an incident whose journal does not fit together."""
UNREADABLE = "unreadable"
"""That of one whose journal cannot be read, or was written by a version that knows more."""
RENAMED = "renamed"
"""That of one whose folder has another name than its record, or one that none has: it is not gone on with under it."""


@dataclass(frozen=True, slots=True)
class JournalFolder:
    """Its name is that of the run or the incident. `volatile` ones are in memory."""

    path: Path
    volatile: bool = False

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    def records(self) -> tuple[Record, ...]:
        """Read the journal without writing; raises like `journal_reader.records`."""
        return journal_reader.records(self.journal)
