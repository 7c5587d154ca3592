"""What can be typed now, at the end of a page or of a command on an incident: from its record and the team's settings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdpoint.document.model import Severity
from holdpoint.incident.effects import AUDIENCE
from holdpoint.incident.events import MessageRendered
from holdpoint.incident.phases import Item, Phase
from holdpoint.incident.state import State
from holdpoint.oncall.outside import Audience
from holdpoint.views.lines import Line, labelled

_COMMAND = re.compile(r"(`inv incident\.[^`]*)`")


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the team's settings do by themselves: whom channels reach, which checks there are, whether a banner stands."""

    audiences: frozenset[Audience] = frozenset()
    checks: frozenset[str] = frozenset()
    banner: bool = False

    def sends(self, message: MessageRendered) -> bool:
        """Whether a message has a channel; else it is pasted."""
        return AUDIENCE[message.purpose] in self.audiences


NOTHING = SetUp()


def next_steps(state: State, has: SetUp, width: int, named: str = "") -> list[Line]:
    """What can be typed now; each command with `named`, the option that tells this incident from others."""
    drawn: list[Line] = []
    for step in (*_messages(state, has), *(_open(state, has) if state.is_open else _over(state, has))):
        drawn += labelled("" if drawn else "next", _COMMAND.sub(rf"\1{named}`", step), width)
    return drawn


def _messages(state: State, has: SetUp) -> Iterator[str]:
    waiting = state.waiting()
    lost = next((one for one in waiting if one.deliveries), None)
    first = lost or next(iter(waiting), None)
    if first is None:
        return
    of = first.rendered
    one, what = f" --message {of.message}" if len(waiting) > 1 else "", f"message {of.message} ({of.purpose})"
    if lost is not None:
        yield f"`inv incident.send{one}` sends {what} again, where it did not arrive"
    elif has.sends(of):
        yield f"`inv incident.send{one}` sends {what}, which waits"
    else:
        yield f"`inv incident.sent{one}` once {what} has gone out"


def _open(state: State, has: SetUp) -> Iterator[str]:
    if state.loses_data and state.severity is not Severity.SEV1:
        yield '`inv incident.severity 1 --reason "..."`, as data is lost'
    missing = state.missing(state.phase) if state.phase else ()
    before_end = state.phase not in (Phase.COMMUNICATE, Phase.POSTMORTEM, None)
    if missing and before_end:
        item = missing[0]
        yield f"{_does(item, has)}`inv incident.done {item.id}{_answer(item)}` ticks the next item"
    elif not before_end:
        lost = "yes" if state.loses_data else "no"
        yield f'`inv incident.resolve --cause "..." --impact "..." --data-loss {lost}` ends it'
    yield "`inv incident.update` writes the next message; `inv incident.note` keeps what you see"


def _over(state: State, has: SetUp) -> Iterator[str]:
    """After the end the post-mortem is due, whatever else was left."""
    left = [item for phase in Phase for item in state.missing(phase)]
    if any(item.phase is Phase.POSTMORTEM for item in left):
        yield "`inv incident.postmortem` writes the post-mortem; with `--publish` it is published"
    if others := [item for item in left if item.phase is not Phase.POSTMORTEM]:
        yield f"{_does(others[0], has)}`inv incident.done {others[0].id}{_answer(others[0])}` ticks what is left"


def _does(item: Item, has: SetUp) -> str:
    """What does an item by itself, before the command that only ticks it; empty where that is left to people."""
    if item.check in has.checks:
        return "`inv incident.check` asks the team's own checks; "
    match item.id:
        case "issue":
            return "`inv incident.issue` writes it, with the workaround; "
        case "email":
            return '`inv incident.email --say "..."` writes it; '
        case "banner" if has.banner:
            return '`inv incident.banner --up --say "..."` puts it up; '
        case "banner-down" if has.banner:
            return "`inv incident.banner --down` takes it down; "
        case _:
            return ""


def _answer(item: Item) -> str:
    """What an item wants to be told."""
    return ' --say "..."' if item.asks else " --at 14:05" if item.dated else ""
