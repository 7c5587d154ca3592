"""The recap of the weekly handoff: who hands on to whom, and what is open, late, in doubt and over."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from holdpoint.app import actions, handoff
from holdpoint.drill.records import Certificate
from holdpoint.oncall import recap
from holdpoint.oncall.rota import Role
from holdpoint.store.certificates import Certificates
from holdpoint.store.library import Library, shipped
from tests.case import DOOR
from tests.incident.support import Room
from tests.oncall.clocks import PARIS, paris
from tests.oncall.samples import TEAM, rota

NOW = paris("2026-11-25 15:00")


@pytest.fixture
def room(case, monkeypatch, capsys):
    room = Room(case, monkeypatch, capsys)
    room.clock.moment = NOW
    case.write("team.yaml", TEAM)
    return room


def told(room, **how):
    return room.said(lambda: handoff.handoff(room.world(json=how.pop("json", False)), how.get("out")))


def data(room):
    return json.loads(told(room, json=True))


# --- the week ---


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-11-25 15:00", "2026-11-30 09:00"),  # in the middle of a week: the next one
        ("2026-11-30 08:59", "2026-11-30 09:00"),  # a minute before
        ("2026-11-30 09:00", "2026-11-30 09:00"),  # at it
        ("2026-12-01 09:00", "2026-11-30 09:00"),  # the day after: the one that just was
        ("2026-12-01 09:01", "2026-12-07 09:00"),
        ("2026-10-22 12:00", "2026-10-26 09:00"),  # over the end of summer time
        ("2026-10-05 09:30", "2026-10-12 09:00"),  # the first week of the rota has nobody before it
    ],
)
def test_the_handover_that_is_near(now, at):
    hands = recap.handover(rota(), PARIS, paris(now))
    assert hands.at == paris(at)


def test_between_whom():
    hands = recap.handover(rota(), PARIS, paris("2026-11-25 15:00"))
    for people, moment in ((hands.givers, "2026-11-30 08:59"), (hands.takers, "2026-11-30 09:00")):
        from holdpoint.oncall.rota import on_call

        duty = on_call(rota(), PARIS, paris(moment))
        assert people == {Role.PRINCIPAL: duty.principal.person, Role.BACKUP: duty.backup.person}
    assert hands.givers != hands.takers
    assert recap.handover(rota(), PARIS, paris("2020-01-01 00:00")) is None


# --- what is in it ---


def test_nothing_is_left(room):
    said = told(room)
    assert "Open incidents: none\n" in said
    assert "Runs that are not over: none\n" in said
    assert max(len(line) for line in said.splitlines()) <= 80
    assert data(room)["incidents"] == []


def test_without_a_rota_there_is_a_recap_still(room):
    (room.case.repository / "team.yaml").unlink()
    assert "rota       there is none" in told(room)
    assert data(room)["handover"] is None


def test_open_incidents_with_their_clocks_and_what_is_resolved_and_to_be_written_up(room):
    room.declare("the wiki is down")
    room.clock.on(minutes=20)
    said = told(room)
    assert "  SEV1 the wiki is down (" in said
    assert "response: OVERDUE by 5 min" in said
    assert "message 1 has NOT gone out" in said
    room.resolve("a disk was full", "40 people", without_verify="nobody was there")
    of = data(room)
    assert of["incidents"] == []
    assert [(one["cause"], one["down_seconds"]) for one in of["resolved"]] == [("a disk was full", 1200)]
    assert [one["overdue"] for one in of["postmortems"]] == [False]
    room.clock.on(days=8)
    of = data(room)
    assert of["resolved"] == []
    assert [one["overdue"] for one in of["postmortems"]] == [True]
    assert "    OVERDUE since Wed 2026-12-02 15:20 CET\n" in told(room)


def test_actions_that_are_late_also_of_what_is_closed(room):
    room.declare("the wiki is down")
    for title, due in (("fit a spring", "2d"), ("oil the hinge", "20d")):
        room.said(partial(actions.add, room.world(json=True), title, owner="bob", due=due, incident=None))
    room.resolve("c", "i", without_verify="w")
    assert data(room)["overdue_actions"] == []
    room.clock.on(days=3)
    (late,) = data(room)["overdue_actions"]
    assert (late["title"], late["owner"], late["due"]) == ("fit a spring", "bob", "2026-11-27")
    assert "  fit a spring (bob)\n    OVERDUE since 2026-11-27: " in told(room)


def test_a_damaged_incident_is_said(room):
    room.declare("the wiki is down")
    (journal,) = room.case.state.glob("incidents/*/journal.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b"the wiki is down", b"the wiki is fine"))
    assert [one["status"] for one in data(room)["incidents"]] == ["damaged"]


def test_runs_that_are_not_over(room):
    case = room.case
    case.runbook("door", DOOR)
    (case.folder / "door").write_text("x\n")
    words = ("runbook", "door", "--param", f"door={case.folder / 'door'}")
    case.run(*words, "--check").expect(0, ..., ...)
    case.run(*words, answers="shut: stop").expect(3, ..., ...)
    (run,) = data(room)["runs"]
    assert (run["title"], run["status"], run["in_doubt"]) == ("The door is open", "stopped", [])
    case.run("run.resume", "last", answers="shut: run").expect(0, ..., ...)
    assert data(room)["runs"] == []


def test_what_is_in_doubt(room):
    case = room.case
    case.runbook("door", DOOR)
    (case.folder / "door").write_text("x\n")
    words = ("runbook", "door", "--param", f"door={case.folder / 'door'}")
    case.run(*words, answers="shut: run").expect(0, ..., ...)
    whole = [json.loads(line) for line in case.journals()[0].read_bytes().splitlines()]
    (intent,) = (one["seq"] for one in whole if one["kind"] == "step.intent" and one["data"]["step"] == "shut")
    (case.folder / "door").write_text("x\n")
    ran = case.run(*words, answers="shut: run", environ={"HOLDPOINT_KILL_AT": f"record:{intent}:durable"})
    assert ran.status == -9
    (run,) = data(room)["runs"]
    assert run["status"] == "cut off"
    assert run["in_doubt"]
    assert "    IN DOUBT: " in told(room)


def test_drills_that_prove_nothing_any_more(room):
    kept = Certificates(room.case.state / "drills" / "certificates.json")
    digest = Library((shipped("runbooks"),)).source("disk-full").digest()

    def proven(drill, days, *, digest=digest, holds=True):
        time = NOW - timedelta(days=days)
        kept.note(Certificate(drill, "disk-full", digest, "x", time, 1.0, "Linux", holds))

    proven("disk-full-held", 90)
    proven("disk-full-log", 91)
    proven("disk-full-files", 1, digest="other")
    proven("disk-full-quiet", 1, holds=False)
    found = {one["drill"]: one["why"] for one in data(room)["drills"]}
    assert found == {
        "disk-full-log": "it was proven 91 d ago; a proof counts for 90 d",
        "disk-full-files": "the runbook is another one than was proven 1 d ago",
        "disk-full-quiet": "its last proof failed, 1 d ago",
    }
    assert "disk-full-held" not in data(room)["never_proven"]
    never = data(room)["never_proven"]
    assert "disk-full-ballast" in never
    page = told(room)
    assert "Drills that prove their runbook no more: 3\n" in page
    assert f"Drills that were never proven here: {len(never)}\n  `inv drill.list`\n" in page
    told(room, out="recap.md")
    text = (room.case.repository / "recap.md").read_text()
    assert f"## Drills that were never proven here: {len(never)}\n\n- `inv drill.list`\n" in text


# --- the file ---


def test_the_file_is_markdown_in_which_titles_are_text(room):
    title = "<img src=x> [a](javascript:b) **c** `d` # e"
    room.declare(title)
    told(room, out="recap.md")
    text = (room.case.repository / "recap.md").read_text()
    assert text.startswith("# On-call handoff, 2026-11-25\n")
    assert "SEV1 \\<img src=x\\> \\[a\\](javascript:b) \\*\\*c\\*\\* \\`d\\` \\# e (" in text
    told(room, out="recap.md")
    (room.case.repository / "other.md").write_text("mine\n")
    ran = room.case.run("oncall.handoff", "--out", "other.md").expect(2, ..., ...)
    assert "this file is no recap" in ran.stderr
    assert (room.case.repository / "other.md").read_text() == "mine\n"


def test_the_clock_of_the_recap_is_the_one_handed_in(room):
    assert datetime.fromisoformat(data(room)["at"]) == NOW.astimezone(UTC)
