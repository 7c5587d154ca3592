"""The use cases of drills that change nothing but sandboxes: list, prove, heal, and what each needs of this machine."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.armed import Armed, Damaged, abandoned
from holdpoint.app.fleet import HOSTS
from holdpoint.app.proving import Prover
from holdpoint.app.repository import repository
from holdpoint.drill.choosing import numbered
from holdpoint.drill.model import Drill
from holdpoint.drill.parse import parse
from holdpoint.drill.proof import Proof
from holdpoint.drill.records import Certificate
from holdpoint.engine.ports import Unwatched, Watch
from holdpoint.engine.target import Tier
from holdpoint.hosts import mounting
from holdpoint.hosts.crew import ThreadCrew
from holdpoint.hosts.sandbox import named, place
from holdpoint.problem import Exit, HoldpointError, Problem, by_place
from holdpoint.store import library
from holdpoint.store.attempts import Attempts
from holdpoint.store.certificates import Certificates
from holdpoint.views import drills as view
from holdpoint.views.console import Screen, columns, print_json
from holdpoint.views.lines import Line
from holdpoint.views.problems import as_text

if TYPE_CHECKING:
    from holdpoint.app.world import World

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
AT_ONCE = min(max(2, CORES), 8)
"""Drills that are proven at the same time."""
SANDBOXES = 3 * AT_ONCE
"""Sandboxes that stand at the same time: each starts servers, and then mostly waits."""
MB = 1024 * 1024
TWICE = 2
LINGERS = 10.0
"""Seconds for which what cannot be given back is tried."""
SETTLES = 0.1
"""Seconds between two looks at what still stands."""
SPARED = (Tier.PROD, Tier.STAGING)
"""The tiers of machines on which nothing is broken."""
ALWAYS = "sandbox"
"""The library that is put before every script."""


@dataclass(frozen=True, slots=True)
class DrillShelf:
    """The drills of a repository, then those that come with Holdpoint."""

    folders: tuple[Path, ...]
    runbooks: frozenset[str]
    """The names of those that can repair something."""

    @classmethod
    def of(cls, root: Path) -> DrillShelf:
        return cls(library.folders(root, "drills"), frozenset(library.Library.of(root).names()))

    def names(self) -> tuple[str, ...]:
        return self._library().names()

    def load(self, name: str) -> Drill:
        """Read a drill. Raises `HoldpointError` with everything that is wrong with it."""
        return parse(self._library().source(name), library.schema("drill"), name, self.runbooks)

    def load_all(self) -> tuple[list[Drill], tuple[Problem, ...]]:
        """Read every drill, from easy to hard; those with errors are left out, and their errors come back."""
        drills, problems = list[Drill](), list[Problem]()
        for name in self.names():
            try:
                drills.append(self.load(name))
            except HoldpointError as error:
                problems += error.problems
        return sorted(drills, key=lambda drill: (drill.level, drill.id)), by_place(problems)

    def load_these(self, names: Sequence[str]) -> list[Drill]:
        """Read drills; every one, where none are named. Raises `HoldpointError` with everything that is wrong anywhere."""
        if names:
            return [self.load(name) for name in names]
        drills, problems = self.load_all()
        if problems:
            raise HoldpointError(problems)
        return drills

    def libraries(self, drill: Drill) -> str:
        """Give the shell functions that a drill's scripts find, and where its programs lie, as `$drills`."""
        texts = [f"drills={shlex.quote(str(self._home(drill)))}"]
        for name in (ALWAYS, *drill.uses):
            file = next((folder / "lib" / f"{name}.sh" for folder in self.folders if _is_there(folder, name)), None)
            if file is None:
                message = f"the drill `{drill.id}` uses `{name}`, and there is no such library"
                raise HoldpointError(Problem("drill-uses", message, expected=f"a file `drills/lib/{name}.sh`"))
            texts.append(file.read_text())
        return "\n".join(texts)

    def _home(self, drill: Drill) -> Path:
        return next(folder for folder in self.folders if (folder / f"{drill.id}.yaml").exists()).absolute()

    def _library(self) -> library.Library:
        return library.Library(self.folders, "drill")


