"""Everything outside, put together: where documents and runs lie, who is there, and the ports of one run.

`World` is what a use case is handed; `Stage` is what one run works with. Here, and only here, it is decided that a
walk-through gets a machine that executes nothing.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TextIO

from holdpoint.app import machines
from holdpoint.app.crashing import crashing
from holdpoint.app.fleet import Fleet
from holdpoint.app.made import made_of
from holdpoint.app.repository import repository
from holdpoint.app.room import MEMORY, memory_agreed
from holdpoint.app.zone import zone_of
from holdpoint.document.model import FromEnv, Runbook
from holdpoint.engine.loop import Ended
from holdpoint.engine.ports import (
    Clock,
    Documents,
    Journal,
    JournalFailed,
    Machine,
    Messenger,
    Operator,
    Silence,
    Target,
)
from holdpoint.engine.session import Session
from holdpoint.engine.state import replay
from holdpoint.hosts.sandbox import MARK
from holdpoint.hosts.walkthrough import CheckMachine, Due, WalkthroughMachine
from holdpoint.operators.console import ConsoleOperator
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.scripted import ScriptedOperator, check_answers
from holdpoint.operators.terminal import Terminal
from holdpoint.operators.walkthrough import WalkthroughOperator
from holdpoint.planning.plan import Plan
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.shell import Blob
from holdpoint.store import room
from holdpoint.store.clock import FrozenClock, SystemClock
from holdpoint.store.journal_file import JournalFile
from holdpoint.store.library import Library
from holdpoint.store.memory_journal import MemoryJournal
from holdpoint.store.messenger import CommandMessenger
from holdpoint.store.run_folder import RunFolder
from holdpoint.store.state_folder import StateFolder
from holdpoint.views import jsonlines


class Kind(StrEnum):
    """What a run does with what it would change."""

    REAL = "real"
    CHECK = "check"
    DRY = "dry-run"


class Drawing(Protocol):
    """Draws the beginning and the end of a run."""

    def opening(self, plan: Plan, run: str, kind: str) -> None: ...

    def closing(self, session: Session, ended: Ended, journal: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What one run works with."""

    run: str
    machines: Mapping[str, Machine]
    operator: Operator
    clock: Clock
    journal: Journal
    messenger: Messenger
    drawing: ConsoleOperator
    file: str = ""
    """Where the journal lies; empty where nothing is kept."""

    def targets(self) -> Mapping[str, Target]:
        return {name: machine.target for name, machine in self.machines.items()}

    def closing(self, session: Session, ended: Ended) -> None:
        self.drawing.closing(session, ended, self.file)


