"""A drill with a trainee: a fault in a sandbox, a page as it comes at night, the clock, and a debrief."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.armed import Armed
from holdpoint.app.attempt import STOPPED, Session, causes
from holdpoint.app.breaking import GIVEN_BACK, Trial, Unmet
from holdpoint.app.drills import DrillShelf, armed, attempts_of, heal_quietly, lacking, left_standing, may_mount, passed
from holdpoint.app.proving import HOLDPOINT
from holdpoint.app.repository import repository
from holdpoint.drill.choosing import ANY, candidates, numbered
from holdpoint.drill.debrief import as_data, debriefed
from holdpoint.drill.model import Drill
from holdpoint.drill.records import HINT, Attempt
from holdpoint.drill.score import Score, score
from holdpoint.hosts import drill_shell
from holdpoint.hosts.sandbox import Sandbox
from holdpoint.hosts.trainee import Trainee
from holdpoint.problem import Exit, HoldpointError, Problem, did_you_mean
from holdpoint.store.naming import choose
from holdpoint.views import training as view
from holdpoint.views.console import Screen, print_json
from holdpoint.views.debrief import debrief

if TYPE_CHECKING:
    from holdpoint.app.world import World


def begin(world: World, name: str) -> int:
    """Put a fault into a sandbox and let the trainee repair it: 0 passed, 4 not passed, 3 left."""
    shelf = DrillShelf.of(repository(Path.cwd()))
    drill = _loaded(world, shelf, name)
    book = world.library.load(drill.runbook)
    _may_begin(world, drill, name)
    may_mount(world, [drill])
    world.state.prepare()
    records = armed(world)
    heal_quietly(records)
    screen = Screen(world.out, plain=world.plain)
    screen.text("A sandbox is being made.")
    with _broken(records, drill, shelf.libraries(drill), name) as sandbox:
        trainee = Trainee(sandbox.base)
        session = Session(world, drill, book, sandbox, trainee, screen, datetime.now(UTC))
        own = drill_shell.own_programs(sandbox, session.values)
        look = drill_shell.looking(sandbox, drill.check, fault=drill.fault)
        trainee.make(drill.hints, causes(book), session.meanings(), look, tuple(own))
        trainee.offer(HOLDPOINT, session.own_runbook(), repository(Path.cwd()), session.texts())
        session.go()
        facts = session.facts()
        got = score(facts)
        folder = _kept(world, session, got)
        told = debriefed(drill, facts, got, tuple(trainee.said()), session.trapped)
        attempts_of(world).keep(folder, told)
        screen.lines(debrief(told, str(folder), screen.width))
    if session.over == STOPPED:
        return Exit.STOPPED
    return Exit.OK if got.passed else Exit.FAILED


def history(world: World) -> int:
    """Every drill that was tried, with this person's best."""
    tried = [one for one in attempts_of(world).all() if one.person == world.person]
    if world.json:
        print_json([view.attempt_data(one) for one in tried])
        return Exit.OK
    screen = Screen(world.out, plain=world.plain)
    screen.lines(left_standing(world, screen.width))
    screen.lines(view.history(tried, screen.width))
    return Exit.OK


def show(world: World, name: str) -> int:
    """The debrief of an attempt once more: by its name, the name of its drill, which means the last one, or `last`."""
    attempts = attempts_of(world)
    tried = [one for one in attempts.all() if one.person == world.person]
    attempt = next((one for one in reversed(tried) if one.drill == name), None) or choose(name, tried, "attempt")
    told = attempts.debrief(Path(attempt.folder))
    if told is None:
        problem = Problem("no-debrief", f"the debrief of `{attempt.name}` cannot be read", found=attempt.folder)
        raise HoldpointError(problem)
    if world.json:
        print_json({"attempt": attempt.name, **as_data(told)})
    else:
        screen = Screen(world.out, plain=world.plain)
        screen.lines(debrief(told, attempt.folder, screen.width))
    return Exit.OK