def lacking(world: World, drill: Drill) -> str:
    """Say what a drill needs and this machine has not, in one sentence; empty where nothing lacks."""
    tier = world.local.tier
    if tier in SPARED:
        return f"this machine is `{tier}`, and drills break things only where it is `local` or `practice`"
    for host in world.fleet.namesakes:
        if Tier(host.tier) in SPARED:
            return (
                f"`{host.name}` of `{HOSTS}` is `{host.tier}`, has this machine's name, and does not say which machine it "
                "means: add `expect: {machine_id: ID}` to it, with what `cat /etc/machine-id` says on the machine it means"
            )
    missing = {package for program, package in drill.programs.items() if not is_there(program)}
    if missing:
        return f"it lacks what it breaks and repairs: apt-get install {' '.join(sorted(missing))}"
    if why := _cramped(drill.room):
        return why
    if drill.root and os.geteuid() != 0:
        return (
            "it mounts a filesystem from a file, which only root may: begin it with `sudo`, or in a machine of your own"
        )
    if drill.mounts and not mounting.may_mount() and (said := mounting.refusal()):
        return f"it mounts a small filesystem, and this machine lets only root do so ({said}): begin it with `sudo`"
    return ""


def _cramped(wanted: int) -> str:
    """Say why a sandbox that takes so many MB has no place here; empty where it has."""
    more = "set TMPDIR to a folder with more room"
    try:
        folder = place()
        free = shutil.disk_usage(folder).free // MB
    except OSError as error:
        return f"there is no room for temporary files ({(error.strerror or str(error)).lower()}): {more}"
    return "" if free >= wanted else f"it takes {wanted} MB of {folder}, which has {free} MB left: {more}"


def may_mount(world: World, drills: Sequence[Drill]) -> None:
    """Where a drill mounts and this process may not: begin the whole program anew where it may.

    So all of a drill is in one namespace: its page, the runbook, the checks and the trainee's shell.
    """
    if any(drill.mounts and not lacking(world, drill) for drill in drills) and not mounting.may_mount():
        mounting.begin_anew()


def is_there(program: str) -> bool:
    """Whether a program can be started: by its name on the PATH, or at its path, in which `*` stands for any version."""
    if shutil.which(Path(program).name) is not None:
        return True
    return any(os.access(found, os.X_OK) for found in Path("/").glob(program.removeprefix("/")))


# --- list, heal -------------------------------------------------------------------------------------------------


def list_all(world: World, *, whole: bool = False) -> int:
    """Every drill, from easy to hard; 2 where one cannot be read, which is said after the others.

    What one is about is told once it was passed, or where the list is to be `whole`.
    """
    drills, problems = DrillShelf.of(repository(Path.cwd())).load_all()
    numbers, done = numbered(drills), passed(world)
    listed = [view.Listed(drill, numbers[drill.id], drill.id in done, lacking(world, drill)) for drill in drills]
    if world.json:
        print_json([view.as_data(one) for one in listed])
    else:
        screen = Screen(world.out, plain=world.plain)
        screen.lines(left_standing(world, screen.width))
        screen.lines(view.listing(listed, screen.width, whole=whole))
    if problems:
        sys.stdout.flush()
        sys.stderr.write(as_text(problems, columns(sys.stderr, os.environ)))
        return Exit.USAGE
    return Exit.OK


def attempts_of(world: World) -> Attempts:
    return Attempts(world.state.path / "drills" / "attempts.jsonl")


def passed(world: World) -> frozenset[str]:
    """Give the drills that this person has passed."""
    tried = attempts_of(world).all()
    return frozenset(one.drill for one in tried if one.passed and one.person == world.person)


def left_standing(world: World, width: int) -> list[Line]:
    """Say which drills were cut off and are still to be given back; no lines where there are none."""
    records = armed(world)
    standing = list(records.cut_off())
    called = _called(world) if standing else {}
    cut = [(called.get(sandbox.drill, sandbox.drill), begun) for sandbox, begun in standing]
    return view.cut_off(cut, len(list(records.damaged())), world.clock.now(), width, world.zone)


def heal(world: World) -> int:
    """Give back every sandbox that a drill left standing; 4 where something cannot be given back."""
    records = armed(world)
    left = [sandbox for sandbox in records.standing() if abandoned(sandbox)]
    called = _called(world) if left else {}
    told = [(f"{called.get(sandbox.drill, sandbox.drill)} ({sandbox.base})", records.heal(sandbox)) for sandbox in left]
    told += [(f"the record {one.file}", (_damage(one),)) for one in records.damaged()]
    if world.json:
        print_json([{"sandbox": name, "left": list(still)} for name, still in told])
    else:
        screen = Screen(world.out, plain=world.plain)
        screen.lines(view.healed(told, screen.width))
    return Exit.FAILED if any(still for _, still in told) else Exit.OK


