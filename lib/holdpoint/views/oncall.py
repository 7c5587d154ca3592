"""Who is on call, week by week and now, and the days counted: on the screen and as data.

Times are those of the team's zone, whatever that of the machine is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from holdpoint.oncall.days import RULE, Count
from holdpoint.oncall.model import Cover, Person, Team
from holdpoint.oncall.rota import WEEK, Duty, Role, Shift, Stretch
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line
from holdpoint.views.tables import narrow, table

BEGINNING = """\
schema: holdpoint/team/1
zone: Europe/Paris
people:
  ada: {name: Ada Lovelace, email: ada@example.org}
  bob: {name: Bob Martin, email: bob@example.org}
rota: {start: MONDAY, order: [ada, bob]}
"""
NOBODY = "NOBODY"
NO_SHIFT = "Nobody is on call in that time: the rota begins later."


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment to the minute, with weekday and zone."""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def named(team: Team, name: str) -> str:
    """A person by both names; the one of the records is the one to type."""
    person = team.people.get(name, Person(name, name))
    return name if person.name == name else f"{person.name} ({name})"


def changed(duty: Duty) -> str:
    """Why it is not as planned; empty where it is."""
    if not duty.instead_of:
        return ""
    return f"instead of {duty.instead_of}" + (f": {duty.why}" if duty.why else "")


# --- now --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """A role at a moment: who has it, and who is next; each None where nobody is."""

    role: Role
    now: Shift | None
    following: Shift | None


def who(team: Team, at: datetime, turns: Sequence[Turn], begins: datetime | None, width: int) -> list[Line]:
    """Who is on call at a moment; `begins` is when the rota does, where that is later."""
    drawn = [line(f"{moment(at, team.zone)}  ({team.zone.key})", Tone.BOLD)]
    if begins is not None:
        text = f"NOBODY is on call: the rota begins on {moment(begins, team.zone)}."
        return [*drawn, BLANK, *labelled("", text, width, Tone.WARN, column=1)]
    for turn in turns:
        drawn += [BLANK, *_turn(team, turn, width)]
    return drawn


def _turn(team: Team, turn: Turn, width: int) -> list[Line]:
    if turn.now is None:
        drawn = labelled(
            turn.role.value, f"{NOBODY}; everybody else of the rota is away or principal", width, Tone.WARN
        )
    else:
        person = team.people.get(turn.now.duty.person)
        email = person.email if person is not None else ""
        drawn = labelled(turn.role.value, named(team, turn.now.duty.person), width, Tone.BOLD)
        drawn += labelled("", email, width) if email else []
        drawn += labelled("", changed(turn.now.duty), width, Tone.WARN) if turn.now.duty.instead_of else []
        drawn += labelled("  since", moment(turn.now.begin, team.zone), width)
        drawn += labelled("  until", moment(turn.now.end, team.zone), width)
    if turn.following is not None:
        why = changed(turn.following.duty)
        late = turn.now is None or turn.following.begin != turn.now.end
        text = named(team, turn.following.duty.person) + (
            f" from {moment(turn.following.begin, team.zone)}" if late else ""
        )
        drawn += labelled("  then", text + (f", {why}" if why else ""), width)
    return drawn


def who_data(team: Team, at: datetime, turns: Sequence[Turn], begins: datetime | None) -> dict[str, Any]:
    return {
        "at": stamp(at, team.zone),
        "zone": team.zone.key,
        "begins": stamp(begins, team.zone) if begins is not None else None,
        **{turn.role.value: shift_data(team, turn.now) for turn in turns},
        "next": {turn.role.value: shift_data(team, turn.following) for turn in turns},
    }


def shift_data(team: Team, shift: Shift | None) -> dict[str, Any] | None:
    if shift is None:
        return None
    times = {"since": stamp(shift.begin, team.zone), "until": stamp(shift.end, team.zone)}
    return {**_duty_data(team, shift.duty), **times}


def _duty_data(team: Team, duty: Duty) -> dict[str, Any]:
    person = team.people.get(duty.person, Person(duty.person, duty.person))
    return {
        "person": person.id,
        "name": person.name,
        "email": person.email or None,
        "instead_of": duty.instead_of or None,
        "why": duty.why or None,
    }


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """A moment for programs: local, with its offset."""
    return at.astimezone(zone).isoformat()


# --- week by week -----------------------------------------------------------------------------------------------


