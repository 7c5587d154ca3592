"""What is handed on with the week: between whom, and everything that is left to see to. Values only, and the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from holdpoint.oncall.model import Rota
from holdpoint.oncall.rota import WEEK, Role, begins, shift_at, week_at

JUST_NOW = timedelta(days=1)
"""So long after a handover it is the one that is written up; later, the next one is."""


@dataclass(frozen=True, slots=True)
class Hands:
    """A handover: when, and who has each role before and after; empty where nobody has it."""

    at: datetime
    givers: dict[Role, str]
    takers: dict[Role, str]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is not over. `doubts` are what was begun and whose end is not known."""

    run: str
    title: str
    status: str
    hosts: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """A drill that proves its runbook no more, and why not."""

    drill: str
    runbook: str
    why: str


@dataclass(frozen=True, slots=True)
class PostMortem:
    """One that is not published yet."""

    incident: str
    title: str
    due: datetime


def handover(rota: Rota, zone: ZoneInfo, now: datetime) -> Hands | None:
    """Find the handover that a recap is about; None before the rota begins."""
    week = week_at(rota, zone, now)
    if week is None:
        return None
    at = begins(rota, zone, week)
    if now - at > JUST_NOW or week == rota.start:
        at = begins(rota, zone, week + WEEK)
    before, after = (
        {role: shift.duty.person if (shift := shift_at(rota, zone, role, when)) else "" for role in Role}
        for when in (at - timedelta(microseconds=1), at)
    )
    return Hands(at, before, after)


def since(hands: Hands | None, now: datetime) -> datetime:
    """Say from when on a recap tells what is over: a week before the handover."""
    return (hands.at if hands is not None else now) - WEEK
