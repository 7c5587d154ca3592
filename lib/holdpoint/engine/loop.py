"""The engine: ask what comes next, do it through the ports, record it, and ask again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import assert_never

from holdpoint.document.model import Effect
from holdpoint.engine import aftermath, questions
from holdpoint.engine.decide import decide
from holdpoint.engine.events import (
    Event,
    LockKept,
    LockReturned,
    LockTaken,
    Reason,
    RunFinished,
    RunStopped,
    Status,
    StepEnded,
    TakeoverBegun,
    TargetAnswered,
)
from holdpoint.engine.executing import Executing
from holdpoint.engine.facts import is_changing, names
from holdpoint.engine.gates import Asking
from holdpoint.engine.looking import Looking
from holdpoint.engine.next import (
    OPENING,
    AskDoubt,
    AskGate,
    AskOpening,
    AskProceed,
    AskTarget,
    Change,
    DecideCauses,
    Finish,
    Look,
    Next,
    Perform,
    Read,
    Settle,
    Skip,
    Stop,
    TakeLock,
    Verify,
)
from holdpoint.engine.outcomes import Unreachable
from holdpoint.engine.performing import Performing
from holdpoint.engine.ports import ANY_RUN, Acquired, Claim, HeldBy, JournalFailed, NotHeld, Returned, Standing, Wish
from holdpoint.engine.session import Session
from holdpoint.planning.plan import Mode, StepItem
from holdpoint.problem import Exit, HoldpointError


@dataclass(frozen=True, slots=True)
class Ended:
    """How this process's part of a run ended. `wants` is `rollback` or `escalation` where that should follow."""

    exit: Exit
    why: str
    wants: str = ""
    run: str = ""
    """The name of the run, where one was begun here."""


def go(session: Session, *first: Event) -> Ended:
    """Record how it began, and work until the run is over or stops.

    Nothing is done whose intent could not be made durable.
    """
    try:
        for event in first:
            session.record(event)
        while True:
            ended = _do(session, decide(session.facts(), session.ports.clock.now()))
            if ended is not None:
                return ended
    except JournalFailed as error:
        return Ended(Exit.UNKNOWN, f"{error}; nothing more was done, and the run can be resumed once there is room")
    except HoldpointError as error:
        _cut_off(session, error.exit_code, str(error))
        raise
    except Exception:
        _cut_off(session, Exit.DEFECT, "the run was cut off by a defect")
        raise


def _cut_off(session: Session, code: Exit, why: str) -> None:
    """Leave nothing open behind an error that goes on upwards."""
    with suppress(JournalFailed):
        give_back(session)
        session.record(RunStopped(code, why))


def _do(session: Session, todo: Next) -> Ended | None:
    asking, executing, looking, stop = Asking(session), Executing(session), Looking(session), None
    match todo:
        case AskOpening():
            stop = asking.agree(questions.opening(session.facts()))
        case AskProceed():
            stop = asking.agree(questions.proceed(session.facts()))
        case AskGate(item, hosts, among):
            stop = asking.gate(item, hosts, among)
        case AskDoubt(item, host):
            stop = asking.doubt(item, host)
        case Perform(item, host, attempt):
            stop = Performing(session).perform(item, host, attempt)
        case Skip(item, host, reason, note):
            session.skip(item, host, reason, note)
        case Read(item, tries):
            stop = executing.read(item, tries)
        case Look(proof, hosts):
            stop = looking.look(proof, hosts)
        case DecideCauses(causes, hosts):
            looking.decide_causes(causes, hosts)
        case TakeLock(host, wants):
            stop = _lock(session, host, wants)
        case AskTarget(host):
            stop = _ask_target(session, host)
        case Change(item, tries):
            stop = executing.change(item, tries)
        case Settle(item, hosts):
            stop = executing.settle(item, hosts)
        case Verify(item, hosts):
            stop = looking.verify(item, hosts)
        case Stop() | Finish():
            return _end(session, todo)
        case _:
            assert_never(todo)
    return None if stop is None else _end(session, stop)


def _claim(session: Session) -> Claim:
    opened = session.state.opened
    title = opened.title if opened else ""
    run = session.plan.of_run or session.run
    holds_as = "" if session.state.holds_as == run else session.state.holds_as
    return Claim(run, session.person, session.ports.clock.now(), title, holds_as)


def take_inherited(session: Session) -> Stop | None:
    """Take over every lock that the one who handed the run over may hold still."""
    stops = (_lock(session, host) for host in sorted(session.state.inherited))
    return next((stop for stop in stops if stop is not None), None)


