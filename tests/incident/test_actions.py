"""Action items: records that are listed, changed, closed, and chased until they are done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from holdpoint.app import actions
from holdpoint.incident.action_table import day_of, numbered, rows
from holdpoint.incident.actions import chased, in_order, urgency
from holdpoint.incident.events import Noted
from holdpoint.incident.fold import replay
from holdpoint.incident.learning_events import ActionAdded, ActionClosed
from holdpoint.problem import HoldpointError
from tests.case import Case
from tests.incident.support import NOON, Room, declared, json_of, recorded

TODAY = date(2026, 11, 25)


def _add(room: Room, title: str, due: str, owner: str = "ops") -> str:
    call = lambda: actions.add(room.world(json=True), title, owner=owner, due=due, incident=None)  # noqa: E731
    return str(json_of(room.said(call))["id"])


def _list(room: Room, *, everything: bool = False) -> Any:
    return json_of(room.said(lambda: actions.list_all(room.world(json=True), everything=everything)))


def _refused(call: Callable[[], int]) -> HoldpointError:
    with pytest.raises(HoldpointError) as raised:
        call()
    return raised.value


def _done(room: Room, action: str, **how: str | None) -> Callable[[], int]:
    given = {"evidence": None, "dropped": None, "undo": None, **how}
    return lambda: actions.done(room.world(json=True), action, **given)  # type: ignore[arg-type]


def test_overdue_ones_stand_first_and_closed_ones_last(room: Room) -> None:
    room.declare()
    for title, due in (("late", "2026-11-20"), ("soon", "2d"), ("far", "90d"), ("later still", "2026-11-01")):
        _add(room, title, due)
    room.said(_done(room, "0000-3", evidence="commit 1"))
    listed = _list(room, everything=True)
    assert [(one["title"], one["status"]) for one in listed] == [
        ("later still", "overdue"),
        ("late", "overdue"),
        ("soon", "soon"),
        ("far", "done"),
    ]
    assert [one["title"] for one in _list(room)] == ["later still", "late", "soon"]
    assert listed[-1]["evidence"] == "commit 1"
    page = room.said(lambda: actions.list_all(room.world(), everything=True))
    assert page.splitlines()[1] == "0000-4  2026-11-01 OVERDUE 24 d  ops    later still"
    assert max(len(line) for line in page.splitlines()) <= 80


def test_it_is_changed_closed_given_up_and_opened_again(room: Room) -> None:
    room.declare()
    item = _add(room, "Fit a spring", "14d")
    change = actions.Changes(owner="bob", due="2026-12-24", reason="ada is away")
    changed = json_of(room.said(lambda: actions.change(room.world(json=True), item, change)))
    assert (changed["owner"], changed["due"], changed["title"]) == ("bob", "2026-12-24", "Fit a spring")
    assert json_of(room.said(_done(room, item, dropped="the door is gone")))["status"] == "dropped"
    assert _refused(_done(room, item, evidence="x")).problems[0].message == (
        f"action item `{item}` was closed already, by ada"
    )
    assert json_of(room.said(_done(room, item, undo="there is another door")))["status"] == "open"
    assert json_of(room.said(_done(room, item, evidence="a photograph")))["evidence"] == "a photograph"
    kinds = [record["kind"] for record in room.show(json=True)["records"]][2:]
    assert kinds == ["action.added", "action.changed", "action.closed", "action.reopened", "action.closed"]


def test_a_day_that_is_over_is_said_at_once(room: Room) -> None:
    """It is taken, since it can be what was agreed; but a year that was mistyped shows while one looks."""
    room.declare()
    add = lambda due: actions.add(room.world(), "x", owner="ops", due=due, incident=None)  # noqa: E731
    over = "That day is over, so it is late by {} d from the start; `inv action.change 0000-{} --due DAY --reason "
    for number, due, late in ((1, "2026-11-24", 1), (2, "2025-12-09", 351)):
        said = " ".join(room.said(lambda day=due: add(day)).split())  # type: ignore[misc]
        assert over.format(late, number) in said
    for due in ("2026-11-25", "0d", "14d"):
        assert "over" not in room.said(lambda day=due: add(day))  # type: ignore[misc]
    to = actions.Changes(due="2026-11-20", reason="agreed so")
    said = " ".join(room.said(lambda: actions.change(room.world(), "0000-3", to)).split())
    assert over.format(5, 3) in said
    to = actions.Changes(owner="bob", reason="ada is away")
    assert "over" not in room.said(lambda: actions.change(room.world(), "0000-1", to))


def test_what_is_missing_or_unknown_is_said(room: Room) -> None:
    room.declare()
    world = room.world()
    call = lambda: actions.add(world, "x", owner=None, due=None, incident=None)  # noqa: E731
    assert [problem.message for problem in _refused(call).problems] == ["`--owner` is missing", "`--due` is missing"]
    call = lambda: actions.add(world, "x", owner="ops", due="soon", incident=None)  # noqa: E731
    assert _refused(call).problems[0].message == "`soon` is no day"
    item = _add(room, "x", "14d")
    assert "what shows that" in _refused(_done(room, item)).problems[0].message
    assert _refused(_done(room, item, evidence="  ")).problems[0].message == "the evidence is empty"
    assert _refused(_done(room, "nothing", evidence="x")).problems[0].message == "there is no action `nothing`"
    assert (
        "nothing is to change" in _refused(lambda: actions.change(world, item, actions.Changes())).problems[0].message
    )
    why = _refused(lambda: actions.change(world, item, actions.Changes(owner="bob")))
    assert why.problems[0].message == "the reason (`--reason`) is empty"


def test_two_incidents_with_one_ending_have_whole_names(room: Room) -> None:
    first = room.declare("one")["incident"]
    _add(room, "x", "14d")
    room.clock.on(minutes=1)
    second = room.declare("two")["incident"]
    call = lambda: actions.add(room.world(), "y", owner="ops", due="14d", incident=second)  # noqa: E731
    room.said(call)
    error = _refused(_done(room, "0000-1", evidence="x"))
    assert error.problems[0].message == "`0000-1` could be 2 actions"
    assert f"`{first}-1`" in error.problems[0].found
    closed = json_of(room.said(_done(room, f"{second}-1", evidence="x")))
    assert (closed["title"], closed["status"]) == ("y", "done")


def test_a_number_is_never_used_twice(room: Room) -> None:
    room.declare()
    assert _add(room, "x", "14d") == "0000-1"
    room.said(_done(room, "0000-1", dropped="why"))
    assert _add(room, "y", "14d") == "0000-2"


def test_they_are_chased_long_after_the_incident_is_closed(case: Case) -> None:
    case.run("incident.declare", "x", "--severity", "3", "--at", "90d ago", "--json").expect(0, ..., ...)
    case.run("incident.sent", "--at", "90d ago").expect(0, ..., ...)
    case.run("action.add", "far away", "--owner", "ops", "--due", "90d").expect(0, ..., "")
    case.run("action.add", "Fit a \x1b[31mspring", "--owner", "ops", "--due", "2026-01-02").expect(0, ..., ...)
    end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w", "--sent")
    case.run("incident.resolve", *end).expect(0, ..., ...)
    ending = next((case.state / "incidents").iterdir()).name[-4:]
    said = f"action item {ending}-2 is OVERDUE since 2026-01-02, ops: Fit a [31mspring; `inv action.list`\n"
    ran = case.run("run.list").expect(0, ..., ...)
    assert ran.raw_error == said
    case.run("action.done", f"{ending}-2", "--evidence", "a photograph").expect(0, ..., "")
    case.run("run.list").expect(0, ..., "")


# --- pure parts ---


def test_the_order_and_the_urgency() -> None:
    dues = [TODAY + timedelta(days=days) for days in (-1, 0, 3, 4, -9)]
    events = [(NOON, ActionAdded(number, f"t{number}", "o", due, NOON)) for number, due in enumerate(dues, 1)]
    state = replay(recorded((NOON, declared(NOON)), *events, (NOON, ActionClosed(5, "e", "", NOON))))
    items = in_order(state.actions.values())
    assert [item.number for item in items] == [1, 2, 3, 4, 5]
    assert [urgency(item, TODAY).value for item in items] == ["overdue", "soon", "soon", "open", "done"]
    assert [item.number for item in chased(items, TODAY)] == [1, 2, 3]


def test_a_record_about_an_item_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no action item 7"):
        replay(recorded((NOON, declared(NOON)), (NOON, Noted("x", NOON)), (NOON, ActionClosed(7, "e", "", NOON))))


def test_rows_are_read_as_people_write_them() -> None:
    body = """\
| id | action | owner | due |
|:---|:---:|---|---|
| 0000-1 | Fit *a* `x\\|y` &lt;b&gt; | ops | 14d |
no outer bars | none | bob | 2026-12-01
|  | short |
| TBD | - | ... | ? |

not | a row
"""
    found = rows(body, 10)
    assert [(row.line, row.id, row.title, row.owner, row.due) for row in found] == [
        (12, "0000-1", "Fit *a* x|y <b>", "ops", "14d"),
        (13, "no outer bars", "none", "bob", "2026-12-01"),
        (14, "", "short", "", ""),
        (15, "", "", "", ""),
    ]
    put = numbered(body, [(14, "0000-2"), (15, "0000-3")], 10).splitlines()
    assert put[4:6] == ["| 0000-2 | short |", "| 0000-3 | - | ... | ? |"]
    assert put[:4] == body.splitlines()[:4]


@pytest.mark.parametrize(("text", "day"), [("2026-12-09", date(2026, 12, 9)), ("14d", date(2026, 12, 9))])
def test_a_day_or_how_far_it_is(text: str, day: date) -> None:
    assert day_of(text, TODAY) == day


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "9999999d", "-3d", "3660d1d", "<b>"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(HoldpointError):
        day_of(text, TODAY)
