"""What a post-mortem lacks before it can be published, and what its table of action items says that the record does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from holdpoint.incident import sections
from holdpoint.incident.action_table import Row, Wanted, checked, numbered, rows
from holdpoint.incident.actions import ActionItem
from holdpoint.incident.events import event_of
from holdpoint.incident.learning_events import ActionAdded, ActionChanged
from holdpoint.incident.sections import Generated, Written, digest_of, generated, is_nothing, under_heading, written
from holdpoint.incident.state import State
from holdpoint.journal.record import Record
from holdpoint.problem import Place, Problem, by_place

ACTIONS = "actions"
AS_WRITTEN = "as the post-mortem says"
Value = tuple[str, str, date]


def lacking(
    state: State, document: str, fresh: str, file: str, today: date
) -> tuple[tuple[Wanted, ...], tuple[Problem, ...]]:
    """Give what the rows ask for, and everything that keeps it from being published, each with its line.

    `fresh` is what a new document would be: it says which sections have to be there.
    """
    problems: list[Problem] = []
    if state.is_open:
        hint = "`inv incident.resolve` ends it; the draft can be written before"
        problems.append(Problem("open", f"incident `{state.opening.incident}` is open", hint=hint))
    problems += _unwritten(document, fresh, file)
    wanted, wrong = _wanted(state, document, file, today)
    return tuple(wanted), by_place([*problems, *wrong])


def empty(document: str, fresh: str) -> tuple[tuple[str, int], ...]:
    """The sections that people still have to write, with their lines; line 0 where one is not there."""
    return tuple((one.name, line) for one, line in _empty(document, fresh))


def _empty(document: str, fresh: str) -> Iterator[tuple[Written, int]]:
    own, asked = written(document), written(fresh)
    also = [one for one in own if one.name not in {other.name for other in asked}]
    for one in (*asked, *also):
        if not one.required:
            continue
        here = [other for other in own if other.name == one.name]
        if any(not other.is_empty for other in here):
            continue
        below = under_heading(document, one.heading) if not here else None
        if below is None or is_nothing(below[1]):
            yield one, here[0].line if here else below[0] if below else 0


def _unwritten(document: str, fresh: str, file: str) -> Iterator[Problem]:
    lines = document.splitlines()
    for one, line in _empty(document, fresh):
        title = one.heading.lstrip("#").strip() or one.name
        if line:
            place = Place(file, line, 1, len(lines[line - 1]), lines[line - 1])
            yield Problem("empty-section", f"nothing is written under `{title}`", place, hint="a sentence will do")
        else:
            hint = f"put the lines `{one.heading}` and `<!-- write: {one.name} -->` back, and write below them"
            yield Problem("no-section", f"the section `{title}` is not there", Place(file, 0, 0), hint=hint)


def _wanted(state: State, document: str, file: str, today: date) -> tuple[list[Wanted], list[Problem]]:
    table = generated(document).get(ACTIONS)
    if table is None:
        hint = f"put a line `<!-- generated: {ACTIONS} -->` above it, and `<!-- end: {ACTIONS} -->` below"
        return [], [Problem("no-table", "the table of action items is not there", Place(file, 0, 0), hint=hint)]
    found = _rows(table)
    text = "\n".join(line for line in table.body.splitlines() if "|" not in line)
    own = next((one.text for one in written(document) if one.name == ACTIONS), "")
    if not found and is_nothing(text) and is_nothing(own):
        place = Place(file, table.line, 1)
        hint = "add a row, or write below the table why nothing is to be done"
        return [], [Problem("no-actions", "there is no action item", place, hint=hint)]
    return checked(found, _known(state), file, today)


def _rows(table: Generated) -> tuple[Row, ...]:
    return rows(table.body, table.line + 1)


def drafted(document: str) -> tuple[Row, ...]:
    """The rows of a document that are no records yet."""
    table = generated(document).get(ACTIONS)
    return tuple(row for row in _rows(table) if not row.id) if table else ()


def _known(state: State) -> dict[str, ActionItem]:
    return {item.id: item for item in state.actions.values()}


def news(
    state: State, records: Iterable[Record], wanted: Iterable[Wanted], now: datetime
) -> Iterator[ActionAdded | ActionChanged]:
    """What is to be recorded so that the record says what the table does.

    A row that says what its item was once is one that was not brought up to date: the record stays. One without an id
    that reads like an item is that item: a publishing that was cut off had recorded it.
    """
    once = _history(records)
    by_id, number = _known(state), max(state.actions, default=0)
    wanted = tuple(wanted)
    unnamed = _unnamed(state, (row.id for row in wanted))
    for row in wanted:
        item = by_id.get(row.id) or _next(unnamed, row.title)
        value = (row.title, row.owner, row.due)
        if item is None:
            number += 1
            yield ActionAdded(number, *value, now)
        elif value not in once.get(item.number, set()):
            yield ActionChanged(item.number, *value, AS_WRITTEN, now)


def _unnamed(state: State, named: Iterable[str]) -> dict[str, list[ActionItem]]:
    """The items that no row names, by their title; of one title in the order of their numbers, as rows are recorded."""
    rest = _known(state).keys() - set(named)
    found: dict[str, list[ActionItem]] = {}
    for _, item in sorted(state.actions.items()):
        if item.id in rest:
            found.setdefault(item.title, []).append(item)
    return found


def _next(unnamed: dict[str, list[ActionItem]], title: str) -> ActionItem | None:
    same = unnamed.get(title)
    return same.pop(0) if same else None


def _history(records: Iterable[Record]) -> dict[int, set[Value]]:
    """Everything that each item ever said."""
    once: dict[int, set[Value]] = {}
    for record in records:
        event = event_of(record)
        if isinstance(event, ActionAdded | ActionChanged):
            once.setdefault(event.number, set()).add((event.title, event.owner, event.due))
    return once


def placed(document: str, fresh: str, state: State, before: str = "") -> sections.Merged:
    """The document once its rows are records: each row has its id, and items that no row has are put below.

    The table is made anew only where all that people wrote in it stands in the new one. `before` is what a new document
    was before the rows were recorded: how a row stood in it is not what somebody wrote.
    """
    table, newer = generated(document).get(ACTIONS), generated(fresh).get(ACTIONS)
    if table is None or newer is None:
        return sections.merged(document, fresh)
    found = _rows(table)
    unnamed = _unnamed(state, (row.id for row in found))
    new = [(row, _next(unnamed, row.title)) for row in found if not row.id]
    ids = [(row.line, item.id) for row, item in new if item is not None]
    body = numbered(table.body, ids, table.line + 1)
    drawn = generated(before).get(ACTIONS)
    ours = {"", *(_standing(row) for one in (newer, drawn) if one is not None for row in _rows(one))}
    stands = _says(newer, ours)
    whole = _says(Generated(ACTIONS, body, line=1), ours) <= stands
    return sections.merged(document, fresh, {ACTIONS: newer.body if whole else _with_missing(body, newer)})


def _says(table: Generated, ours: set[str]) -> set[tuple[str, ...]]:
    """What people can have written in a table: its rows, and every other line. How a row stands counts if it is not `ours`."""
    found = _rows(table)
    lines = {row.line - table.line - 1 for row in found}
    other = {(digest_of(line),) for at, line in enumerate(table.body.splitlines()) if line.strip() and at not in lines}
    return {(*_cells(row)[:4], "" if _standing(row) in ours else _standing(row)) for row in found} | other


def _standing(row: Row) -> str:
    """How a row stands, and whatever was written behind."""
    return " | ".join(_cells(row)[4:])


def _cells(row: Row) -> list[str]:
    """The cells of a row as they are written, with their marks."""
    inner = row.source.strip().removeprefix("|").removesuffix("|")
    return [" ".join(cell.split()) for cell in inner.split("|")]


def _with_missing(body: str, newer: Generated) -> str:
    """Put the rows below the table that it does not have."""
    lines = body.splitlines()
    there = {row.id for row in rows(body, 1)}
    more = [row.source for row in _rows(newer) if row.id and row.id not in there]
    last = max((row.line for row in rows(body, 1)), default=len(lines))
    return "\n".join([*lines[:last], *more, *lines[last:]]) + "\n"
