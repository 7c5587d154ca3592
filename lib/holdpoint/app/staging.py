"""The ports of one run, set up and cleared away.

Here, and only here, it is decided that a walk-through gets a machine that executes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from holdpoint.app import machines
from holdpoint.app.crashing import crashing
from holdpoint.app.room import MEMORY, memory_agreed
from holdpoint.app.world import Kind, World
from holdpoint.document.model import FromEnv, Runbook
from holdpoint.engine.loop import Ended
from holdpoint.engine.ports import Clock, Journal, JournalFailed, Machine, Messenger, Operator
from holdpoint.engine.session import Session
from holdpoint.engine.state import replay
from holdpoint.engine.target import Target
from holdpoint.hosts.sandbox import MARK
from holdpoint.hosts.walkthrough import CheckMachine, Due, WalkthroughMachine
from holdpoint.operators.console import ConsoleOperator
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.scripted import ScriptedOperator, check_answers
from holdpoint.operators.walkthrough import WalkthroughOperator
from holdpoint.planning.plan import Plan
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.shell import Blob
from holdpoint.store.clock import FrozenClock
from holdpoint.store.journal_file import JournalFile
from holdpoint.store.library import Library
from holdpoint.store.memory_journal import MemoryJournal
from holdpoint.store.messenger import CommandMessenger
from holdpoint.store.run_folder import RunFolder
from holdpoint.views import jsonlines


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


@contextmanager
def staged(
    world: World,
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
        drawing = _drawing(world, interrupts)
        if kind is Kind.DRY:
            yield _dry(world, plan, drawing)
            return
        if folder is None:
            folder = world.state.new_run(plan.runbook.id, world.clock.now())
        if journal is None:
            journal = stack.enter_context(_made(folder, world.person, world.clock))
        else:
            drawing.recall(journal.records)
        yield stack.enter_context(_real(world, plan, kind, folder, journal, drawing, answers=answers, tiers=tiers))


def _dry(world: World, plan: Plan, drawing: ConsoleOperator) -> Stage:
    """Execute nothing, open nothing, keep nothing."""
    still = {name: WalkthroughMachine(world.fleet.target(name)) for name in _names(plan)}
    operator = WalkthroughOperator(world.person, drawing)
    clock = FrozenClock(world.clock.now())
    journal = MemoryJournal(world.person, clock)
    name = f"walk-through of {plan.runbook.id}"
    return Stage(name, still, operator, clock, journal, NotSent(), drawing)


@contextmanager
def _real(
    world: World,
    plan: Plan,
    kind: Kind,
    folder: RunFolder,
    journal: JournalFile,
    drawing: ConsoleOperator,
    *,
    answers: Mapping[str, str] | None,
    tiers: Mapping[str, str],
) -> Iterator[Stage]:
    asks = world.operator or (drawing if answers is None else ScriptedOperator(answers, world.person, drawing))
    without = frozenset(
        param.source.name
        for scope in plan.scopes.values()
        for param in scope.runbook.params
        if isinstance(param.source, FromEnv)
    )
    seen = {name: value for name, value in world.environ.items() if name not in without}
    operator: Operator = asks
    messenger: Messenger = CommandMessenger(world.environ)
    state = replay(journal.records).opened
    recorded = {**tiers, **(state.hosts if state is not None else {})}
    targets = [world.fleet.target(name, recorded.get(name, "")) for name in _names(plan)]
    volatile = folder.volatile
    agree = partial(memory_agreed, world, answers=answers)
    with machines.made(world, folder.path, targets, environ=seen, memory_allowed=volatile, agree=agree) as real:
        known: Mapping[str, Machine] = real
        if kind is Kind.CHECK:
            due = Due()
            undone = partial(setattr, due, "change", True)
            known, messenger = {name: CheckMachine(machine, due) for name, machine in real.items()}, NotSent()
            operator = WalkthroughOperator(world.person, drawing, asks=asks, undone=undone)
        wrapped = {name: crashing(machine) for name, machine in known.items()}
        yield Stage(folder.name, wrapped, operator, world.clock, journal, messenger, drawing, str(folder.journal))


def _drawing(world: World, interrupts: Interrupts) -> ConsoleOperator:
    also = jsonlines.writer(sys.stdout) if world.json else None
    return ConsoleOperator(
        world.person,
        out=world.out,
        plain=world.plain,
        interrupts=interrupts,
        zone=world.zone,
        also=also,
        drill=MARK in os.environ,
        brief=world.brief,
    )


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