@dataclass(frozen=True, slots=True)
class World:
    """One person at one machine. `operator`, where given, takes the place of the terminal."""

    person: str
    environ: Mapping[str, str]
    state: StateFolder
    library: Library
    fleet: Fleet
    json: bool = False
    plain: bool = False
    alone: bool = False
    """Nobody is asked anything, also at a terminal."""
    brief: bool = False
    """Of a run that goes well only its questions are drawn; whoever began it says what came out."""
    operator: Operator | None = None
    clock: Clock = field(default_factory=SystemClock)
    key: bytes = field(default=b"", repr=False)
    """Keys the digests over secrets; set by `ready`."""

    @classmethod
    def here(
        cls,
        *,
        json: bool = False,
        plain: bool = False,
        runbooks: Path | None = None,
        operator: Operator | None = None,
    ) -> World:
        """Look around: environment, working folder, this machine. Makes nothing."""
        environ, root = dict(os.environ), repository(Path.cwd())
        return cls(
            person=environ.get("HOLDPOINT_PERSON") or environ.get("SUDO_USER") or _user(),
            environ=environ,
            state=StateFolder.default(environ),
            library=Library((runbooks,)) if runbooks else Library.of(root, made_of(root)),
            fleet=Fleet.of(root),
            json=json,
            plain=plain,
            operator=operator,
        )

    def ready(self, kind: Kind, answers: Mapping[str, str] | None = None, folder: RunFolder | None = None) -> World:
        """Give a world that can plan and keep a run of this kind; a walk-through touches no disk.

        A run that is taken up again, in `folder`, stays where it is.

        Where the state folder's filesystem has no room, its twin in memory takes its place, after a yes.
        """
        if kind is Kind.DRY:
            return replace(self, key=os.urandom(32))
        volatile = folder is not None and folder.volatile
        state = self.state.memory_folder() if volatile else self._room_for_run(answers)
        return replace(self, state=state, key=state.key())

    @property
    def local(self) -> Target:
        """This machine."""
        return self.fleet.here

    @property
    def zone(self) -> tzinfo | None:
        """The zone in which people read times; None is this machine's own."""
        return zone_of(repository(Path.cwd()))

    @property
    def out(self) -> TextIO:
        """Where everything for people goes."""
        return sys.stderr if self.json else sys.stdout

    @property
    def interactive(self) -> bool:
        return not self.alone and sys.stdin is not None and sys.stdin.isatty()

    @property
    def documents(self) -> Documents:
        return LibraryDocuments(self.library)

    def prompt(self, text: str, *, echo: bool = True) -> str:
        """Ask for a line outside of a run. Raises `HoldpointError`, with code 7 where nobody answers and 3 after Ctrl-C."""
        with Interrupts() as interrupts:
            terminal = Terminal(sys.stdin, interrupts)
            terminal.forget()
            self.out.write(f"{text} ")
            self.out.flush()
            line = terminal.line(echo=echo)
        if isinstance(line, Silence):
            self.out.write("\n")
            code = Exit.STOPPED if line is Silence.INTERRUPTED else Exit.NEEDS_PERSON
            raise HoldpointError(Problem("no-answer", f"there is no answer to `{text}`: {line.value}"), exit_code=code)
        return line

    @property
    def prompt_secret(self) -> Callable[[str], str] | None:
        """Ask for a secret without echo; None where nobody is at a terminal."""
        return partial(self.prompt, echo=False) if self.interactive else None

    @contextmanager
    def stage(
        self,
        plan: Plan,
        kind: Kind,
        answers: Mapping[str, str] | None,
        *,
        folder: RunFolder | None = None,
        journal: JournalFile | None = None,
        tiers: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[Stage]:
        """Set the ports of one run up, and clear them away; `folder` and `journal` are those of a run taken up again.

        `tiers` are those that another run recorded for its hosts, which this one takes back.
        """
        if answers is not None:
            check_answers({key: word for key, word in answers.items() if key != MEMORY}, plan)
        with ExitStack() as stack:
            interrupts = stack.enter_context(Interrupts())
            drawing = self._drawing(interrupts)
            if kind is Kind.DRY:
                yield self._dry(plan, drawing)
                return
            if folder is None:
                folder = self.state.new_run(plan.runbook.id, self.clock.now())
            if journal is None:
                journal = stack.enter_context(_made(folder, self.person, self.clock))
            else:
                drawing.recall(journal.records)
            yield stack.enter_context(self._real(plan, kind, folder, journal, drawing, answers=answers, tiers=tiers))

    # --- parts of a stage

    def _dry(self, plan: Plan, drawing: ConsoleOperator) -> Stage:
        """Execute nothing, open nothing, keep nothing."""
        still = {name: WalkthroughMachine(self.fleet.target(name)) for name in _names(plan)}
        operator = WalkthroughOperator(self.person, drawing)
        clock = FrozenClock(self.clock.now())
        journal = MemoryJournal(self.person, clock)
        name = f"walk-through of {plan.runbook.id}"
        return Stage(name, still, operator, clock, journal, NotSent(), drawing)

    @contextmanager
    def _real(
        self,
        plan: Plan,
        kind: Kind,
        folder: RunFolder,
        journal: JournalFile,
        drawing: ConsoleOperator,
        *,
        answers: Mapping[str, str] | None,
        tiers: Mapping[str, str],
    ) -> Iterator[Stage]:
        asks = self.operator or (drawing if answers is None else ScriptedOperator(answers, self.person, drawing))
        without = frozenset(
            param.source.name
            for scope in plan.scopes.values()
            for param in scope.runbook.params
            if isinstance(param.source, FromEnv)
        )
        seen = {name: value for name, value in self.environ.items() if name not in without}
        operator: Operator = asks
        messenger: Messenger = CommandMessenger(self.environ)
        state = replay(journal.records).opened
        recorded = {**tiers, **(state.hosts if state is not None else {})}
        targets = [self.fleet.target(name, recorded.get(name, "")) for name in _names(plan)]
        volatile = folder.volatile
        agree = partial(memory_agreed, self, answers=answers)
        with machines.made(self, folder.path, targets, environ=seen, memory_allowed=volatile, agree=agree) as real:
            known: Mapping[str, Machine] = real
            if kind is Kind.CHECK:
                due = Due()
                undone = partial(setattr, due, "change", True)
                known, messenger = {name: CheckMachine(machine, due) for name, machine in real.items()}, NotSent()
                operator = WalkthroughOperator(self.person, drawing, asks=asks, undone=undone)
            wrapped = {name: crashing(machine) for name, machine in known.items()}
            yield Stage(folder.name, wrapped, operator, self.clock, journal, messenger, drawing, str(folder.journal))

    def _drawing(self, interrupts: Interrupts) -> ConsoleOperator:
        also = jsonlines.writer(sys.stdout) if self.json else None
        return ConsoleOperator(
            self.person,
            out=self.out,
            plain=self.plain,
            interrupts=interrupts,
            zone=self.zone,
            also=also,
            drill=MARK in os.environ,
            brief=self.brief,
        )

    def _room_for_run(self, answers: Mapping[str, str] | None) -> StateFolder:
        """The state folder, or after a yes its twin in memory, where its filesystem has no room."""
        probed = room.probe(self.state.path)
        if isinstance(probed, room.Room):
            return self.state
        memory_agreed(self, self.local, probed.why, answers=answers)
        twin = self.state.memory_folder()
        self.out.write(f"{twin.warning}.\n")
        return twin


@dataclass(frozen=True, slots=True)
class LibraryDocuments:
    """Looks at a document again before an effect, and at the files that it puts."""

    library: Library

    def difference(self, runbook: Runbook, files: Mapping[str, str]) -> str:
        try:
            now = self.library.source(runbook.id)
            if now.digest() != runbook.digest:
                self.library.load(runbook.id)  # whether it can still be read
                return f"`{runbook.id}` was changed since this run was planned"
        except HoldpointError as error:
            return f"`{runbook.id}` cannot be read any more: {error}"
        return next(filter(None, (self._changed(runbook, *file) for file in files.items())), "")

    def _changed(self, runbook: Runbook, source: str, digest: str) -> str:
        try:
            data = self.library.file(runbook, source)
        except HoldpointError as error:
            return f"`{source}`, which `{runbook.id}` puts, cannot be read any more: {error}"
        same = Blob(data).digest == digest
        return "" if same else f"`{source}`, which `{runbook.id}` puts, was changed since this run was planned"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Messages of a walk-through go nowhere."""

    def send(self, to: str, text: str) -> str:  # noqa: ARG002 - the port's signature
        return f"not sent to {to}: this is a walk-through"


def _names(plan: Plan) -> tuple[str, ...]:
    """Every machine that a plan can touch: its targets, and the person's own."""
    return tuple(dict.fromkeys((*plan.hosts, plan.here)))


def _made(folder: RunFolder, person: str, clock: Clock) -> JournalFile:
    try:
        return folder.create_journal(person, clock)
    except JournalFailed as error:
        hint = "make room, or set HOLDPOINT_STATE to a folder that has some"
        raise HoldpointError(Problem("no-journal", str(error), hint=hint), exit_code=Exit.UNKNOWN) from error


def _user() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return f"uid-{os.getuid()}"
