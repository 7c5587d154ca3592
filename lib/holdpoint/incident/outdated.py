"""Whether a message that waits still says what the record says. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.incident.events import Purpose
from holdpoint.incident.state import Message, State

_SAYS: Mapping[Purpose, tuple[str, ...]] = {
    Purpose.FIRST: ("severity", "scope", "since", "users", "data loss"),
    Purpose.UPDATE: ("severity", "scope", "since", "cause"),
    Purpose.DATA_LOSS: ("severity", "since", "lost"),
    Purpose.EVERYBODY: ("since", "cause", "lost", "data loss"),
    Purpose.RESOLVED: ("severity",),
}
"""What each message says of the record; the rest is what a person added."""


def facts(state: State) -> Mapping[str, object]:
    """What messages are written from, by name."""
    said = {item: state.done[item].say if item in state.done else "" for item in ("scope", "cause", "lost")}
    return {
        "severity": state.severity,
        "since": state.began,
        "users": bool(state.users_see),
        "data loss": state.loses_data,
        **said,
    }


def outdated(message: Message, state: State) -> tuple[str, ...]:
    """Name what the record says otherwise by now; nothing for a message that went out, or may have, anywhere."""
    if message.sent is not None or message.deliveries:
        return ()
    now = facts(state)
    return tuple(name for name in _SAYS[message.rendered.purpose] if message.facts.get(name) != now[name])
