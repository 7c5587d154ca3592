"""Begin a run, take it up again, take it back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from holdpoint.app import linking, taking
from holdpoint.app.heads import CUT, remembered
from holdpoint.app.staging import LibraryDocuments, Stage, staged
from holdpoint.app.values import resolve
from holdpoint.app.world import Kind, World
from holdpoint.document.model import Runbook
from holdpoint.engine import aftermath, loop
from holdpoint.engine.events import Event, RollbackBegun, RunFinished, RunOpened, RunResumed, data_of
from holdpoint.engine.executing import Executing
from holdpoint.engine.facts import Facts
from holdpoint.engine.loop import Ended
from holdpoint.engine.ports import JournalFailed
from holdpoint.engine.session import Ports, Session
from holdpoint.engine.state import State, moved, replay
from holdpoint.hosts.crew import ThreadCrew
from holdpoint.planning import build
from holdpoint.planning.plan import Mode, Plan
from holdpoint.planning.rollback import rollback as plan_rollback
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.shell import MASK, Value
from holdpoint.store import shellcheck
from holdpoint.store.handover_file import DOCUMENTS
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.library import schema
from holdpoint.store.run_folder import RunFolder
from holdpoint.views.handing import origin


def begin(
    world: World,
    name: str,
    params: Mapping[str, str],
    kind: Kind,
    *,
    answers: Mapping[str, str] | None = None,
    incident: str = "",
    hosts: Sequence[str] = (),
) -> Ended:
    """Plan a runbook and run it; raises `HoldpointError` for everything that is wrong before it begins."""
    runbook = world.library.load(name)
    targets = world.fleet.select(hosts)
    belongs = linking.belongs_to(world, incident, kind, asks=answers is None)
    world = world.ready(kind, answers)
    plan = plan_of(world, runbook, params, targets, ask=kind is not Kind.DRY)
    _can_be_parsed(world, plan)
    return carry_out(world, plan, kind, answers, belongs)


def plan_of(world: World, runbook: Runbook, params: Mapping[str, str], hosts: tuple[str, ...], *, ask: bool) -> Plan:
    """Bind values and lay the run out; asks for what is missing where a person is there and `ask` is true."""
    return _plan(world, runbook, resolve(world, runbook, params, ask=ask), hosts)


def carry_out(
    world: World,
    plan: Plan,
    kind: Kind,
    answers: Mapping[str, str] | None = None,
    incident: IncidentFolder | None = None,
) -> Ended:
    """Run a plan from its start, and take it back where a person or the document says so.

    An `incident` has the run in its record before anything is read; a walk-through is in no record.
    """
    with staged(world, plan, kind, answers) as stage:
        if incident is not None and kind is not Kind.DRY:
            linking.link(world, incident, stage.run, plan.runbook.id)
        named = incident.name if incident else ""
        ended = _from_the_start(_session(world, stage, plan, State()), stage, kind.value, named)
    if ended.wants == Mode.ROLLBACK and kind is Kind.REAL:
        return rollback(world, stage.run, answers)
    return replace(ended, run=stage.run)


def _from_the_start(session: Session, stage: Stage, kind: str, incident: str, holds_as: str = "") -> Ended:
    mode = Kind.REAL.value if session.plan.mode is Mode.ROLLBACK else kind
    stage.drawing.opening(session.plan, session.run, kind)
    ended = loop.go(session, aftermath.opened(session.plan, session.run, mode, stage.targets(), incident, holds_as))
    stage.closing(session, ended)
    return ended


def resume(world: World, name: str, answers: Mapping[str, str] | None, *, take_over: bool) -> Ended:
    """Take a run up again where it was left; refused where its document, plan or journal is not what it was.

    `last` is the last run that can be taken up again; a file that was handed over is taken in first. `take_over` takes the
    locks over from other runs, and a run back that was handed over.
    """
    came = taking.is_file(name)
    folder = taking.take_in(world.ready(Kind.REAL, answers), Path(name)) if came else _find(world, name, _goes_on)
    world = world.ready(Kind.REAL, answers, folder)
    with folder.open_journal(world.person, world.clock) as journal:
        state = replay(journal.records)
        _can_be_resumed(world, folder.name, state, anew=came or take_over)
        plan = _replanned(world, folder.name, state)
        begun: tuple[Event, ...] = (RunResumed(os.getpid()),)
        if state.handed:
            begun = (taking.taken_over(world, state, plan, origin(journal.records)), *begun)
        with staged(world, plan, Kind.REAL, answers, folder=folder, journal=journal) as stage:
            remembered(folder.name, stage.machines, journal.records, _went_on(state))
            session = _session(world, stage, plan, state, take_over=take_over)
            stage.drawing.opening(plan, session.run, "resumed")
            Executing(session).clear_up()
            ended = loop.go(session, *begun)
            stage.closing(session, ended)
    if ended.wants == Mode.ROLLBACK:
        return rollback(world, folder.name, answers)
    return ended


def rollback(world: World, name: str, answers: Mapping[str, str] | None) -> Ended:
    """Take a run's changes back: a run of its own, under the lock of the run that it takes back.

    From then on that run can go on no more; what is left undone is for the rollback to be resumed. `last` is the last
    run that changed something.
    """
    folder = _find(world, name, lambda state: state.changed and bool(state.opened and not state.opened.of_run))
    whole = world.state
    world = world.ready(Kind.REAL, answers, folder)
    with folder.open_journal(world.person, world.clock) as journal:
        state = replay(journal.records)
        _is_not_handed_over(folder.name, state)
        plan = _replanned(world, folder.name, state)
        _can_be_taken_back(world, folder.name, plan, state)
        with staged(world, plan, Kind.REAL, None, folder=folder, journal=journal) as stage:
            remembered(folder.name, stage.machines, journal.records)
            session = _session(world, stage, plan, state)
            stage.drawing.opening(plan, session.run, "settling")
            try:
                stopped = _settle_all(session)
            except JournalFailed as error:
                raise _not_kept(error) from error
            if stopped is not None:
                stage.closing(session, stopped)
                return stopped
            Executing(session).clear_up()
            if not aftermath.changes_made(session.facts()):
                message = f"run `{folder.name}` changed nothing, so there is nothing to take back"
                freed = " and ".join(sorted(state.owed))
                loop.give_back(session)
                hint = f"its lock on {freed} was given back" if freed else f"`run.show {folder.name}` shows what it did"
                raise HoldpointError(Problem("not-to-roll-back", message, hint=hint))
        back = taken_back(world, folder.name, session.facts())
        tiers = {**state.opened.hosts, **state.opened.beside} if state.opened else {}
        with staged(world, back, Kind.REAL, answers, tiers=tiers) as stage:
            try:
                begun = RollbackBegun(stage.run)
                journal.append(begun.kind, data_of(begun))
            except JournalFailed as error:
                raise _not_kept(error) from error
            fresh = _session(world, stage, back, State())
            incident = state.opened.incident if state.opened else ""
            linking.link_where_it_is(world, whole, incident, stage.run, plan.runbook.id)
            return _from_the_start(fresh, stage, "rollback", incident, session.state.holds_as)


def _find(world: World, name: str, fits: Callable[[State], bool]) -> RunFolder:
    """Find a run by its name; of `last`, the last real one that fits, where there is one."""
    for folder in reversed(world.state.runs() if name == "last" else ()):
        try:
            state = replay(folder.records())
        except (HoldpointError, ValueError):
            break  # what is damaged is not passed over
        if state.opened is not None and state.opened.mode == Kind.REAL and fits(state):
            return folder
    return world.state.find(name)


def _not_kept(error: JournalFailed) -> HoldpointError:
    hint = "nothing was begun; make room, and type it again"
    return HoldpointError(Problem("no-journal", str(error), hint=hint), exit_code=Exit.UNKNOWN)


def taken_back(world: World, run: str, facts: Facts) -> Plan:
    """Lay out the rollback of a run from where it stands."""
    return plan_rollback(facts.plan, run, aftermath.left(facts), world.library.load, world.library.file)


def _settle_all(session: Session) -> Ended | None:
    """What was begun and not seen to end is looked at first: an undo must not race what it undoes.

    Before that, locks are taken over that whoever handed the run over may hold still.
    """
    held = loop.take_inherited(session)
    if held is not None:
        return Ended(held.exit, held.why)
    for item, host in aftermath.unfinished(session.facts()):
        executing = Executing(session)
        stop, never = executing.look_back(item, (host,))
        if never:
            stop = executing.never_started(item, host)
        if stop is not None:
            why = f"{stop.why}; the rollback has not begun: `run.rollback {session.run}` goes on with it"
            return Ended(stop.exit, why)
    return None


def _session(world: World, stage: Stage, plan: Plan, state: State, *, take_over: bool = False) -> Session:
    ports = Ports(
        machines=stage.machines,
        operator=stage.operator,
        clock=stage.clock,
        journal=stage.journal,
        documents=LibraryDocuments(world.library),
        messenger=stage.messenger,
        runs=world.state,
        crew=ThreadCrew(),
    )
    return Session(plan, ports, stage.run, world.person, state, take_over)


def _plan(world: World, runbook: Runbook, values: Mapping[str, Value], hosts: tuple[str, ...]) -> Plan:
    here = world.local.name
    library = world.library
    return build.plan(runbook, values, hosts=hosts, here=here, key=world.key, load=library.load, files=library.file)


def _can_be_parsed(world: World, plan: Plan) -> None:
    """Refuse scripts that no shell could run, before anything is read: one in the last step would be found too late."""
    names = dict.fromkeys(scope.runbook.id for scope in plan.scopes.values())
    problems = [problem for name in names for problem in shellcheck.unparsable(world.library.source(name), schema())]
    if problems:
        raise HoldpointError(problems)


def _can_be_taken_back(world: World, run: str, plan: Plan, state: State) -> None:
    if plan.mode is Mode.ROLLBACK or (state.opened and state.opened.mode != Kind.REAL):
        message = f"run `{run}` is no run that changed something, so there is nothing to take back"
        raise HoldpointError(Problem("not-to-roll-back", message, hint="`run.list` shows the runs"))
    by = state.taken_back_by
    if by and any(folder.name == by and folder.records() for folder in world.state.runs()):
        message = f"run `{run}` is taken back by `{by}` already"
        raise HoldpointError(Problem("taken-back", message, hint=f"`run.show {by}`, or `run.resume {by}` to go on"))


def _goes_on(state: State) -> bool:
    return not isinstance(state.end, RunFinished) and not state.taken_back_by and state.handed is None


def _went_on(state: State) -> str:
    """What it most likely means that a target remembers more than the journal does."""
    if state.handed is None and not state.held_as:
        return CUT
    return (
        "somebody went on with this run after it was handed over, so it cannot go on from here: have them type "
        "`run.handover` for it, and `run.resume` the file that they send"
    )


def _is_not_handed_over(run: str, state: State) -> None:
    if state.handed is None:
        return
    message = f"run `{run}` was handed over to {state.handed.to or 'somebody else'}, so it does not go on here"
    hint = f"ask them first; `run.resume {run} --take-over` takes it back, as long as nobody went on with it"
    raise HoldpointError(Problem("handed-over", message, hint=hint), exit_code=Exit.LOCKED)


def _can_be_resumed(world: World, run: str, state: State, *, anew: bool) -> None:
    """`anew` is a person's word that they go on with what was handed over."""
    if state.taken_back_by:
        message = f"run `{run}` was taken back by `{state.taken_back_by}`, so it cannot go on"
        began = any(folder.name == state.taken_back_by and folder.records() for folder in world.state.runs())
        goes_on = f"run.resume {state.taken_back_by}" if began else f"run.rollback {run}"
        hint = f"`{goes_on}` goes on with taking it back; or begin a new run"
        raise HoldpointError(Problem("taken-back", message, hint=hint))
    if isinstance(state.end, RunFinished):
        message = f"run `{run}` is over: {state.end.why}"
        raise HoldpointError(Problem("run-over", message, hint=f"`run.show {run}` shows it; begin a new run"))
    if state.opened is not None and state.opened.mode != Kind.REAL:
        message = f"run `{run}` was a {state.opened.mode}, which changes nothing and is not resumed"
        raise HoldpointError(Problem("not-resumed", message, hint="begin it anew"))
    if not anew:
        _is_not_handed_over(run, state)
    taking.may_go_on_here(world, run, state)


