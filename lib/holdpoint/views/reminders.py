"""What is said of incidents at the end of every command: one sentence each, with what to type. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import assert_never

from holdpoint.incident.clocks import Clock, Kind
from holdpoint.views.incidents import Listed, told_clock
from holdpoint.views.lines import wrap
from holdpoint.views.sending import Loud

END = 4
"""Characters of the end of a name that tell an incident from the others, as a rule."""


def short(name: str, names: Sequence[str]) -> str:
    """The end of an incident's name, which every command takes; the whole of it where another one ends alike."""
    alike = any(one != name and one.endswith(name[-END:]) for one in names)
    return name if alike else name[-END:]


def reminder(one: Listed, pressing: Sequence[Clock], short: str, named: str, zone: tzinfo | None) -> str:
    """The most urgent clock. `named` is the option that a command needs to mean this incident."""
    clock = pressing[0]
    waiting = one.state.waiting() if one.state else ()
    match clock.kind:
        case Kind.BREACH:
            command = 'incident.done authority --say "..."'
        case Kind.POSTMORTEM:
            command = "incident.postmortem"
        case Kind.RESPONSE | Kind.UPDATE:
            way = "send" if waiting and one.has.sends(waiting[0].rendered) else "sent"
            command = f"incident.{way}" if waiting else "incident.update"
        case _:
            assert_never(clock.kind)
    return f"incident {short}: {told_clock(clock, zone)[0]}; `inv {command}{named}`"


def outcry(loud: Loud, short: str, named: str) -> str:
    """Something outside that went wrong."""
    return f"incident {short}: {loud.label}: {loud.text}; `inv {loud.command}{named}`"


def fitted(text: str, width: int) -> list[str]:
    """A sentence as lines of a terminal; whole where `width` is 0, so that a program finds it in one line."""
    return [f"{'  ' if index else ''}{piece}" for index, piece in enumerate(wrap(text, width - 2))] if width else [text]
