"""The use case of an alert that came: find its runbook, join its incident or declare one, and say what to type.

It is a record and no change of a machine, so nobody is asked. Once the payload is understood, no alert is dropped: what
hinders the rest (a broken library, a team's file) costs only that part, and is said.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from holdpoint.app import cards
from holdpoint.app.desk import Book, Desk
from holdpoint.app.fleet import Fleet, is_called
from holdpoint.app.incidents import opened
from holdpoint.app.messages import render
from holdpoint.app.world import Kind, World
from holdpoint.document.model import Severity
from holdpoint.incident import payload
from holdpoint.incident.alert import Notification
from holdpoint.incident.alert_joining import Became, Graded, Home, events, graded, home, is_known, noticed
from holdpoint.incident.alert_reading import ALERTMANAGER, alertmanager, mapped
from holdpoint.incident.alert_runbook import Command, Found, command, find
from holdpoint.incident.events import Declared, MessageRendered, Purpose, Trigger
from holdpoint.incident.messages import Asked
from holdpoint.incident.severity import severity_of
from holdpoint.incident.state import State
from holdpoint.oncall.alerts import AlertMap
from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store.alert_door import alone
from holdpoint.store.alert_maps import named
from holdpoint.store.state_folder import StateFolder
from holdpoint.store.state_path import INCIDENTS
from holdpoint.views import alerts as view
from holdpoint.views.incidents import Listed, also_open


@dataclass(frozen=True, slots=True)
class Came:
    """A notification that was understood, and the map that it was read by."""

    notification: Notification
    by: AlertMap | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a notification came to; `book` is the incident as it stands now, None where none is about it.

    `others` are open besides one that was declared for it.
    """

    told: view.Told
    book: Book | None
    messages: tuple[MessageRendered, ...] = ()
    others: tuple[Listed, ...] = ()


def receive(world: World, *, file: str | None, by: str | None, severity: str | None, incident: str | None) -> int:
    """Take one payload from a file or standard input, and show what it came to."""
    desk = Desk(world)
    asked = None if severity is None else severity_of(severity)
    folder = None if incident is None else world.state.find_incident(incident).name
    came = understood(desk, *_payload(file), by)
    taken = take(desk, came, asked=asked, incident=folder)
    if world.json:
        desk.print_json(as_data(desk, taken))
        return Exit.OK
    show(desk, taken)
    return Exit.OK


def show(desk: Desk, taken: Taken) -> None:
    """Draw what a notification came to, what to type, and the message for pasting where there is a new one."""
    listed = None if taken.book is None else desk.listed(taken.book.folder, taken.book.state)
    drawn = view.page(taken.told, listed, desk.screen.width, desk.zone)
    for other in taken.others:
        drawn += also_open(other, desk.screen.width)
    desk.screen.lines(drawn)
    desk.show_messages(taken.messages)


def _payload(file: str | None) -> tuple[bytes, str]:
    """The bytes of a payload, one more than is allowed at most, and what they are called."""
    if file is None:
        if sys.stdin is None or sys.stdin.isatty():
            hint = "`inv alert < payload.json`, or `--file payload.json`"
            raise HoldpointError(Problem("no-payload", "no payload was given", hint=hint))
        return sys.stdin.buffer.read(payload.LARGEST + 1), payload.NAME
    try:
        with Path(file).open("rb") as opened_file:
            return opened_file.read(payload.LARGEST + 1), file
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise HoldpointError(Problem("payload", f"the payload cannot be read: {why}", Place(file, 0, 0))) from error


def understood(desk: Desk, data: bytes, name: str = payload.NAME, by: str | None = None) -> Came:
    """Read a payload. Raises `HoldpointError` where it shows no alert, or there is no such map."""
    if by is None or by == ALERTMANAGER:
        return Came(alertmanager(payload.read(data, name)))
    chosen = named(desk.team, by)
    return Came(mapped(payload.read(data, name), chosen, by), chosen)


# --- taking it --------------------------------------------------------------------------------------------------


def take(desk: Desk, came: Came, *, asked: Severity | None = None, incident: str | None = None) -> Taken:
    """Record a notification, durably, in the incident that it belongs to; raises `HoldpointError` where that fails."""
    notification = came.notification
    found = _runbooks(desk, notification)
    usual = Severity(found[0].card.severity) if len(found) == 1 else None
    grade = Graded(asked, "as typed") if asked else graded(notification, desk.team.alerts, came.by, usual)
    with alone(_door(desk.world)):
        every = desk.all()
        known = [(one.incident, one.state) for one in every if one.state is not None]
        where = home(notification, known) if incident is None else _named(notification, incident, dict(known))
        book, messages = _recorded(desk, notification, grade, where, found)
    name = book.folder.name if book else ""
    proposals = tuple(_proposal(desk, notification, one, name) for one in found)
    declared = where.became is Became.DECLARED
    others = tuple(one for one in every if declared and one.state is not None and one.state.is_open)
    return Taken(view.Told(notification, where.became, grade, proposals), book, messages, others)


