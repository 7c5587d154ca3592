"""The head of a run and its end: what it is before anything happens, and where it left the machines.

Pure. The end is read from the state that the journal folds to, so a resumed run counts what was done before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from holdpoint.document.model import Severity
from holdpoint.engine.events import Reason, Status
from holdpoint.engine.facts import names
from holdpoint.engine.next import AFTER, BEFORE
from holdpoint.engine.ports import Target
from holdpoint.engine.state import FAILURES, Progress, State, may_have_effect
from holdpoint.problem import Exit
from holdpoint.views.background import Background
from holdpoint.views.lines import BLANK, LABEL, Line, Segment, Tone, clip, labelled, line, listed, rule, wrap
from holdpoint.views.places import places
from holdpoint.views.tables import table

WALKTHROUGH = "dry-run"
KINDS = {
    "real": ("FOR REAL", "every change asks first", Tone.BOLD),
    "check": ("CHECK", "it really looks; every change is shown and not made", Tone.WARN),
    WALKTHROUGH: ("WALK-THROUGH", "nothing is executed, nothing is connected to", Tone.WARN),
    "resumed": ("RESUMED, FOR REAL", "what is done stays done; every gate asks anew", Tone.BOLD),
    "settling": ("BEFORE A ROLLBACK", "what was begun is seen to its end first; nothing new is begun", Tone.WARN),
    "rollback": ("ROLLBACK, FOR REAL", "takes changes back; every undo asks first", Tone.WARN),
}
ENDS = {
    Exit.OK: ("FINISHED", Tone.GOOD),
    Exit.DEFECT: ("A DEFECT OF HOLDPOINT", Tone.BAD),
    Exit.USAGE: ("REFUSED", Tone.BAD),
    Exit.STOPPED: ("STOPPED BY A PERSON", Tone.WARN),
    Exit.FAILED: ("NOT REPAIRED", Tone.BAD),
    Exit.ROLLED_BACK: ("ROLLED BACK", Tone.WARN),
    Exit.ROLLBACK_FAILED: ("ROLLBACK NOT COMPLETE", Tone.BAD),
    Exit.NEEDS_PERSON: ("A PERSON IS NEEDED", Tone.WARN),
    Exit.UNKNOWN: ("NOT REACHED, OR REFUSED", Tone.BAD),
    Exit.LOCKED: ("ANOTHER RUN HOLDS THE LOCK", Tone.WARN),
    Exit.DAMAGED: ("THE JOURNAL IS DAMAGED", Tone.BAD),
}
_DOUBT = "OUTCOME UNKNOWN"
"""In the place of `NOT REACHED`, where what became of something that was begun is not known."""
OWN = frozenset({BEFORE, AFTER})
"""The run's own check of recovery, and not one of a runbook that it used."""
_GREEN = {True: "GREEN", False: "RED", None: "not known"}


@dataclass(frozen=True, slots=True)
class Head:
    """What is told before a run begins. `kind` is a key of `KINDS`."""

    run: str
    runbook: str
    title: str
    severity: Severity
    kind: str
    targets: tuple[Target, ...]
    of_run: str = ""
    values: tuple[str, ...] = ()
    """The run's parameters, as `name = value`, masked."""
    drill: bool = False
    """It is in the sandbox of a drill, where `inv` at the drill's prompt takes it up again."""


def opening(head: Head, width: int) -> list[Line]:
    """The head of a run; `inv run.resume` is told while it can still be read."""
    name, means, tone = KINDS[head.kind]
    name = name.replace("FOR REAL", "A DRILL") if head.drill else name
    top = rule(width, "═", head.title)
    drawn = [BLANK, top, *labelled("runbook", f"{head.runbook}  ({head.severity})", width)]
    drawn += labelled("this is", f"{name}: {means}", width, tone)
    drawn += labelled("takes back", f"run {head.of_run}", width) if head.of_run else []
    drawn += labelled("run", head.run, width) if head.kind != "dry-run" else []
    if head.kind not in ("dry-run", "check"):
        task = "run.rollback" if head.kind == "settling" else "run.resume"
        drawn += labelled("come back", f"inv {task} {head.run}", width)
    drawn += places(head.targets, width)
    return [*drawn, *(labelled("with", ", ".join(head.values), width) if head.values else [])]