def _lock(session: Session, host: str, wants: StepItem | None = None) -> Stop | None:
    """Take a lock; over from somebody else where a person said so, or where it was handed over with the run."""
    machine = session.ports.machines[host]
    watch = session.ports.operator.watch(wants.key if wants else OPENING, (session.target(host),), Effect.READ)
    watch.about("asking for the lock")
    answer = machine.lock(_claim(session), watch)
    held = answer.claim if isinstance(answer, HeldBy) else None
    over = held if held and (session.take_over or held.holder == session.state.held_as) else None
    if over is not None:
        session.record(TakeoverBegun(host, over.run, over.person))
        answer = machine.lock(_claim(session), watch, take_over=True)
    match answer:
        case Acquired(epoch):
            session.record(LockTaken(host, epoch, f"{over.person}, run {over.run}" if over else ""))
            return None
        case HeldBy(claim, _):
            return Stop(Exit.LOCKED, held_by(host, claim, session))
        case Unreachable() if watch.wish() is not Wish.GO_ON:
            return Stop(Exit.STOPPED, f"a person stopped the run while it asked for the lock of {host}")
        case Unreachable(why) if wants is not None and len(session.facts().hosts(wants)) > 1:
            attempt = session.facts().progress(wants, host).attempts + 1
            note = f"its lock cannot be reached: {why}"
            session.record(StepEnded(wants.key, host, attempt, Status.UNREACHABLE, Reason.NONE, note))
            return None
        case Unreachable(why):
            return Stop(Exit.UNKNOWN, f"the lock of {host} cannot be reached: {why}")
        case _:
            assert_never(answer)


def _ask_target(session: Session, host: str) -> Stop | None:
    """Nothing is begun before the target answered for what another process, or another run, began there."""
    alive = session.ports.machines[host].running(ANY_RUN)
    if alive is None:
        return Stop(Exit.UNKNOWN, f"{host} does not say whether a step that was begun before still runs there")
    if alive:
        why = f"a step that was begun before still runs on {host}, so nothing was begun: wait for its end, then resume"
        return Stop(Exit.UNKNOWN, f"{why} ({', '.join(alive)})")
    session.record(TargetAnswered(host))
    return None


def _end(session: Session, end: Stop | Finish) -> Ended:
    """Call for help where that is due, give back the locks that nothing stands behind any more, record the end."""
    if isinstance(end, Stop) and end.wants == Mode.ROLLBACK and not aftermath.changes_made(session.facts()):
        why = f"{end.why}; nothing was changed, so there is nothing to take back"
        end = replace(end, why=why, wants="")
    if isinstance(end, Finish) and session.left_there:
        Executing(session).clear_up()
    if isinstance(end, Finish) and session.left_there:
        hosts = names(host for _, host in sorted(session.left_there))
        why = (
            f"{end.why}; but the output of its steps could not be cleared away on {hosts}, and may hold what is secret"
        )
        end = Stop(Exit.UNKNOWN, f"{why}: `run.resume {session.run}` does that when it answers")
    if isinstance(end, Stop) and end.wants == "escalation":
        Asking(session).call_for_help(end.item)
    give_back(session)
    if isinstance(end, Finish):
        session.record(RunFinished(end.exit, end.why, session.plan.not_undone))
        return Ended(end.exit, end.why)
    session.record(RunStopped(end.exit, end.why, end.item, end.wants))
    return Ended(end.exit, end.why, end.wants)


def give_back(session: Session) -> None:
    """Return every lock that nothing stands behind any more; also one that an earlier process of this run took."""
    for host in tuple(dict.fromkeys((*session.state.epochs, *session.state.owed))):
        if host in session.state.inherited or _pending(session, host):
            continue
        match session.ports.machines[host].unlock(_claim(session)):
            case Returned():
                session.record(LockReturned(host))
            case NotHeld():
                session.record(LockReturned(host, "it was not held by this run any more"))
            case Unreachable(why):
                session.record(LockKept(host, why))


def _pending(session: Session, host: str) -> bool:
    """Whether something runs on the host, or is in doubt there, or an old owner was not answered for."""
    facts = session.facts()
    if host in session.state.unanswered and host in session.state.owed:
        return True
    for item in session.plan.items:
        if isinstance(item, StepItem) and is_changing(item) and host in facts.hosts(item):
            progress = facts.progress(item, host)
            running = progress.intent is not None and progress.intent.token != "" and progress.ended is None
            doubt = progress.ended is not None and progress.ended.status is Status.IN_DOUBT
            if progress.settled is None and (running or (doubt and not progress.verified)):
                return True
    return False


def held_by(host: str, claim: Claim, session: Session) -> str:
    """Who holds a lock, since when, and what can be done."""
    holder = f"{host} is held by {claim.person}, run {claim.run} ({claim.title})"
    take_over = f"`run.resume {session.run} --take-over` takes the lock over for this run"
    own = claim.run in (session.run, session.plan.of_run)  # held by somebody else who took it over
    standing = Standing.UNKNOWN if own else session.ports.runs.standing(claim.run)
    if standing is Standing.LEFT:
        return (
            f"{holder}, and no process of this machine goes on with it: `run.resume {claim.run}` takes it up where it was"
            " left, and gives the lock back when it ends or you stop it"
        )
    if standing is Standing.OVER:
        return f"{holder}, which is over and could not give it back: {take_over}"
    minutes = max(0, int((session.ports.clock.now() - claim.since).total_seconds() // 60))
    return f"{holder}, since {claim.since:%Y-%m-%d %H:%M} UTC ({minutes} min): talk to them; {take_over}"
