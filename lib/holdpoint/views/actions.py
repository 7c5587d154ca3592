"""Action items for people and for programs: the list, one of them, and the line that chases them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from holdpoint.incident.actions import ActionItem, Urgency, urgency
from holdpoint.journal.record import Json
from holdpoint.views.lines import BLANK, Line, line, wrap
from holdpoint.views.tables import table

_WIDE = 110
"""Columns from which on the incident has room in the list."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A row of a post-mortem that is not published: no record yet. `due` is as it was written."""

    incident: str
    document: str
    line: int
    title: str
    owner: str
    due: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What is listed, in its order; `titles` are those of the incidents."""

    items: Sequence[ActionItem]
    drafts: Sequence[Draft]
    titles: Mapping[str, str]
    today: date


def listing(shown: Shown, width: int) -> list[Line]:
    """The list for people: overdue ones first, drafts below."""
    if not shown.items and not shown.drafts:
        return [line("There are no open action items.")]
    drawn: list[Line] = []
    if shown.items:
        heads = ["id", "due", "owner", "action", *(["incident"] if width >= _WIDE else [])]
        drawn += table(heads, [_row(item, shown, wide=width >= _WIDE) for item in shown.items], width)
        drawn += [BLANK, *said('`inv action.done ID --evidence "..."` closes one', width)]
    if shown.drafts:
        drawn += [BLANK] if shown.items else []
        drawn += said("Drafts: rows of post-mortems that are not published yet, and not chased", width)
        rows = [(one.due or "no day", one.owner or "nobody", one.title) for one in shown.drafts]
        drawn += table(("due", "owner", "action"), rows, width)
        for document in dict.fromkeys(one.document for one in shown.drafts):
            drawn += [line(f"  {piece}") for piece in wrap(document, width - 2)]
    return drawn


def _row(item: ActionItem, shown: Shown, *, wide: bool) -> list[str]:
    title = item.title
    if item.closed is not None:
        title += f" ({item.closed.evidence or item.closed.dropped})"
    row = [item.id, due(item, shown.today), item.owner, title]
    return [*row, shown.titles.get(item.incident, item.incident)] if wide else row


def due(item: ActionItem, today: date) -> str:
    """Its day, and how that stands."""
    match urgency(item, today):
        case Urgency.OVERDUE:
            return f"{item.due} OVERDUE {_days((today - item.due).days)}"
        case Urgency.SOON:
            return f"{item.due} in {_days((item.due - today).days)}" if item.due > today else f"{item.due} today"
        case Urgency.DONE | Urgency.DROPPED as how:
            return "done" if how is Urgency.DONE else "given up"
        case _:
            return item.due.isoformat()


def _days(count: int) -> str:
    return f"{count} d"


def said(text: str, width: int) -> list[Line]:
    return [line(piece) for piece in wrap(text, width)]


def reminder(chased: Sequence[ActionItem], today: date) -> str:
    """One line on the most urgent of those that are overdue or due soon, with what to type."""
    first = chased[0]
    more = f" (and {len(chased) - 1} more)" if len(chased) > 1 else ""
    how = "is OVERDUE since" if first.due < today else "is due"
    return f"action item {first.id} {how} {first.due}, {first.owner}: {first.title}{more}; `inv action.list`"


def item_data(item: ActionItem, today: date) -> dict[str, Json]:
    """An item for programs."""
    closed = item.closed
    return {
        "id": item.id,
        "name": item.name,
        "incident": item.incident,
        "title": item.title,
        "owner": item.owner,
        "due": item.due.isoformat(),
        "status": urgency(item, today).value,
        "evidence": closed.evidence if closed else "",
        "dropped": closed.dropped if closed else "",
        "closed_by": item.closed_by,
        "about": list(item.about),
        "seq": item.seq,
    }


def as_data(shown: Shown) -> list[Json]:
    """The list for programs; a draft has no id, and its day is as it was written."""
    drafts: list[Json] = [
        {
            "id": None,
            "incident": one.incident,
            "title": one.title,
            "owner": one.owner,
            "due": one.due,
            "status": "draft",
            "document": one.document,
            "line": one.line,
        }
        for one in shown.drafts
    ]
    return [*(item_data(item, shown.today) for item in shown.items), *drafts]
