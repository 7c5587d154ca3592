"""The use cases of action items: list, add, change, done. Each stands in the record of its incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from holdpoint.app.desk import NEVER_BEGAN, Desk, one_line, some_text
from holdpoint.app.world import World
from holdpoint.incident.action_table import day_of
from holdpoint.incident.actions import ActionEvent, ActionItem, in_order
from holdpoint.incident.learning_events import ActionAdded, ActionChanged, ActionClosed, ActionReopened
from holdpoint.incident.publishing import drafted
from holdpoint.incident.state import State
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import repository_file
from holdpoint.store.naming import choose
from holdpoint.views import actions as view
from holdpoint.views.incidents import Listed


def list_all(world: World, *, everything: bool) -> int:
    """Every item that is open, overdue ones first, and what stands in drafts; with `everything`, closed ones too."""
    desk = Desk(world)
    known = desk.all()
    today = desk.now.astimezone(desk.zone).date()
    items = [item for item in in_order(_items(desk, known)) if everything or item.is_open]
    titles = {one.incident: one.state.opening.title for one in known if one.state is not None}
    drafts = [draft for one in known if one.state is not None for draft in _drafts(desk, one.state)]
    shown = view.Shown(items, drafts, titles, today)
    if world.json:
        desk.print_json(view.as_data(shown))
    else:
        desk.screen.lines(view.listing(shown, desk.screen.width))
    return Exit.OK


def _items(desk: Desk, known: tuple[Listed, ...]) -> list[ActionItem]:
    """Every item; an incident that cannot be read is said to hide its own."""
    for one in known:
        if one.state is None and one.status != NEVER_BEGAN:
            desk.warn(f"incident {one.incident} cannot be read ({one.status}), so its action items are not known")
    return [item for one in known if one.state is not None for item in one.state.actions.values()]


def _drafts(desk: Desk, state: State) -> Iterator[view.Draft]:
    """What stands in a post-mortem that is not published yet."""
    if not state.document or state.published is not None:
        return
    try:
        text = repository_file.read(desk.root / state.document)
    except HoldpointError as error:
        desk.warn(f"{state.document}: {error}")
        return
    known = {item.title for item in state.actions.values()}
    for row in drafted(text or ""):
        if row.title and row.title not in known:
            yield view.Draft(state.opening.incident, state.document, row.line, row.title, row.owner, row.due)


def _found(desk: Desk, text: str) -> ActionItem:
    """The item that is meant. Raises `HoldpointError` with those that it could be."""
    items = sorted(_items(desk, desk.all()), key=lambda item: (item.incident[:13], item.number))
    return choose(text, items, "action")


def add(world: World, title: str, *, owner: str | None, due: str | None, incident: str | None) -> int:
    """Add an item to an incident, open or not."""
    desk = Desk(world)
    what = one_line(title, "the action item")
    today = desk.now.astimezone(desk.zone).date()
    missing = [
        Problem("missing", f"`--{name}` is missing", expected=expected)
        for name, given, expected in (("owner", owner, "who does it"), ("due", due, "`2026-12-09`, or `14d`"))
        if not given
    ]
    if missing or owner is None or due is None:
        raise HoldpointError(missing)
    who, day = one_line(owner, "the owner"), day_of(due.strip(), today)
    with desk.writing(desk.chosen(incident, lambda _: True), open_only=False) as book:
        number = max(book.state.actions, default=0) + 1
        book.note(ActionAdded(number, what, who, day, desk.now))
    item = book.state.actions[number]
    text = f"Action item {item.id} is added: {item.title} (for {item.owner}, due {item.due})."
    return _told(desk, item, text + _late(item, today))


def _late(item: ActionItem, today: date) -> str:
    """Say that a day which was just given is over; it can be meant, or mistyped."""
    if item.due >= today:
        return ""
    late = f"That day is over, so it is late by {(today - item.due).days} d from the start"
    return f'\n{late}; `inv action.change {item.id} --due DAY --reason "..."` gives it another.'


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None stays as it is."""

    owner: str | None = None
    due: str | None = None
    title: str | None = None
    reason: str | None = None


def change(world: World, action: str, to: Changes) -> int:
    """Give an item another owner, day or title, with the reason."""
    desk = Desk(world)
    item = _found(desk, action)
    if to.owner is None and to.due is None and to.title is None:
        hint = "`--owner`, `--due` or `--title`"
        raise HoldpointError(Problem("nothing-changes", f"nothing is to change in `{item.id}`", expected=hint))
    why = one_line(to.reason or "", "the reason (`--reason`)")
    today = desk.now.astimezone(desk.zone).date()
    with desk.writing(world.state.find_incident(item.incident), open_only=False) as book:
        now = book.state.actions[item.number]
        event = ActionChanged(
            item.number,
            now.title if to.title is None else one_line(to.title, "the action item"),
            now.owner if to.owner is None else one_line(to.owner, "the owner"),
            now.due if to.due is None else day_of(to.due.strip(), today),
            why,
            desk.now,
        )
        book.note(event)
    item = book.state.actions[item.number]
    text = f"Action item {item.id} is now: {item.title} (for {item.owner}, due {item.due})."
    return _told(desk, item, text + ("" if to.due is None else _late(item, today)))


def done(world: World, action: str, *, evidence: str | None, dropped: str | None, undo: str | None) -> int:
    """Close an item with what shows that it is done, or give it up with the reason; or open it again."""
    desk = Desk(world)
    item = _found(desk, action)
    given = [option for option in (evidence, dropped, undo) if option is not None]
    if len(given) != 1:
        expected = '`--evidence "what shows it"`, `--dropped "why not"` or `--undo "why"`, one of them'
        raise HoldpointError(Problem("no-evidence", f"what shows that `{item.id}` is done?", expected=expected))
    said = some_text(given[0], "the evidence" if evidence is not None else "the reason")
    with desk.writing(world.state.find_incident(item.incident), open_only=False) as book:
        now = book.state.actions[item.number]
        if now.is_open is (undo is not None):
            how = "is open" if now.is_open else f"was closed already, by {now.closed_by}"
            raise HoldpointError(Problem("action-standing", f"action item `{item.id}` {how}"))
        event: ActionEvent = ActionClosed(
            item.number, said if evidence is not None else "", said if dropped is not None else "", desk.now
        )
        if undo is not None:
            event = ActionReopened(item.number, said, desk.now)
        book.note(event)
    item = book.state.actions[item.number]
    how = "open again" if undo is not None else "given up" if dropped is not None else "done"
    return _told(desk, item, f"Action item {item.id} is {how}: {item.title}")


def _told(desk: Desk, item: ActionItem, text: str) -> int:
    if desk.world.json:
        desk.print_json(view.item_data(item, desk.now.astimezone(desk.zone).date()))
    else:
        desk.screen.lines(view.said(text, desk.screen.width))
    return Exit.OK
