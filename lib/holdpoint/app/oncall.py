"""The use cases of the rota: who is on call, week by week, the days counted, and the calendar.

They need no world, only the team, a clock and a screen: a wrong `hosts.yaml` must hide nobody who is on call.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from holdpoint.app.repository import repository
from holdpoint.app.team import lacking, team_of
from holdpoint.app.zone import TEAM
from holdpoint.engine.ports import Clock
from holdpoint.oncall import days, moments
from holdpoint.oncall.model import Rota, Team
from holdpoint.oncall.rota import (
    WEEK,
    Role,
    begins,
    idle,
    shift_at,
    shifts,
    stretches,
    week_at,
    weeks,
)
from holdpoint.problem import HoldpointError, Place, Problem, did_you_mean
from holdpoint.store import holidays, page_file
from holdpoint.store.clock import SystemClock
from holdpoint.views import oncall as view
from holdpoint.views.console import Screen

WEEKS, CALENDAR_WEEKS, MOST_WEEKS = 8, 26, 520
_AHEAD = 60
"""Weeks in which the next shift is looked for."""
_CALENDAR = b"BEGIN:VCALENDAR"


@dataclass(frozen=True, slots=True)
class Board:
    """Where the rota hangs: the team's repository, what time it is, and how to write."""

    repository: Path
    clock: Clock
    json: bool = False
    plain: bool = False

    def screen(self, out: TextIO) -> Screen:
        return Screen(out, plain=self.plain, environ=os.environ)


def board(*, json: bool = False, plain: bool = False) -> Board:
    """Find the team of the working folder."""
    return Board(repository(Path.cwd()), SystemClock(), json, plain)


# --- who --------------------------------------------------------------------------------------------------------


def who(at: Board, typed: str | None) -> int:
    """Principal and backup, now or at the time that was typed, since and until when, and who is next."""
    team = team_of(at.repository)
    rota = _rota(team, at)
    now = at.clock.now()
    moment = now if typed is None else moments.read(typed, now=now, zone=team.zone, future=True)
    start = begins(rota, team.zone, rota.start)
    later = start if moment < start else None
    turns = [_turn(rota, team, role, moment) for role in Role]
    if at.json:
        _print_json(view.who_data(team, moment, turns, later))
        return 0
    screen = at.screen(sys.stdout)
    screen.lines(view.who(team, moment, turns, later, screen.width))
    return 0


def _turn(rota: Rota, team: Team, role: Role, at: datetime) -> view.Turn:
    now = shift_at(rota, team.zone, role, at)
    since = now.end if now is not None else at
    ahead = (
        shift
        for week in weeks(rota, team.zone, since, max(since, begins(rota, team.zone, rota.start)) + _AHEAD * WEEK)
        for shift in shifts(rota, team.zone, week, role)
        if shift.begin >= since
    )
    return view.Turn(role, now, next(ahead, None))


# --- week by week -----------------------------------------------------------------------------------------------


def weekly(at: Board, count: str | None, since: str | None, until: str | None) -> int:
    """The rota from this week on, or from a day; so many weeks, or up to a day."""
    team = team_of(at.repository)
    screen, now = at.screen(sys.stdout), at.clock.now()
    if team.rota is None:
        monday = now.astimezone(team.zone).date()
        monday -= timedelta(days=monday.weekday())
        if at.json:
            _print_json(view.weekly_data(team, (), ()))
        else:
            screen.lines(view.beginning(str(at.repository), monday, screen.width))
        return 0
    rota, zone = team.rota, team.zone
    begin = now if since is None else moments.on(_day(since, "from"), 0, zone)
    if until is None:
        end = begins(rota, zone, _first(rota, team, begin) + _weeks(count, WEEKS) * WEEK)
    else:
        last = _day(until, "to")
        _refuse_both(count, until)
        end = moments.on(last + timedelta(days=1), 0, zone)
        _in_order(begin.astimezone(zone).date(), last)
    found = [one for week in weeks(rota, zone, begin, end) for one in stretches(rota, zone, week)]
    unused = idle(rota, zone)
    if at.json:
        _print_json(view.weekly_data(team, found, unused))
        return 0
    screen.lines(view.weekly(team, found, now, screen.width))
    screen.lines(view.warnings(team, unused, screen.width))
    return 0


