"""One record of a journal and its exact bytes.

A record is one line of JSON with sorted keys and no spaces: `seq` (from 0), `time` (RFC 3339, UTC, microseconds),
`person`, `kind`, `data`, `prev` (the `hash` of the record before; 64 zeros at the start) and `hash`, the SHA-256 of the
same line without the key `hash`. There is one encoding of a record, so a line that differs from it was altered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Record:
    seq: int
    time: datetime
    person: str
    kind: str
    data: Mapping[str, Json]
    prev: str
    hash: str


def seal(*, seq: int, time: datetime, person: str, kind: str, data: Mapping[str, Json], prev: str) -> Record:
    """Make a record and compute its hash."""
    body = _body(seq, time, person, kind, data, prev)
    return Record(seq, time, person, kind, data, prev, hashlib.sha256(_dump(body)).hexdigest())


def as_json(record: Record) -> dict[str, Json]:
    body = _body(record.seq, record.time, record.person, record.kind, record.data, record.prev)
    return {**body, "hash": record.hash}


def encode(record: Record) -> bytes:
    """Give the record's line, with its newline."""
    return _dump(as_json(record)) + b"\n"


def decode(line: bytes) -> Record | None:
    """Read one line without its newline; None where it is not exactly what `encode` writes."""
    try:
        raw = json.loads(line)
        record = seal(
            seq=raw["seq"],
            time=datetime.fromisoformat(raw["time"]),
            person=raw["person"],
            kind=raw["kind"],
            data=raw["data"],
            prev=raw["prev"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    return record if encode(record) == line + b"\n" else None


def _body(seq: int, time: datetime, person: str, kind: str, data: Mapping[str, Json], prev: str) -> dict[str, Json]:
    stamp = time.astimezone(UTC).isoformat(timespec="microseconds")
    return {"seq": seq, "time": stamp, "person": person, "kind": kind, "data": dict(data), "prev": prev}


def _dump(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
