"""An incident as one page: everything that was typed is text, nothing is fetched, and what is drawn is what is listed."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.app import incidents
from holdpoint.incident.clocks import clocks
from holdpoint.incident.events import Event, MessageFailed, MessageRendered, Noted, OutputRecorded, Purpose, Resolved
from holdpoint.incident.fold import replay
from holdpoint.incident.proposing import Proposal
from holdpoint.incident.timeline import timeline
from holdpoint.problem import HoldpointError
from holdpoint.views.incident_html import page
from holdpoint.views.incident_svg import LEFT, RIGHT, WIDTH, drawing
from holdpoint.views.incidents import OPEN, Listed, Page
from tests.case import Case
from tests.incident.support import NOON, PARIS, WORKING, Room, declared, recorded

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;\u202etxt\x1b[31m</title></style>"
MINUTE = timedelta(minutes=1)


def written(events: Sequence[tuple[datetime, Event]], now: datetime, title: str = "the wiki is down") -> str:
    opening = declared(NOON)
    opening = type(opening)(**{**{f: getattr(opening, f) for f in opening.__slots__}, "title": title})
    records = recorded((NOON, opening), *events)
    state = replay(records)
    proposals = (Proposal(f"inv runbook {title}", title, 1.0),)
    of = Page(Listed("ID", "j", OPEN, state, clocks(state, now, WORKING)), state, timeline(records, {}), (), proposals)
    return page(of, now, PARIS)


class Read(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def everything(text: str) -> str:
    events: list[tuple[datetime, Event]] = [
        (NOON, Noted(text, NOON)),
        (NOON, OutputRecorded("scope", text, text, NOON)),
        (NOON, MessageRendered(1, Purpose.FIRST, "en", text, text)),
        (NOON, MessageFailed(1, text, NOON)),
        (NOON, Resolved(text, text, data_loss=True, began=NOON, restored=NOON, happened=NOON, without_verify=text)),
    ]
    return written(events, NOON + MINUTE, text)


def test_whatever_was_typed_is_text() -> None:
    read = Read(everything(HOSTILE))
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "img", "iframe", "link", "object", "form", "b>for"}
    assert read.open == []
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "action"}]
        assert str(attributes.get("href", "#")).startswith("#")
    assert read.text.count("<script>alert(1)</script>") >= 9
    assert "\u202e" not in read.text
    assert "\x1b" not in read.text
    assert "\\u202etxt\\x1b[31m" in read.text


@given(text=st.text(min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_no_text_makes_an_element(text: str) -> None:
    assert [tag for tag, _ in Read(everything(text)).elements if tag != "br"] == [
        tag for tag, _ in Read(everything("plain")).elements if tag != "br"
    ]


def test_nothing_is_fetched_and_no_script_is_needed() -> None:
    text = written([], NOON + MINUTE)
    read = Read(text)
    policy = next(one["content"] for _, one in read.elements if one.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")
    assert not re.search(r"https?:|url\(|@import|javascript:", text)
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


# --- the drawing ---


def notes(*at: float) -> list[tuple[datetime, Event]]:
    return [(NOON + one * MINUTE, Noted(f"n{one}", NOON + one * MINUTE)) for one in at]


def drawn(events: Sequence[tuple[datetime, Event]], now: datetime) -> ET.Element:
    records = recorded((NOON, declared(NOON)), *events)
    return ET.fromstring(drawing(replay(records), timeline(records, {}), now, PARIS))


def dots(svg: ET.Element) -> list[tuple[str, float]]:
    return [(str(link.get("href")), float(str(link[0].get("cx")))) for link in svg.iter("a") if link[0].tag == "circle"]


def test_every_row_has_a_dot_that_leads_to_it() -> None:
    text = written(notes(1, 5, 9), NOON + 10 * MINUTE)
    links = re.findall(r'href="#(row-own-\d+)"', text)
    rows = re.findall(r'<tr id="(row-own-\d+)"', text)
    assert links == rows == [f"row-own-{n}" for n in range(4)]


@given(st.lists(st.floats(min_value=0, max_value=20_000), min_size=1, max_size=60))
@settings(max_examples=80, deadline=None)
def test_dots_stand_in_the_order_of_time_and_within_the_drawing(at: list[float]) -> None:
    now = NOON + timedelta(minutes=max(at) + 1)
    events = notes(*sorted(at))
    found = [x for _, x in dots(drawn(events, now))]
    assert len(found) == len(at) + 1
    assert found == sorted(found)
    assert min(found) >= LEFT
    assert max(found) <= WIDTH - RIGHT + 0.1
    ticks = [float(str(one.get("x"))) for one in drawn(events, now).iter("text") if one.get("class") == "hour"]
    assert ticks == sorted(ticks)
    assert ticks


def test_a_long_while_is_drawn_short_and_says_how_long_it_was() -> None:
    svg = drawn(notes(5, 10, 5000, 5005), NOON + 5010 * MINUTE)
    assert [one.text for one in svg.iter("text") if one.get("class") == "broken"] == ["3 d 11 h"]
    xs = [x for _, x in dots(svg)]
    assert xs[3] - xs[2] < 0.5 * (WIDTH - LEFT - RIGHT)
    after = (NOON + 5000 * MINUTE).astimezone(PARIS)
    assert f"{after:%H:%M, %d %b}" in [one.text for one in svg.iter("text") if one.get("class") == "hour"]


@pytest.mark.parametrize("over", [False, True])
def test_it_was_down_until_it_was_restored(over: bool) -> None:
    restored = NOON + 30 * MINUTE
    events: list[tuple[datetime, Event]] = [(restored, OutputRecorded("restored", "", "", restored))] if over else []
    svg = drawn(events, NOON + 40 * MINUTE)
    (text,) = (one.text for one in svg.iter("text") if one.get("class") == "lasted")
    assert text == ("down for 30 min" if over else "down for 40 min so far")


# --- the command ---


def test_the_file_is_written_over_an_older_page_alone(case: Case) -> None:
    case.run("incident.declare", "the <b>wiki</b> is down", "--severity", "1", "--json").expect(0, ...)
    said = case.run("incident.show", "--html", "wiki.html").expect(0, ..., "").stdout
    assert said == "wiki.html: incident RUN-the-b-wiki-b-is-down, on one page; it needs no network\n"
    first = (case.repository / "wiki.html").read_text()
    assert "the &lt;b&gt;wiki&lt;/b&gt; is down" in first
    case.run("incident.note", "more").expect(0, ..., "")
    data = case.run("incident.show", "--html", "wiki.html", "--json").expect(0, ..., "").json()
    assert data["html"] == "wiki.html"
    assert "more" in html.unescape((case.repository / "wiki.html").read_text())
    case.write("mine.html", "<p>mine</p>")
    ran = case.run("incident.show", "--html", "mine.html").expect(2, "", ...)
    assert "this file is no page, and is not written over" in ran.stderr
    assert (case.repository / "mine.html").read_text() == "<p>mine</p>"
    case.run("incident.show", "--html", "nowhere/x.html").expect(2, "", ...)


@pytest.mark.parametrize("place", [".", "/", ".."])
def test_a_folder_is_no_place_for_a_page(room: Room, place: str) -> None:
    room.declare()
    with pytest.raises(HoldpointError, match="the page cannot be written: it is a folder"):
        incidents.show(room.world(), None, html=place)