def _loaded(world: World, shelf: DrillShelf, name: str) -> Drill:
    """Read the drill that a name means: its own, or one that tells nothing; of a runbook, or of all, one is chosen."""
    if name in shelf.names():
        return shelf.load(name)
    drills, _ = shelf.load_all()
    for own, number in numbered(drills).items():
        if number == name:
            return shelf.load(own)
    if name == ANY or name in world.library.names():
        return _chosen(world, name, [drill for drill in drills if name in (ANY, drill.runbook)])
    raise HoldpointError(_no_such(world, drills, name))


def _no_such(world: World, drills: Sequence[Drill], name: str) -> Problem:
    """Say so, with what begins a drill here; the id of one that was not passed would tell what is wrong in it."""
    numbers, done = numbered(drills), passed(world)
    begins = {*(drill.id for drill in drills if drill.id in done), *numbers.values(), *(one.runbook for one in drills)}
    hint = did_you_mean(name, begins) or "`inv drill.list` shows which there are"
    return Problem("unknown-drill", f"there is no drill `{name}`", found=f"{len(drills)} drills", hint=hint)


def _chosen(world: World, name: str, drills: Sequence[Drill]) -> Drill:
    """Choose one that can be made here, and do not tell which."""
    here = [drill for drill in drills if not lacking(world, drill)]
    if not here:
        what = "there are no drills here" if name == ANY else f"`{name}` is a runbook, and no drill"
        why = "none that is repaired by it can be made here" if drills else "none is repaired by it"
        hint = "`inv drill.list` shows the drills there are, and what they lack"
        raise HoldpointError(Problem("unknown-drill", f"{what}; {why}", hint=hint))
    return secrets.choice(candidates(here, passed(world)))


def _may_begin(world: World, drill: Drill, name: str) -> None:
    why = lacking(world, drill)
    if why:
        raise HoldpointError(Problem("drill-needs", f"the drill `{name}` cannot be made here: {why}"))
    if not world.interactive:
        one = f"`inv drill.prove --only {name}` tries it" if name == drill.id else "`inv drill.prove` tries all of them"
        message = "a drill is for a person, and there is no terminal"
        problem = Problem("no-terminal", message, hint=f"{one} with nobody there")
        raise HoldpointError(problem, exit_code=Exit.NEEDS_PERSON)


@contextmanager
def _broken(records: Armed, drill: Drill, libraries: str, name: str) -> Iterator[Sandbox]:
    """A sandbox with the fault in it, given back afterwards."""
    trial = Trial(drill, libraries, records, lambda _: None)
    try:
        with trial.broken() as sandbox:
            yield sandbox
    except Unmet:
        stage = trial.stages[-1]
        if stage.name == GIVEN_BACK:
            problem = Problem(
                "drill-left", f"this could not be given back: {stage.note}", hint="`inv drill.heal` tries again"
            )
        else:
            message = f"the drill `{name}` could not be set up: `{stage.name}` does not hold: {stage.note}"
            only = f" --only {name}" if name == drill.id else ""
            problem = Problem("drill-unfit", message, hint=f"`inv drill.prove{only}` says more")
        raise HoldpointError(problem, exit_code=Exit.FAILED) from None


def _kept(world: World, session: Session, got: Score) -> Path:
    """Keep the record of the attempt: its runs, what was typed, its score. One that was left has no points."""
    drill, now = session.drill, datetime.now(UTC)
    attempts = attempts_of(world)
    folder = attempts.folder(drill.id, now)
    for name in ("said", "log"):
        with suppress(FileNotFoundError):
            shutil.copy(session.sandbox.base / name, folder / name)
    with suppress(FileNotFoundError):
        shutil.copytree(session.sandbox.base / "state" / "runs", folder / "runs")
    left = session.over == STOPPED
    seconds = (now - session.began).total_seconds()
    hints = sum(one.word == HINT for one in session.trainee.said())
    points = 0 if left else got.total
    attempts.note(
        Attempt(drill.id, drill.runbook, world.person, now, seconds, points, got.passed, hints, str(folder), left)
    )
    return folder