@dataclass(frozen=True, slots=True)
class Left:
    """Where a run stands: texts for people, by what became of them."""

    proof: tuple[str, ...] = ()
    hosts: tuple[tuple[str, ...], ...] = ()
    """Of several hosts a row each; takes the place of `proof`."""
    causes: tuple[str, ...] = ()
    """What was found to be wrong, each with its evidence."""
    changed: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Begun, or about to be, and nobody could say since how it stands."""
    doubt: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    not_undone: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    """Hosts that are held still, since their lock could not be given back."""
    touched: bool = False
    """Something was changed, or may have been."""
    unseen: bool = False
    """What became of something that was begun is not known."""


def left(state: State, background: Background, not_undone: Sequence[str] = (), *, goes_on: bool = False) -> Left:
    """Sort the steps of a run by what became of them. Without names of the plan, only what was begun is known.

    `goes_on` says that a process is seeing to what it began.
    """
    bins: dict[str, dict[tuple[str, str], list[str]]] = {name: {} for name in _BINS}
    order = state.opened.order if state.opened else ()
    for (key, host), progress in state.steps.items():
        found = _sort(key, progress, background, goes_on=goes_on)
        if found:
            how = _begun(progress) if found == "unknown" else _how(progress)
            bins[found].setdefault((background.title(key), how), []).append(host)
    begun = {key for key, _ in state.steps}
    taken_back = bool(state.opened and state.opened.of_run)  # its plan is not that of the document
    not_done = tuple(background.title(key) for key in background.changes() if key not in begun and not taken_back)
    texts = {
        name: tuple(_told(name, title, how, names(_in_order(hosts, order))) for (title, how), hosts in found.items())
        for name, found in bins.items()
    }
    touched = any(_changes(key, one, background) and may_have_effect(one) for (key, _), one in state.steps.items())
    blind = any(one.unseen for one in state.steps.values())
    several = _per_host(state, background, goes_on=goes_on) if len(order) > 1 else ()
    proof = () if several else _proof(state)
    return Left(
        proof=proof,
        causes=_causes(state),
        hosts=several,
        not_done=not_done,
        not_undone=tuple(not_undone),
        locked=tuple(f"{host}: the lock could not be given back: {why}" for host, why in state.kept.items()),
        touched=touched,
        unseen=blind or any(bins[name] for name in ("running", "unknown", "doubt")),
        **texts,
    )


_REASON = 300
"""Cells of a reason, so that no host fills a screen; all of it stands above, at the step."""
_BINS = ("changed", "running", "unknown", "doubt", "failed", "left_out")
_STANDS = {
    "doubt": "IN DOUBT",
    "unknown": "NOT KNOWN",
    "running": "RUNS STILL",
    "failed": "failed",
    "left_out": "left out",
    "changed": "changed",
}


def _causes(state: State) -> tuple[str, ...]:
    return tuple(
        f"{decided.cause.title}  ({host}): {decided.cause.evidence}"
        for (_, host, _), decided in state.causes.items()
        if decided.cause.holds
    )


def _in_order(hosts: Sequence[str], order: tuple[str, ...]) -> list[str]:
    return sorted(hosts, key=lambda host: order.index(host) if host in order else len(order))


def _per_host(state: State, background: Background, *, goes_on: bool) -> tuple[tuple[str, ...], ...]:
    """A row for each host, in the order of the run: tier, the check before and after, and how it stands, worst first."""
    opened = state.opened
    rows: list[tuple[str, ...]] = []
    for host, tier in ((name, opened.hosts[name]) for name in opened.order) if opened else ():
        proofs = {
            proof.after: _GREEN[proof.green] for (key, at), proof in state.proofs.items() if at == host and key in OWN
        }
        found: dict[str, list[str]] = {}
        for (key, at), progress in state.steps.items():
            if at == host and (kind := _sort(key, progress, background, goes_on=goes_on)):
                found.setdefault(kind, []).append(_what(background.title(key), progress))
        stands = [f"{_STANDS[kind]}: {'; '.join(found[kind])}" for kind in _STANDS if kind in found]
        before, after = proofs.get(False, "-"), proofs.get(True, "-")
        rows.append(
            (host, "PRODUCTION" if tier == "prod" else tier, before, after, ". ".join(stands) or "nothing changed")
        )
    return tuple(rows)


def _what(title: str, progress: Progress) -> str:
    """A step, and why a host did not answer to it: that is the news, and not the step."""
    ended = progress.ended
    if ended is None or ended.status is not Status.UNREACHABLE:
        return title
    return f'no answer at "{title}": {clip(ended.note, _REASON)}'


def _changes(key: str, progress: Progress, background: Background) -> bool:
    return (progress.intent is not None and progress.intent.effect != "read") or key in background.changes()


def _sort(key: str, progress: Progress, background: Background, *, goes_on: bool) -> str:
    ended, intent, changing = progress.ended, progress.intent, _changes(key, progress, background)
    if ended is None:
        begun = intent is not None and intent.token != ""  # what a person does has no token, and runs nowhere
        if not begun or not changing or progress.settled is not None:
            return ""
        runs = progress.left.runs if progress.left else goes_on  # never said without anybody who knew it
        return "running" if runs else "unknown"
    if progress.settled is True:
        return "changed"
    if ended.status is Status.IN_DOUBT:
        return "" if progress.settled is False else "changed" if progress.verified else "doubt"
    if ended.status in FAILURES or progress.verified is False:
        return "failed"
    if ended.status is Status.SKIPPED:
        return "left_out" if ended.reason in (Reason.OPERATOR, Reason.DEPENDENCY) else ""
    return "changed" if changing else ""


def _told(kind: str, title: str, how: str, hosts: str) -> str:
    return f"{title}  ({hosts}): {how}" if kind == "unknown" else f"{title}  ({hosts}{how})"


def _begun(progress: Progress) -> str:
    """How sure it is that what nobody could see was begun at all."""
    if progress.left is None:
        return "it may have been begun, and its end is not recorded"
    return "it was begun, and the host cannot be asked"


def _how(progress: Progress) -> str:
    ended = progress.ended
    if ended is None:
        return ""
    if ended.status is Status.OK:
        unseen = ", check could not be looked at" if progress.unseen else ""
        return {True: ", check green", False: ", check red", None: unseen}[progress.verified]
    if ended.status is Status.SKIPPED:
        return f", {ended.note}" if ended.note else ""
    return f", exit {ended.exit}" if ended.exit is not None else f", {ended.status}"


def _proof(state: State) -> tuple[str, ...]:
    """For each host, what the run's own check of recovery said before and after; that of a runbook it used stands above."""
    seen: dict[str, dict[bool, str]] = {}
    for (key, host), proof in state.proofs.items():
        if key not in OWN:
            continue
        seen.setdefault(host, {})[proof.after] = _GREEN[proof.green]
    return tuple(
        f"{host}: {found.get(False, 'not looked at')} before, {found.get(True, 'not looked at')} after"
        for host, found in seen.items()
        if set(found.values()) != {_GREEN[None]}
    )


