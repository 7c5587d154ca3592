"""A journal for walk-throughs: the same records in the same chain, and nothing on disk."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.engine.ports import Clock
from holdpoint.journal.record import START, Json, Record, seal


class MemoryJournal:
    """Keeps its records in `records`. Refuses the same data as a journal on disk (`ValueError`)."""

    def __init__(self, person: str, clock: Clock) -> None:
        self.person = person
        self.records: list[Record] = []
        self._clock = clock

    @property
    def head(self) -> str:
        return self.records[-1].hash if self.records else START

    def append(self, kind: str, data: Mapping[str, Json]) -> Record:
        record = seal(
            seq=len(self.records),
            time=self._clock.now(),
            person=self.person,
            kind=kind,
            data=data,
            prev=self.head,
        )
        self.records.append(record)
        return record
