"""What every use case of incidents works with: the team's time and texts, and the incident that is meant."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from holdpoint.app.repository import repository
from holdpoint.app.team import team_of
from holdpoint.app.world import World
from holdpoint.incident.clocks import Clock, clocks
from holdpoint.incident.events import Event, MessageRendered, data_of
from holdpoint.incident.fold import fold, replay
from holdpoint.incident.state import State
from holdpoint.journal.record import Record, as_json
from holdpoint.oncall import moments, parse
from holdpoint.oncall.model import Language, Team
from holdpoint.oncall.rota import on_call
from holdpoint.oncall.working import DayOff, Working
from holdpoint.problem import Exit, HoldpointError, Place, Problem, draw
from holdpoint.store import holidays
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.journal_file import JournalFile
from holdpoint.store.journal_folder import DAMAGED, RENAMED, UNREADABLE
from holdpoint.store.naming import listed
from holdpoint.store.texts import Texts
from holdpoint.views import incident_data, sending
from holdpoint.views import incidents as view
from holdpoint.views.console import Screen
from holdpoint.views.inert import inert, typed
from holdpoint.views.next_steps import SetUp
from holdpoint.views.reminders import short

if TYPE_CHECKING:
    from holdpoint.incident.proposing import Proposal

NEVER_BEGAN = "never began"
"""It was cut off before its first record."""
NO_RECORD = "no record"
"""Its folder is there, and the journal in it is not."""
LONGEST = 200
"""Characters of a title."""
LONGEST_TEXT = 10_000
"""Characters of anything else that a person says."""


@dataclass(slots=True)
class Book:
    """An incident that is open for writing, by this process alone, for as long as it takes to write."""

    folder: IncidentFolder
    journal: JournalFile
    state: State
    written: list[Record] = field(default_factory=list)

    def note(self, event: Event) -> Record:
        """Write a record; it is durable when this returns."""
        record = self.journal.append(event.kind, data_of(event))
        self.state = fold(self.state, record)
        self.written.append(record)
        return record


@dataclass(frozen=True)
class Desk:
    """One person with the incidents of a state folder, in a repository."""

    world: World
    root: Path = field(default_factory=lambda: repository(Path.cwd()))
    said: set[str] = field(default_factory=set)
    """Warnings that were told already."""
    quiet: bool = False
    """Warnings are left to the other commands."""

    @cached_property
    def team(self) -> Team:
        """The team; where its file cannot be used, the defaults, which is said: an incident does not wait for that."""
        try:
            return team_of(self.root)
        except HoldpointError as error:
            self.warn("\n".join(draw(problem) for problem in error.problems))
            self.warn("so the defaults count: Europe/Paris, Monday to Friday, 09:00 to 18:00, nobody on call")
            return parse.default()

    @property
    def zone(self) -> ZoneInfo:
        return self.team.zone

    @property
    def texts(self) -> Texts:
        return Texts.of(self.root)

    @property
    def screen(self) -> Screen:
        return Screen(self.world.out, plain=self.world.plain, environ=self.world.environ)

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def warn(self, text: str) -> None:
        if not self.quiet and text not in self.said:
            self.said.add(text)
            sys.stderr.write(f"{inert(text)}\n")

    def at(self, text: str | None) -> datetime:
        """Read when something happened; now, where nothing is given."""
        return self.now if text is None else moments.read(text, now=self.now, zone=self.zone)

    def language(self, asked: str | None) -> str:
        """The language of a message: the one asked for, else the team's."""
        if asked is None:
            return self.team.language.value
        if asked.lower() not in set(Language):
            expected = ", ".join(f"`{one.value}`" for one in Language)
            raise HoldpointError(Problem("language", f"there are no texts in `{asked[:20]}`", expected=expected))
        return asked.lower()

    def clocks(self, state: State) -> tuple[Clock, ...]:
        return clocks(state, self.now, Working(self.team.zone, self.team.hours, self._off))

    def _off(self, day: date) -> str:
        """Asked only where working hours count, as public holidays take half a second to load."""
        return self._days_off(day)

    @cached_property
    def _days_off(self) -> DayOff:
        try:
            return holidays.off(self.team.holidays, self.team.language)
        except HoldpointError as error:
            self.warn("\n".join(draw(problem) for problem in error.problems))
            return lambda day: self.team.holidays.own.get(day, "")

    @cached_property
    def set_up(self) -> SetUp:
        """What the team's settings do by themselves."""
        reached = (audience for audience, to in self.team.outside.channels.items() if to)
        return SetUp(frozenset(reached), frozenset(self.team.checks), self.team.outside.banner is not None)

    def on_call(self, at: datetime) -> tuple[str, str]:
        """Who is on call at a moment: the principal and the backup; empty where no rota says."""
        duty = on_call(self.team.rota, self.zone, at) if self.team.rota else None
        if duty is None:
            return "", ""
        return duty.principal.person, duty.backup.person if duty.backup else ""

    # --- which incident ---

    def all(self) -> tuple[view.Listed, ...]:
        """Every incident, the oldest first; one that is damaged, or whose record is gone, is listed as what it is."""
        state = self.world.state
        known = [self.read(folder) for folder in state.incidents()]
        bare, strange = state.bare_incidents(), state.strange_incidents()
        if not bare and not strange:
            return tuple(known)
        known += [view.Listed(one.name, str(one.journal), NO_RECORD, None) for one in bare]
        known += [self.read(folder) for folder in strange]
        return tuple(sorted(known, key=lambda one: one.was or one.incident))

    def read(self, folder: IncidentFolder) -> view.Listed:
        try:
            records = folder.records()
            state = replay(records)
        except HoldpointError as error:
            status = DAMAGED if error.exit_code == Exit.DAMAGED else UNREADABLE
            return view.Listed(folder.name, str(folder.journal), status, None)
        except ValueError:
            return view.Listed(folder.name, str(folder.journal), UNREADABLE, None)
        if state.declared is None:
            return view.Listed(folder.name, str(folder.journal), NEVER_BEGAN, None)
        if state.opening.incident != folder.name:
            return view.Listed(folder.name, str(folder.journal), RENAMED, None, was=state.opening.incident)
        return self.listed(folder, state)

    def listed(self, folder: IncidentFolder, state: State) -> view.Listed:
        status = view.OPEN if state.is_open else view.RESOLVED
        return view.Listed(
            folder.name,
            str(folder.journal),
            status,
            state,
            self.clocks(state),
            sending.loud(state, self.now, self.set_up),
            has=self.set_up,
        )

    def open_ones(self) -> tuple[view.Listed, ...]:
        return tuple(one for one in self.all() if one.state is not None and one.state.is_open)

    def chosen(self, text: str | None, after: Callable[[State], bool] = lambda _: False) -> IncidentFolder:
        """Find the incident that is meant: the one named, else the only one that is open.

        Where none is open it is the only one that is resolved and of which `after` is true. Raises `HoldpointError`: exit 10 where none is open but one is damaged, else 2 with the open ones.
        """
        if text is not None:
            return self.world.state.find_incident(text)
        known = self.all()
        open_ones = [one for one in known if one.status == view.OPEN]
        open_ones = open_ones or [one for one in known if one.state is not None and after(one.state)]
        damaged = [one for one in known if one.status == DAMAGED]
        for one in damaged:
            self.warn(f"the record of incident {one.incident} is damaged, so whether it is open is not known")
        for one in known:
            if one.was:
                self.warn(
                    f"the folder {one.incident} holds the record of incident {one.was}: rename it back, or move a copy away"
                )
        folders = {folder.name: folder for folder in self.world.state.incidents()}
        if len(open_ones) == 1:
            return folders[open_ones[0].incident]
        if open_ones:
            found = listed([folders[one.incident] for one in open_ones])
            message = f"{len(open_ones)} incidents could be meant, and none is named"
            problem = Problem(
                "which-incident", message, found=found, hint="add `--incident ID`; the end of its name is enough"
            )
            raise HoldpointError(problem)
        for one in reversed(damaged):
            if one.incident in folders:
                folders[one.incident].records()
        hint = '`inv incident.declare "..."` opens one; `--incident last` names the last one'
        raise HoldpointError(Problem("no-incident", "no incident is open", hint=hint))

    def named(self, incident: str, state: State, known: Sequence[view.Listed] | None = None) -> str:
        """Give the option that a command needs to mean this incident; empty where `chosen` would take it anyway.

        `known` are all that there are, where they were read already.
        """
        known = self.all() if known is None else known
        others = [one.state for one in known if one.state is not None and one.incident != incident]
        taken = any(of.is_open or (not state.is_open and something_left(of)) for of in others)
        return f" --incident {short(incident, [one.incident for one in known])}" if taken else ""

    # --- writing and telling ---

    @contextmanager
    def begun(self, folder: IncidentFolder) -> Iterator[Book]:
        """Begin the record of a new incident."""
        with folder.begun(self.world.person, self.world.clock) as journal:
            yield Book(folder, journal, State())

    @contextmanager
    def writing(self, folder: IncidentFolder, *, open_only: bool = True) -> Iterator[Book]:
        """Open an incident for writing; raises `HoldpointError` where it is closed and `open_only` is true.

        One that is done with gives back the room that its journal keeps on the disk.
        """
        with folder.writing(self.world.person, self.world.clock) as journal:
            state = _replayed(folder, journal.records)
            if open_only and not state.is_open:
                message = f"incident `{folder.name}` is resolved"
                hint = f'`inv incident.reopen --incident {folder.name} --reason "..."` opens it again'
                raise HoldpointError(Problem("resolved", message, hint=hint))
            if state.handed is not None:
                to = state.handed.receiver or "somebody else"
                self.warn(
                    f"incident {folder.name} was handed over to {to}: where both write, the two records cannot be put "
                    "together; `inv incident.take FILE` takes theirs in first"
                )
            book = Book(folder, journal, state)
            yield book
            journal.close(finished=not book.state.is_open and not something_left(book.state))

    def told(self, book: Book, text: str, more: dict[str, Any] | None = None) -> int:
        """Say what was written down: as JSON, or in a sentence with the clocks and what is next."""
        listed_now = self.listed(book.folder, book.state)
        proposals = self.proposals(book.state, book.journal.records)
        if self.world.json:
            data = {
                **incident_data.as_data(listed_now, book.state),
                "proposals": [incident_data.proposal_data(one) for one in proposals],
            }
            self.print_json({**data, "recorded": [as_json(record) for record in book.written], **(more or {})})
        else:
            named = self.named(book.folder.name, book.state)
            page = view.Page(listed_now, book.state, (), proposals=proposals, named=named)
            self.screen.lines(view.recorded(text, page, self.screen.width, self.zone))
        return Exit.OK

    def proposals(self, state: State, records: Sequence[Record]) -> tuple[Proposal, ...]:
        """Give what could be run now; what that needs is loaded only while it is of use."""
        if not state.is_open:
            return ()
        from holdpoint.app.proposing import proposals_for  # noqa: PLC0415 - most commands propose nothing

        return proposals_for(self, state, records)

    def show_messages(self, messages: Sequence[MessageRendered]) -> None:
        """Show messages whole, for pasting; JSON carries them itself."""
        if not self.world.json:
            for one in messages:
                self.screen.lines(view.message(one.text, one.message, one.channel, self.screen.width))

    def print_json(self, data: Any) -> None:
        sys.stdout.write(json.dumps(data) + "\n")