@dataclass(frozen=True, slots=True)
class End:
    """How a run, or this process's part of it, ended. `over` says that it cannot be resumed.

    `exit` is None where no end is recorded.
    """

    run: str
    exit: int | None
    why: str
    over: bool
    real: bool = True
    journal: str = ""
    """Where the record is; empty for a walk-through, of which nothing is kept."""
    rolls_back: bool = False
    taken_back_by: str = ""
    """The run that takes this one back."""
    handed_over: bool = False
    """Somebody else is to go on with it."""
    found: Left = field(default_factory=Left)


def closing(end: End, width: int) -> list[Line]:
    """The end in words, what was changed and what remains, and what can be typed now."""
    drawn = [BLANK, *_verdict(end, width)]
    found = end.found
    if found.hosts:
        drawn += [*table(("host", "tier", "before", "after", "what became of it"), found.hosts, width), BLANK]
    drawn += listed("found", found.causes, width)
    drawn += listed("proof", found.proof, width)
    maybe = found.running or found.unknown or found.doubt or (found.failed and found.touched)
    drawn += listed("changed", found.changed or (() if maybe else ("nothing",)), width)
    drawn += unsettled(found, width)
    drawn += listed("not begun", found.not_done, width) if not end.over else []
    drawn += listed("not undone", found.not_undone, width, [Tone.WARN] * len(found.not_undone))
    drawn += [BLANK, *now(end, width)] if end.journal or end.real else []
    drawn += labelled("record", end.journal, width, Tone.DIM) if end.journal else []
    return drawn


