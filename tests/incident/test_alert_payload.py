"""From bytes to a notification: what is refused, what is odd and kept all the same, and that nothing else can happen."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.incident.alert import NAMELESS, Notification, Status, moment
from holdpoint.incident.alert_reading import alertmanager, at, mapped
from holdpoint.incident.payload import LARGEST, read
from holdpoint.oncall import parse
from holdpoint.oncall.alerts import AlertMap
from holdpoint.problem import HoldpointError, draw
from holdpoint.store.alert_maps import maps
from tests.incident.alerting import GROUP, alert, webhook


def _read(payload: Any) -> Notification:
    return alertmanager(read(json.dumps(payload).encode()))


def _refused(data: bytes) -> str:
    with pytest.raises(HoldpointError) as caught:
        alertmanager(read(data))
    assert caught.value.exit_code == 2
    return "\n".join(map(draw, caught.value.problems))


# --- refused ---


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"not json", "it is no JSON here: expecting value"),
        (b"\xff\xfe{", "it is not UTF-8 (byte 1)"),
        (b"[1]", "it is not an object\n  found: a list"),
        (b'"firing"', "found: a text"),
        (b'{"alerts": [{"status": "fir', "it ends in the middle"),
        (json.dumps(webhook()).encode()[:-1], "it ends in the middle"),
        (b'{"alerts": []}\n{"alerts": []}', "payload:2:1: error[payload]"),
        (b'{"alerts": [{"value": NaN}]}', "`NaN` is no number of JSON"),
        (b'{"alerts": [{"value": -Infinity}]}', "`-Infinity` is no number"),
        (b'{"alerts": [{"value": 1e999}]}', "the number `1e999` is too large"),
        (b'{"alerts": [], "n": ' + b"9" * 5000 + b"}", "a number has 5,000 digits"),
        (b'{"status": "firing", "status": "resolved", "alerts": []}', "the key `status` is given twice"),
        (b'{"alerts": [{"labels": {"a": "1", "a": "2"}}]}', "the key `a` is given twice"),
        (b'{"\\u001b[31m": 1, "\\u001b[31m": 2}', "the key `\ufffd[31m` is given twice"),
        (b'{"alerts": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "it is nested too deep"),
        (b'{"a":' * 100_000, "it is nested too deep"),
        (b" " * (LARGEST + 1), "the payload is too large\n  found: 4,194,305 bytes"),
        (b"{}", "this payload holds no alert\n  found: no `alerts`"),
        (b'{"alerts": []}', "`alerts` is empty"),
        (b'{"alerts": {"a": 1}}', "`alerts` is no list"),
    ],
)
def test_what_is_refused(data: bytes, said: str) -> None:
    assert said in _refused(data)


def test_a_problem_shows_the_place() -> None:
    assert _refused(b'{"alerts": [\n  {"status": firing}]}') == (
        "payload:2:14: error[payload]: this is no payload of an alert: it is no JSON here: expecting value\n"
        '  2 |   {"status": firing}]}\n'
        "    |              ^\n"
        "  expected: a JSON object"
    )


# --- Alertmanager's ---


def test_what_alertmanager_sends() -> None:
    found = _read(webhook(alert("a1"), alert("a2", status="resolved", labels={"instance": "web1:9100"})))
    assert (found.source, found.group, found.status, found.odd) == ("alertmanager", GROUP, Status.FIRING, ())
    one, two = found.alerts
    assert (one.name, one.fingerprint, one.ended) == ("DoorOpen", "a1", None)
    assert one.started == datetime(2026, 11, 25, 9, 30, 0, 123456, tzinfo=UTC)
    assert two.ended == datetime(2026, 11, 25, 9, 45, tzinfo=UTC)
    assert found.firing == found.told == (one,)
    assert found.title == "DoorOpen: The door stands open"


def test_the_digest_is_of_what_fires_alone() -> None:
    both = _read(webhook(alert("a1"), alert("a2")))
    assert both.digest == _read(webhook(alert("a2"), alert("a1"), alert("a3", status="resolved"))).digest
    assert both.digest != _read(webhook(alert("a1"))).digest


def test_what_is_odd_is_kept_and_said() -> None:
    found = _read(
        webhook(
            {
                "status": "burning",
                "labels": {
                    "alertname": "Door\nOpen\u202e",
                    "n": 3,
                    "deep": {"a": 1},
                    "x": "y" * 5000,
                    "lone": "\ud800",
                },
                "annotations": ["no", "object"],
                "startsAt": "yesterday",
                "fingerprint": 7,
            },
            "no object",
            status="firing",
            version="5",
            groupKey="a\nb",
            truncatedAlerts=-4,
        )
    )
    one, two = found.alerts
    assert one.labels == {"alertname": "Door\ufffdOpen\ufffd", "n": "3", "x": "y" * 199 + "…", "lone": "\ufffd"}
    assert (one.status, one.started, one.fingerprint) == (Status.FIRING, None, "7")
    assert two.labels == {}
    assert found.group.startswith("sha256:")
    assert found.truncated == 0
    assert found.odd == (
        "its version is `5`, and 4 is what is known here",
        "`deep` in `labels` of alert 1 is an object, and no text",
        "the status of alert 1 is `burning`, so it counts as firing",
        "`annotations` of alert 1 are a list, and no object",
        "`startsAt` of alert 1 is no time that can be: `yesterday`",
        "alert 2 is `no object`, and no object",
        "alert 2 has no `alertname`",
        "the status of alert 2 is missing, so it counts as firing",
    )


def test_groups_that_differ_where_it_cannot_be_seen_stay_apart() -> None:
    keys = ["a", "a\x00", "a\x01", "a ", "a\n", "a" * 300, "a" * 301, "\ud800", "\ud801"]
    assert len({_read(webhook(groupKey=key)).group for key in keys}) == len(keys)


def test_without_a_group_key_its_names_are_one() -> None:
    found = _read(webhook(alert("a1"), alert("a2", labels={"alertname": "Another"}), groupKey=None))
    assert found.group == "Another DoorOpen"
    assert _read(webhook({"status": "firing"}, groupKey="")).group == NAMELESS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-25T09:30:00Z", datetime(2026, 11, 25, 9, 30, tzinfo=UTC)),
        ("2026-11-25T10:30:00.5+01:00", datetime(2026, 11, 25, 9, 30, 0, 500000, tzinfo=UTC)),
        (1764063000, datetime(2025, 11, 25, 9, 30, tzinfo=UTC)),
        ("1764063000", datetime(2025, 11, 25, 9, 30, tzinfo=UTC)),
        (1764063000123, datetime(2025, 11, 25, 9, 30, 0, 123000, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-11-25T09:30:00", None),
        ("2026-11-25", None),
        (True, None),
        (-5, None),
        (10**30, None),
        ("1" * 15, None),
        ({}, None),
    ],
)
def test_times(given: Any, expected: datetime | None) -> None:
    assert moment(given) == expected


# --- other monitors ---

UPTIMEROBOT = {
    "monitor_id": "777",
    "monitor": "The wiki",
    "url": "https://wiki.example.org",
    "alert_type": "1",
    "alert": "Down",
    "details": "HTTP 503 - Service Unavailable",
    "at": "1764063000",
}


def test_uptimerobot() -> None:
    by = maps(parse.default())["uptimerobot"]
    down = mapped(UPTIMEROBOT, by, "uptimerobot")
    assert (down.group, down.status, down.odd) == ("uptimerobot:777", Status.FIRING, ())
    assert down.title == "The wiki: HTTP 503 - Service Unavailable"
    assert down.alerts[0].started == datetime(2025, 11, 25, 9, 30, tzinfo=UTC)
    up = mapped({**UPTIMEROBOT, "alert_type": 2, "at": 1764066600}, by, "uptimerobot")
    assert (up.group, up.status) == (down.group, Status.RESOLVED)
    assert up.alerts[0].ended == datetime(2025, 11, 25, 10, 30, tzinfo=UTC)
    assert up.alerts[0].started is None


BY = AlertMap(group="/check/id", labels={"alertname": "/check/names/0", "a/b": "/x~1y"}, status="/state")


def test_a_map_leads_into_lists_and_odd_names() -> None:
    tree: Any = {"check": {"id": 5, "names": ["DoorOpen"]}, "x/y": "z"}
    found = mapped(tree, BY, "mine")
    assert found.group == "mine:5"
    assert found.alerts[0].labels == {"alertname": "DoorOpen", "a/b": "z"}
    assert at(tree, "/check/names/1") is None
    assert at(tree, "/check/names/00000000000") is None
    assert at(tree, "/check/id/0") is None


def test_a_map_that_finds_nothing_is_refused_and_one_that_finds_half_is_odd() -> None:
    with pytest.raises(HoldpointError) as caught:
        mapped({"other": 1}, BY, "mine")
    assert draw(caught.value.problems[0]) == (
        "error[no-alerts]: this payload has nothing of what the map `mine` names\n"
        "  found: `/other`\n"
        "  expected: `/check/id`, `/check/names/0`, `/x~1y`"
    )
    half = mapped({"check": {"id": 5}}, BY, "mine")
    assert half.odd == ("there is no name of an alert at `/check/names/0`",)
    assert half.name == NAMELESS
    nameless = mapped({"check": {"names": ["DoorOpen"]}}, BY, "mine")
    assert nameless.group == "mine:DoorOpen"
    assert nameless.odd == ("there is nothing at `/check/id` to group by, so its name is taken",)


# --- anything ---

TEXTS = st.text(st.characters(codec=None), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
ALERTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["firing", "resolved"]) | VALUES,
        "labels": st.dictionaries(st.sampled_from(["alertname", "severity", "mountpoint"]) | TEXTS, VALUES) | VALUES,
        "annotations": st.dictionaries(st.sampled_from(["summary", "runbook_url"]) | TEXTS, VALUES) | VALUES,
        "startsAt": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | VALUES,
        "endsAt": VALUES,
        "fingerprint": VALUES,
    },
)
PAYLOADS = st.fixed_dictionaries(
    {"alerts": st.lists(ALERTS | VALUES, min_size=1, max_size=4)},
    optional={"version": st.just("4") | VALUES, "groupKey": VALUES, "truncatedAlerts": VALUES},
)


@settings(deadline=None)
@given(PAYLOADS)
def test_whatever_holds_alerts_is_read_into_harmless_lines(payload: dict[str, Any]) -> None:
    found = _read(payload)
    assert len(found.alerts) == len(payload["alerts"])
    texts = [found.group, found.title, found.name, found.digest, *found.odd]
    for one in found.alerts:
        texts += [one.fingerprint, *one.labels, *one.labels.values(), *one.annotations, *one.annotations.values()]
        assert all(time is None or time.tzinfo is UTC for time in (one.started, one.ended))
    for text in texts:
        text.encode()
        assert text == "" or text.isprintable()
        assert len(text) <= 300
    assert _read(payload) == found


@settings(deadline=None)
@given(
    st.binary(max_size=200)
    | TEXTS.map(lambda text: text.encode(errors="surrogatepass"))
    | VALUES.map(lambda v: json.dumps(v).encode())
)
def test_whatever_is_sent_is_read_or_refused(data: bytes) -> None:
    with suppress(HoldpointError):
        assert alertmanager(read(data)).alerts


@settings(deadline=None)
@given(VALUES)
def test_whatever_a_map_is_given_is_read_or_refused(value: Any) -> None:
    by = AlertMap("/a", {"alertname": "/a", "b": "/0/1"}, {"c": "/"}, "/a", frozenset({"x"}), "/a", "/b")
    with suppress(HoldpointError):
        assert mapped(read(json.dumps({"a": value}).encode()), by, "mine").alerts