def _replayed(folder: IncidentFolder, records: Sequence[Record]) -> State:
    try:
        state = replay(records)
    except ValueError as error:
        hint = "it was written by another version of Holdpoint"
        problem = Problem("journal-unknown", f"incident `{folder.name}` cannot be read: {error}", hint=hint)
        raise HoldpointError(problem) from error
    if state.declared is None:
        message = f"incident `{folder.name}` was cut off before its first record"
        raise HoldpointError(Problem("nothing-begun", message, hint="declare it anew"))
    if (incident := state.opening.incident) != folder.name:
        message = f"the folder `{folder.name}` holds the record of incident `{incident}`"
        theirs = folder.path.parent / incident
        hint = f"it was renamed; `mv {folder.path} {theirs}` puts it back"
        if theirs.exists():
            hint = f"it is a copy: incident `{incident}` is there as well; move `{folder.path}` away"
        raise HoldpointError(Problem("renamed", message, Place(str(folder.journal), 0, 0), hint=hint))
    return state


def something_left(state: State) -> bool:
    """An incident that is resolved, and not done with."""
    return state.phase is not None or bool(state.waiting())


def state_of(folder: IncidentFolder) -> tuple[tuple[Record, ...], State]:
    """Read one incident. Raises `HoldpointError`: exit 10 where it is damaged."""
    records = folder.records()
    return records, _replayed(folder, records)


