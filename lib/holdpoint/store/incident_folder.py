"""The folder of one incident. Several people write to its journal, each for an instant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdpoint.engine.ports import Clock, JournalFailed
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store.journal_file import JournalFile, Keeping
from holdpoint.store.journal_folder import JournalFolder

PATIENCE = 10.0
"""Seconds in which another writer is waited for, who needs a fraction of one."""
_KEEPING = Keeping(before_effect=frozenset(), patience=PATIENCE)


@dataclass(frozen=True, slots=True)
class IncidentFolder(JournalFolder):
    """One incident's folder."""

    @property
    def evidence(self) -> Path:
        """Where the journals of runs lie that were made on another machine: they are read, and never gone on with."""
        return self.path / "runs"

    def evidence_of(self, run: str) -> JournalFolder:
        """Give the folder of such a run, whether or not it is there."""
        return JournalFolder(self.evidence / run)

    @contextmanager
    def begun(self, person: str, clock: Clock) -> Iterator[JournalFile]:
        """Begin the journal and write to it; raises `HoldpointError` (exit 8) where it cannot be written."""
        with _told(), JournalFile.create(self.journal, person, clock, _KEEPING) as journal:
            yield journal

    @contextmanager
    def writing(self, person: str, clock: Clock) -> Iterator[JournalFile]:
        """Write to the journal, alone; nobody is to be asked anything meanwhile.

        Raises `HoldpointError`: exit 9 where somebody else writes for longer than `PATIENCE`, 10 where it is damaged,
        2 where it is not there, 8 where it cannot be written.
        """
        with _told(), JournalFile.open(self.journal, person, clock, _KEEPING) as journal:
            yield journal


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except JournalFailed as error:
        hint = "what was said is not recorded; see to that, then type it again"
        raise HoldpointError(Problem("no-journal", str(error), hint=hint), exit_code=Exit.UNKNOWN) from error
