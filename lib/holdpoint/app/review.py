"""The use case of the review: what came back within a time, how long it all took, and what follows from that.

What follows is recorded: three similar incidents open the strategic escalation, which is an action item of the last one
of them, and a small bug that comes back is to have a post-mortem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from holdpoint.app import linked
from holdpoint.app.desk import Book, Desk
from holdpoint.app.world import World
from holdpoint.incident.actions import ActionItem
from holdpoint.incident.learning_events import ActionAdded, PostMortemAsked
from holdpoint.incident.review import (
    Pattern,
    Seen,
    opens_escalation,
    patterns,
    seen,
    strategic,
    wants_post_mortem,
    writable,
)
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import journal_reader
from holdpoint.views import reviews as view
from holdpoint.views.incidents import Listed

DUE = timedelta(days=14)
"""When a strategic escalation is due."""
OWNER = "management"
USUAL, LONGEST = 30, 3660
"""Days that are looked at, and the most that can be."""
_TITLES = {
    "en": "Strategic escalation: {count} similar incidents in {days} days ({shared}). Rework it, or ask for resources",
    "fr": "Escalade stratégique : {count} incidents semblables en {days} jours ({shared}). Refondre, ou demander des moyens",
}
_SHARED = 90
"""Characters of what they share that stand in the title."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The incidents of the time that is looked at, those that cannot be read, and what came back."""

    incidents: tuple[Seen, ...]
    unread: tuple[Listed, ...]
    patterns: tuple[Pattern, ...]


def review(world: World, days: str | None) -> int:
    """Review the last days, the incidents and what they have in common; record what that leads to."""
    desk = Desk(world)
    count = _days(days)
    looked = look(desk, count)
    opened = follow_up(desk, looked, count)
    looked = look(desk, count)
    items = _all_items(desk)
    reviewed = view.Reviewed(
        start=desk.now - timedelta(days=count),
        now=desk.now,
        today=desk.now.astimezone(desk.zone).date(),
        incidents=looked.incidents,
        unread=looked.unread,
        patterns=tuple((pattern, strategic(pattern, items)) for pattern in looked.patterns),
        opened=tuple(opened),
        runbooks=tuple(_runbooks(desk, looked.patterns)),
    )
    if world.json:
        desk.print_json(view.as_data(reviewed))
    else:
        desk.screen.lines(view.page(reviewed, desk.screen.width, desk.zone))
    return Exit.OK


def _days(text: str | None) -> int:
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= len(str(LONGEST)) and 1 <= int(text) <= LONGEST):
        raise HoldpointError(
            Problem("days", f"`{text[:20]}` is no number of days", expected=f"a whole number from 1 to {LONGEST:,}")
        )
    return int(text)


def look(desk: Desk, days: int) -> Looked:
    """Read every incident that was noticed within the last `days`."""
    start = desk.now - timedelta(days=days)
    known = desk.all()
    folders = {folder.name: folder for folder in desk.world.state.incidents()}
    found = []
    for one in known:
        if one.state is not None and one.state.opening.happened >= start:
            runs, _ = linked.records_of(desk.world, tuple(one.state.runs), folders[one.incident])
            found.append(seen(one.state, journal_reader.records(Path(one.journal)), runs, one.clocks))
    found.sort(key=lambda one: one.state.opening.happened)
    unread = tuple(one for one in known if one.state is None)
    return Looked(tuple(found), unread, patterns(found))


def follow_up(desk: Desk, looked: Looked, days: int) -> list[str]:
    """Record what patterns lead to, once each; gives the ids of the items that were opened."""
    opened: list[str] = []
    for pattern in looked.patterns:
        last = writable(pattern)
        if last is not None and opens_escalation(pattern, _all_items(desk)):
            with desk.writing(desk.world.state.find_incident(last.name), open_only=False) as book:
                if opens_escalation(pattern, tuple(book.state.actions.values())):  # nobody else was faster
                    opened.append(_open(desk, book, pattern, days))
        if (small := wants_post_mortem(pattern)) is not None:
            with desk.writing(desk.world.state.find_incident(small.name), open_only=False) as book:
                if not book.state.asked:
                    others = ", ".join(pattern.names[:-1])
                    book.note(PostMortemAsked(f"it came back ({pattern.shared}): {others}", desk.now))
    return opened


def _open(desk: Desk, book: Book, pattern: Pattern, days: int) -> str:
    shared = pattern.shared or ", ".join(pattern.names)
    shared = shared if len(shared) <= _SHARED else f"{shared[:_SHARED]}..."
    title = _TITLES[desk.team.language.value].format(count=len(pattern.incidents), days=days, shared=shared)
    number = max(book.state.actions, default=0) + 1
    due = (desk.now + DUE).astimezone(desk.zone).date()
    book.note(ActionAdded(number, title, OWNER, due, desk.now, pattern.names))
    return book.state.actions[number].id


def _all_items(desk: Desk) -> tuple[ActionItem, ...]:
    return tuple(item for one in desk.all() if one.state is not None for item in one.state.actions.values())


def _runbooks(desk: Desk, found: Sequence[Pattern]) -> list[view.Runbook]:
    """The runbooks that were used in a pattern, with the day on which each was reviewed; where none was, that."""
    told: dict[str, view.Runbook] = {}
    for pattern in found:
        used = sorted({name for one in pattern.incidents for name in one.signature.runbooks})
        for name in used or [""]:
            if name in told:
                continue
            reviewed, last = None, pattern.incidents[-1].state.opening.happened
            try:
                reviewed = desk.world.library.load(name).reviewed if name else None
            except HoldpointError:
                reviewed = None
            is_current = reviewed is not None and reviewed >= last.astimezone(desk.zone).date()
            told[name] = view.Runbook(name, len(pattern.incidents), pattern.shared, reviewed, is_current=is_current)
    return list(told.values())
