"""Times for people: local, with their zone, and spans in two units at most."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_SHORT = timedelta(seconds=10)


def clock_time(moment: datetime, zone: tzinfo | None) -> str:
    """Hours, minutes and seconds in `zone`, or in the machine's own where that is None."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def full_time(moment: datetime, zone: tzinfo | None) -> str:
    """Date, time and zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}".strip()


def told_zone(moment: datetime, zone: tzinfo | None) -> str:
    """Name the zone of the times below, once for all of them; names of runs hold UTC, which is said where it differs."""
    here = moment.astimezone(zone)
    name = here.tzname() or ""
    of = f", {zone.key}" if isinstance(zone, ZoneInfo) and zone.key != name else ""
    return f"{name}{of}{'; a name of a run has UTC' if here.utcoffset() else ''}"


def span(duration: timedelta) -> str:
    """Say how long: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    if timedelta(0) <= duration < _SHORT:
        return f"{duration.total_seconds():.1f} s"
    seconds = max(0, int(duration.total_seconds()))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    for index, (size, name) in enumerate(units):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            more = rest // units[index + 1][0] if index + 1 < len(units) else 0
            return f"{whole} {name}" + (f" {more} {units[index + 1][1]}" if more else "")
    return "0 s"


def rounded(duration: timedelta) -> str:
    """Say how long, in whole minutes from one minute on."""
    minute = timedelta(minutes=1)
    return span(duration // minute * minute) if minute <= duration < timedelta(hours=1) else span(duration)


def stopwatch(elapsed: timedelta) -> str:
    """Say how long in minutes and seconds, as a stopwatch does: `07:42`."""
    seconds = int(elapsed.total_seconds())
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


def size(count: int) -> str:
    """Say how many bytes: `312 B`, `4.0 KB`, `1.2 MB`."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit takes everything")
