import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.journal.record import DEEPEST, START, Flaw, as_json, decode, encode, examine, seal, sealed_line
from tests.journal.chains import NOON

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
TIMES = st.datetimes(timezones=st.just(UTC))


def sealed(**changed):
    parts = {"seq": 0, "time": NOON, "person": "anna", "kind": "k", "data": {}, "prev": START, **changed}
    return seal(**parts)


@given(st.integers(0, 10**9), TIMES, TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=4))
def test_every_json_value_comes_back_as_it_was(seq, time, person, kind, data):
    record, line = sealed_line(seq=seq, time=time, person=person, kind=kind, data=data, prev="ab" * 32)
    assert encode(record) == line
    assert line.count(b"\n") == 1
    again = decode(line[:-1])
    assert again == record
    assert repr(again.data) == repr(dict(sorted_deep(data)))
    assert as_json(record) == json.loads(line)


def sorted_deep(value):
    if isinstance(value, dict):
        return {key: sorted_deep(value[key]) for key in sorted(value)}
    return [sorted_deep(inner) for inner in value] if isinstance(value, list) else value


def test_the_exact_bytes():
    record, line = sealed_line(
        seq=7, time=NOON, person="Änne", kind="step.intent", data={"b": 1, "a": "ü\n"}, prev=START
    )
    body = (
        '{"data":{"a":"ü\\n","b":1},"kind":"step.intent","person":"Änne","prev":"' + "0" * 64 + '","seq":7,'
        '"time":"2026-11-23T12:00:00.123456+00:00"}'
    ).encode()
    digest = sha256(body).hexdigest()
    assert record.hash == digest
    assert line == body.replace(b',"kind"', f',"hash":"{digest}","kind"'.encode(), 1) + b"\n"


def test_times_are_kept_in_utc():
    east = timezone(timedelta(hours=2))
    assert sealed(time=NOON.astimezone(east)).hash == sealed().hash


@pytest.mark.parametrize(
    "data",
    [
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": {1: 2}},
        {"a": (1, 2)},
        {"a": b"x"},
        {"a": {1, 2}},
        {"a": datetime.now(UTC)},
        {"a": 10**4300},
        {1: 2},
    ],
    ids=range(11),
)
def test_what_json_cannot_hold_is_refused(data):
    with pytest.raises(ValueError):
        sealed(data=data)


def test_nesting_is_bounded():
    def nested(levels):
        return {"a": nested(levels - 1)} if levels else 1

    record = sealed(data=nested(DEEPEST))
    assert decode(encode(record)[:-1]) == record
    with pytest.raises(ValueError, match="nested"):
        sealed(data=nested(DEEPEST + 1))


def test_a_time_without_a_zone_and_a_person_with_a_surrogate_are_refused():
    with pytest.raises(ValueError, match="zone"):
        sealed(time=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError):
        sealed(person="\udc80")


LINE = encode(sealed(seq=1, data={"x": 1.5, "y": "é"}))[:-1]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0\0\0",
        b"[]",
        b"1",
        b"{}",
        LINE + b" ",
        b" " + LINE,
        LINE + b"\r",
        LINE.replace(b":", b": ", 1),
        LINE.replace("é".encode(), b"\\u00e9"),
        LINE.replace(b"1.5", b"1.50"),
        LINE.replace(b'"x":1.5', b'"x":1.5,"x":1.5'),
        LINE.replace(b'"seq":1', b'"seq":true'),
        LINE.replace(b'"seq":1', b'"seq":1.0'),
        LINE.replace(b'"seq":1', b'"seq":2'),
        LINE.replace(b"+00:00", b"Z"),
        LINE.replace(b"+00:00", b""),
        LINE.replace(b'"person":"anna"', b'"person":"anne"'),
        LINE.replace(b'"person":"anna"', b'"extra":1,"person":"anna"'),
        LINE.replace(b'"person":"anna"', b'"person":null'),
        LINE.decode().encode("utf-16"),
        b"[" * 100_000,
        b'{"data":' + b'{"a":' * 50_000,
    ],
    ids=lambda line: repr(line[:60]),
)
def test_any_other_spelling_is_no_record(line):
    assert isinstance(examine(line), Flaw)
    assert decode(line) is None
    assert decode(LINE) is not None


def test_true_is_not_one_even_with_a_right_hash():
    body = LINE.replace(b'"seq":1', b'"seq":true')
    value = json.loads(body)
    digest = value.pop("hash")
    fresh = sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
    assert decode(body.replace(digest.encode(), fresh.encode())) is None
