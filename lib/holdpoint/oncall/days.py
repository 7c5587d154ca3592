"""Days on call, counted for compensation.

The rule: a calendar day counts once for each role, for the person who had it for the longest part of that day; of two
equally long parts the earlier one counts. It is a day of a weekend where it is a Saturday or a Sunday, else a public
holiday or not. Hours are those that a person really had, so cover of a few hours shows there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdpoint.oncall.model import Rota
from holdpoint.oncall.moments import on
from holdpoint.oncall.rota import Role, shifts, weeks
from holdpoint.oncall.working import DayOff

RULE = (
    "A day counts once for each role, for whoever had it for the longest part of that day. A holiday on a weekend counts"
    " as weekend. Hours are those really had."
)
_SATURDAY = 5
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Count:
    """What somebody had of a role: whole days, how many of them of which kind, and the time."""

    person: str
    role: Role
    days: int = 0
    weekend: int = 0
    holiday: int = 0
    """Public holidays that are on no weekend."""
    time: timedelta = timedelta()


def counted(rota: Rota, zone: ZoneInfo, first: date, last: date, holiday: DayOff) -> tuple[Count, ...]:
    """Count the local days from `first` to `last`, both included; principals first, then by name."""
    found: list[Count] = []
    for role in Role:
        held: dict[date, dict[str, timedelta]] = {}
        for day, person, time in _parts(rota, zone, first, last, role):
            of_day = held.setdefault(day, {})
            of_day[person] = of_day.get(person, timedelta()) + time
        counts: dict[str, Count] = {}
        for day, of_day in held.items():
            longest = max(of_day, key=lambda person: of_day[person])
            for person, time in of_day.items():
                before = counts.get(person, Count(person, role))
                counts[person] = _more(before, day, time, holiday, counts=person == longest)
        found += [counts[person] for person in sorted(counts)]
    return tuple(found)


def _parts(rota: Rota, zone: ZoneInfo, first: date, last: date, role: Role) -> Iterator[tuple[date, str, timedelta]]:
    """Cut the shifts at midnight; in order."""
    since, until = on(first, 0, zone), on(last + _ONE, 0, zone)
    for week in weeks(rota, zone, since, until):
        for shift in shifts(rota, zone, week, role):
            begin, end = max(shift.begin, since), min(shift.end, until)
            while begin < end:
                day = begin.astimezone(zone).date()
                cut = min(_midnight(day, zone), end)
                yield day, shift.duty.person, cut - begin
                begin = cut


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return on(day + _ONE, 0, zone)


def _more(before: Count, day: date, time: timedelta, holiday: DayOff, *, counts: bool) -> Count:
    weekend = day.weekday() >= _SATURDAY
    return Count(
        before.person,
        before.role,
        before.days + counts,
        before.weekend + (counts and weekend),
        before.holiday + (counts and not weekend and bool(holiday(day))),
        before.time + time,
    )