def some_text(text: str, what: str) -> str:
    """Take a text as it is, but for control characters; raises `HoldpointError` where nothing is left, or too much."""
    kept = "\n".join(typed(line) if line.strip() else "" for line in text.expandtabs().splitlines()).strip("\n")
    if not kept.strip():
        raise HoldpointError(Problem("empty", f"{what} is empty", expected="a text in quotes"))
    if len(kept) > LONGEST_TEXT:
        found = f"{len(kept):,} characters"
        expected = f"at most {LONGEST_TEXT:,}"
        raise HoldpointError(Problem("too-long", f"{what} is too long", found=found, expected=expected))
    return kept


def reason_of(text: str) -> str:
    """Take what `--reason` says; where it says nothing, raise with the option to add."""
    if not text.strip():
        raise HoldpointError(Problem("empty", "the reason is empty", expected='`--reason "..."`'))
    return some_text(text, "the reason")


def one_line(text: str, what: str) -> str:
    """Take a text as one harmless line; raises `HoldpointError` where nothing is left, or too much."""
    kept = typed(" ".join(text.split()))
    if not kept:
        raise HoldpointError(Problem("empty", f"{what} is empty", expected="a text in quotes"))
    if len(kept) > LONGEST:
        found = f"{len(kept):,} characters"
        raise HoldpointError(Problem("too-long", f"{what} is too long", found=found, expected=f"at most {LONGEST}"))
    return kept
