"""A record of the journal: durable before anything rests on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.making import ours
from benchmarks.model import Goal, Ready, Work

RECORDS = 200


@contextmanager
def prepared(size: int, folder: Path) -> Iterator[Ready]:
    names = {"ours": "ours", "write + fdatasync": "plain", "SQLite, FULL": "sqlite"}
    yield Ready(tuple(ours(name, "journal.py", folder, size, how, divided=size) for name, how in names.items()))


WORK = Work(
    "journal",
    "A record of the journal",
    prepared,
    (RECORDS,),
    "records a round",
    goals=(Goal("ours", 1.2, "write + fdatasync"),),
)