def _replanned(world: World, run: str, state: State, *, foreign: bool = False) -> Plan:
    """Plan a recorded run anew, and refuse it where it is not the same any more.

    Of a run that somebody else planned, under another key, what needs no key is compared.
    """
    foreign = foreign or state.handed is not None
    if state.opened is None:
        message = f"run `{run}` was cut off before its first record: nothing was begun"
        raise HoldpointError(Problem("nothing-begun", message, hint="begin a new run"))
    again = _rollback_again if state.opened.of_run else _same
    return again(world, state, state.opened, foreign=foreign)


def _is_as_recorded(plan: Plan, state: State, opened: RunOpened, *, foreign: bool) -> bool:
    return plan.content == opened.content if foreign else plan.digest == state.plan


def _same(world: World, state: State, opened: RunOpened, *, foreign: bool) -> Plan:
    runbook = world.library.load(opened.runbook)
    given = {name: text for name, text in opened.params.items() if text != MASK}
    plan = _plan(world, runbook, resolve(world, runbook, given, ask=True), opened.order)
    if _is_as_recorded(plan, state, opened, foreign=foreign):
        return plan
    kept = "the document" if runbook.digest != opened.document else "the plan"
    message = f"{kept} of run `{opened.run}` is not what it was: {_what_differs(plan, opened)} differs"
    was = world.state.run(opened.run).path / DOCUMENTS / f"{opened.runbook}.yaml"
    hint = f"put the document back as it was ({was if was.exists() else opened.file}), or begin a new run"
    raise HoldpointError(Problem("plan-differs", message, hint=hint))


def _what_differs(plan: Plan, opened: RunOpened) -> str:
    if differing := build.differences(opened.steps, plan):
        return ", ".join(f"`{key}`" for key in differing[:5])
    if opened.here != plan.here:
        return f"the name of this machine (it was `{opened.here}`, it is `{plan.here}`)"
    return "a secret, the entry of a host in `hosts.yaml`, or text outside the steps,"


def _rollback_again(world: World, state: State, opened: RunOpened, *, foreign: bool) -> Plan:
    """A rollback that was cut off: lay it out again from the run that it takes back."""
    folder = world.state.find(opened.of_run)
    original = replay(folder.records())
    plan = _replanned(world, folder.name, original, foreign=foreign or bool(state.held_as))
    there = moved(original, taking.moving(plan), plan.here)
    again = taken_back(world, folder.name, Facts(plan, there, {}, {}))
    if not _is_as_recorded(again, state, opened, foreign=foreign):
        differing = ", ".join(f"`{key}`" for key in build.differences(opened.steps, again)) or "a value"
        message = f"the plan of rollback `{opened.run}` is not what it was: {differing} differs"
        raise HoldpointError(Problem("plan-differs", message, hint=f"begin it anew: run.rollback {opened.of_run}"))
    return again
