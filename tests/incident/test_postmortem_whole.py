"""A whole post-mortem in both languages, as drafted and as published; `REDRAW_SCREENS=1` writes them anew, to be looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdpoint.app import actions, breaches, incidents, postmortem
from holdpoint.incident.events import Declared, Event
from holdpoint.incident.phases import ITEMS
from holdpoint.incident.telling import Mark
from holdpoint.incident.timeline import timeline
from holdpoint.views import french
from holdpoint.views import postmortem as view
from tests.incident.runs import planted
from tests.incident.support import NOON, Room, declared, recorded
from tests.incident.test_page import TEAM
from tests.incident.test_postmortem import Pen
from tests.incident.test_state import EVENTS

HERE = Path(__file__).parent


def _same(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("REDRAW_SCREENS"):
        path.write_text(text)
    assert text == path.read_text()


def played(room: Room, language: str) -> None:
    """One grave incident, from a user's call to its end: late, with a failed message, data loss and a repair."""
    room.case.write("team.yaml", f"{TEAM}language: {language}\n")
    room.declare("the wiki is down", services=("docmost",), trigger="user", users_see=True, at="12:58")
    room.clock.on(minutes=16)
    room.sent(failed="the chat answers 500")
    room.done("scope", "all 40 people", person="bob")
    room.done("since", at="12:30")
    room.update("looking at the disk", sent=True)
    note = lambda: incidents.note(  # noqa: E731
        room.world(json=True),
        "the monitor | was <b>silent</b>",
        at="12:41",
        incident=None,
        data_loss=False,
        users_see=False,
    )
    room.said(note)
    room.clock.on(minutes=4)
    planted(room, "disk-full", "old-backups")
    room.clock.on(minutes=6)
    room.done("cause", "backups filled the disk", evidence="df: 100 %")
    loss = lambda: incidents.note(  # noqa: E731
        room.world(json=True), "edits since 12:30", at=None, incident=None, data_loss=True, users_see=False
    )
    room.said(loss)
    said = lambda: breaches.authority(  # noqa: E731
        room.world(json=True), "40 people, edits of one hour", late=None, at=None, incident=None
    )
    room.clock.on(minutes=4)
    for item in ("restored", "health", "smoke", "flow"):
        room.done(item)
    room.said(said)
    room.resolve("backups filled the disk", "40 people without the wiki", "yes")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_whole_draft(room: Room, language: str) -> None:
    played(room, language)
    write = lambda: postmortem.postmortem(  # noqa: E731
        room.world(), incident=None, publish=False, language=None, code_bug=True
    )
    screen = room.said(write)
    (path,) = (room.case.repository / "docs/post-mortems").glob("*.md")
    _same(f"post-mortem.{language}.md", path.read_text())
    assert max(len(line) for line in screen.splitlines() if "FOLDER" not in room.case.stable(line)) <= 80


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_whole_one_that_is_published(room: Room, language: str) -> None:
    played(room, language)
    pen = Pen(room)
    pen.write(code_bug=True)
    pen.fill(loss="The edits of one hour, of 40 people; half came back from browsers.")
    room.clock.on(days=2)
    pen.write(publish=True, person="bob")
    done = lambda: actions.done(  # noqa: E731
        room.world(), "0000-1", evidence="commit 4f2a91c", dropped=None, undo=None
    )
    room.said(done)
    pen.write()
    _same(f"post-mortem-published.{language}.md", pen.text)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_register_of_breaches(room: Room, language: str) -> None:
    played(room, language)
    room.said(lambda: breaches.register(room.world(), out="docs/breaches.md", language=None))
    _same(f"breaches.{language}.md", (room.case.repository / "docs/breaches.md").read_text())


# --- French has words for everything ---

AS_TYPED = ("note.made", "incident.reopened")
"""What is told in the words of the person who typed it."""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_every_record_has_its_french_words(event: Event) -> None:
    first = () if isinstance(event, Declared) else ((NOON, declared(NOON)),)
    (row,) = timeline(recorded(*first, (NOON, event)), {})[-1:]
    told = french.told(recorded(*first, (NOON, event))[-1], {})
    if row.mark in view._APART or event.kind in AS_TYPED:
        return
    assert row.mark in french.MARKS
    assert told
    assert told != row.text


def test_every_mark_and_item_has_its_french_word() -> None:
    assert set(french.MARKS) | view._APART == set(Mark)
    assert {item.id for item in ITEMS} - {"published"} == set(french.ITEMS)
