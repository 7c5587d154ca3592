"""The folder of one run, and how a run is named on the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdpoint.engine.ports import Clock
from holdpoint.journal.record import Record
from holdpoint.problem import HoldpointError, Problem, did_you_mean
from holdpoint.store import disk, journal_opening, journal_reader
from holdpoint.store.journal_file import JournalFile

RUN_NAME = re.compile(r"[0-9]{8}-[0-9]{4}-.+-[0-9a-f]{4}", re.DOTALL)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHOWN = 8
"""How many candidates are listed."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder. `volatile` ones are in memory."""

    path: Path
    volatile: bool = False

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

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

    def records(self) -> tuple[Record, ...]:
        """Read the journal without writing; raises like `journal_reader.records`."""
        return journal_reader.records(self.journal)

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


def in_order(run: RunFolder) -> tuple[str, str, str]:
    """Sort by the minute, and within it by the last four digits, which are the milliseconds within the minute."""
    return run.name[:13], run.name[-4:], run.name


def choose(text: str, runs: Sequence[RunFolder]) -> RunFolder:
    """Find the one run that `text` names; raises `HoldpointError` for none and for several."""
    if not text or text.startswith("-") or "/" in text or "\0" in text:
        raise HoldpointError(
            Problem(
                "run-name", "this is not the name of a run", found=f"`{text}`", expected="a name, its end, or `last`"
            )
        )
    if not runs:
        raise HoldpointError(Problem("run-unknown", f"there is no run `{text}`: no run is recorded here yet"))
    if text == "last":
        return runs[-1]
    for fits in (str.__eq__, str.startswith, str.endswith):
        found = [run for run in runs if fits(run.name, text)]
        if len(found) == 1:
            return found[0]
        if found:
            raise HoldpointError(_several(text, found))
    raise HoldpointError(_unknown(text, runs))


def _several(text: str, found: Sequence[RunFolder]) -> Problem:
    return Problem(
        "run-ambiguous", f"`{text}` could be {len(found)} runs", found=_listed(found), hint="type more of it"
    )


def _unknown(text: str, runs: Sequence[RunFolder]) -> Problem:
    names = [run.name for run in runs]
    close = did_you_mean(text, names)
    containing = [run for run in runs if text in run.name]
    return Problem(
        "run-unknown",
        f"there is no run `{text}`",
        hint=close
        or (f"runs with it in their name: {_listed(containing)}" if containing else f"the last runs: {_listed(runs)}"),
    )


def _listed(runs: Sequence[RunFolder]) -> str:
    shown = ", ".join(f"`{run.name}`" for run in runs[-_SHOWN:])
    return f"{shown} (the last {_SHOWN} of {len(runs)})" if len(runs) > _SHOWN else shown
