"""Shifts as iCalendar, by the package `icalendar`: one event for each shift, in UTC.

An event's UID follows from the week, the role and the place of the shift in the week, and not from the person: after a
swap a calendar that is fetched again shows the same event with another name. `SEQUENCE` grows with the time of writing,
so that a later file wins where it is imported over an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from icalendar import Calendar, Event

from holdpoint.oncall.model import Language, Team
from holdpoint.oncall.rota import Role, Shift
from holdpoint.views.inert import inert
from holdpoint.views.oncall import changed, named

_TITLES = {
    Language.EN: {Role.PRINCIPAL: "On call", Role.BACKUP: "On call (backup)"},
    Language.FR: {Role.PRINCIPAL: "Astreinte", Role.BACKUP: "Astreinte (renfort)"},
}


def calendar(team: Team, shifts: Iterable[Shift], now: datetime) -> bytes:
    """Write the shifts; the same shifts at the same time give the same bytes."""
    written = Calendar()
    written.add("prodid", "-//Holdpoint//rota//EN")
    written.add("version", "2.0")
    written.add("calscale", "GREGORIAN")
    written.add("x-wr-calname", f"{_TITLES[team.language][Role.PRINCIPAL]}: {team.name}")
    written.add("x-wr-timezone", team.zone.key)
    for shift in shifts:
        written.add_component(_event(team, shift, now.astimezone(UTC).replace(microsecond=0)))
    return bytes(written.to_ical())


def uid(team: Team, shift: Shift) -> str:
    """The name of a shift among all calendars."""
    part = f"-{shift.number}" if shift.number else ""
    return f"{shift.week}-{shift.role.value}{part}@{team.name}.holdpoint.invalid"


def _event(team: Team, shift: Shift, now: datetime) -> Event:
    event = Event()
    event.add("uid", uid(team, shift))
    event.add("dtstamp", now)
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("dtstart", shift.begin.astimezone(UTC))
    event.add("dtend", shift.end.astimezone(UTC))
    event.add("summary", inert(f"{_TITLES[team.language][shift.role]}: {named(team, shift.duty.person)}"))
    event.add("transp", "TRANSPARENT")
    person = team.people.get(shift.duty.person)
    if person is not None and person.email:
        event.add("contact", inert(f"{person.name}, {person.email}"))
    if person is not None and person.calendar:
        event.add("x-holdpoint-calendar", inert(person.calendar))
    if shift.duty.instead_of:
        event.add("description", inert(changed(shift.duty)))
    return event
