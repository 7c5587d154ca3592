"""Handing a run over: the one file with which another person, at another machine, goes on with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.records import background_of
from holdpoint.document.model import Use
from holdpoint.engine.events import RunFinished, RunHandedOver, RunOpened, data_of
from holdpoint.engine.ports import JournalFailed
from holdpoint.engine.state import State, replay
from holdpoint.engine.target import Target
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import handover_file
from holdpoint.store.handover_file import DOCUMENTS, HOSTS, OUTPUT, README, RUNS, Member
from holdpoint.views import handing
from holdpoint.views.console import Screen, print_json
from holdpoint.views.lines import BLANK, Tone, labelled

if TYPE_CHECKING:
    from holdpoint.app.world import World
    from holdpoint.document.inventory import Host
    from holdpoint.journal.record import Record
    from holdpoint.store.journal_file import JournalFile
    from holdpoint.store.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class Packed:
    """What goes into the file beside the journal. `notes` are for the one who gets it."""

    files: Mapping[str, Member]
    outputs: Mapping[str, Member]
    notes: tuple[str, ...]

    def digests(self) -> dict[str, str]:
        return {name: handover_file.digest(member) for name, member in self.files.items()}

    def of_outputs(self) -> str:
        return of_outputs({name: handover_file.digest(member) for name, member in self.outputs.items()})


def of_outputs(digests: Mapping[str, str]) -> str:
    """One digest over those of many files."""
    return hashlib.sha256("".join(f"{one} {name}\n" for name, one in sorted(digests.items())).encode()).hexdigest()


def hand_over(world: World, name: str, out: str | None, to: str) -> int:
    """Record that somebody else goes on, and write the file for them; from then on the run is refused here.

    Raises `HoldpointError`: code 9 where a process goes on with the run, 2 where it cannot be handed over or the file
    cannot be made. Typed again, it makes the same file again.
    """
    folder = world.state.find(name)
    path = Path(out) if out else Path.cwd() / f"{folder.name}{handover_file.SUFFIX}"
    with _opened(world, folder) as journal:
        state = replay(journal.records)
        _can_be_handed_over(folder, state)
        packed = _packed(world, folder, state)
        with handover_file.reserved(path):
            try:
                _recorded(world, journal, state, packed, to)
                told = _told(world, folder.name, journal.records, packed.notes)
                handover_file.write(path, _members(folder, packed, handing.readme(told, path.name)))
            except (OSError, JournalFailed) as error:
                hint = f"make room, and type `run.handover {folder.name}` again"
                problem = Problem("not-handed-over", f"the file could not be written: {error}", hint=hint)
                raise HoldpointError(problem, exit_code=Exit.UNKNOWN) from error
    _show(world, told, path)
    return Exit.OK


def _opened(world: World, folder: RunFolder) -> JournalFile:
    try:
        return folder.open_journal(world.person, world.clock)
    except JournalFailed as error:
        raise HoldpointError(Problem("no-journal", str(error)), exit_code=Exit.UNKNOWN) from error
    except HoldpointError as error:
        (problem, *_) = error.problems
        if problem.code != "journal-locked":
            raise
        message = f"run `{folder.name}` goes on in another process, so it cannot be handed over yet: {problem.message}"
        hint = "there: type `stop` at its question; during a change Ctrl-C, then `leave`. Then hand it over"
        raise HoldpointError(Problem("goes-on", message, problem.place, hint=hint), exit_code=Exit.LOCKED) from error


def _can_be_handed_over(folder: RunFolder, state: State) -> None:
    name, opened = folder.name, state.opened
    if opened is None:
        message, hint = f"run `{name}` was cut off before its first record: nothing was begun", "begin a new run there"
    elif opened.mode != "real":
        message, hint = f"run `{name}` was a {opened.mode}, which changes nothing", "begin it anew there"
    elif isinstance(state.end, RunFinished):
        message, hint = f"run `{name}` is over: {state.end.why}", f"`run.show {name}` shows it"
    elif state.taken_back_by:
        message = f"run `{name}` is taken back by `{state.taken_back_by}`, so nobody can go on with it"
        hint = f"hand that one over: `run.handover {state.taken_back_by}`"
    else:
        return
    raise HoldpointError(Problem("not-to-hand-over", message, hint=hint))


def machine_mark(world: World) -> str:
    """Something that tells this machine from every other, and says nothing else; empty where that is not known."""
    file = Path(world.environ.get("HOLDPOINT_MACHINE_ID", "/etc/machine-id"))
    with suppress(OSError):
        return hashlib.sha256(b"holdpoint " + file.read_bytes().strip()).hexdigest()[:16]
    return ""


def _recorded(world: World, journal: JournalFile, state: State, packed: Packed, to: str) -> None:
    """Make the handing over the last record; where it is that already, with the same files, nothing is added."""
    event = RunHandedOver(world.local.name, machine_mark(world), to, packed.digests(), packed.of_outputs())
    if state.handed is None or data_of(state.handed) != data_of(event):
        journal.append(event.kind, data_of(event))


# --- what goes into the file ------------------------------------------------------------------------------------


def _packed(world: World, folder: RunFolder, state: State) -> Packed:
    opened = state.opened
    assert opened is not None  # noqa: S101 - a run that was not opened is not handed over
    folders = [folder, *([world.state.find(opened.of_run)] if opened.of_run else [])]
    files: dict[str, Member] = {}
    outputs: dict[str, Member] = {}
    for one in folders:
        for name, path in _kept(one):
            (outputs if OUTPUT.fullmatch(name) else files)[name] = path
    for one in folders[1:]:
        files[f"{RUNS}/{one.name}/{one.journal.name}"] = one.journal
    documents, notes = _documents(world, opened)
    entries = [entry for name in (*opened.hosts, *opened.beside) if (entry := world.fleet.entry(name)) is not None]
    files |= {**documents, **({HOSTS: _inventory(entries)} if entries else {})}
    unfit = [name for name in files if not handover_file.may_hold(name)]
    if unfit:
        raise HoldpointError(Problem("not-to-hand-over", f"`{unfit[0]}` is too long a name for the file"))
    kept, left_out = _within(outputs)
    if left_out:
        notes.append(f"Too large or too long a name, and left out of the file: {', '.join(left_out)}.")
    return Packed(files, kept, tuple(notes))


def _kept(folder: RunFolder) -> Iterator[tuple[str, Path]]:
    """Everything in a run's folder that the next person needs, by its name in the file; not the journal."""
    for path in sorted((*folder.path.glob("agent-*"), *folder.out.rglob("*"), *(folder.path / "files").rglob("*"))):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield f"{RUNS}/{folder.name}/{path.relative_to(folder.path).as_posix()}", path


