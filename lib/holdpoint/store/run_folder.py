"""The folder of one run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from holdpoint.engine.ports import Clock
from holdpoint.store import disk, journal_opening
from holdpoint.store.journal_file import JournalFile
from holdpoint.store.journal_folder import JournalFolder

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class RunFolder(JournalFolder):
    """One run's folder."""

    @property
    def out(self) -> Path:
        """Where the output of the run's commands is kept."""
        return self.path / "out"

    def create_journal(self, person: str, clock: Clock) -> JournalFile:
        """Begin the run's journal; raises like `JournalFile.create`."""
        return JournalFile.create(self.journal, person, clock)

    def open_journal(self, person: str, clock: Clock) -> JournalFile:
        """Go on with the run's journal; raises like `JournalFile.open`."""
        return JournalFile.open(self.journal, person, clock)

    def is_written(self) -> bool:
        """Tell whether a process goes on with this run."""
        return journal_opening.is_written(self.journal)

    def keep(self, name: str, data: bytes) -> None:
        """Keep a file beside the journal, durably and whole. Raises `OSError`."""
        disk.write_whole(self._beside(name), data)

    def kept(self, name: str) -> bytes | None:
        """Give a file that was kept, or None. Raises `OSError`."""
        try:
            return self._beside(name).read_bytes()
        except FileNotFoundError:
            return None

    def _beside(self, name: str) -> Path:
        if not _FILE_NAME.fullmatch(name) or name in {self.journal.name, self.out.name}:
            raise ValueError(f"no name for a file beside a journal: {name!r}")
        return self.path / name
