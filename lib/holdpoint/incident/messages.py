"""What a message says, as values for a template: from the record alone, with times as text in the team's zone."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from holdpoint.incident.phases import Phase
from holdpoint.incident.severity import RULES
from holdpoint.incident.state import State

Words = Mapping[str, str | int | bool | list[str] | None]
"""The values that a template reads; every one of them is there in every message."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person adds: how things are, until when (both may be empty), and where it goes."""

    say: str = ""
    estimate: str = ""
    channel: str = ""


def words(state: State, purpose: str, asked: Asked, now: datetime, zone: tzinfo) -> Words:
    """Gather everything that a text can say; `purpose` is the name of its template. Texts are on one line, but for what a person said."""
    declared, resolved = state.opening, state.resolved
    return {
        "purpose": str(purpose),
        "incident": declared.incident,
        "title": declared.title,
        "severity": state.severity.value,
        "services": list(declared.services),
        "trigger": declared.trigger.value,
        "scope": _said(state, "scope"),
        "cause": resolved.cause if resolved else _said(state, "cause"),
        "since": moment(state.began, zone),
        "now": moment(now, zone),
        "phase": (state.phase or Phase.POSTMORTEM).value,
        "restored": "restored" in state.done,
        "say": asked.say,
        "estimate": asked.estimate,
        "channel": asked.channel,
        "principal": declared.principal,
        "users_see": state.users_see,
        "data_loss": state.loses_data,
        "lost": _said(state, "lost"),
        "workaround": _said(state, "workaround"),
        "aware": moment(state.aware, zone) if state.aware else "",
        "until": moment(state.aware + timedelta(hours=72), zone) if state.aware else "",
        "cadence": _minutes(state),
        "ended": moment(resolved.restored, zone) if resolved else "",
        "down": lasted(resolved.restored - resolved.began) if resolved else "",
        "impact": resolved.impact if resolved else "",
        "postmortem": post_mortem(state, zone),
    }


def _minutes(state: State) -> int:
    """The minutes until the next message at the latest; 0 where none is promised."""
    cadence = RULES[state.severity].cadence
    return int(cadence.total_seconds()) // 60 if cadence else 0


def _said(state: State, item: str) -> str:
    done = state.done.get(item)
    return done.say if done else ""


def moment(at: datetime, zone: tzinfo) -> str:
    """Date, time and zone, the same in every language."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def lasted(duration: timedelta) -> str:
    """Hours and minutes: `0 min`, `42 min`, `1 h 5 min`, `26 h 0 min`."""
    hours, minutes = divmod(max(0, int(duration.total_seconds())) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def post_mortem(state: State, zone: tzinfo) -> str:
    """Where the post-mortem will be, from the day on which it was noticed; empty where none is asked for."""
    if not any(item.phase is Phase.POSTMORTEM for item in state.items):
        return ""
    declared = state.opening
    return (
        state.document or f"docs/post-mortems/{declared.happened.astimezone(zone):%Y-%m-%d}-{slug(declared.title)}.md"
    )


def slug(title: str) -> str:
    """Make a title part of a file's name: ASCII letters, digits and `-`, 40 at most; `incident` where nothing is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    kept = "-".join("".join(c if c.isalnum() else " " for c in plain).split())
    return kept[:40].strip("-") or "incident"
