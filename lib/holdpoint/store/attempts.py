"""What became of attempts at drills: one line of JSON each, with the record of its runs in a folder beside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from holdpoint.drill.debrief import Debrief, as_data, from_data
from holdpoint.drill.records import Attempt
from holdpoint.store import disk

_DEBRIEF = "debrief.json"


@dataclass(frozen=True, slots=True)
class Attempts:
    """Those of a state folder, the oldest first."""

    path: Path

    def all(self) -> Iterator[Attempt]:
        """Give every attempt; a line that was cut off counts as none."""
        with suppress(FileNotFoundError):
            for line in self.path.read_text().splitlines():
                with suppress(ValueError, TypeError, KeyError):
                    record = json.loads(line)
                    yield Attempt(**{**record, "time": datetime.fromisoformat(record["time"])})

    def folder(self, drill: str, now: datetime) -> Path:
        """Make a folder for the record of an attempt; another that ended in the same second has its own."""
        for number in count(1):
            made = self.path.parent / "attempts" / f"{now:%Y%m%d-%H%M%S}-{drill}{'' if number == 1 else f'-{number}'}"
            with suppress(FileExistsError):
                made.mkdir(mode=0o700, parents=True)
                return made
        raise AssertionError("numbers end")

    def keep(self, folder: Path, told: Debrief) -> None:
        """Keep what was told of an attempt, in the folder of its record."""
        disk.write_whole(folder / _DEBRIEF, json.dumps(as_data(told)).encode())

    def debrief(self, folder: Path) -> Debrief | None:
        """Give what was told of an attempt; nothing where it cannot be read."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            return from_data(json.loads((folder / _DEBRIEF).read_bytes()))
        return None

    def note(self, attempt: Attempt) -> None:
        """Add one, durably."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = json.dumps({**asdict(attempt), "time": attempt.time.isoformat()}) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line.encode())
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
