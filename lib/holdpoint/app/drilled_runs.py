"""What the runs in a drill's sandbox did, by their journals: what they read, what they changed, and who was called."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

Record = tuple[datetime, str, Mapping[str, object]]
"""The time, the kind and the data of a record."""
BY_A_PERSON = -1
"""Of an escalation: it was not the clock's."""


@dataclass(frozen=True, slots=True)
class DrilledRuns:
    """Those of one sandbox; `folder` is where they lie."""

    folder: Path

    def records(self) -> list[Record]:
        return [record for journal in self._journals() for record in _read(journal)]

    def first_change(self) -> datetime | None:
        return min((at for journal in self._journals() for at in changes(_read(journal))), default=None)

    def _journals(self) -> list[Path]:
        return sorted(self.folder.glob("*/journal.jsonl"))


def changes(records: Iterable[Record]) -> Iterator[datetime]:
    """Give when a run changed something: a command once it is begun, what a person does once the person said `done`.

    What a person is to do is intended as soon as it is shown, which is no change.
    """
    asked = set[object]()
    for at, kind, data in records:
        step = (data.get("step"), data.get("host"), data.get("attempt"))
        if kind == "step.intent" and data.get("effect") != "read":
            if data.get("token"):
                yield at
            else:
                asked.add(step)
        elif kind == "step.result" and data.get("status") == "ok" and step in asked:
            yield at


def calls(records: Iterable[Record]) -> list[datetime]:
    """Give when a person called for help at a gate, and there was somebody to be called."""
    return [
        at
        for at, kind, data in records
        if kind == "escalated" and data.get("to") and data.get("after", BY_A_PERSON) == BY_A_PERSON
    ]


def _read(journal: Path) -> Iterator[Record]:
    for line in journal.read_text(errors="replace").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            yield datetime.fromisoformat(record["time"]), str(record["kind"]), record["data"]