def _called(world: World) -> dict[str, str]:
    """What each drill is called before this person: by its number, until it was passed. None stands in the way of healing."""
    drills, _ = DrillShelf.of(repository(Path.cwd())).load_all()
    done = passed(world)
    return {own: own if own in done else number for own, number in numbered(drills).items()}


def _damage(record: Damaged) -> str:
    where = record.folder or f"a folder {named(record.file.stem)} among the temporary files"
    return f"it is damaged: {record.why}; see what stands of {where}, then remove it and the record"


def armed(world: World) -> Armed:
    return Armed(world.state.path / "drills" / "armed")


# --- prove ------------------------------------------------------------------------------------------------------


def prove(world: World, only: Sequence[str], *, full: bool) -> int:
    """Prove drills with nobody there; 4 where one does not hold, and where what one needs is missing."""
    world.state.prepare()
    shelf = DrillShelf.of(repository(Path.cwd()))
    drills = shelf.load_these(only)
    libraries = {drill.id: shelf.libraries(drill) for drill in drills}
    may_mount(world, drills)
    records = armed(world)
    heal_quietly(records)
    screen = Screen(world.out, plain=world.plain)
    under_way: dict[str, str] = {}
    lock, over = threading.Lock(), threading.Event()
    drills_at_once = min(AT_ONCE, len(drills))

    def says(name: str, what: str) -> None:
        with lock:
            under_way[name] = what
            screen.progress(view.under_way(under_way))

    def one(drill: Drill, _watch: Watch) -> Proof:
        why = "it was cut off" if over.is_set() else lacking(world, drill)
        if why:
            return Proof(drill.id, drill.runbook, (), 0.0, missing=why)
        at, most, tell = repository(Path.cwd()), SANDBOXES // drills_at_once, partial(says, drill.id)
        prover = Prover(drill, libraries[drill.id], records, at, most, tell, over)
        proof = prover.prove(full=full)
        with lock:
            under_way.pop(drill.id, None)
        return proof

    proofs: dict[int, Proof] = {}
    try:
        for number, proof in ThreadCrew(drills_at_once).carry_out(
            [partial(one, drill) for drill in drills], Unwatched()
        ):
            proofs[number] = proof
            screen.clear()
            if not world.json:
                screen.lines(view.proven(proof, screen.width))
    finally:
        over.set()
        heal_own(records)
    ordered = [proofs[number] for number in range(len(drills))]
    _certify(world, drills, ordered)
    if world.json:
        print_json([view.proof_data(proof) for proof in ordered])
    else:
        screen.lines(view.table_of(ordered, screen.width))
    return Exit.OK if all(proof.holds for proof in ordered) else Exit.FAILED


def heal_quietly(records: Armed) -> None:
    """Give back what earlier drills left, before a new one is made."""
    for sandbox in records.standing():
        if abandoned(sandbox):
            records.heal(sandbox)


def heal_own(records: Armed) -> None:
    """Give back what this process made and did not come to give back itself.

    Threads may be at work in it still, or make one more before they see that it is over: so it is looked again, until nothing
    stood twice in a row, or no more can be done.
    """
    quiet, until = 0, time.monotonic() + LINGERS
    while quiet < TWICE and time.monotonic() < until:
        own = [one for one in records.standing() if one.owner == os.getpid() and not abandoned(one)]
        quiet = 0 if own else quiet + 1
        for sandbox in own:
            records.heal(sandbox)
        time.sleep(SETTLES)


def _certify(world: World, drills: Sequence[Drill], proofs: Sequence[Proof]) -> None:
    """Note which runbook was proven by which drill, as it is now; one that cannot be read is none that was tried."""
    kept = Certificates(world.state.path / "drills" / "certificates.json")
    now = world.clock.now()
    for drill, proof in zip(drills, proofs, strict=True):
        if proof.missing:
            continue
        try:
            book = world.library.load(drill.runbook)
        except HoldpointError:
            continue
        versions = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
        kept.note(
            Certificate(drill.id, drill.runbook, book.digest, drill.digest, now, proof.seconds, versions, proof.holds)
        )


def _is_there(folder: Path, name: str) -> bool:
    return (folder / "lib" / f"{name}.sh").is_file()
