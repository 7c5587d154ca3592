"""Who is on call when: the weeks, what swaps and cover make of them, and the shifts of each role.

A week goes from handover to handover in local time, so the weeks tile all time from the start on, and the two in a year
in which the clocks are changed are an hour shorter or longer. The principal comes from the order; the backup is the next
in it, or has an order of their own. Swaps change whole weeks, cover changes what remains, each in the document's order.

Nobody is principal and backup at once. Where a swap or cover would make them, the backup is the next in the order who is
free, and whoever gave the week away comes last; somebody who is covered for is not free. There may be none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from holdpoint.oncall.model import Cover, Order, Rota
from holdpoint.oncall.moments import on

WEEK = timedelta(days=7)


class Role(StrEnum):
    PRINCIPAL = "principal"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody has a role; where not as planned, for whom and why."""

    person: str
    instead_of: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Who is on call between two moments within a week. `backup` is None where nobody is left."""

    week: date
    begin: datetime
    end: datetime
    principal: Duty
    backup: Duty | None

    def duty(self, role: Role) -> Duty | None:
        return self.principal if role is Role.PRINCIPAL else self.backup


@dataclass(frozen=True, slots=True)
class Shift:
    """One person has one role between two moments within a week. `number` counts the shifts of that role in the week."""

    role: Role
    week: date
    number: int
    begin: datetime
    end: datetime
    duty: Duty


# --- weeks ------------------------------------------------------------------------------------------------------


def begins(rota: Rota, zone: ZoneInfo, week: date) -> datetime:
    """Give the moment of the handover on a day."""
    return on(week, rota.handover, zone)


def week_at(rota: Rota, zone: ZoneInfo, at: datetime) -> date | None:
    """Give the day on which the week that holds a moment began; None before the rota begins."""
    day = at.astimezone(zone).date()
    week = day - (day - rota.start) % WEEK
    if begins(rota, zone, week) > at:
        week -= WEEK
    return week if week >= rota.start else None


def weeks(rota: Rota, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[date]:
    """Give the weeks that have a part between two moments, in order."""
    week = week_at(rota, zone, since) or rota.start
    while begins(rota, zone, week) < until:
        yield week
        week += WEEK


# --- who --------------------------------------------------------------------------------------------------------


def on_call(rota: Rota, zone: ZoneInfo, at: datetime) -> Stretch | None:
    """Say who is on call at a moment, since and until when nothing changes; None before the rota begins."""
    week = week_at(rota, zone, at)
    if week is None:
        return None
    return next(one for one in stretches(rota, zone, week) if one.begin <= at < one.end)


def stretches(rota: Rota, zone: ZoneInfo, week: date) -> tuple[Stretch, ...]:
    """Cut a week where who is on call changes; the stretches follow each other without a gap."""
    begin, end = begins(rota, zone, week), begins(rota, zone, week + WEEK)
    inside = {edge for cover in rota.covers for edge in (cover.begin, cover.end) if begin < edge < end}
    edges = [begin, *sorted(inside), end]
    planned = _planned(rota, week)
    found: list[Stretch] = []
    for since, until in pairwise(edges):
        principal, backup = _covered(rota, week, planned, since)
        if found and (found[-1].principal, found[-1].backup) == (principal, backup):
            since = found.pop().begin  # noqa: PLW2901 - the two are one
        found.append(Stretch(week, since, until, principal, backup))
    return tuple(found)


def shifts(rota: Rota, zone: ZoneInfo, week: date, role: Role) -> tuple[Shift, ...]:
    """Give the shifts of a role in a week, in order; there are gaps only where nobody has it."""
    found: list[Shift] = []
    for one in stretches(rota, zone, week):
        duty = one.duty(role)
        if duty is None:
            continue
        if found and (found[-1].duty, found[-1].end) == (duty, one.begin):
            last = found.pop()
            found.append(Shift(role, week, last.number, last.begin, one.end, duty))
        else:
            found.append(Shift(role, week, len(found), one.begin, one.end, duty))
    return tuple(found)


def shift_at(rota: Rota, zone: ZoneInfo, role: Role, at: datetime) -> Shift | None:
    """Give the shift of a role that holds a moment; None where nobody has it then."""
    week = week_at(rota, zone, at)
    if week is None:
        return None
    return next((one for one in shifts(rota, zone, week, role) if one.begin <= at < one.end), None)


def idle(rota: Rota, zone: ZoneInfo) -> tuple[Cover, ...]:
    """Give the cover without which everything would be the same: most likely it has a wrong date."""
    return tuple(one for number, one in enumerate(rota.covers) if not _works(rota, zone, number))


def _works(rota: Rota, zone: ZoneInfo, number: int) -> bool:
    cover = rota.covers[number]
    without = replace(rota, covers=(*rota.covers[:number], *rota.covers[number + 1 :]))
    touched = weeks(rota, zone, cover.begin, cover.end)
    return any(stretches(rota, zone, week) != stretches(without, zone, week) for week in touched)


# --- a week as planned, with swaps ------------------------------------------------------------------------------


def _order(rota: Rota, week: date) -> tuple[Order, int]:
    """Give the order that holds in a week, and the week's number in it."""
    order = next(one for one in reversed(rota.orders) if one.start <= week)
    return order, (week - order.start) // WEEK


def _turn(rota: Rota, week: date) -> str:
    """Whose turn it is in the order."""
    order, number = _order(rota, week)
    return order.principals[number % len(order.principals)]


def _planned(rota: Rota, week: date) -> tuple[Duty, Duty | None]:
    turn = _turn(rota, week)
    holds: dict[date, tuple[str, str]] = {}
    for swap in rota.swaps:
        here, there = (holds.get(one, (_turn(rota, one), ""))[0] for one in (swap.week, swap.other))
        holds[swap.week], holds[swap.other] = (there, swap.why), (here, swap.why)
    person, why = holds.get(week, (turn, ""))
    principal = Duty(turn) if person == turn else Duty(person, turn, why)
    return principal, _backup(rota, week, person, frozenset())


def _backup(rota: Rota, week: date, principal: str, away: frozenset[str]) -> Duty | None:
    """Give the first in line who is free; whose turn it was to be principal is the last."""
    order, number = _order(rota, week)
    turn = number % len(order.principals)
    own = order.backups[number % len(order.backups)] if order.backups else ""
    behind = [own, *order.principals[turn + 1 :], *order.principals[:turn]]
    last = order.principals[turn]
    line = [*(one for one in behind if one not in ("", last)), last]
    person = next((one for one in line if one != principal and one not in away), None)
    if person is None or person == line[0]:
        return None if person is None else Duty(person)
    return Duty(person, line[0], f"{line[0]} is {'principal' if line[0] == principal else 'away'}")


# --- cover ------------------------------------------------------------------------------------------------------


def _covered(rota: Rota, week: date, planned: tuple[Duty, Duty | None], at: datetime) -> tuple[Duty, Duty | None]:
    """Give who has the two roles at a moment of a week."""
    principal, backup = planned
    active = [one for one in rota.covers if one.begin <= at < one.end]
    for cover in active:
        duty = Duty(cover.who, cover.absent, cover.why)
        if principal.person == cover.absent:
            principal = duty
        elif backup is not None and backup.person == cover.absent:
            backup = duty
    if backup is not None and backup.person == principal.person:
        backup = _backup(rota, week, principal.person, frozenset(one.absent for one in active))
    return principal, backup
