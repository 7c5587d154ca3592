"""From the text of `team.yaml` to a team, or to everything that is wrong with it, each problem with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from yaml.events import Event

from holdpoint.document import duration
from holdpoint.document.fitting import fitting
from holdpoint.document.source import Lines, Source
from holdpoint.document.yaml import Map, Seq, place
from holdpoint.oncall import moments, outside
from holdpoint.oncall.model import (
    DAYS,
    MIDNIGHT,
    OFFICE,
    Cover,
    Holidays,
    Hours,
    Language,
    Order,
    Person,
    Probe,
    Rota,
    Swap,
    Team,
    WayBack,
)
from holdpoint.oncall.parse_alerts import alerts
from holdpoint.problem import HoldpointError, Problem, by_place, did_you_mean

ZONE, NAME, HANDOVER = "Europe/Paris", "team", "09:00"
_AT = datetime(2200, 1, 1, tzinfo=UTC)
"""In the place of now: what a document names may be still to come."""


def parse(source: Source, schema: Mapping[str, Any]) -> Team:
    """Read the team; raises `HoldpointError` with everything that is wrong."""
    tree, lines = fitting(source, schema)
    reading = _Reading(lines)
    team = reading.team(tree)
    if reading.problems:
        raise HoldpointError(by_place(reading.problems))
    return team


def default() -> Team:
    """Give the team of a repository without `team.yaml`. Raises `HoldpointError` where no time zones are known."""
    return Team(zone(ZONE))


def zone(name: str) -> ZoneInfo:
    """Look a time zone up. Raises `HoldpointError` where there is none of the name, or none at all."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        known = available_timezones()
        none = "this machine knows no time zones: `apt install tzdata`, or `pip install tzdata`"
        hint = (did_you_mean(name, known) or "for example `Europe/Paris`") if known else none
        raise HoldpointError(Problem("zone", f"there is no time zone `{name}`", hint=hint)) from None


