"""Where Holdpoint keeps what must outlive it: runs with journals and output, incidents, and the key for keyed digests.

Folders are of mode 700 and files of mode 600; what belongs to somebody else, or can be written by others, is refused.
A folder in memory stands in where the disk has no room; the folder on disk looks into it too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from holdpoint.engine.events import RunFinished
from holdpoint.engine.ports import Standing
from holdpoint.engine.state import replay
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import disk
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.naming import NAME, candidates, choose, in_order
from holdpoint.store.run_folder import RunFolder
from holdpoint.store.state_path import INCIDENTS, RUNS, named, stand_ins

KEY_BYTES = 32
F = TypeVar("F", RunFolder, IncidentFolder)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A state folder, which need not exist yet. `stand_ins` are places for its twin in memory, the best one first."""

    path: Path
    volatile: bool = False
    stand_ins: tuple[Path, ...] = ()

    @classmethod
    def default(cls, environ: Mapping[str, str]) -> StateFolder:
        """Find it: `$HOLDPOINT_STATE`, else `holdpoint` in the XDG state folder. Nothing is made yet.

        Raises `HoldpointError` for a relative path, and for what stands there and cannot be trusted.
        """
        path = named(environ)
        folder = cls(path, stand_ins=stand_ins(path, environ))
        if path.exists() or path.is_symlink():
            _refuse_untrusted(path)
        return folder

    @property
    def warning(self) -> str:
        """Say what a reboot would lose; empty for a folder on disk."""
        if not self.volatile:
            return ""
        return (
            f"`{self.path}` is in memory: a reboot of this machine loses the journal of this run, its output and with "
            "them the proof of what was done; on some systems your last log-out loses them too. Copy it to a disk "
            "as soon as one has room"
        )

    def prepare(self, below: str = "runs") -> None:
        """Make the folder where it is missing, with one `below` it.

        Raises `HoldpointError` where that fails or what is there is refused.
        """
        try:
            for folder in (self.path, self.path / below):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    disk.sync_folder(folder.parent)
                _refuse_untrusted(folder)
        except OSError as error:
            raise HoldpointError(_unusable(self.path, f"it cannot be made: {error.strerror}")) from error

    def memory_folder(self) -> StateFolder:
        """Make the twin of this folder in memory, and give it; raises `HoldpointError` where there is no place."""
        problems: list[Problem] = []
        for place in self.stand_ins:
            folder = StateFolder(place, volatile=True, stand_ins=())
            if not place.parent.is_dir():
                continue
            try:
                folder.prepare()
                folder._adopt_key(self)
            except HoldpointError as error:
                problems += error.problems
            else:
                return folder
        raise HoldpointError(
            problems or _unusable(self.path, "there is no folder in memory to stand in for it", hint="mount /dev/shm")
        )

    # --- runs ---

    def new_run(self, runbook: str, now: datetime) -> RunFolder:
        """Make the folder of a new run, named `YYYYMMDD-HHMM-<runbook>-<4 hex>`; the name is new here and in memory."""
        run = self.run(self._new(RUNS, runbook, now))
        try:
            run.out.mkdir(mode=0o700)
            disk.sync_folder(run.path)
        except OSError as error:
            raise HoldpointError(_unusable(self.path, f"no run can be made in it: {error.strerror}")) from error
        return run

    def runs(self) -> tuple[RunFolder, ...]:
        """Give every run that has a journal, here and in memory, the oldest first."""
        return self._all(RUNS, StateFolder.run)

    def find(self, text: str) -> RunFolder:
        """Find one run: by its name, the beginning or end of its name where only one has it, or `last`.

        Raises `HoldpointError` with the candidates.
        """
        return choose(text, self.runs())

    def strange_runs(self) -> tuple[RunFolder, ...]:
        """Give folders with a journal under a name that no run has: somebody renamed them."""
        return self._all(RUNS, StateFolder.run, named=False)

    # --- incidents ---

    def new_incident(self, slug: str, now: datetime) -> IncidentFolder:
        """Make the folder of a new incident, named as a run is."""
        return self.incident(self._new(INCIDENTS, slug, now))

    def incidents(self) -> tuple[IncidentFolder, ...]:
        """Give every incident that has a journal, here and in memory, the oldest first."""
        return self._all(INCIDENTS, StateFolder.incident)

    def bare_incidents(self) -> tuple[IncidentFolder, ...]:
        """Give the folders of incidents whose journal is gone, or was never made."""
        return self._all(INCIDENTS, StateFolder.incident, kept=False)

    def strange_incidents(self) -> tuple[IncidentFolder, ...]:
        """Give folders with a journal under a name that no incident has: somebody renamed them."""
        return self._all(INCIDENTS, StateFolder.incident, named=False)

    def find_incident(self, text: str) -> IncidentFolder:
        """Find one incident as a run is found; one that was renamed by the whole name of its folder."""
        strange = [one for one in self.strange_incidents() if one.name == text]
        return strange[0] if strange else choose(text, self.incidents(), "incident")

    def incident(self, name: str) -> IncidentFolder:
        """Give the folder of an incident by its exact name, whether or not it is there."""
        return IncidentFolder(self.path / INCIDENTS / name, volatile=self.volatile)

    # --- both ---

    def _new(self, below: str, what: str, now: datetime) -> str:
        """Make a folder with a new name."""
        if "/" in what or not what:
            raise ValueError(f"no part of a name: {what!r}")
        self.prepare(below)
        try:
            for name in candidates(what, now):
                if any((twin.path / below / name).exists() for twin in self._twins()):
                    continue
                with suppress(FileExistsError):
                    folder = self.path / below / name
                    folder.mkdir(mode=0o700)
                    disk.sync_folder(folder.parent)
                    return name
        except OSError as error:
            why = f"nothing new can be made in it: {error.strerror}"
            raise HoldpointError(_unusable(self.path, why)) from error
        raise HoldpointError(_unusable(self.path, "it has no free name in this minute"))

    def _all(
        self, below: str, at: Callable[[StateFolder, str], F], *, named: bool = True, kept: bool = True
    ) -> tuple[F, ...]:
        """Give the folders `below` with a name of a run or an incident, or without; with a journal that is kept, or without."""
        found: list[F] = []
        for folder in (self, *self._twins()):
            try:
                names = os.listdir(folder.path / below)  # noqa: PTH208 - only the names are needed
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise HoldpointError(_unusable(folder.path, f"it cannot be read: {error.strerror}")) from error
            seen = (name for name in names if bool(NAME.fullmatch(name)) is named and not name.startswith("."))
            found += [one for one in (at(folder, name) for name in seen) if one.journal.exists() is kept]
        return tuple(sorted(found, key=in_order))

    # --- runs ---

    def standing(self, run: str) -> Standing:
        """Say how a run stands that is recorded here."""
        folder = next((folder for folder in self.runs() if folder.name == run), None)
        if folder is None:
            return Standing.UNKNOWN
        if folder.is_written():
            return Standing.GOES_ON
        try:
            state = replay(folder.records())
        except (HoldpointError, ValueError):
            return Standing.UNKNOWN
        if isinstance(state.end, RunFinished):
            return Standing.OVER
        return Standing.UNKNOWN if state.handed else Standing.LEFT

    def run(self, name: str) -> RunFolder:
        """Give the folder of a run by its exact name, whether or not it is there."""
        return RunFolder(self.path / "runs" / name, volatile=self.volatile)

    def _twins(self) -> tuple[StateFolder, ...]:
        """Give the folders in memory that exist and are ours."""
        twins = (StateFolder(place, volatile=True) for place in self.stand_ins)
        return tuple(twin for twin in twins if twin.path.is_dir() and not _distrust(twin.path))

    # --- the key ---

    def key(self) -> bytes:
        """Give the key for digests over secrets: 32 random bytes, made once. Raises `HoldpointError`."""
        self.prepare()
        return self._read_key() or self._make_key(os.urandom(KEY_BYTES))

    def _adopt_key(self, other: StateFolder) -> None:
        """Use the key of `other`, where it has one and this has none, so that digests can be compared."""
        if self._read_key() is None and (key := other._read_key()) is not None:
            self._make_key(key)

    def _read_key(self) -> bytes | None:
        path = self.path / "key"
        try:
            if mode := stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise HoldpointError(_bad_key(path, f"others may use it (mode {mode:03o} beyond the owner's)"))
            key = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HoldpointError(_bad_key(path, f"it cannot be read: {error.strerror}")) from error
        if len(key) != KEY_BYTES:
            raise HoldpointError(_bad_key(path, f"it has {len(key)} bytes, not {KEY_BYTES}"))
        return key

    def _make_key(self, key: bytes) -> bytes:
        """Set the key, whole or not at all; where another process was faster, its key counts."""
        path = self.path / "key"
        fresh = self.path / f".key.{os.urandom(8).hex()}"
        try:
            try:
                disk.write_new(fresh, key)
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                with suppress(OSError):
                    fresh.unlink()
            disk.sync_folder(self.path)
        except OSError as error:
            raise HoldpointError(_bad_key(path, f"it cannot be made: {error.strerror}")) from error
        made = self._read_key()
        if made is None:
            raise HoldpointError(_bad_key(path, "it vanished while it was made"))
        return made


# --- finding and trusting ---------------------------------------------------------------------------------------


def _refuse_untrusted(path: Path) -> None:
    if why := _distrust(path):
        raise HoldpointError(_unusable(path, why))


def _distrust(path: Path) -> str:
    """Say why a folder is not to be trusted; empty where it is ours alone to write."""
    try:
        status = path.stat()
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}, and you are user {os.geteuid()}"
    if status.st_mode & 0o022:
        return f"others may write to it (mode {stat.S_IMODE(status.st_mode):03o}); `chmod 700` it after a look inside"
    return ""


def _unusable(path: Path, why: str, hint: str = "") -> Problem:
    return Problem("state-folder", f"the state folder cannot be used: {why}", Place(str(path), 0, 0), hint=hint)


def _bad_key(path: Path, why: str) -> Problem:
    return Problem(
        "state-key",
        f"the key for digests over secrets cannot be used: {why}",
        Place(str(path), 0, 0),
        hint="runs with secrets that were begun under another key cannot be resumed",
    )