def count_days(at: Board, since: str | None, until: str | None) -> int:
    """Days on call for compensation, from a day to a day; without them this month, and with the first alone its month."""
    team = team_of(at.repository)
    rota = _rota(team, at)
    today = at.clock.now().astimezone(team.zone).date()
    first = today.replace(day=1) if since is None else _day(since, "from")
    last = _month_end(first) if until is None else _day(until, "to")
    _in_order(first, last)
    public = holidays.off(team.holidays, team.language)
    counts = days.counted(rota, team.zone, first, last, public)
    if at.json:
        _print_json(view.days_data(team, first, last, counts, lacking(team)))
        return 0
    screen = at.screen(sys.stdout)
    screen.lines(view.days(team, first, last, counts, lacking(team), screen.width))
    return 0


# --- calendar ---------------------------------------------------------------------------------------------------


def calendar(at: Board, count: str | None, out: str | None, person: str | None) -> int:
    """The shifts from this week on as iCalendar, of one person or of all, on standard output or into a file."""
    team = team_of(at.repository)
    rota, zone = _rota(team, at), team.zone
    if person is not None and person not in team.people:
        hint = did_you_mean(person, team.people) or "names are those of `people` in team.yaml"
        raise HoldpointError(Problem("unknown-person", f"there is nobody `{person}` in the team", hint=hint))
    try:
        from holdpoint.views.calendar import calendar as write  # noqa: PLC0415 - the package need not be there
    except ImportError as error:
        problem = Problem(
            "no-icalendar", "the package `icalendar` is not installed", hint="`pip install 'holdpoint[incident]'`"
        )
        raise HoldpointError(problem) from error
    now = at.clock.now()
    week = _first(rota, team, now)
    wanted = [
        shift
        for number in range(_weeks(count, CALENDAR_WEEKS))
        for role in Role
        for shift in shifts(rota, zone, week + number * WEEK, role)
        if person in (None, shift.duty.person)
    ]
    data = write(team, wanted, now)
    _deliver(at, data, Path(out) if out is not None else None, len(wanted))
    return 0


def _deliver(at: Board, data: bytes, file: Path | None, count: int) -> None:
    """Write a calendar to where it is wanted, and say what was written."""
    if file is not None:
        page_file.replace(file, data, begins=_CALENDAR, what="calendar")
    if at.json:
        where = {"file": str(file)} if file is not None else {"calendar": data.decode()}
        _print_json({**where, "shifts": count})
    elif file is not None:
        sys.stdout.write(f"{file}: {count} {'shift' if count == 1 else 'shifts'}\n")
    else:
        sys.stdout.write(data.decode())


# --- what was typed ---------------------------------------------------------------------------------------------


def _rota(team: Team, at: Board) -> Rota:
    if team.rota is None:
        place = Place(str(at.repository / TEAM), 0, 0)
        problem = Problem("no-rota", "there is no rota", place, hint="`inv oncall.rota` shows how to begin one")
        raise HoldpointError(problem)
    return team.rota


def _first(rota: Rota, team: Team, at: datetime) -> date:
    return week_at(rota, team.zone, at) or rota.start


def _weeks(typed: str | None, default: int) -> int:
    if typed is None:
        return default
    if re.fullmatch(r"\d{1,4}", typed, re.ASCII) and 1 <= int(typed) <= MOST_WEEKS:
        return int(typed)
    expected = f"a number from 1 to {MOST_WEEKS}"
    raise HoldpointError(Problem("weeks", f"`--weeks` cannot be `{typed[:60]}`", expected=expected))


def _day(typed: str, option: str) -> date:
    """Read a day of the calendar."""
    try:
        day = date.fromisoformat(typed if re.fullmatch(r"\d{4}-\d\d-\d\d", typed, re.ASCII) else "")
    except ValueError:
        expected = "a day such as `2026-11-25`"
        raise HoldpointError(Problem("day", f"`--{option}` cannot be `{typed[:60]}`", expected=expected)) from None
    if day.year not in moments.YEARS:
        expected = f"a year from {moments.YEARS[0]} to {moments.YEARS[-1]}"
        raise HoldpointError(Problem("day", f"`--{option}` is far away", found=f"`{typed}`", expected=expected))
    return day


def _in_order(first: date, last: date) -> None:
    if first > last:
        problem = Problem("day", "the last day is before the first", found=f"{first} to {last}")
        raise HoldpointError(problem)


def _refuse_both(count: str | None, until: str | None) -> None:
    if count is not None and until is not None:
        raise HoldpointError(Problem("both-options", "`--weeks` and `--to` exclude each other"))


def _month_end(day: date) -> date:
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
