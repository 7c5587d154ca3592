"""Action items: what is to be done so that it does not come again. They outlive their incident, and are chased until done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from holdpoint.incident.learning_events import ActionAdded, ActionChanged, ActionClosed, ActionReopened
from holdpoint.journal.record import Record

SOON = timedelta(days=3)
"""How long before its day an item is about to be due."""
ActionEvent = ActionAdded | ActionChanged | ActionClosed | ActionReopened


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One item, as the record of its incident says. `seq` is the record that added it."""

    incident: str
    number: int
    title: str
    owner: str
    due: date
    added: datetime
    person: str
    seq: int
    about: tuple[str, ...] = ()
    """The incidents that a strategic one is about."""
    closed: ActionClosed | None = None
    closed_by: str = ""

    @property
    def id(self) -> str:
        """What people type: the end of the incident's name, and the number."""
        return f"{self.incident[-4:]}-{self.number}"

    @property
    def name(self) -> str:
        """The whole name, where `id` could be another incident's."""
        return f"{self.incident}-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.closed is None


class Urgency(StrEnum):
    """How an item stands to its day."""

    OVERDUE = "overdue"
    SOON = "soon"
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


def urgency(item: ActionItem, today: date) -> Urgency:
    if item.closed is not None:
        return Urgency.DROPPED if item.closed.dropped else Urgency.DONE
    if item.due < today:
        return Urgency.OVERDUE
    return Urgency.SOON if item.due - today <= SOON else Urgency.OPEN


def in_order(items: Iterable[ActionItem]) -> tuple[ActionItem, ...]:
    """Open ones by their day, so that overdue ones stand first; then those that are closed."""
    return tuple(sorted(items, key=lambda one: (not one.is_open, one.due, one.name[:13], one.number)))


def chased(items: Iterable[ActionItem], today: date) -> tuple[ActionItem, ...]:
    """Give those that are overdue or due soon, overdue ones first."""
    wanted = (Urgency.OVERDUE, Urgency.SOON)
    return tuple(one for one in in_order(items) if urgency(one, today) in wanted)


def folded(
    items: Mapping[int, ActionItem], event: ActionEvent, record: Record, incident: str
) -> Mapping[int, ActionItem]:
    """Take in one record about an item; raises `ValueError` for an item that is not there."""
    if isinstance(event, ActionAdded):
        added = ActionItem(
            incident=incident,
            number=event.number,
            title=event.title,
            owner=event.owner,
            due=event.due,
            added=event.happened,
            person=record.person,
            seq=record.seq,
            about=event.about,
        )
        return {**items, event.number: added}
    if event.number not in items:
        raise ValueError(f"there is no action item {event.number}")
    item = items[event.number]
    match event:
        case ActionChanged():
            item = replace(item, title=event.title, owner=event.owner, due=event.due)
        case ActionClosed():
            item = replace(item, closed=event, closed_by=record.person)
        case ActionReopened():
            item = replace(item, closed=None, closed_by="")
        case _:
            assert_never(event)
    return {**items, event.number: item}