def _within(outputs: Mapping[str, Member]) -> tuple[dict[str, Member], list[str]]:
    """Keep what fits into the file, the smallest first; name the rest."""
    sizes = {name: member.stat().st_size for name, member in outputs.items() if isinstance(member, Path)}
    kept: dict[str, Member] = {}
    left = handover_file.LARGEST // 2
    for name in sorted(sizes, key=lambda one: sizes[one]):
        left -= sizes[name]
        if left < 0 or len(kept) >= handover_file.MOST // 2:
            break
        if handover_file.may_hold(name):
            kept[name] = outputs[name]
    return kept, [name.rpartition("/")[2] for name in outputs if name not in kept]


def _documents(world: World, opened: RunOpened) -> tuple[dict[str, Member], list[str]]:
    """The documents that the run was planned from, where the library has them still; else a note."""
    found: dict[str, Member] = {}
    waiting = [opened.runbook]
    without = "Without its documents, since {}. The run goes on only with those that it began with."
    try:
        if world.library.load(opened.runbook).digest != opened.document:
            return {}, [without.format(f"`{opened.runbook}` was changed since the run began")]
        while waiting:
            name = waiting.pop()
            if f"{DOCUMENTS}/{name}.yaml" in found:
                continue
            found[f"{DOCUMENTS}/{name}.yaml"] = world.library.source(name).data
            waiting += [
                step.action.runbook for step in world.library.load(name).steps() if isinstance(step.action, Use)
            ]
    except HoldpointError as error:
        return {}, [without.format(error)]
    return found, []


def _inventory(entries: list[Host]) -> bytes:
    """The entries of the hosts, in the form of `hosts.yaml`: JSON is YAML."""
    lines = ["schema: holdpoint/hosts/1\nhosts:\n"]
    for host in entries:
        entry: dict[str, object] = {"tier": host.tier, "roles": host.roles, "groups": host.groups}
        if host.expect is not None:
            said = {"hostname": host.expect.hostname, "machine_id": host.expect.machine_id}
            entry["expect"] = {key: value for key, value in said.items() if value is not None}
        lines.append(
            f"  {json.dumps(host.name)}: {json.dumps({key: value for key, value in entry.items() if value})}\n"
        )
    return "".join(lines).encode()


def _members(folder: RunFolder, packed: Packed, readme: str) -> dict[str, Member]:
    journal: dict[str, Member] = {f"{RUNS}/{folder.name}/{folder.journal.name}": folder.journal}
    return {README: readme.encode("utf-8", "replace"), **journal, **packed.files, **packed.outputs}


# --- what is told -----------------------------------------------------------------------------------------------


def _told(world: World, run: str, records: list[Record], notes: tuple[str, ...] = ()) -> handing.Handing:
    opened = replay(records).opened
    hosts = opened.hosts if opened else {}
    targets: tuple[Target, ...] = tuple(world.fleet.target(name, tier) for name, tier in hosts.items())
    return handing.Handing(run, tuple(records), targets, background_of(world, records), notes, world.zone)


def _show(world: World, told: handing.Handing, path: Path) -> None:
    if world.json:
        came = handing.origin(told.records)
        print_json({"run": told.run, "file": str(path), "to": came.to if came else ""})
    screen = Screen(world.out, plain=world.plain, environ=world.environ)
    width = screen.width
    lines = [
        *handing.summary(told, width),
        BLANK,
        *labelled("file", f"{path}  (no secrets are in it)", width, Tone.BOLD),
    ]
    lines += labelled("there", f"inv run.resume {path.name}", width, Tone.BOLD)
    lines += labelled("", "takes the locks over and goes on; from then on this run cannot go on here", width)
    lines += labelled("here", f"inv run.resume {told.run} --take-over", width)
    lines += labelled("", "takes it back, as long as nobody went on with it", width)
    screen.lines(lines)
