"""The action items of a post-mortem as its table: a row each, which people write and change by hand.

The columns are id, action, owner, due, and how it stands; the last is told and not read. A row without an id is new.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from holdpoint.document import duration
from holdpoint.incident.actions import ActionItem
from holdpoint.incident.sections import is_nothing
from holdpoint.problem import HoldpointError, Place, Problem

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_CELL = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE = re.compile(r"`([^`]+)`")
_LONGEST = 200
DUE = "a day such as `2026-12-09`, or a length of time such as `14d`"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table, in plain text. `line` is its line in the document, from 1; `source` is the line as it is."""

    line: int
    source: str
    id: str
    title: str
    owner: str
    due: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row asks for, once nothing is missing. `id` is empty for a new item."""

    id: str
    title: str
    owner: str
    due: date


def rows(body: str, first: int) -> tuple[Row, ...]:
    """Read the rows of a section whose text begins at line `first` of the document."""
    lines = body.splitlines()
    found: list[Row] = []
    in_table = False
    for at, line in enumerate(lines):
        if "|" not in line:
            in_table = False
        elif _RULE.fullmatch(line):
            in_table = True
        elif in_table:
            found.append(_row(line, first + at))
    return tuple(found)


def _row(line: str, number: int) -> Row:
    bare = line.strip()
    inner = bare.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    cells = [_plain(cell) for cell in _CELL.split(inner)]
    identity, title, owner, due = [*cells, "", "", "", ""][:4]
    return Row(number, line, identity, title, owner, due)


def _plain(cell: str) -> str:
    """What a cell says, without its escapes."""
    text = " ".join(_ESCAPED.sub(r"\1", html.unescape(_CODE.sub(r"\1", cell))).split())
    return "" if is_nothing(text) else text


def checked(
    found: Iterable[Row], known: Mapping[str, ActionItem], file: str, today: date
) -> tuple[list[Wanted], list[Problem]]:
    """Say what each row asks for, and everything that is missing or wrong, each with its place."""
    wanted: list[Wanted] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for row in found:
        place = Place(file, row.line, 1, max(1, len(row.source)), row.source)
        due, wrong = _due(row, place, today)
        if row.id and row.id not in known:
            ids = ", ".join(f"`{one}`" for one in known) or "none yet"
            hint = "leave the first cell of a new item empty"
            wrong.append(
                Problem("action-id", f"there is no action item `{row.id[:40]}`", place, ids, "an id of these", hint)
            )
        if row.id and row.id in seen:
            wrong.append(Problem("action-twice", f"the action item `{row.id}` stands here twice", place))
        if not row.title:
            wrong.append(Problem("action-title", "this action item does not say what is to be done", place))
        elif len(row.title) > _LONGEST:
            wrong.append(Problem("action-title", f"this action item has more than {_LONGEST} characters", place))
        if not row.owner:
            wrong.append(
                Problem("action-owner", "this action item has no owner", place, expected="a name in the third cell")
            )
        seen.add(row.id)
        problems += wrong
        if not wrong and due is not None:
            wanted.append(Wanted(row.id, row.title, row.owner, due))
    return wanted, problems


def _due(row: Row, place: Place, today: date) -> tuple[date | None, list[Problem]]:
    if not row.due:
        return None, [Problem("action-due", "this action item has no due date", place, expected=DUE)]
    try:
        return day_of(row.due, today), []
    except HoldpointError as error:
        one = error.problems[0]
        return None, [Problem("action-due", one.message, place, expected=DUE)]


def day_of(text: str, today: date) -> date:
    """Read a day, or how far it is from `today`; raises `HoldpointError` for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return today + duration.parse(text)
    except (HoldpointError, OverflowError):
        raise HoldpointError(Problem("due", f"`{text[:40]}` is no day", expected=DUE)) from None


def numbered(body: str, ids: Sequence[tuple[int, str]], first: int) -> str:
    """Put the ids of new items into their rows and leave the rest of the text as it is; `ids` are by line."""
    lines = body.splitlines(keepends=True)
    for number, identity in ids:
        line = lines[number - first]
        start = len(line) - len(line.lstrip())
        begin = start + 1 if line[start : start + 1] == "|" else start
        end = _CELL.search(line, begin)
        rest = line[end.start() :] if end else "|" + line[begin:]
        lines[number - first] = f"{line[:begin]} {identity} {rest}"
    return "".join(lines)