def unsettled(found: Left, width: int) -> list[Line]:
    """What is not known, runs still or did not come to a good end, worst first."""
    drawn = listed("RUNS STILL", found.running, width, [Tone.BAD] * len(found.running))
    drawn += listed("NOT KNOWN", found.unknown, width, [Tone.BAD] * len(found.unknown))
    drawn += listed("IN DOUBT", found.doubt, width, [Tone.BAD] * len(found.doubt))
    drawn += listed("failed", found.failed, width)
    drawn += listed("LOCKED", found.locked, width, [Tone.BAD] * len(found.locked))
    return [*drawn, *listed("left out", found.left_out, width)]


def _verdict(end: End, width: int) -> list[Line]:
    if end.exit is None:
        head: Line = (Segment("NOT ENDED", Tone.WARN),)
    else:
        name, tone = ENDS.get(Exit(end.exit), ("ENDED", Tone.WARN))
        name = _DOUBT if end.exit == Exit.UNKNOWN and end.found.unseen else name
        head = (Segment(name, tone), Segment(f"   exit {end.exit}", Tone.DIM))
    return [rule(width, "═"), head, *(line(piece) for piece in wrap(end.why, width)), BLANK]


def now(end: End, width: int) -> list[Line]:
    """What can be typed now, the likeliest first, each with what it does."""
    commands: list[tuple[str, str]] = []
    found, run = end.found, end.run
    show = (f"inv run.show {run}", "shows all that happened")
    if end.taken_back_by:
        commands.append((f"inv run.show {end.taken_back_by}", "shows the run that takes this one back"))
    if end.over:
        commands.append(show)
    if end.real and not end.over and not end.taken_back_by:
        goes_on = (
            "attaches to what runs still, and goes on"
            if found.running
            else "finds out what became of it, and goes on"
            if found.unknown
            else "goes on from here"
        )
        taking_back = (f"inv run.resume {run} --take-over", "takes it back from whoever has it now; ask them first")
        commands.append(taking_back if end.handed_over else (f"inv run.resume {run}", goes_on))
    may_roll_back = end.real and not end.rolls_back and not end.taken_back_by and not end.handed_over
    if may_roll_back and found.touched:
        commands.append((f"inv run.rollback {run}", "takes back what can be taken back; asks before each undo"))
    commands += [] if end.over else [show]
    column = max(len(command) for command, _ in commands) + 2
    beside = all(LABEL + column + len(does) <= width for _, does in commands)
    drawn: list[Line] = []
    for index, (command, does) in enumerate(commands):
        label = Segment(f"{'now' if index == 0 else '':<{LABEL}}", Tone.DIM)
        if beside:
            drawn.append((label, Segment(f"{command:<{column}}", Tone.BOLD), Segment(does)))
        else:
            drawn += [(label, Segment(command, Tone.BOLD)), *labelled("", f"  {does}", width)]
    return drawn
