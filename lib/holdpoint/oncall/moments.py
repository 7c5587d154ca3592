"""From what a local clock shows to a moment, and from what a person typed to a moment.

All moments that come out are in UTC. Where the clocks jump over a time there is no such moment, and where they are put
back there are two: a person is told, with what to write instead; a time of a rule that comes back day after day
(working hours, a handover) has one answer always.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from holdpoint.document import duration
from holdpoint.problem import HoldpointError, Problem

FORM = "`14:05`, `2026-11-25 14:05`, `2026-11-25T14:05+01:00`, or `10m ago`"
_CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?"
_TIME = re.compile(_CLOCK, re.ASCII)
_LOCAL = re.compile(rf"(\d{{4}}-\d\d-\d\d)[T ]{_CLOCK}", re.ASCII)
_FULL = re.compile(rf"(\d{{4}}-\d\d-\d\d)[T ]{_CLOCK}(?:\.\d+)?\s?(Z|UTC|[+-]\d\d:?\d\d)", re.ASCII)
_AGO = re.compile(r"(\S+) ago", re.ASCII)
YEARS = range(1970, 2200)
"""Years that a time can have."""
_SHOWN = 60


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Give the moments at which the clocks of a zone show `wall`, which has no zone: none, one or two, in order."""
    both = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(one for one in both if one.astimezone(zone).replace(tzinfo=None) == wall))


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Give one moment always: of two the first, and for a time that is jumped over the moment of the jump."""
    found = instants(wall, zone)
    return found[0] if found else _jump(wall, zone)


def on(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Give the moment at which the clocks show so many minutes after midnight, as `instant` does; 24:00 is tomorrow's 00:00."""
    return instant(datetime.combine(day, time()) + timedelta(minutes=minutes), zone)


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """Find the moment at which the clocks jump over `wall`, to the second."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    old, second = before.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // 2 // second * second
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Write a moment so that `read` takes it back: date and minutes, with the offset where the clocks show it twice."""
    there = moment.astimezone(zone)
    twice = len(instants(there.replace(tzinfo=None, fold=0), zone)) > 1
    return there.isoformat(sep="T" if twice else " ", timespec="minutes")[: None if twice else 16]


def read(text: str, *, now: datetime, zone: ZoneInfo, future: bool = False) -> datetime:
    """Read a time that a person typed; a time of day alone is today's.

    Raises `HoldpointError` for what is no time, is jumped over, comes twice, or is later than `now` unless `future`
    says that this may be; it says what to write instead. Of two moments one of which is still to come, the other one is
    meant where only the past can be.
    """
    typed = " ".join(text.split())
    if typed == "now":
        return now.astimezone(UTC)
    if match := _AGO.fullmatch(typed):
        return now.astimezone(UTC) - duration.parse(match[1])
    if match := _FULL.fullmatch(typed):
        moment = _full(match, text)
        return moment if future else _past(moment, text, now=now, zone=zone)
    if match := _TIME.fullmatch(typed):
        wall = _wall(now.astimezone(zone).date().isoformat(), match.groups(), text)
    elif match := _LOCAL.fullmatch(typed):
        wall = _wall(match[1], match.groups()[1:], text)
    else:
        raise HoldpointError(Problem("time", f"`{text[:_SHOWN]}` is no time", expected=FORM, hint=_hint(typed)))
    found = instants(wall, zone)
    if not found:
        raise HoldpointError(_skipped(wall, text, zone))
    possible = found if future else [one for one in found if one <= now]
    if len(possible) > 1:
        raise HoldpointError(_twice(text, possible, zone))
    return possible[0] if possible else _past(found[0], text, now=now, zone=zone)


def _wall(day: str, clock: tuple[str | None, ...], text: str) -> datetime:
    hours, minutes, seconds = (int(part or 0) for part in clock[:3])
    try:
        on_day = date.fromisoformat(day)
    except ValueError:
        problem = Problem("time", f"`{text[:_SHOWN]}` is no time", found=f"there is no day {day}", expected=FORM)
        raise HoldpointError(problem) from None
    if on_day.year not in YEARS:
        expected = f"a year from {YEARS[0]} to {YEARS[-1]}"
        raise HoldpointError(Problem("time", f"`{text[:_SHOWN]}` is far away", expected=expected))
    return datetime.combine(on_day, time(hours, minutes, seconds))


def _full(match: re.Match[str], text: str) -> datetime:
    day, *clock, offset = match.groups()
    wall = _wall(str(day), tuple(clock), text)
    if offset in ("Z", "UTC"):
        return wall.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    away = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    if abs(away) > timedelta(hours=15) or minutes > 59:  # noqa: PLR2004 - no zone is further away; minutes of an hour
        expected = "an offset such as `+01:00`"
        raise HoldpointError(Problem("time", f"`{text[:_SHOWN]}` is no time", found=f"`{offset}`", expected=expected))
    return wall.replace(tzinfo=UTC) - away


def _past(moment: datetime, text: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    if moment <= now:
        return moment
    hint = ""
    if _TIME.fullmatch(text.strip()):
        wall = moment.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
        hint = f"for yesterday, write `{wall:%Y-%m-%d %H:%M}`"
    found = f"it is {local(now, zone)} in {zone.key}"
    problem = Problem(
        "time-future", f"`{text[:_SHOWN]}` is still to come", found=found, expected="a time that has been", hint=hint
    )
    raise HoldpointError(problem)


def _skipped(wall: datetime, text: str, zone: ZoneInfo) -> Problem:
    jump = _jump(wall, zone)
    before = (jump - timedelta(minutes=1)).astimezone(zone)
    after = jump.astimezone(zone)
    return Problem(
        "time-skipped",
        f"`{text[:_SHOWN]}` does not exist in {zone.key}",
        found=f"the clocks jump from {before:%H:%M} to {after:%H:%M}",
        hint=f"if that is when they jumped, write `{after:%Y-%m-%d %H:%M}`",
    )


def _twice(text: str, found: Iterable[datetime], zone: ZoneInfo) -> Problem:
    first, second = (one.astimezone(zone).isoformat(timespec="minutes") for one in found)
    return Problem(
        "time-twice",
        f"`{text[:_SHOWN]}` comes twice in {zone.key}, since the clocks are put back",
        expected="one of the two",
        hint=f"write `{first}` for the first, or `{second}` for the second",
    )


def _hint(typed: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", typed, re.ASCII):
        return f"add a time: `{typed} 09:00`"
    if match := re.fullmatch(r"(\d{1,2})[hH.](\d\d)?", typed, re.ASCII):
        return f"write `{match[1]}:{match[2] or '00'}`"
    if re.fullmatch(r"\d{1,2}:\d\d:?\d{0,2}", typed, re.ASCII):
        return "a day goes from `00:00` to `23:59`"
    return ""
