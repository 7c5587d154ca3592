"""The use cases of what was recorded: list, show, follow, verify. They read, and change nothing anywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdpoint.app import machines
from holdpoint.app.heads import remembered
from holdpoint.document.model import Effect, Put, Section
from holdpoint.engine.events import RunFinished, RunHandedOver, RunOpened, RunStopped, event_of
from holdpoint.engine.state import replay
from holdpoint.journal.record import Record, as_json, encode
from holdpoint.operators.interrupts import Interrupts
from holdpoint.planning.files import look_of
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import journal_reader
from holdpoint.store.journal_folder import DAMAGED, RENAMED, UNREADABLE
from holdpoint.views import runs
from holdpoint.views.background import NONE, Background, Named
from holdpoint.views.console import Screen, is_unread, print_json
from holdpoint.views.lines import labelled
from holdpoint.views.timeline import Timeline
from holdpoint.views.times import told_zone

if TYPE_CHECKING:
    from holdpoint.app.world import World
    from holdpoint.store.run_folder import RunFolder

_ENDS = frozenset({RunStopped.kind, RunFinished.kind, RunHandedOver.kind})


# --- list, show -------------------------------------------------------------------------------------------------


def list_all(world: World) -> int:
    """Every run that is recorded here, the oldest first; a damaged one is listed as what it is."""
    listed = [_listed(folder) for folder in world.state.runs()]
    listed += [_only_a_name(folder, RENAMED) for folder in world.state.strange_runs()]
    if world.json:
        print_json([runs.as_data(one) for one in listed])
    else:
        screen = _screen(world)
        screen.lines(runs.listing(listed, screen.width, world.zone))
    return Exit.OK


def _listed(folder: RunFolder) -> runs.Run:
    try:
        return runs.run_of(folder.name, folder.records(), str(folder.journal), written=folder.is_written())
    except HoldpointError as error:
        return _only_a_name(folder, DAMAGED if error.exit_code == Exit.DAMAGED else UNREADABLE)
    except ValueError:
        return _only_a_name(folder, UNREADABLE)


def _only_a_name(folder: RunFolder, status: str) -> runs.Run:
    return runs.Run(
        run=folder.name,
        status=status,
        journal=str(folder.journal),
        runbook="",
        title="",
        mode="",
        person="",
        hosts=(),
        began=None,
        exit=None,
        incident="",
        of_run="",
    )


def show(world: World, name: str) -> int:
    """One run, whole."""
    folder = world.state.find(name)
    records = folder.records()
    _known(folder, records)
    if world.json:
        entry = runs.as_data(runs.run_of(folder.name, records, str(folder.journal), written=folder.is_written()))
        print_json({**entry, "events": [as_json(record) for record in records]})
    else:
        screen = _screen(world)
        frame = runs.Frame(
            screen.width, str(folder.journal), folder.is_written(), background_of(world, records), world.zone
        )
        screen.lines(runs.page(folder.name, records, frame))
    return Exit.OK


# --- follow -----------------------------------------------------------------------------------------------------


def follow(world: World, name: str, pause: Callable[[float], bool] = journal_reader.go_on) -> int:
    """Show what happened and then each record as it is written, until the last one is an end.

    Where the run was cut off, it says so once, and waits for the process that takes it up again.
    """
    folder = world.state.find(name)
    last, told = "", False

    def over(seconds: float) -> bool:
        nonlocal told
        if interrupts.take() is not None:
            raise KeyboardInterrupt
        if last in _ENDS or is_unread(sys.stdout):
            return True
        alone = not folder.is_written()
        if alone and not told:
            world.out.write(f"It was cut off: `inv run.resume {folder.name}` goes on with it. Waiting for that.\n")
            world.out.flush()
        told = alone
        return pause(seconds)

    write = _writer(world, folder)
    with Interrupts() as interrupts:
        for record in journal_reader.follow(folder.journal, over):
            last = record.kind
            write(record)
    return Exit.OK


def _writer(world: World, folder: RunFolder) -> Callable[[Record], None]:
    if world.json:

        def as_line(record: Record) -> None:
            sys.stdout.write(encode(record).decode())
            sys.stdout.flush()

        return as_line
    screen = _screen(world)
    zone = world.zone
    screen.lines(labelled("times", told_zone(world.clock.now(), zone), screen.width))
    timeline = Timeline(background_of(world, folder.records()), zone)

    def drawn(record: Record) -> None:
        _known(folder, (record,))
        screen.lines(timeline.lines(record, screen.width))
        sys.stdout.flush()

    return drawn


# --- verify -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """What can be said of a journal whose chain is whole. A host that could not be asked has None."""

    records: int
    head: str
    torn: int
    remembered: Mapping[str, int | None]
    ended: bool
    written: bool


def verify(world: World, name: str) -> int:
    """Check the chain, and that every change which the target remembers was recorded before it.

    Raises `HoldpointError` with exit code 10 where something does not fit; gives 8 where a target could not be asked.
    """
    folder = world.state.find(name)
    chain = journal_reader.read_file(folder.journal)
    opened = replay(chain.records).opened
    hosts = {**opened.hosts, **opened.beside} if opened else {world.local.name: ""}
    with machines.made(world, folder.path, [world.fleet.target(name) for name in hosts]) as asked:
        known = remembered(folder.name, asked, chain.records)
    ended = bool(chain.records) and chain.records[-1].kind in _ENDS
    found = Verified(len(chain.records), chain.head, len(chain.torn), known, ended=ended, written=folder.is_written())
    if world.json:
        data = {"records": found.records, "head": found.head, "torn": found.torn, "remembered": known}
        print_json({"run": folder.name, "journal": str(folder.journal), **data})
    else:
        sys.stdout.write("".join(f"{sentence}\n" for sentence in _sentences(folder.name, found)))
    return Exit.UNKNOWN if None in known.values() else Exit.OK


def _sentences(name: str, found: Verified) -> list[str]:
    if not found.records:
        said = [f"{name}: nothing was begun: its journal has no record"]
    else:
        fits = "1 record" if found.records == 1 else f"{found.records} records, each fits the one before it"
        said = [f"{name}: {fits}; the last is {found.head[:16]}…"]
    if found.torn:
        said.append(f"a last line that was not written to its end ({found.torn} bytes) is left out")
    for host, count in found.remembered.items():
        if count is None:
            said.append(f"{host} could not be asked what it remembers, so a cut of the journal would not show")
        elif count:
            changes = "1 change" if count == 1 else f"{count} changes"
            said.append(f"{host} remembers {changes}, and the journal holds the record of each")
        else:
            said.append(f"{host} remembers no change of this run")
    if None in found.remembered.values() or not found.records:
        return said
    open_ = f"all fits together; no end is recorded: the run {'goes on in another process' if found.written else 'was cut off'}"
    return [*said, "all is well: everything fits together" if found.ended else open_]


# --- parts ------------------------------------------------------------------------------------------------------


def _screen(world: World) -> Screen:
    return Screen(sys.stdout, plain=world.plain, environ=world.environ)


def _known(folder: RunFolder, records: tuple[Record, ...]) -> None:
    """Refuse a journal that was written by a version that knows more."""
    try:
        for record in records:
            event_of(record)
    except ValueError as error:
        hint = "it was written by another version of Holdpoint; `--json` shows it as it is"
        raise HoldpointError(
            Problem("journal-unknown", f"run `{folder.name}` cannot be shown: {error}", hint=hint)
        ) from error


def background_of(world: World, records: Sequence[Record]) -> Background:
    """The titles of the steps, where the document is still the one that was run."""
    opened = next((event_of(record) for record in records if record.kind == RunOpened.kind), None)
    if not isinstance(opened, RunOpened):
        return NONE
    try:
        book = world.library.load(opened.runbook)
    except HoldpointError:
        return NONE
    if book.digest != opened.document:
        return NONE
    named = {step.id: Named(step.title, step.section, step.effect) for step in book.steps()}
    for step in book.steps():
        if isinstance(step.action, Put):
            key, title = look_of(step, step.action)
            named[key] = Named(title, step.section, Effect.READ)
    proof = Named("the check of recovery", Section.RESOLUTION, Effect.READ)
    return Background({**named, "recovered-before": proof, "recovered-after": proof})
