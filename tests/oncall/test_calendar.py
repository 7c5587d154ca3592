"""The calendar parses back, in UTC, with names of shifts that stay and texts that harm nothing."""

from datetime import UTC, date, timedelta

from icalendar import Calendar

from holdpoint.oncall.rota import WEEK, Role, shifts
from holdpoint.views.calendar import calendar
from tests.oncall.clocks import PARIS, paris
from tests.oncall.samples import SWAP, TEAM, cover, team

NOW = paris("2026-11-25 15:00")


def events(text=TEAM, week=date(2026, 10, 5), count=12, now=NOW):
    of = team(text)
    found = [
        shift
        for number in range(count)
        for role in Role
        for shift in shifts(of.rota, of.zone, week + number * WEEK, role)
    ]
    data = calendar(of, found, now)
    assert data == calendar(of, found, now)
    parsed = Calendar.from_ical(data)
    assert not parsed.errors
    assert (str(parsed["version"]), str(parsed["x-wr-timezone"])) == ("2.0", "Europe/Paris")
    return {str(event["uid"]): event for event in parsed.walk("VEVENT")}, found, data


def test_it_parses_back():
    parsed, found, data = events()
    assert len(parsed) == len(found) == 24
    for event, shift in zip(parsed.values(), found, strict=True):
        assert (event.decoded("dtstart"), event.decoded("dtend")) == (shift.begin, shift.end)
        assert event.decoded("dtstart").utcoffset() == timedelta()
        assert event.decoded("dtstamp") == NOW
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_shifts_over_changed_clocks_begin_and_end_at_nine():
    parsed, _, _ = events(count=30)
    for name, hours in (("2026-10-19-principal", 169), ("2027-03-22-principal", 167)):
        event = parsed[f"{name}@ops.holdpoint.invalid"]
        assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(hours=hours)
        assert event.decoded("dtend").astimezone(PARIS).hour == 9


def test_a_swap_moves_the_person_of_the_same_shift():
    before, _, _ = events()
    after, _, _ = events(TEAM + SWAP, now=NOW + timedelta(minutes=5))
    assert before.keys() == after.keys()
    moved = {name for name in before if before[name]["summary"] != after[name]["summary"]}
    weeks = {"2026-11-23", "2026-11-30"}
    assert {name[:10] for name in moved} == weeks
    name = "2026-11-23-principal@ops.holdpoint.invalid"
    assert (str(before[name]["summary"]), str(after[name]["summary"])) == (
        "On call: Bob Martin (bob)",
        "On call: Ève Dupont (eve)",
    )
    assert str(after[name]["description"]) == "instead of bob: a wedding"
    assert after[name].decoded("dtstart") == before[name].decoded("dtstart")
    assert after[name]["sequence"] > before[name]["sequence"]


def test_cover_adds_shifts_and_leaves_the_names_of_the_others():
    before, _, _ = events()
    after, _, _ = events(f"{TEAM}  cover:\n{cover('ada', 'bob', '2026-11-25', '2026-11-25')}")
    assert set(after) - set(before) == {f"2026-11-23-principal-{number}@ops.holdpoint.invalid" for number in (1, 2)}
    assert set(before) <= set(after)


def test_text_is_escaped():
    name = 'É;v,e \\ "x"\\nEND:VEVENT'
    parsed, _, data = events(TEAM.replace("Ada Lovelace", f"'{name}'"))
    event = parsed["2026-10-05-principal@ops.holdpoint.invalid"]
    assert str(event["summary"]) == f"On call: {name} (ada)"
    assert data.count(b"\r\nEND:VEVENT\r\n") == len(parsed)
    several = TEAM + SWAP.replace("a wedding", '"one\\nBEGIN:VEVENT\\ntwo"')
    parsed, _, data = events(several)
    assert (
        str(parsed["2026-11-23-principal@ops.holdpoint.invalid"]["description"])
        == "instead of bob: one\nBEGIN:VEVENT\ntwo"
    )
    assert data.count(b"\r\nBEGIN:VEVENT\r\n") == len(parsed)


def test_it_speaks_the_teams_language_and_knows_a_persons_calendar():
    parsed, _, _ = events(f"language: fr\n{TEAM}")
    event = parsed["2026-10-19-principal@ops.holdpoint.invalid"]
    assert str(event["summary"]) == "Astreinte: Ève Dupont (eve)"
    assert str(event["x-holdpoint-calendar"]) == "eve@group.calendar.example"
    assert str(event["contact"]) == "Ève Dupont, eve@example.org"
    assert event.decoded("dtstamp").tzinfo is not None
    assert event.decoded("dtstamp").astimezone(UTC) == NOW
