"""The review: what is similar, what three of a kind lead to, medians and targets; and the register of breaches."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from holdpoint.app import actions, breaches, incidents, review
from holdpoint.app.desk import Desk
from holdpoint.incident.events import CheckAnswered, Event, HandedOver
from holdpoint.incident.review import Signature, are_similar, median, patterns
from holdpoint.problem import HoldpointError
from tests.case import Case
from tests.incident.runs import planted
from tests.incident.support import Room, json_of

MINUTE = timedelta(minutes=1)


def _review(room: Room, days: str | None = None) -> Any:
    return json_of(room.said(lambda: review.review(room.world(json=True), days)))


def _happened(
    room: Room, cause: str = "old-backups", *, severity: str = "1", service: str = "docmost", **more: Any
) -> str:
    """One incident, with a run that repaired it, ten minutes long; the clock stands a day later then."""
    incident = room.declare(services=(service,), severity=severity)["incident"]
    if more.get("run", True):
        planted(room, more.get("runbook", "disk-full"), cause, incident=incident)
    room.clock.on(minutes=more.get("minutes", 10))
    room.update(sent=True)
    room.resolve(more.get("said", f"said of {incident}"), "i", without_verify="w")
    room.clock.on(days=1)
    return str(incident)


# --- what is similar ---


def sign(services: str = "a", causes: str = "", said: str = "", runbooks: str = "", checks: str = "") -> Signature:
    def many(text: str) -> frozenset[str]:
        return frozenset(text.split())

    return Signature(many(services), many(causes), said, many(runbooks), many(checks))


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        (sign(causes="x"), sign(causes="x y"), True),
        (sign(causes="x"), sign(causes="y"), False),
        (sign(causes="x", runbooks="r", checks="c"), sign(causes="y", runbooks="r", checks="c"), False),
        (sign(causes="x", runbooks="r"), sign(runbooks="r"), True),
        (sign(checks="c"), sign(checks="c d"), True),
        (sign(said="the disk"), sign(said="the disk"), True),
        (sign(said="the disk"), sign(said="the net"), False),
        (sign(), sign(), False),
        (sign(services="a", causes="x"), sign(services="b", causes="x"), False),
        (sign(services="a b", causes="x"), sign(services="b", causes="x"), True),
        (sign(services="", causes="x"), sign(services="b", causes="x"), True),
    ],
)
def test_the_signature(one: Signature, other: Signature, similar: bool) -> None:
    assert are_similar(one, other) is are_similar(other, one) is similar


def test_a_pattern_is_a_group_in_which_each_is_similar_to_each(room: Room) -> None:
    """Against trying every group, on a hundred random sets of incidents."""
    from itertools import combinations

    from holdpoint.incident.review import Seen, Times

    state = replay_of(room)
    chance = random.Random(7)
    for _ in range(100):
        signs = [sign(causes=" ".join(chance.sample("uvwxyz", chance.randint(1, 3)))) for _ in range(6)]
        all_seen = [Seen(state, one, Times(None, None, None), ()) for one in signs]
        found = {tuple(id(one) for one in pattern.incidents) for pattern in patterns(all_seen)}
        groups = [
            set(group)
            for size in range(2, 7)
            for group in combinations(range(6), size)
            if all(are_similar(signs[a], signs[b]) for a, b in combinations(group, 2))
        ]
        largest = [group for group in groups if not any(group < other for other in groups)]
        assert found == {tuple(id(all_seen[at]) for at in sorted(group)) for group in largest}


def replay_of(room: Room) -> Any:
    from holdpoint.incident.fold import replay
    from tests.incident.support import NOON, declared, recorded

    return replay(recorded((NOON, declared(NOON))))


def test_the_median_is_no_mean() -> None:
    assert median([MINUTE, None, 2 * MINUTE, 999 * MINUTE]) == median([2 * MINUTE, MINUTE, 3 * MINUTE])
    assert median([MINUTE, 2 * MINUTE]).value == 1.5 * MINUTE
    assert (median([None]).value, median([None]).count) == (None, 0)


# --- three of a kind ---


def test_three_similar_ones_open_the_strategic_escalation_once(room: Room) -> None:
    names = [_happened(room) for _ in range(2)]
    assert _review(room)["opened"] == []
    names.append(_happened(room))
    found = _review(room)
    assert [one["incidents"] for one in found["patterns"]] == [names]
    assert found["opened"] == ["0000-1"]
    escalation = found["patterns"][0]["escalation"]
    assert (escalation["incident"], escalation["owner"], escalation["about"]) == (names[-1], "management", names)
    assert escalation["title"].startswith(
        "Strategic escalation: 3 similar incidents in 30 days (docmost; cause disk-full/old"
    )
    assert escalation["due"] == "2026-12-12"
    names.append(_happened(room))
    again = _review(room)
    assert (again["opened"], again["patterns"][0]["incidents"]) == ([], names)
    assert again["patterns"][0]["escalation"]["id"] == "0000-1"
    call = lambda: actions.done(room.world(json=True), "0000-1", evidence="a new disk", dropped=None, undo=None)  # noqa: E731
    room.said(call)
    assert _review(room)["opened"] == []  # three of the four were what it was about
    names += [_happened(room) for _ in range(2)]
    assert _review(room)["opened"] == ["0000-1"]  # three since
    page = room.said(lambda: review.review(room.world(), None))
    assert "6x         docmost; cause disk-full/old-backups; runbook disk-full\n" in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_what_is_older_or_of_another_cause_does_not_count(room: Room) -> None:
    _happened(room)
    room.clock.on(days=29)
    for cause in ("old-backups", "old-backups", "logs"):
        _happened(room, cause)
    found = _review(room)
    assert (len(found["incidents"]), [len(one["incidents"]) for one in found["patterns"]]) == (3, [2])
    assert found["opened"] == []
    assert [len(one["incidents"]) for one in _review(room, "60")["patterns"]] == [3]


def test_publishing_the_third_opens_it_too(room: Room) -> None:
    from tests.incident.test_postmortem import Pen

    for _ in range(3):
        name = _happened(room)
    pen = Pen(room)
    pen.write(incident=name)
    pen.fill()
    assert pen.write(incident=name, publish=True)["postmortem"]["opened"] == ["0000-2"]


def test_a_small_bug_that_comes_back_is_to_have_a_post_mortem(room: Room) -> None:
    first = _happened(room, severity="3")
    assert "published" not in [item["item"] for item in _checklist(room, first)]
    second = _happened(room, severity="3")
    (pattern,) = _review(room)["patterns"]
    assert pattern["post_mortem_asked"] == [second]
    assert "published" in [item["item"] for item in _checklist(room, second)]
    assert "published" not in [item["item"] for item in _checklist(room, first)]
    shown = json_of(room.said(lambda: incidents.show(room.world(json=True), second)))
    (clock,) = [one for one in shown["clocks"] if one["clock"] == "post-mortem"]
    assert clock["left_seconds"] == 7 * 24 * 3600  # from when it was asked for, not from the end
    _happened(room, severity="3")
    assert _review(room)["patterns"][0]["post_mortem_asked"] == [second]


def _checklist(room: Room, incident: str) -> Any:
    return json_of(room.said(lambda: incidents.show(room.world(json=True), incident)))["checklist"]


# --- times ---


def test_every_incident_has_its_times_and_the_medians_their_number(room: Room) -> None:
    for minutes, service in ((10, "a"), (14, "b"), (600, "c")):
        _happened(room, service=service, minutes=minutes)
    open_one = room.declare("a fourth", services=("d",))["incident"]
    found = _review(room)
    assert [(one["message_seconds"], one["down_seconds"], one["target"]) for one in found["incidents"]] == [
        (600, 600, "kept"),
        (840, 840, "kept"),
        (36000, 36000, "missed"),
        (None, None, "runs"),
    ]
    assert found["medians"]["down"] == {"seconds": 840, "n": 3}
    assert found["incidents"][-1]["incident"] == open_one
    page = room.said(lambda: review.review(room.world(), None))
    assert "incidents  4 (SEV1: 4), 1 still open\n" in page
    assert " mean" not in page.replace("No mean", "")
    assert max(len(line) for line in page.splitlines()) <= 80


def test_a_damaged_incident_is_said_and_hinders_nothing(room: Room) -> None:
    first = _happened(room)
    _happened(room)
    journal = room.case.state / "incidents" / first / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"the wiki", b"thy wiki"))
    found = _review(room)
    assert found["unread"] == [{"incident": first, "status": "damaged"}]
    assert len(found["incidents"]) == 1
    page = room.said(lambda: review.review(room.world(), None))
    assert f"NOT READ {first}: damaged, so it is not counted" in " ".join(page.split())
    register = json_of(room.said(lambda: breaches.register(room.world(json=True), out=None, language=None)))
    assert register == [{"incident": first, "status": "damaged"}]


def test_an_incident_whose_record_is_gone_is_not_hidden(room: Room) -> None:
    """The folder shows that there was one; nobody knows whether data was lost."""
    gone, kept = _happened(room), _happened(room)
    journal = room.case.state / "incidents" / gone / "journal.jsonl"
    journal.unlink()
    said = {"incident": gone, "status": "no record"}
    assert _review(room)["unread"] == [said]
    assert json_of(room.said(lambda: breaches.register(room.world(json=True), out=None, language=None))) == [said]
    page = room.said(lambda: breaches.register(room.world(), out=None, language=None))
    assert "NOT READ   no record: whether data was lost is not known" in page
    listed = json_of(room.said(lambda: incidents.list_all(room.world(json=True))))
    assert [(one["incident"], one["status"]) for one in listed] == [(gone, "no record"), (kept, "resolved")]
    assert "no record" in room.said(lambda: incidents.list_all(room.world()))


@pytest.mark.parametrize("name", ["old-one", "20261125-1200-another-0000", "{}.bak"])
def test_an_incident_whose_folder_was_renamed_is_not_hidden(room: Room, name: str) -> None:
    """Whether its new name is one of an incident or not; put back, it is there again."""
    loses = room.declare("the pages", data_loss=True)["incident"]
    room.clock.on(minutes=1)
    kept = room.declare("the rest")["incident"]
    folder = room.case.state / "incidents" / loses
    moved = folder.rename(folder.with_name(name.format(loses)))
    assert [(one["incident"], one["status"]) for one in _register(room)] == [(moved.name, "renamed")]
    page = room.said(lambda: incidents.list_all(room.world()))
    assert f"its record is that of {loses}: rename the folder back" in " ".join(page.split())
    listed = json_of(room.said(lambda: incidents.list_all(room.world(json=True))))
    assert [(one["incident"], one["status"]) for one in listed] == [(moved.name, "renamed"), (kept, "open")]
    assert actions.list_all(room.world(), everything=False) == 0
    assert f"incident {moved.name} cannot be read (renamed)" in room.capsys.readouterr().err
    with pytest.raises(HoldpointError) as raised:
        incidents.show(room.world(), moved.name)
    (problem,) = raised.value.problems
    assert (problem.code, problem.hint.endswith(f"/{loses}` puts it back")) == ("renamed", True)
    room.capsys.readouterr()
    moved.rename(folder)
    assert [one["incident"] for one in _register(room)] == [loses]


def test_one_that_was_renamed_and_is_damaged_hinders_nothing(room: Room) -> None:
    incident = room.declare()["incident"]
    folder = room.case.state / "incidents" / incident
    moved = folder.rename(folder.with_name("mine"))
    journal = moved / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"the wiki", b"thy wiki"))
    listed = json_of(room.said(lambda: incidents.list_all(room.world(json=True))))
    assert [(one["incident"], one["status"]) for one in listed] == [("mine", "damaged")]
    with pytest.raises(HoldpointError, match="no incident is open"):
        incidents.show(room.world(), None)
    assert "the record of incident mine is damaged" in room.capsys.readouterr().err


def test_what_else_lies_beside_incidents_is_none(room: Room) -> None:
    room.declare()
    beside = room.case.state / "incidents"
    (beside / "notes.txt").write_text("x")
    (beside / "empty").mkdir()
    (beside / ".handover-x").mkdir()
    (beside / ".handover-x" / "journal.jsonl").write_text("x")
    assert len(json_of(room.said(lambda: incidents.list_all(room.world(json=True))))) == 1


@pytest.mark.parametrize("days", ["0", "x", "-3", "9999", "1.5", "٣"])
def test_days_that_are_none(room: Room, days: str) -> None:
    with pytest.raises(HoldpointError, match="no number of days"):
        review.review(room.world(), days)


def test_with_nothing_to_review(room: Room) -> None:
    assert _review(room)["incidents"] == []
    assert "incidents  none\n" in room.said(lambda: review.review(room.world(), None))


# --- the register of breaches ---


def _register(room: Room) -> Any:
    return json_of(room.said(lambda: breaches.register(room.world(json=True), out=None, language=None)))


def _told(room: Room, what: str, **more: str) -> Any:
    given = {"late": None, "at": None, "incident": "last", **more}
    return json_of(room.said(lambda: breaches.authority(room.world(json=True), what, **given)))  # type: ignore[arg-type]


def test_the_register_holds_every_loss_however_it_was_found_out(room: Room) -> None:
    names = [room.declare("at once", data_loss=True)["incident"]]
    room.resolve("c", "i", "yes", without_verify="w")
    room.clock.on(minutes=1)
    names.append(room.declare("at the end")["incident"])
    room.resolve("c", "i", "yes", without_verify="w")
    room.clock.on(minutes=1)
    names.append(room.declare("later")["incident"])
    room.resolve("c", "i", "no", without_verify="w")
    assert [one["incident"] for one in _register(room)] == names[:2]
    room.clock.on(days=9)
    note = lambda: incidents.note(  # noqa: E731
        room.world(json=True), "it was", at=None, incident=names[2], data_loss=True, users_see=False
    )
    room.said(note)
    found = _register(room)
    assert [one["incident"] for one in found] == names
    assert found[2]["aware"] == "2026-12-04T12:02:00.000000Z"
    assert found[2]["due"] == "2026-12-07T12:02:00.000000Z"
    assert [one["overdue"] for one in found] == [True, True, False]


def test_a_loss_that_was_ruled_out_says_by_whom_when_and_why(room: Room) -> None:
    """In the register, on the screen and in both languages of the page; and what was told stays in it."""
    room.declare("the pages", data_loss=True)
    _told(room, "40 people, to be confirmed")
    room.clock.on(hours=2)
    room.resolve("c", "i", "no", without_verify="w", ruled_out="they were in the | bin")
    (entry,) = _register(room)
    assert entry["ruled_out"] == {
        "why": "they were in the | bin",
        "person": "ada",
        "happened": "2026-11-25T14:00:00.000000Z",
    }
    assert [phase["what"] for phase in entry["phases"]] == ["40 people, to be confirmed"]
    page = room.said(lambda: breaches.register(room.world(), out=None, language=None))
    assert "ruled out  2026-11-25 15:00 CET by ada: they were in the | bin\n" in page
    assert "2026-11-25 13:00 CET: 40 people, to be confirmed\n" in page
    assert "overdue" not in page.lower()
    for language, ruled in (
        ("en", "- Ruled out 2026-11-25 15:00 CET by ada: they were in the \\| bin\n"),
        ("fr", "- Écarté le 2026-11-25 15:00 CET par ada : they were in the \\| bin\n"),
    ):
        room.said(lambda speaks=language: breaches.register(room.world(), out=f"{speaks}.md", language=speaks))  # type: ignore[misc]
        written = (room.case.repository / f"{language}.md").read_text()
        assert ruled in written
        assert "40 people, to be confirmed\n" in written


def test_a_loss_that_is_found_after_an_end_without_one_counts(room: Room) -> None:
    """Also where an earlier loss was ruled out: the 72 hours run, and it is asked for what is still to be told."""
    room.declare()
    room.resolve("c", "i", "no", without_verify="w")
    room.clock.on(hours=1)
    note = lambda: incidents.note(  # noqa: E731
        room.world(json=True), "two pages", at=None, incident="last", data_loss=True, users_see=False
    )
    noted = json_of(room.said(note))
    assert noted["data_loss"] is True
    assert "breach" in {one["clock"] for one in noted["clocks"]}
    room.clock.on(hours=80)
    (entry,) = _register(room)
    assert (entry["ruled_out"], entry["overdue"]) == (None, True)


def test_what_is_told_in_phases_stops_the_clock_and_the_last_notice_is_still_wanted(room: Room) -> None:
    room.declare(data_loss=True)
    room.clock.on(hours=10)
    shown = _told(room, "40 people, the names follow")
    (clock,) = [one for one in shown["clocks"] if one["clock"] == "breach"]
    assert clock["standing"] == "kept"
    assert not next(item for item in shown["checklist"] if item["item"] == "authority")["done"]
    room.clock.on(hours=10)
    _told(room, "the names")
    (entry,) = _register(room)
    assert [phase["what"] for phase in entry["phases"]] == ["40 people, the names follow", "the names"]
    assert (entry["late"], entry["final"]) == (False, None)
    room.done("authority", "CNIL, all of it")
    assert _register(room)[0]["final"]["what"] == "CNIL, all of it"


def test_a_late_notice_needs_its_reasons(room: Room) -> None:
    room.declare(data_loss=True)
    room.clock.on(hours=73)
    with pytest.raises(HoldpointError) as raised:
        breaches.authority(room.world(), "x", late=None, at=None, incident="last")
    assert raised.value.problems[0].found == "the 72 hours were over 1 h 0 min before"
    room.done("authority", "CNIL")
    page = room.said(lambda: breaches.register(room.world(), out=None, language=None))
    assert "LATE by 1 h 0 min; reasons: NOT GIVEN" in page
    _told(room, "why it was late", late="nobody could reach the registry")
    assert _register(room)[0]["reasons"] == ["nobody could reach the registry"]
    assert max(len(line) for line in page.splitlines()) <= 80


def test_an_incident_without_loss_has_nothing_to_tell_the_authority(room: Room) -> None:
    room.declare()
    with pytest.raises(HoldpointError, match="has no loss of data"):
        breaches.authority(room.world(), "x", late=None, at=None, incident="last")


def test_the_page_of_the_register_is_written_over_nothing_else(room: Room) -> None:
    room.declare("<b>|x|</b>", data_loss=True)
    write = lambda: breaches.register(room.world(), out="docs/breaches.md", language=None)  # noqa: E731
    for _ in range(2):
        room.said(write)
    path = room.case.repository / "docs/breaches.md"
    assert "- What: SEV1, &lt;b&gt;\\|x\\|&lt;/b&gt;\n" in path.read_text()
    path.write_text(f"\ufeff{path.read_text()}")  # an editor put a byte order mark before it
    room.said(write)
    path.write_text("by hand\n")
    with pytest.raises(HoldpointError, match="no register of breaches"):
        write()
    assert path.read_text() == "by hand\n"


def test_the_last_notice_is_asked_for_until_it_is_recorded(case: Case) -> None:
    case.run("incident.declare", "x", "--severity", "3", "--at", "80h ago", "--data-loss", "--json").expect(0, ..., ...)
    case.run("incident.sent", "--message", "1", "--at", "80h ago").expect(0, ..., ...)
    case.run("incident.sent", "--message", "2", "--at", "80h ago").expect(0, ..., ...)
    incident = next((case.state / "incidents").iterdir()).name
    said = case.run("incident.authority", "40 people", "--at", "20h ago", "--late", "").expect(2, ..., ...)
    assert '`--late` stands without a value\n  expected: `--late "..."`' in said.stderr
    case.run("incident.authority", "40 people", "--at", "20h ago").expect(0, ..., ...)
    command = f"`inv incident.done authority --incident {incident}`"
    line = f"incident {incident}: the last notice to the authority is not on record; {command}\n"
    assert case.run("run.list").expect(0, ..., ...).raw_error == line
    case.run("incident.done", "authority", "--say", "CNIL").expect(0, ..., ...)
    case.run("run.list").expect(0, ..., "")


# --- what is not a sign, and what is not written to ---


def _noted(room: Room, event: Event, incident: str = "last") -> None:
    desk = Desk(room.world())
    with desk.writing(room.world().state.find_incident(incident), open_only=False) as book:
        book.note(event)


def test_a_run_of_the_teams_checks_is_no_runbook_and_a_red_check_is_a_sign(room: Room) -> None:
    for colour in (True, False):
        incident = room.declare(services=("docmost",))["incident"]
        run = planted(room, "team-health", "x", incident=incident)
        _noted(room, CheckAnswered("health", "", colour, "503", run, room.clock.now()), incident)
        room.clock.on(days=1)
    green, red = _review(room)["incidents"]
    assert [(one["runbooks"], one["causes"]) for one in (green, red)] == [([], [])] * 2
    assert (green["checks"], red["checks"]) == ([], ["health"])


def test_nothing_is_written_into_a_record_that_was_handed_over(room: Room) -> None:
    """Where both go on with it, the two records could not be put together again."""
    names = [_happened(room) for _ in range(3)]
    _noted(room, HandedOver("bob", "web1", {}), names[-1])
    found = _review(room)
    assert found["patterns"][0]["escalation"]["incident"] == names[1]
    assert _review(room)["opened"] == []
    for name in names[:2]:
        _noted(room, HandedOver("bob", "web1", {}), name)
    room.clock.on(days=1)
    names = [_happened(room, "another") for _ in range(3)]
    for name in names:
        _noted(room, HandedOver("bob", "web1", {}), name)
    again = _review(room)
    assert (again["opened"], again["patterns"][1]["escalation"]) == ([], None)
    assert len(again["incidents"]) == 6
