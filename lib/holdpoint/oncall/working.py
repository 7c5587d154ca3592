"""Working time: how much of it lies between two moments, and when an amount of it is over.

Pure arithmetic over a zone, hours of the week and days off. Hours are local: on the day on which the clocks are changed
within them, they are as long as they last. All moments that come out are in UTC; those that go in need a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdpoint.oncall.model import Hours
from holdpoint.oncall.moments import on

DayOff = Callable[[date], str]
"""Says why nobody works on a day; empty where that is no day off."""
_ONE = timedelta(days=1)
_NONE = timedelta(0)
_LONGEST = 200 * 366
"""Days ahead that are looked at."""


def every_day(_day: date) -> str:
    """No day is off."""
    return ""


@dataclass(frozen=True, slots=True)
class Working:
    """When a team works. The `hours` of a day do not overlap."""

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    off: DayOff = every_day

    def due(self, start: datetime, amount: timedelta) -> datetime:
        """Give the first moment at which `amount` of working time has passed since `start`; `start` itself for none.

        Raises `ValueError` for a negative amount, and where it never passes.
        """
        left, start = amount, start.astimezone(UTC)
        if left < _NONE:
            raise ValueError("working time cannot be negative")
        if not left:
            return start
        for begin, end in self._from(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise ValueError("there are no working hours")

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Give the working time between two moments; none where `end` is not after `start`."""
        total, end = _NONE, end.astimezone(UTC)
        for begins, ends in self._from(start.astimezone(UTC)):
            if begins >= end:
                break
            total += min(ends, end) - begins
        return total

    def opens(self, at: datetime) -> datetime:
        """Give the first moment from `at` on at which the team works: `at` itself within the hours."""
        for begin, _ in self._from(at.astimezone(UTC)):
            return begin
        raise ValueError("there are no working hours")

    def is_open(self, at: datetime) -> bool:
        """Whether the team works at a moment; the end of the hours does not belong to them."""
        return self.opens(at) == at

    def spans(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Give the stretches of working time that begin on a local day, in order."""
        if self.off(day):
            return ()
        written = sorted((one.begin, one.end) for one in self.hours if day.weekday() in one.days)
        spans = ((on(day, begin, self.zone), on(day, end, self.zone)) for begin, end in written)
        return tuple((begin, end) for begin, end in spans if begin < end)

    def _from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give what is left of the working time from a moment on."""
        day = start.astimezone(self.zone).date()
        for _ in range(_LONGEST):
            for begin, end in self.spans(day):
                if end > start:
                    yield max(begin, start), end
            day += _ONE
