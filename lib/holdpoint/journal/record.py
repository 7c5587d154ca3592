"""One record of a journal and its exact bytes.

A record is one line of JSON with sorted keys and no spaces: `data`, `hash`, `kind`, `person`, `prev` (the `hash` of the
record before; 64 zeros at the start), `seq` (from 0) and `time` (RFC 3339, UTC, microseconds). `hash` is the SHA-256 of
the same line without the key `hash` and without the newline. There is one encoding of a record, so a line that differs
from it was altered.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
START = "0" * 64
DEEPEST = 64
"""How deep data may be nested, so that every reader's stack suffices."""
_LARGEST = 10**4000
"""Beyond some 4,300 digits Python's own reader refuses an integer."""
_HASH = re.compile(r"[0-9a-f]{64}")
_quote = json.encoder.encode_basestring
_ENCODER = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # what is nested too deep was refused before
)


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
    """Make a record and compute its hash. Raises `ValueError` for what no line can hold (see `sealed_line`)."""
    return sealed_line(seq=seq, time=time, person=person, kind=kind, data=data, prev=prev)[0]


def sealed_line(
    *, seq: int, time: datetime, person: str, kind: str, data: Mapping[str, Json], prev: str
) -> tuple[Record, bytes]:
    """Make a record, and its line with the newline.

    Raises `ValueError` where the record could not be read back as it is: a lone surrogate, NaN or an infinity, a key
    that is no text, a type that JSON does not have, nesting beyond `DEEPEST`, a time without a zone.
    """
    if time.tzinfo is None:
        raise ValueError("the time of a record needs a zone")
    plain = data if isinstance(data, dict) else dict(data)
    _refuse_unsafe(plain, kind, 0)
    stamped = time if time.tzinfo is UTC else time.astimezone(UTC)
    head, tail = _halves(seq, stamped, person, kind, plain, prev)
    digest = hashlib.sha256(head + tail).hexdigest()
    line = b'%b"hash":"%b",%b\n' % (head, digest.encode(), tail)
    return Record(seq, stamped, person, kind, data, prev, digest), line


def as_json(record: Record) -> dict[str, Json]:
    """Give the record as plain JSON values, in the form of its line."""
    return {
        "data": dict(record.data),
        "hash": record.hash,
        "kind": record.kind,
        "person": record.person,
        "prev": record.prev,
        "seq": record.seq,
        "time": _stamp(record.time),
    }


def encode(record: Record) -> bytes:
    """Give the record's line, with its newline."""
    head, tail = _halves(record.seq, record.time, record.person, record.kind, dict(record.data), record.prev)
    return b'%b"hash":"%b",%b\n' % (head, record.hash.encode(), tail)


def decode(line: bytes) -> Record | None:
    """Read one line without its newline; None where it is not exactly what `encode` writes."""
    return None if isinstance(read := examine(line), Flaw) else read


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a line is no record: a sentence on what was found, and one on what was expected."""

    found: str
    expected: str


def examine(line: bytes) -> Record | Flaw:
    """Read one line without its newline, or say what is wrong with it."""
    if not line:
        return Flaw("an empty line", "a record")
    if not line.strip(b"\0"):
        return Flaw(f"{len(line)} NUL bytes", "a record")
    try:
        raw = json.loads(line.decode())
    except (ValueError, RecursionError):
        return Flaw("a line that is not JSON", "a record: one JSON object in UTF-8")
    match raw:
        case {
            "data": dict(data),
            "hash": str(digest),
            "kind": str(kind),
            "person": str(person),
            "prev": str(prev),
            "seq": int(seq),
            "time": str(stamp),
            **rest,
        } if not rest:
            pass
        case _:
            return Flaw("JSON that is not a record", "an object with data, hash, kind, person, prev, seq and time")
    if not (_HASH.fullmatch(digest) and _HASH.fullmatch(prev)):
        return Flaw("a `hash` or `prev` of another form", "64 hexadecimal digits")
    try:
        record, exact = sealed_line(
            seq=seq, time=datetime.fromisoformat(stamp), person=person, kind=kind, data=data, prev=prev
        )
    except (ValueError, OverflowError) as error:
        return Flaw(f"a record that cannot have been written: {error}", "what Holdpoint writes")
    if exact == line + b"\n":
        return record
    if record.hash != digest:
        return Flaw(f"hash {digest[:12]}… over other contents", f"hash {record.hash[:12]}… for these contents")
    return Flaw("other bytes for the same contents", "sorted keys, no spaces, one spelling of each value")


def _halves(seq: int, time: datetime, person: str, kind: str, data: dict[str, Json], prev: str) -> tuple[bytes, bytes]:
    """Split the body where `hash` belongs in the order of keys, so that the data are encoded only once."""
    rest = f'"kind":{_quote(kind)},"person":{_quote(person)},"prev":"{prev}","seq":{seq},"time":"{_stamp(time)}"}}'
    return b'{"data":%b,' % _dump(data), rest.encode()


def _stamp(time: datetime) -> str:
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat(timespec="microseconds")


def _dump(value: dict[str, Json]) -> bytes:
    return _ENCODER.encode(value).encode()


def _refuse_unsafe(value: object, kind: str, depth: int) -> None:
    """Raise `ValueError` for a value that would not come back from JSON as itself. Encoding checks text and floats."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -_LARGEST < value < _LARGEST:
            raise ValueError(f"the data of `{kind}` holds an integer that is too long")
    elif isinstance(value, float):
        return
    elif depth >= DEEPEST:
        raise ValueError(f"the data of `{kind}` are nested deeper than {DEEPEST} levels")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the data of `{kind}` has a key that is no text: {key!r}")  # noqa: TRY004 - one error for all
            if not isinstance(inner, str):
                _refuse_unsafe(inner, kind, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unsafe(inner, kind, depth + 1)
    else:
        raise ValueError(f"the data of `{kind}` holds a {type(value).__name__}, which JSON does not have")
