"""The chain of a journal's records: what of a file's bytes can be believed.

Records are in order by `seq` and by `prev`, never by time: a clock may jump. Two things can be wrong at the end of a
file that nobody altered, and both are cut off: a last line that was not written to its end, and NUL bytes that a
filesystem leaves after a crash where the size was on disk before the contents. Everything else is damage.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdpoint.journal.record import START, Flaw, Record, examine
from holdpoint.journal.torn import could_continue, end_of_object
from holdpoint.problem import Exit, HoldpointError, Place, Problem

_OPENING = b'{"data":{'


@dataclass(frozen=True, slots=True)
class Chain:
    """Records that fit. `good_bytes` is where the last of them ends, `torn` what follows and is to be cut off."""

    records: tuple[Record, ...]
    good_bytes: int
    torn: bytes = b""

    @property
    def head(self) -> str:
        """The hash of the last record."""
        return self.records[-1].hash if self.records else START


@dataclass(frozen=True, slots=True)
class Damaged:
    """A journal that cannot be believed. `good` are the records before the place that does not fit."""

    problem: Problem
    offset: int
    good: tuple[Record, ...] = ()

    def error(self) -> HoldpointError:
        return HoldpointError(self.problem, exit_code=Exit.DAMAGED)


def read(data: bytes, file: str = "journal.jsonl") -> Chain | Damaged:
    """Read the whole bytes of a journal; `file` is for the message only."""
    links = Links(file)
    lines = data.split(b"\n")
    records: list[Record] = []
    for line in lines[:-1]:
        link = links.take(line)
        if isinstance(link, Damaged):
            return Damaged(link.problem, link.offset, tuple(records))
        records.append(link)
    torn = lines[-1]
    if flaw := links.flaw_of_tail(torn):
        return Damaged(links.problem(flaw, torn), links.offset, tuple(records))
    return Chain(tuple(records), links.offset, torn)


class Links:
    """Takes the lines of one journal in order and checks that each continues the one before.

    `offset` is where the next line starts, in bytes; `seq` and `head` are what it has to continue.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.offset = 0
        self.seq = 0
        self.head = START

    def take(self, line: bytes) -> Record | Damaged:
        """Take one whole line, without its newline. After damage nothing more may be taken."""
        record = examine(line)
        if isinstance(record, Flaw):
            return Damaged(self.problem(record, line), self.offset)
        if flaw := self._misfit(record):
            return Damaged(self.problem(flaw, line), self.offset)
        self.offset += len(line) + 1
        self.seq += 1
        self.head = record.hash
        return record

    def _misfit(self, record: Record) -> Flaw | None:
        if record.seq != self.seq:
            what = "was removed or moved" if record.seq > self.seq else "stands here again, or was moved"
            return Flaw(f"record {record.seq}", f"record {self.seq}; a record {what}")
        if record.prev != self.head:
            return Flaw(
                f"a record that follows {record.prev[:12]}…", f"one that follows {self.head[:12]}…, the record before"
            )
        return None

    def flaw_of_tail(self, tail: bytes) -> Flaw | None:
        """Say why what follows the last newline cannot be the torn end of a record; None where it can."""
        text = tail.rstrip(b"\0")
        if b"\0" in text:
            return Flaw("NUL bytes inside the last line", "the beginning of a record, or NUL bytes alone")
        if not text or _OPENING.startswith(text):
            return None
        if not text.startswith(_OPENING):
            return Flaw("a last line that does not begin like a record", f"`{_OPENING.decode()}`…")
        end = end_of_object(text)
        if end is None:
            if could_continue(text):
                return None
            return Flaw("a last line that no record can begin with", "the beginning of a record, or a whole one")
        if end < len(text):
            return Flaw(f"something after the last record, {len(text) - end} bytes long", "a newline")
        record = examine(text)
        return record if isinstance(record, Flaw) else self._misfit(record)

    def problem(self, flaw: Flaw, line: bytes) -> Problem:
        shown = line[:400].decode(errors="replace")
        return Problem(
            code="journal-damaged",
            message=f"the journal does not fit together at byte {self.offset}: it is damaged or was altered",
            place=Place(self.file, self.seq + 1, 1, 1, shown),
            found=flaw.found,
            expected=flaw.expected,
            hint=(
                f"the {self.seq} records before this line are intact; keep the file as it is, compare it with a backup, "
                "and find out on the targets what was done before anything is run again"
            ),
        )
