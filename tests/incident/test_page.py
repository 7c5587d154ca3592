"""One incident on a page of 80 columns, compared whole; `REDRAW_SCREENS=1` writes it anew, to be looked at."""

from __future__ import annotations

import os
from pathlib import Path

from holdpoint.app import incidents
from tests.incident.support import Room

PAGE = Path(__file__).parent / "page.txt"
TEAM = """\
schema: holdpoint/team/1
name: ops
people:
  ada: {name: Ada Lovelace}
  bob: {name: Bob Martin}
rota:
  start: 2026-11-23
  order: [ada, bob]
"""


def test_the_page(room: Room) -> None:
    room.case.write("team.yaml", TEAM)
    room.declare("the wiki is down", services=("docmost",), users_see=True)
    room.clock.on(minutes=3)
    room.sent(failed="the chat answers 500")
    room.done("scope", "all 40 people, and the whole of the wiki since the night's restart", person="bob")
    room.done("since", at="12:40")
    room.clock.on(minutes=4)
    room.update("looking at the disk", sent=True)
    room.clock.on(minutes=-60)
    note = lambda: incidents.note(  # noqa: E731
        room.world(json=True), "a note\nof two lines", at=None, incident=None, data_loss=False, users_see=False
    )
    room.said(note)
    room.clock.on(minutes=85)
    room.done("cause", "backups filled the disk", evidence="df: 100 %")
    late = lambda: incidents.note(  # noqa: E731
        room.world(json=True), "the monitor was red", at="12:41", incident=None, data_loss=True, users_see=False
    )
    room.said(late)
    room.clock.on(minutes=6)
    page = room.show()
    if os.environ.get("REDRAW_SCREENS"):
        PAGE.write_text(page)
    assert page == PAGE.read_text()
    assert max(len(line) for line in page.splitlines()) <= 80


def test_the_list_says_where_a_clock_is_not_to_be_trusted(room: Room) -> None:
    """As the page does: where the record shows that a clock was set back, and while now lies before what it knows."""
    listed = lambda: room.said(lambda: incidents.list_all(room.world()))  # noqa: E731
    told = "(a clock was set back: its times are not to be trusted)"
    room.declare("down")
    assert told not in " ".join(listed().split())
    room.clock.on(minutes=-30)
    assert told in " ".join(listed().split())
    room.done("scope", "all")
    room.clock.on(minutes=60)
    assert told in " ".join(listed().split())
    assert max(len(line) for line in listed().splitlines()) <= 80


def test_two_clocks_that_differ_take_one_line_however_often_they_do(room: Room) -> None:
    """One machine's clock runs ahead, and two people write by turns: the rest of the page is not to drown in that."""
    room.declare()
    for n in range(8):
        room.clock.on(hours=1 if n % 2 == 0 else -1)
        room.done("scope", f"no {n}")
    (told,) = [one for one in room.show().splitlines() if one.startswith("clock ")]
    assert told.startswith("clock      at records 3, 5, 7 and 1 more a clock stood up to 1 h behind an")
    page = room.case.folder / "page.html"
    room.said(lambda: incidents.show(room.world(json=True), None, html=str(page)))
    assert page.read_text().count("a clock stood up to 1 h behind") == 1


def test_who_is_on_call_comes_from_the_rota(room: Room) -> None:
    room.case.write("team.yaml", TEAM)
    declared = room.declare()
    assert declared["on_call"] == {"principal": "ada", "backup": "bob"}
    assert "On it: ada" in declared["messages"][0]["text"]