class _Reading:
    """Makes values of a tree that fits the schema, and collects what is wrong with them."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def team(self, tree: Map) -> Team:
        where = self._zone(tree)
        people = {
            name: Person(name, str(one["name"]), str(one.get("email", "")), str(one.get("calendar", "")))
            for name, one in _maps(tree.get("people"))
        }
        rota = tree.get("rota")
        reached, problems = outside.read(tree, self.lines)
        self.problems += problems
        return Team(
            zone=where,
            name=str(tree.get("name", NAME)),
            language=Language(str(tree.get("language", Language.EN))),
            hours=self._hours(_each(tree.get("hours"))) or OFFICE,
            holidays=self._holidays(tree.get("holidays")),
            people=people,
            rota=self._rota(rota, where, people) if isinstance(rota, Map) else None,
            checks={name: self._probe(one) for name, one in _maps(tree.get("checks"))},
            rollbacks={name: self._way_back(name, one) for name, one in _maps(tree.get("rollbacks"))},
            alerts=alerts(tree.get("alerts")),
            outside=reached,
        )

    def _zone(self, tree: Map) -> ZoneInfo:
        try:
            return zone(str(tree.get("zone", ZONE)))
        except HoldpointError as error:
            if "zone" not in tree:
                raise
            at = place(self.lines, tree.marks["zone"])
            self.problems += [replace(problem, place=at) for problem in error.problems]
            return zone(ZONE)  # to say what else is wrong

    # --- commands of the team's own

    def _probe(self, one: Map) -> Probe:
        return Probe(str(one["run"]), str(one.get("host", "")), self._length(one, Probe("").timeout))

    def _way_back(self, name: str, one: Map) -> WayBack:
        before = one.get("before")
        if ("run" in one) is ("runbook" in one):
            expected = "`runbook: NAME` or `run: COMMAND`, one of the two"
            self._say("rollback", f"how does `{name}` go back?", one.mark, expected=expected)
        return WayBack(
            str(one.get("runbook", "")),
            str(one.get("run", "")),
            str(one.get("host", "")),
            self._length(one, WayBack().timeout),
            self._probe(before) if isinstance(before, Map) else None,
        )

    def _length(self, owner: Map, otherwise: timedelta) -> timedelta:
        """Read `timeout`."""
        if "timeout" not in owner:
            return otherwise
        try:
            return duration.parse(str(owner["timeout"]))
        except HoldpointError as error:
            at = place(self.lines, owner.marks["timeout"])
            self.problems += [replace(problem, place=at) for problem in error.problems]
            return otherwise

    # --- working time

    def _hours(self, entries: Sequence[Map]) -> tuple[Hours, ...]:
        hours: list[Hours] = []
        for one in entries:
            days = frozenset(DAYS.index(str(day)) for day in cast("Seq", one["days"]))
            new = Hours(days, _minutes(str(one["from"])), _minutes(str(one["to"])))
            if new.begin >= new.end:
                hint = "hours over midnight are two entries: one up to `24:00`, and one from `00:00` of the next day"
                self._say("hours", "the hours end before they begin", one.marks["to"], hint=hint)
            for other in hours:
                both = new.days & other.days
                if both and max(new.begin, other.begin) < min(new.end, other.end):
                    message = f"these hours and others overlap on `{DAYS[min(both)]}`"
                    self._say("hours", message, one.marks["from"], hint="keep one entry for each stretch of a day")
            hours.append(new)
        return tuple(hours)

    def _holidays(self, tree: object) -> Holidays:
        if not isinstance(tree, Map):
            return Holidays()
        own: dict[date, str] = {}
        for one in _each(tree.get("own")):
            day = self._date(one, "day")
            if day is not None and day in own:
                self._say("twice", f"the day {day} is given twice", one.marks["day"], hint="keep one of the two")
            elif day is not None:
                own[day] = str(one["why"])
        country = str(tree.get("country", Holidays().country))
        written = "region" if "region" in tree else "country"
        at = place(self.lines, tree.marks[written]) if written in tree else None
        return Holidays("" if country == "none" else country, str(tree.get("region", "")), own, at)

    # --- the rota

    def _rota(self, tree: Map, where: ZoneInfo, people: Mapping[str, Person]) -> Rota | None:
        first, start = self._orders(tree, people), self._date(tree, "start")
        covers = tuple(filter(None, [self._cover(one, where, people) for one in _each(tree.get("cover"))]))
        handover = cast("Map", tree.get("handover") or Map(tree.mark))
        if start is None:
            return None
        if "day" in handover and DAYS[start.weekday()] != handover["day"]:
            near = _weekday_near(start, DAYS.index(str(handover["day"])))
            message = f"{start} is a `{DAYS[start.weekday()]}`, and the handover is on `{handover['day']}`"
            self._say("week", message, tree.marks["start"], hint=f"write {near}")
            return None
        orders = [Order(start, *first)]
        for one in _each(tree.get("changes")):
            begins = self._week(one, "from", start)
            if begins is not None and begins <= orders[-1].start:
                expected = f"a day after {orders[-1].start}"
                self._say("week", "a change is not later than what it changes", one.marks["from"], expected=expected)
            elif begins is not None:
                orders.append(Order(begins, *self._orders(one, people)))
        return Rota(
            tuple(orders),
            _minutes(str(handover.get("at", HANDOVER))),
            tuple(filter(None, [self._swap(one, start) for one in _each(tree.get("swaps"))])),
            covers,
        )

    def _orders(self, tree: Map, people: Mapping[str, Person]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        both = []
        for key in ("order", "backup"):
            names = tree.get(key)
            names = names if isinstance(names, Seq) else Seq(tree.mark)
            for name, mark in zip(names, names.marks, strict=True):
                self._known(str(name), mark, people)
            both.append(tuple(str(name) for name in names))
        return both[0], both[1]

    def _swap(self, one: Map, start: date) -> Swap | None:
        week, other = self._week(one, "week", start), self._week(one, "with", start)
        if week is not None and week == other:
            self._say("week", "a week is swapped with itself", one.marks["with"], hint="name another week")
            return None
        return None if week is None or other is None else Swap(week, other, str(one["why"]))

    def _cover(self, one: Map, where: ZoneInfo, people: Mapping[str, Person]) -> Cover | None:
        begin, end = self._moment(one, "from", where), self._moment(one, "to", where)
        who, absent = str(one["who"]), str(one["for"])
        self._known(who, one.marks["who"], people)
        self._known(absent, one.marks["for"], people)
        if who == absent:
            self._say("cover", f"`{who}` covers for themselves", one.marks["who"], hint="name somebody else")
        if begin is None or end is None:
            return None
        if begin >= end:
            self._say("cover", "the cover ends before it begins", one.marks["to"])
            return None
        return Cover(begin, end, who, absent, str(one["why"]))

    # --- parts

    def _known(self, name: str, mark: Event, people: Mapping[str, Person]) -> None:
        if name not in people:
            expected = "" if (near := did_you_mean(name, people)) else _listed(people)
            self._say("unknown-person", f"there is nobody `{name}` in `people`", mark, expected=expected, hint=near)

    def _date(self, owner: Map, key: str) -> date | None:
        try:
            day = date.fromisoformat(str(owner[key]))
        except ValueError:
            self._say("date", f"there is no day `{owner[key]}`", owner.marks[key], expected="a date of the calendar")
            return None
        if day.year in moments.YEARS:
            return day
        expected = f"a year from {moments.YEARS[0]} to {moments.YEARS[-1]}"
        self._say("date", f"`{owner[key]}` is far away", owner.marks[key], expected=expected)
        return None

    def _week(self, owner: Map, key: str, start: date) -> date | None:
        """Read the day on which a week of the rota begins."""
        day = self._date(owner, key)
        if day is None:
            return None
        if day < start:
            self._say("week", f"{day} is before the rota begins", owner.marks[key], expected=f"{start} or a later week")
            return None
        if day.weekday() != start.weekday():
            week = day - timedelta(days=(day - start).days % 7)
            hint = f"the week that holds this day begins on {week}"
            self._say("week", f"no week begins on {day}", owner.marks[key], hint=hint)
            return None
        return day

    def _moment(self, owner: Map, key: str, where: ZoneInfo) -> datetime | None:
        """Read a moment; a day alone is meant whole, from its first moment to its last."""
        text = str(owner[key])
        try:
            if len(text) == len("2026-11-25"):
                day = self._date(owner, key)
                return None if day is None else moments.on(day, MIDNIGHT if key == "to" else 0, where)
            return moments.read(text, now=_AT, zone=where, future=True)
        except HoldpointError as error:
            at = place(self.lines, owner.marks[key])
            self.problems += [replace(problem, place=at) for problem in error.problems]
            return None

    def _say(self, code: str, message: str, mark: Event, *, expected: str = "", hint: str = "") -> None:
        self.problems.append(Problem(code, message, place(self.lines, mark), expected=expected, hint=hint))


def _each(entries: object) -> Sequence[Map]:
    return cast("Sequence[Map]", entries) if isinstance(entries, Seq) else ()


def _maps(owner: object) -> Iterable[tuple[str, Map]]:
    return cast("Iterable[tuple[str, Map]]", owner.items()) if isinstance(owner, Map) else ()


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:5])


def _weekday_near(day: date, weekday: int) -> str:
    before = day - timedelta(days=(day.weekday() - weekday) % 7)
    return f"{before} or {before + timedelta(days=7)}"


def _listed(people: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in people) or "somebody; `people` is empty"
