"""The journal on disk, for the one process that writes it.

Promises: a record that `append` returned is on disk (`fdatasync`), the file is well-formed whenever no append is under
way, nobody else writes it meanwhile (`flock`), and room for more records is kept on disk, so that what was begun can
be recorded on a full disk. A failed `fdatasync` is final: the kernel forgets the error and the bytes, so a second one
would lie. Knows nothing of what the records say, but for the kind that comes before an effect.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from holdpoint.engine.events import RollbackBegun, RunFinished, StepIntended
from holdpoint.engine.ports import Clock, JournalFailed
from holdpoint.journal.chain import Chain
from holdpoint.journal.record import START, Json, Record, sealed_line
from holdpoint.store.crash import KILL_AT, crash_point
from holdpoint.store.disk import BLOCK, FULL, Reserved, reserve, sync_folder
from holdpoint.store.journal_opening import FLAGS, GLANCES, open_alone, recover

RESERVE = 256 * 1024
"""Bytes that are always kept free: some hundred usual records, and at least four of the longest."""
CHUNK = 64 * 1024
"""How much is kept beyond the reserve, so that most appends need not ask for room."""
BEFORE_EFFECT = frozenset({StepIntended.kind})
"""Kinds that an effect follows: they may not eat into the reserve, which is for recording what then happened."""
LAST = frozenset({RunFinished.kind, RollbackBegun.kind})
"""Kinds after which nothing more is to be recorded."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a journal is kept: bytes of room, what makes it durable, and the kinds that may not use that room.

    `patience` are the seconds in which another writer is waited for.
    """

    reserve: int = RESERVE
    sync: Callable[[int], None] = os.fdatasync
    before_effect: frozenset[str] = BEFORE_EFFECT
    patience: float = GLANCES


KEEPING = Keeping()


class JournalFile:
    """An open journal. `records` are all in it; `cut_off` are the torn bytes that were removed at opening.

    `reserve_note` is empty while room is kept, else a sentence on why it is not.
    """

    def __init__(
        self,
        path: Path,
        fd: int,
        chain: Chain,
        person: str,
        clock: Clock,
        keeping: Keeping,
    ) -> None:
        """Take over an open and locked file; use `create` and `open`."""
        self.path = path
        self.person = person
        self.records = list(chain.records)
        self.cut_off = chain.torn
        self.reserve_note = ""
        self._fd = fd
        self._clock = clock
        self._sync = keeping.sync
        self._reserve = keeping.reserve
        self._before_effect = keeping.before_effect
        self._lock = threading.Lock()
        self._size = chain.good_bytes
        self._kept_to = chain.good_bytes // BLOCK * BLOCK
        self._failure = ""

    @classmethod
    def create(cls, path: Path, person: str, clock: Clock, keeping: Keeping = KEEPING) -> Self:
        """Make a new, empty journal, durably. Raises `JournalFailed` where the disk has no room or does not take it."""
        fd = -1
        try:
            fd = os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            journal = cls(path, fd, Chain((), 0), person, clock, keeping)
            journal._keep_room(journal._reserve)
            journal._ensure_kept(journal._reserve)
            os.fsync(fd)
            sync_folder(path.parent)
        except OSError as error:
            _discard(path, fd)
            raise JournalFailed(f"the journal `{path}` cannot be made: {error.strerror}") from error
        except JournalFailed:
            _discard(path, fd)
            raise
        return journal

    @classmethod
    def open(cls, path: Path, person: str, clock: Clock, keeping: Keeping = KEEPING) -> Self:
        """Go on with a journal; a torn last record is cut off, durably.

        Raises `HoldpointError`: exit code 10 where it is damaged, 9 where another process writes it, 2 where it is not
        there or may not be written. Raises `JournalFailed` where what was read cannot be made durable.
        """
        fd = open_alone(path, keeping.patience)
        try:
            chain = recover(path, fd, keeping.sync)
            journal = cls(path, fd, chain, person, clock, keeping)
            journal._keep_room(journal._size + journal._reserve)
        except OSError as error:
            os.close(fd)
            raise JournalFailed(f"the journal `{path}` cannot be made ready: {error.strerror}") from error
        except BaseException:
            os.close(fd)
            raise
        return journal

    @property
    def head(self) -> str:
        """The hash of the last record."""
        return self.records[-1].hash if self.records else START

    def append(self, kind: str, data: Mapping[str, Json]) -> Record:
        """Write one record and return once it is durable.

        Raises `JournalFailed`: for want of room the file is as it was, and a later append may succeed; after any other
        failure every later append fails too. Raises `ValueError` for data that JSON cannot hold; nothing is written.
        """
        with self._lock:
            if self._failure:
                raise JournalFailed(self._failure)
            record, line = sealed_line(
                seq=len(self.records),
                time=self._clock.now(),
                person=self.person,
                kind=kind,
                data=data,
                prev=self.head,
            )
            if self._kept_to < self._size + len(line) + self._reserve:
                self._ensure_room(kind, len(line))
            self._failure = f"the journal `{self.path}` was interrupted while record {record.seq} was written"
            self._write(record.seq, line)
            self._make_durable(record.seq)
            self._size += len(line)
            self.records.append(record)
            self._failure = ""
            return record

    def close(self, *, finished: bool = False) -> None:
        """Close it; `finished` gives the kept room back, as nothing more is to be recorded. Never raises."""
        with self._lock:
            if self._fd < 0:
                return
            if finished and not self._failure:
                with suppress(OSError):
                    os.ftruncate(self._fd, self._size)
            self._failure = self._failure or f"the journal `{self.path}` is closed"
            with suppress(OSError):  # a child that is about to execute may hold the file a moment longer
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            with suppress(OSError):
                os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(finished=bool(self.records) and self.records[-1].kind in LAST)

    # --- room ---

    def _ensure_room(self, kind: str, length: int) -> None:
        end = self._size + length
        wanted = end + self._reserve
        try:
            self._keep_room(wanted)
        except OSError as error:
            raise JournalFailed(f"no room can be kept for the journal `{self.path}`: {error.strerror}") from error
        if self._has_kept(wanted) or (self._has_kept(end) and kind not in self._before_effect):
            return
        raise JournalFailed(_no_room(self.path))

    def _ensure_kept(self, end: int) -> None:
        if not self._has_kept(end):
            raise JournalFailed(_no_room(self.path))

    def _has_kept(self, end: int) -> bool:
        """Tell whether the file surely has room up to `end`; where none can be kept, nothing stands against trying."""
        return bool(self.reserve_note) or self._kept_to >= end

    def _keep_room(self, end: int) -> None:
        """Have the file own its blocks up to `end` and a little more, or as far as the disk allows."""
        if self.reserve_note or self._reserve <= 0:
            self.reserve_note = self.reserve_note or "no room is kept for the journal, as was asked"
            return
        for goal in (end + CHUNK, end):
            answer = reserve(self._fd, self._kept_to, goal - self._kept_to)
            if answer is Reserved.YES:
                self._kept_to = goal
                return
            if answer is Reserved.UNSUPPORTED:
                self.reserve_note = (
                    f"no room can be kept for the journal: the filesystem of `{self.path.parent}` does not offer it, "
                    "so a full disk may stop the record of a change that was begun"
                )
                return
        while self._kept_to < end and reserve(self._fd, self._kept_to, BLOCK) is Reserved.YES:
            self._kept_to += BLOCK

    # --- writing ---

    def _write(self, seq: int, line: bytes) -> None:
        if KILL_AT:
            crash_point(f"record:{seq}:before")
            if f"record:{seq}:torn" == KILL_AT:
                os.write(self._fd, line[: len(line) // 2])
                crash_point(KILL_AT)
        try:
            rest = line
            while rest:  # nearly always once: the kernel takes all, or says why not on the next call
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self._take_back(error)
        if KILL_AT:
            crash_point(f"record:{seq}:written")

    def _take_back(self, error: OSError) -> None:
        """Cut off what was written of a record, and raise; a lack of room is no lasting failure if that succeeds."""
        failure = f"the journal `{self.path}` cannot be written: {error.strerror}"
        try:
            os.ftruncate(self._fd, self._size)
            self._kept_to = self._size // BLOCK * BLOCK
            self._sync(self._fd)
        except OSError as second:
            self._failure = f"{failure}; nor can it be cut back to its last record: {second.strerror}"
            raise JournalFailed(self._failure) from error
        self._failure = "" if error.errno in FULL else failure
        raise JournalFailed(_no_room(self.path) if error.errno in FULL else failure) from error

    def _make_durable(self, seq: int) -> None:
        try:
            self._sync(self._fd)
        except OSError as error:
            self._failure = (
                f"the disk did not take record {seq} of the journal `{self.path}`: {error.strerror}; what is on it can "
                "only be known by reading it again"
            )
            raise JournalFailed(self._failure) from error
        if KILL_AT:
            crash_point(f"record:{seq}:durable")


def _no_room(path: Path) -> str:
    return (
        f"the disk under the journal `{path}` is full: no further change is begun, as it could not be recorded; "
        "free some space there, then go on"
    )


def _discard(path: Path, fd: int) -> None:
    """Take away a journal that was just made and holds nothing."""
    if fd >= 0:
        with suppress(OSError):
            path.unlink()
        os.close(fd)