def _door(world: World) -> StateFolder:
    """The folder whose door is held; its twin in memory where it cannot be made."""
    try:
        world.state.prepare(INCIDENTS)
    except HoldpointError:
        return world.ready(Kind.REAL).state
    return world.state


def _named(notification: Notification, incident: str, known: dict[str, State]) -> Home:
    state = known.get(incident)
    if state is None:
        raise HoldpointError(Problem("incident-unread", f"incident `{incident}` cannot be read"))
    if not state.is_open:
        return Home(Became.AFTER, incident)
    return Home(Became.AGAIN if is_known(notification, state) else Became.JOINED, incident)


def _recorded(
    desk: Desk, notification: Notification, grade: Graded, where: Home, found: Sequence[Found]
) -> tuple[Book | None, tuple[MessageRendered, ...]]:
    match where.became:
        case Became.NOTHING:
            return None, ()
        case Became.DECLARED:
            draft = _draft(desk, notification, grade, found)
            ready = Desk(desk.world.ready(Kind.REAL), desk.root, desk.said)
            news = events(notification, State(), grade, desk.now)
            book, messages = opened(ready, draft, Asked(), *news)
            return book, tuple(messages)
        case Became.JOINED | Became.AGAIN | Became.AFTER:
            folder = desk.world.state.find_incident(where.incident)
            with desk.writing(folder, open_only=False) as book:
                for event in events(notification, book.state, grade, desk.now):
                    book.note(event)
                lacks = book.state.is_open and not book.state.messages  # it was cut off right after its declaration
                first = (render(desk, book, Purpose.FIRST, Asked()),) if lacks else ()
            return book, first
        case _:
            assert_never(where.became)


def _draft(desk: Desk, notification: Notification, grade: Graded, found: Sequence[Found]) -> Declared:
    label = desk.team.alerts.service
    services = tuple(dict.fromkeys(one.labels[label] for one in notification.firing if one.labels.get(label)))
    of_runbook = found[0].card.services if len(found) == 1 and len(found[0].card.services) == 1 else ()
    return Declared(
        incident="",
        title=notification.title,
        severity=grade.severity,
        services=services or of_runbook,
        trigger=Trigger.ALERT,
        happened=noticed(notification, desk.now),
        language=desk.team.language.value,
        group=notification.group,
    )


# --- what to type -----------------------------------------------------------------------------------------------


def _runbooks(desk: Desk, notification: Notification) -> tuple[Found, ...]:
    """The runbooks of an alert; none where the library cannot be read, which is said."""
    try:
        shelf = cards.shelf(desk.world.library, cards.place(desk.world.environ))
    except (HoldpointError, OSError) as error:
        desk.warn(f"the runbooks cannot be read, so none is proposed: {error}")
        return ()
    return find(notification, [book.card for book in shelf.books])


def _proposal(desk: Desk, notification: Notification, found: Found, incident: str) -> view.Proposal:
    try:
        runbook = desk.world.library.load(found.card.id)
    except HoldpointError as error:
        return view.Proposal(found, Command(f"inv runbook.lint --name {found.card.id}", (str(error),)))
    fleet = desk.world.fleet
    return view.Proposal(
        found, command(notification, runbook, incident, desk.team.alerts, lambda name: host_of(fleet, name))
    )


def host_of(fleet: Fleet, name: str) -> str | None:
    """The value of `--host` for a name that an alert gives: empty for this machine, None where it is not known."""
    known = [host.name for host in fleet.hosts if is_called(host.name, name)]
    exact = [one for one in known if one == name]
    chosen = exact or known
    if len(chosen) == 1:
        return "" if chosen[0] == fleet.here.name else chosen[0]
    if chosen:
        return None
    return "" if is_called(name, socket.gethostname()) else None


def as_data(desk: Desk, taken: Taken) -> dict[str, Any]:
    """What it came to, for programs."""
    data = view.as_data(taken.told)
    if taken.book is None:
        return {"incident": None, **data, "recorded": []}
    listed = desk.listed(taken.book.folder, taken.book.state)
    return view.with_incident(data, listed, taken.book.state, taken.book.written, taken.messages)


def watching(world: World, source: str) -> World:
    """Give a world in which nobody is there: what is recorded is the monitor's word."""
    return replace(world, person=source, alone=True)
