"""A put in the engine: what stood at the place is read once, and `show` prints what a person wants to read of it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from holdpoint.document.model import Runbook
from holdpoint.engine import questions
from holdpoint.engine.events import Status, StepEnded
from holdpoint.engine.facts import Facts
from holdpoint.engine.file_texts import LINES, file_texts
from holdpoint.engine.outcomes import Captured, Exited, Outcome
from holdpoint.engine.ports import Command, Ticket, Watch
from holdpoint.engine.state import Progress, State
from holdpoint.engine.target import Target, Tier
from holdpoint.planning import build
from holdpoint.planning.plan import Plan, StepItem
from holdpoint.shell import Blob, Secret
from tests.engine.fakes import FakeMachine, World, load, printed

BOOK = """\
schema: holdpoint/runbook/1
id: t
title: T
owner: ops
severity: SEV3
reviewed: 2026-11-23
symptoms: []
diagnostic: []
resolution:
  - {id: limit, title: Put it, put: {from: files/limit, to: /etc/limit}}
prevention: []
rollback: []
"""
BEFORE = f"3 bytes mode 0644 owner 0:0 sha256 {'0' * 64}"


def planned(new: bytes = b"new\n", book: str = BOOK) -> Plan:
    def files(_: Runbook, source: str) -> bytes:
        assert source == "files/limit"
        return new

    return build.plan(load(book), {}, hosts=("web1",), here="web1", key=b"k", load={}.__getitem__, files=files)


def change(plan: Plan) -> StepItem:
    return next(item for item in plan.items if isinstance(item, StepItem) and item.key == "limit")


def facts(plan: Plan, old: bytes | None) -> Facts:
    values = {} if old is None else {"Before_limit": BEFORE, "_before_limit": base64.b64encode(old).decode()}
    ended = StepEnded("limit/before", "web1", 1, Status.OK, values=values)
    state = State(steps={("limit/before", "web1"): Progress(ended=ended, attempts=1)})
    return Facts(plan, state, {}, {"web1": Target("web1", Tier.LOCAL)})


def shown(old: bytes | None, new: bytes) -> dict[str, str]:
    plan = planned(new)
    return dict(file_texts(facts(plan, old), change(plan), "web1"))


# --- read once --------------------------------------------------------------------------------------------------


def world(change_ends: int) -> World:
    w = World(load(BOOK), {"limit": ["run", "run"]})
    w.machine.outcomes = {
        "describes=": printed(f"Before_limit={BEFORE}\n_before_limit=b2xk\n"),
        "content=": Exited(change_ends, Captured()),
    }
    return w


def looks(w: World) -> int:
    return sum(1 for one in w.journal.records if one.kind == "step.intent" and one.data["step"] == "limit/before")


def test_once_the_change_was_tried_what_stood_there_is_not_read_again() -> None:
    w = world(change_ends=1)
    assert w.begin(planned()).exit == 4
    w.clock.time += timedelta(minutes=11)
    w.resume(planned())
    assert looks(w) == 1
    assert len(w.machine.effects) == 2


def test_before_the_change_was_tried_it_is_read_again_after_ten_minutes() -> None:
    w = world(change_ends=0)
    w.answers["limit"][:] = ["stop", "run"]
    assert w.begin(planned()).exit == 3
    w.clock.time += timedelta(minutes=11)
    assert w.resume(planned()).exit == 0
    assert looks(w) == 2


class Recording(FakeMachine):
    """Notes as whom each command is executed."""

    def read(self, command: Command, watch: Watch) -> Outcome:
        self.raised.append(command.become)
        return super().read(command, watch)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        self.raised.append(command.become)
        return super().change(command, ticket, watch)

    @property
    def raised(self) -> list[str | None]:
        return self.__dict__.setdefault("_raised", [])


def test_look_change_and_check_are_executed_as_the_same_user() -> None:
    w = world(change_ends=0)
    w.machine = Recording(w.points, Target("web1", Tier.LOCAL), w.machine.outcomes, journal=w.journal)
    assert w.begin(planned(book=BOOK.replace("limit, title", "limit, become: root, title"))).exit == 0
    assert w.machine.raised == ["root", "root", "root"]


def test_what_stands_there_is_part_of_what_is_agreed_to() -> None:
    plan = planned()
    one, other = facts(plan, b"old").digest(change(plan), "web1"), facts(plan, b"mine").digest(change(plan), "web1")
    assert one != other


def test_the_file_is_part_of_the_plan() -> None:
    assert planned(b"one").digest != planned(b"two").digest
    assert planned(b"one").scopes[""].files == {"files/limit": Blob(b"one").digest}
    changed = build.differences(planned(b"one").fingerprints(), planned(b"two"))
    assert changed == ("limit",)


# --- what is shown ----------------------------------------------------------------------------------------------


def test_of_two_texts_the_difference_is_shown() -> None:
    found = shown(b"a\nold\n", b"a\nnew\n")
    assert found["what differs"] == "--- as it stands there\n+++ as it will be\n@@ -1,2 +1,2 @@\n a\n-old\n+new"
    assert found["the file"] == "a\nnew"


@pytest.mark.parametrize(
    ("old", "new", "differs", "file"),
    [
        (b"", b"a\n", "--- as it stands there\n+++ as it will be\n@@ -0,0 +1 @@\n+a", "a"),
        (b"a\n", b"", "--- as it stands there\n+++ as it will be\n@@ -1 +0,0 @@\n-a", "(it is empty)"),
        (b"a", b"a", "the same bytes", "a"),
        (b"a\n", b"a", "only the newline at the end differs", "a"),
        (b"\0", b"a", "cannot be shown line by line: one of the two is no text to show", "a"),
        (
            b"a",
            b"\x1b[31m",
            "cannot be shown line by line: one of the two is no text to show",
            "(5 bytes that are no text)",
        ),
        (
            b"a",
            b"\xff",
            "cannot be shown line by line: one of the two is no text to show",
            "(1 bytes that are no text)",
        ),
        (b"\0", b"\0", "the same bytes", "(1 bytes that are no text)"),
    ],
)
def test_what_cannot_be_compared_is_said(old: bytes, new: bytes, differs: str, file: str) -> None:
    found = shown(old, new)
    assert (found["what differs"], found["the file"]) == (differs, file)


def test_very_long_files_are_not_compared() -> None:
    assert shown(b"a\n" * (LINES + 1), b"b\n")["what differs"] == f"more than {LINES} lines are not compared"


def test_where_nothing_is_known_the_file_is_shown_alone() -> None:
    assert list(shown(None, b"new\n")) == ["the file", "the whole script"]


def test_the_script_is_shown_without_the_bytes() -> None:
    new = b"x" * 3000
    script = shown(b"old", new)["the whole script"]
    assert f"# content: 3000 bytes, sha256 {Blob(new).digest}\n" in script
    assert Blob(new).encoded() not in script
    assert 'mv -f -- "$temp" "$to"' in script


def test_a_secret_in_it_is_not_shown() -> None:
    plan = planned(b"key wortschatz-17\n")
    scope = replace(plan.scopes[""], params={"token": Secret("wortschatz-17")})
    plan = replace(plan, scopes={"": scope})
    found = dict(file_texts(facts(plan, b"old"), change(plan), "web1"))
    assert not any("wortschatz" in text for text in found.values())
    assert "holds a secret" in found["the file"]


def test_an_undo_shows_the_file_that_is_put_back() -> None:
    plan = planned()
    item = change(plan)
    assert item.step.undo is not None
    undo = replace(item, key="undo-limit", step=replace(item.step, action=item.step.undo.action))
    found = dict(file_texts(facts(plan, b"old\n"), undo, "web1"))
    assert found["the file that is put back"] == "old"
    assert "what differs" not in found


def test_the_gate_holds_no_bytes_of_a_file() -> None:
    old, new = b"o" * 3000, b"n" * 3000
    plan = planned(new)
    given = facts(plan, old)
    asked = questions.gate(given, change(plan), ("web1",), ("web1",), World(load(BOOK)).clock.now())
    assert not any(Blob(data).encoded()[:40] in repr(asked) for data in (old, new))
    assert asked.values == ()
    assert f"Before_limit='{BEFORE}'" in asked.commands[0][1]
