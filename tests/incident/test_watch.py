"""Watching an incident: what others write shows up by itself, on a screen of any size and in lines."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from holdpoint.app.desk import Desk
from holdpoint.app.watching import Watcher
from holdpoint.incident.clocks import clocks
from holdpoint.incident.events import MessageRendered, MessageSent, Noted, OutputRecorded, Purpose
from holdpoint.incident.fold import replay
from holdpoint.incident.timeline import timeline
from holdpoint.journal.record import Record
from holdpoint.views.incidents import OPEN, Listed, Page
from holdpoint.views.lines import as_text, cells
from holdpoint.views.watching import Going, Watched, changed, frame
from tests.case import LIMIT, Case
from tests.incident.support import NOON, PARIS, WORKING, Room, declared, recorded
from tests.laws.terminal import left, person

MINUTE = timedelta(minutes=1)
RUN = "20261125-1200-disk-full-00ff"
GIVEN_BACK = "\x1b[?25h\x1b[?1049l"


def watched(records: list[Record], now: Any, *, trouble: str = "", runs: tuple[Going, ...] = ()) -> Watched:
    state = replay(records)
    listed = Listed("20261125-1300-the-wiki-is-down-abcd", "j", OPEN, state, clocks(state, now, WORKING))
    return Watched(Page(listed, state, timeline(records, {})), runs, trouble)


def story(notes: int) -> list[Record]:
    message = MessageRendered(1, Purpose.FIRST, "en", "the ops channel", "text")
    return recorded(
        (NOON, declared(NOON)),
        (NOON, message),
        *((NOON + n * MINUTE, Noted(f"note {n} " + "which is long " * 8, NOON + n * MINUTE)) for n in range(1, notes)),
    )


# --- the frame ---


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("height", [8, 24, 30, 60])
@pytest.mark.parametrize("notes", [1, 50])
def test_it_fits_every_window(width: int, height: int, notes: int) -> None:
    of = watched(
        story(notes), NOON + MINUTE, runs=tuple(Going(RUN, "finished " * 30, lasts=n % 2 > 0) for n in range(9))
    )
    drawn = frame(of, NOON + MINUTE, width, height, PARIS)
    assert len(drawn) == height
    assert max(cells(as_text(one)) for one in drawn) <= width
    assert "13:01:00  the wiki" in as_text(drawn[0])
    assert as_text(drawn[-1]).startswith("q or Ctrl-C leaves")
    if height > 8:
        assert any("left for the first message" in as_text(one) for one in drawn) or width == 40
        assert any("note 49" in as_text(one) for one in drawn) or notes == 1


def test_it_says_what_is_missing_and_not_sent_and_damaged() -> None:
    of = watched(
        story(3), NOON + MINUTE, trouble="it was altered", runs=(Going(RUN, "WAITS at a gate: x", lasts=True),)
    )
    drawn = [as_text(one).rstrip() for one in frame(of, NOON + MINUTE, 80, 40, PARIS)]
    for text in (
        "DAMAGED    it was altered",
        "phase      DETECT (1 of 7): the situation is understood",
        "missing    scope, since, lost",
        "NOT SENT   message 1 (first) has not gone out",
        "00ff  disk-full: WAITS at a gate: x",
        "--:--:--  NOT SENT  1 first, for the ops channel",
    ):
        assert text in drawn


# --- lines ---


def told(before: Watched | None, after: Watched, now: Any = NOON) -> list[str]:
    return [as_text(one).rstrip() for one in changed(before, after, now, 80, PARIS)]


def test_only_what_is_new_is_said() -> None:
    records = story(2)
    before = watched(records, NOON)
    assert told(before, before) == []
    assert told(before, watched(records, NOON + MINUTE), NOON + MINUTE) == []
    more = recorded(
        *((one.time, _event(one)) for one in records), (NOON + 2 * MINUTE, Noted("fresh", NOON + 2 * MINUTE))
    )
    assert told(before, watched(more, NOON)) == ["13:02:00  note      fresh  ada"]


def _event(record: Record) -> Any:
    from holdpoint.incident.events import event_of

    return event_of(record)


def test_a_clock_that_runs_out_is_said_once() -> None:
    records = story(1)
    before, after = watched(records, NOON + 11 * MINUTE), watched(records, NOON + 16 * MINUTE)
    said = told(before, after, NOON + 16 * MINUTE)
    assert said == ["13:16:00   clock     OVERDUE by 1 min: the first message was due 13:15 CET"]
    assert told(after, watched(records, NOON + 17 * MINUTE), NOON + 17 * MINUTE) == []


def test_phases_runs_and_damage_are_said_when_they_change() -> None:
    records = story(1)
    before = watched(records, NOON)
    ticks = [OutputRecorded(item, "x", "", NOON) for item in ("scope", "since", "lost")]
    after = watched(recorded(*((NOON, _event(one)) for one in records), *((NOON, one) for one in ticks)), NOON)
    assert told(before, after)[-1] == "phase      TRIAGE (2 of 7): the team is alerted"
    assert told(before, replace(before, runs=(Going(RUN, "goes on: x", lasts=True),))) == [
        "00ff  disk-full: goes on: x"
    ]
    broken = replace(before, trouble="it was altered")
    assert told(before, broken) == ["DAMAGED    it was altered"]
    assert told(broken, broken) == []
    assert told(broken, before) == ["again      the record can be read"]


def test_sent_messages_have_their_time() -> None:
    records = [*story(1)]
    records = recorded(*((NOON, _event(one)) for one in records), (NOON, MessageSent(1, "by hand", NOON)))
    drawn = [as_text(one).rstrip() for one in frame(watched(records, NOON), NOON, 80, 30, PARIS)]
    assert "13:00:00  sent      1 first, for the ops channel" in drawn


def test_records_that_were_there_and_are_no_more_are_said(room: Room) -> None:
    """A journal that was cut exactly between two records is whole by itself; whoever saw it longer knows better."""
    room.declare()
    room.done("scope", "all")
    desk = Desk(room.world())
    folder = desk.chosen(None)
    watcher = Watcher(desk, folder)
    assert watcher.look().trouble == ""
    whole = folder.journal.read_bytes()
    folder.journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    cut = watcher.look()
    assert cut.trouble == "record 2, which was read from it, is not in the record any more"
    assert "scope" in cut.state.done
    folder.journal.write_bytes(whole)
    room.done("since", "noon")
    again = watcher.look()
    assert (again.trouble, "since" in again.state.done) == ("", True)


# --- at a terminal ---


@pytest.fixture
def wiki(case: Case) -> Case:
    case.runbook()
    case.run("incident.declare", "the wiki is down", "--severity", "1", "--json").expect(0, ...)
    return case


def note(case: Case, text: str) -> None:
    case.run("incident.note", text, environ={"HOLDPOINT_PERSON": "bob"}).expect(0, ..., ...)


def test_what_others_write_shows_up_and_q_gives_the_screen_back(wiki: Case) -> None:
    with person(wiki, "incident.watch") as child:
        child.expect_exact("the wiki is down")
        child.expect_exact("left for the first message")
        child.expect_exact("scope, since, lost")
        note(wiki, "bob looks at the disk")
        child.expect_exact("bob looks at the disk")
        wiki.run("incident.severity", "3", "--reason", "a bug").expect(0, ..., ...)
        child.expect_exact("SEV3 open")
        child.send("x")
        child.send("q")
        child.expect_exact(GIVEN_BACK)
        assert left(child) == 0


def test_ctrl_c_and_a_request_to_end_leave(wiki: Case) -> None:
    for leave in (lambda child: child.sendcontrol("c"), lambda child: child.kill(signal.SIGTERM)):
        with person(wiki, "incident.watch") as child:
            child.expect_exact("q or Ctrl-C leaves")
            leave(child)
            child.expect_exact(GIVEN_BACK)
            assert left(child) == 0


def test_a_window_that_changes_its_size_is_drawn_anew(wiki: Case) -> None:
    with person(wiki, "incident.watch") as child:
        child.expect_exact("═" * 60)
        child.setwinsize(20, 40)
        child.expect_exact("\x1b[2J")
        child.expect(r"q or Ctrl-C leaves; nothing is change\.\.\.")
        child.send("q")
        assert left(child) == 0


def test_a_record_that_is_damaged_meanwhile_is_said_and_what_was_there_stays(wiki: Case) -> None:
    (journal,) = wiki.state.glob("incidents/*/journal.jsonl")
    with person(wiki, "incident.watch") as child:
        child.expect_exact("q or Ctrl-C leaves")
        whole = journal.read_bytes()
        journal.write_bytes(whole.replace(b"the wiki is down", b"the wiki is fine"))
        child.expect_exact("DAMAGED")
        child.expect_exact("scope, since, lost")
        child.send("q")
        assert left(child) == 10
    wiki.run("incident.watch", "--incident", "last").expect(10, "", ...)


def test_a_run_that_waits_at_its_gate_is_shown(wiki: Case) -> None:
    (wiki.folder / "door").write_text("x\n")
    with person(wiki, "runbook", "door", "--param", f"door={wiki.folder / 'door'}", "--incident", "last") as run:
        run.expect_exact("Enter alone does nothing")
        with person(wiki, "incident.watch") as child:
            child.expect_exact("WAITS at a gate: Shut the door")
            run.sendline("stop")
            left(run)
            child.expect_exact("stopped, exit 3")
            child.send("q")
            assert left(child) == 0


# --- in a pipe ---


@contextmanager
def piped(case: Case, *words: str) -> Iterator[Any]:
    with case.started("incident.watch", *words, bufsize=0) as process:
        yield process


def line_with(process: subprocess.Popen[bytes], text: str) -> str:
    """Read lines until one has the text."""
    assert process.stdout is not None
    while select.select([process.stdout], [], [], LIMIT)[0]:
        found = process.stdout.readline().decode()
        assert found, f"it ended before `{text}`: {process.stderr.read().decode() if process.stderr else ''}"
        if text in found:
            return found
    raise AssertionError(f"no `{text}`")


def test_in_a_pipe_each_change_is_a_line_until_it_is_resolved(wiki: Case) -> None:
    with piped(wiki) as process:
        line_with(process, "phase      DETECT")
        note(wiki, "from bob")
        assert line_with(process, "from bob").endswith("note      from bob  bob\n")
        end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w")
        wiki.run("incident.resolve", *end).expect(0, ..., ...)
        out = line_with(process, "resolved  ")
        assert "\x1b" not in out
        assert process.wait(LIMIT) == 0


def test_as_json_each_change_is_a_document(wiki: Case) -> None:
    with piped(wiki, "--json") as process:
        first = json.loads(line_with(process, "{"))
        assert (first["status"], first["phase"]) == ("open", "detect")
        note(wiki, "from bob")
        assert json.loads(line_with(process, "from bob"))["timeline"][0]["text"] == "from bob"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(LIMIT) == 0