def weekly(team: Team, found: Sequence[Stretch], now: datetime, width: int) -> list[Line]:
    """A row for each stretch, and what is not as planned beside it."""
    rows = [
        (
            f"{one.begin.astimezone(team.zone):%a %Y-%m-%d %H:%M}" + (" now" if one.begin <= now < one.end else ""),
            one.principal.person,
            one.backup.person if one.backup is not None else NOBODY,
            _notes(one, found, team.zone),
        )
        for one in found
    ]
    drawn = table(("from", "principal", "backup", "why"), rows, width)
    last = f"up to {moment(found[-1].end, team.zone)}; times are those of {team.zone.key}" if found else NO_SHIFT
    return [*drawn, BLANK, *labelled("", last, width, Tone.DIM, column=1)]


def _notes(one: Stretch, found: Sequence[Stretch], zone: ZoneInfo) -> str:
    notes = [
        f"{duty.person} {changed(duty)}" for duty in (one.principal, one.backup) if duty is not None and duty.instead_of
    ]
    whole = [other for other in found if other.week == one.week]
    length = whole[-1].end - whole[0].begin
    if one is whole[0] and length != WEEK and whole[0].begin.astimezone(zone).date() == one.week:
        notes.append(f"the clocks change: {hours(length)}")
    return "; ".join(notes)


def weekly_data(team: Team, found: Sequence[Stretch], idle: Sequence[Cover]) -> dict[str, Any]:
    return {
        "zone": team.zone.key,
        "shifts": [
            {
                "week": one.week.isoformat(),
                "since": stamp(one.begin, team.zone),
                "until": stamp(one.end, team.zone),
                "principal": _duty_data(team, one.principal),
                "backup": _duty_data(team, one.backup) if one.backup is not None else None,
            }
            for one in found
        ],
        "idle": [
            {
                "since": stamp(one.begin, team.zone),
                "until": stamp(one.end, team.zone),
                "who": one.who,
                "for": one.absent,
                "why": one.why,
            }
            for one in idle
        ],
    }


def warnings(team: Team, idle: Iterable[Cover], width: int) -> list[Line]:
    """Cover that changes nothing."""
    drawn: list[Line] = []
    for one in idle:
        text = (
            f"The cover of {one.absent} by {one.who} from {moment(one.begin, team.zone)} changes nothing: {one.absent} is"
            " not on call then, or covered for already. Look at its dates in team.yaml."
        )
        drawn += [BLANK, *labelled("", text, width, Tone.WARN, column=1)]
    return drawn


def beginning(folder: str, monday: date, width: int) -> list[Line]:
    """How to begin a rota."""
    text = f"There is no rota in {folder}, so nobody is known to be on call. It stands in team.yaml:"
    example = BEGINNING.replace("MONDAY", monday.isoformat())
    return [
        *labelled("", text, width, column=1),
        BLANK,
        *((Segment(f"  {one}"),) for one in example.splitlines()),
    ]


# --- days -------------------------------------------------------------------------------------------------------


def days(team: Team, first: date, last: date, counts: Sequence[Count], lacking: str, width: int) -> list[Line]:
    """A row for each person and role, the rule by which was counted, and what was not."""
    rows = [
        (named(team, one.person), one.role.value, str(one.days), str(one.weekend), str(one.holiday), hours(one.time))
        for one in counts
    ]
    drawn = [line(f"On call from {first:%a %Y-%m-%d} to {last:%a %Y-%m-%d}, both included", Tone.BOLD), BLANK]
    if not rows:
        return [*drawn, *labelled("", NO_SHIFT, width, column=1)]
    drawn += narrow(("person", "role", "days", "weekend", "holiday", "time"), rows, width)
    drawn += [BLANK, *labelled("", RULE, width, Tone.DIM, column=1)]
    return drawn + (labelled("", f"No holidays: {lacking}", width, Tone.WARN, column=1) if lacking else [])


def days_data(team: Team, first: date, last: date, counts: Sequence[Count], lacking: str) -> dict[str, Any]:
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "zone": team.zone.key,
        "rule": RULE,
        "lacking": lacking or None,
        "counts": [
            {
                "person": one.person,
                "name": team.people[one.person].name,
                "role": one.role.value,
                "days": one.days,
                "weekend": one.weekend,
                "holiday": one.holiday if not lacking else None,
                "minutes": one.time // timedelta(minutes=1),
            }
            for one in counts
        ],
    }


def hours(length: timedelta) -> str:
    """A length in hours and minutes, as it is paid."""
    whole, rest = divmod(length // timedelta(minutes=1), 60)
    return f"{whole} h {rest} min" if rest else f"{whole} h"
