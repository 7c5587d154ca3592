"""The clocks of an incident, all of them from what is recorded: response, next message, and notice of a data breach.

A clock is stopped by a milestone, and else measured against a `now` that is handed in. Where that now lies before what
is recorded already, some machine's clock was set, and the reading says so instead of guessing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from holdpoint.incident.severity import RULES
from holdpoint.incident.state import BACK, State
from holdpoint.oncall.working import Working

BREACH = timedelta(hours=72)
"""From awareness to the notice to the authority."""
POST_MORTEM = timedelta(days=7)
"""From the end to the post-mortem that is published; from when it was asked for, where that was later."""
SOON = {
    "response": timedelta(minutes=5),
    "update": timedelta(minutes=5),
    "breach": timedelta(hours=12),
    "post-mortem": timedelta(days=2),
}
"""How long before its end a clock is about to run out."""


class Kind(StrEnum):
    RESPONSE = "response"
    UPDATE = "update"
    BREACH = "breach"
    POSTMORTEM = "post-mortem"


class Standing(StrEnum):
    RUNS = "runs"
    SOON = "soon"
    OVER = "over"
    """Its time is up, and what it waits for is not there."""
    KEPT = "kept"
    MISSED = "missed"
    """It came too late."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock. `stopped` is when what it waits for happened; None while it runs.

    `left` is the time until `due`, negative after it; of a stopped one it is what was left then. It is time by the wall,
    not by working hours. `jumped` says that now, or the milestone, lies before the start.
    """

    kind: Kind
    start: datetime
    due: datetime
    stopped: datetime | None
    left: timedelta
    standing: Standing
    jumped: bool = False


def clocks(state: State, now: datetime, working: Working) -> tuple[Clock, ...]:
    """Read every clock that the incident has; none before its declaration."""
    if state.declared is None:
        return ()
    found = (_of(kind, state, now, working) for kind in Kind)
    return tuple(clock for clock in found if clock is not None)


def pressing(read: tuple[Clock, ...]) -> tuple[Clock, ...]:
    """Give those that have run out, or are about to; the most urgent first."""
    return tuple(
        sorted((one for one in read if one.standing in (Standing.OVER, Standing.SOON)), key=lambda one: one.left)
    )


def owes_last_notice(state: State, now: datetime) -> bool:
    """The authority was told in phases, the 72 hours are over, and its last notice is not on record."""
    told = bool(state.notices) and "authority" not in state.done
    return told and state.loses_data and state.aware is not None and now > state.aware + BREACH


def _of(kind: Kind, state: State, now: datetime, working: Working) -> Clock | None:
    match kind:
        case Kind.RESPONSE:
            rules = RULES[state.severity]
            start = state.counted_from or state.opening.happened
            due = working.due(start, rules.response) if rules.working else start + rules.response
            stopped = state.responded or (state.resolved.happened if state.resolved else None)
            return _read(kind, start, due, stopped, now)
        case Kind.UPDATE:
            cadence = RULES[state.severity].cadence
            if cadence is None or not state.is_open or state.last_sent is None:
                return None  # until one went out, it is the first that is waited for
            return _read(kind, state.last_sent, state.last_sent + cadence, None, now)
        case Kind.BREACH:
            if state.aware is None or not state.loses_data:
                return None
            return _read(kind, state.aware, state.aware + BREACH, state.notified, now)
        case Kind.POSTMORTEM:
            if state.resolved is None or not any(item.id == "published" for item in state.items):
                return None
            start = max(state.resolved.happened, state.asked_at or state.resolved.happened)
            published = state.done.get("published")
            return _read(kind, start, start + POST_MORTEM, published.happened if published else None, now)
        case _:
            assert_never(kind)


def _read(kind: Kind, start: datetime, due: datetime, stopped: datetime | None, now: datetime) -> Clock:
    at = now if stopped is None else stopped
    left = due - at
    if stopped is not None:
        standing = Standing.KEPT if left >= timedelta(0) else Standing.MISSED
    elif left < timedelta(0):
        standing = Standing.OVER
    else:
        standing = Standing.SOON if left <= SOON[kind] else Standing.RUNS
    return Clock(kind, start, due, stopped, left, standing, jumped=at < start - BACK)
