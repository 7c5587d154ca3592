"""A run that is handed over: what the next person has to know, on the screen of both and in the file itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdpoint.engine.events import GateAnswered, GateOpened, RunHandedOver, RunResumed, event_of
from holdpoint.engine.facts import executed_as
from holdpoint.engine.state import State, replay
from holdpoint.engine.target import Target, Tier
from holdpoint.journal.record import Record
from holdpoint.views import bounds
from holdpoint.views.background import Background
from holdpoint.views.lines import BLANK, Line, Tone, as_text, labelled, line, listed, rule, verbatim, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import full_time

_STAYS_OPEN = frozenset({"stop", "rollback", "escalate"})
"""Words after which a gate's question is asked again."""
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Handing:
    """What is handed over. `targets` have the tiers that hold for the reader; `notes` are sentences beside."""

    run: str
    records: Sequence[Record]
    targets: tuple[Target, ...]
    background: Background
    notes: tuple[str, ...] = ()
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class From:
    """Who handed it over, from where, when, and to whom."""

    person: str
    machine: str
    time: datetime
    to: str


def origin(records: Iterable[Record]) -> From | None:
    """Read off the last handing over; None where there is none."""
    found = None
    for record in records:
        if record.kind == RunHandedOver.kind:
            machine, to = str(record.data.get("machine", "")), str(record.data.get("to", ""))
            found = From(record.person, machine, record.time, to)
    return found


def open_gate(records: Iterable[Record]) -> GateOpened | None:
    """The question at which the run stands: it was put, and not answered for good."""
    gate = None
    for record in records:
        event = event_of(record)
        match event:
            case GateOpened():
                gate = event
            case GateAnswered() if event.word not in _STAYS_OPEN:
                gate = None
            case RunResumed():
                gate = None
            case _:
                pass
    return gate


def summary(handing: Handing, width: int) -> list[Line]:
    """Where it stands: from whom, on which hosts, what was found, changed, is in doubt, and what is asked."""
    state = replay(handing.records)
    opened, came = state.opened, origin(handing.records)
    drawn: list[Line] = [BLANK, rule(width, "═", opened.title if opened else handing.run)]
    drawn += labelled("run", handing.run, width)
    drawn += labelled("runbook", opened.runbook, width) if opened else []
    drawn += labelled("takes back", f"run {opened.of_run}", width) if opened and opened.of_run else []
    if came is not None:
        when = full_time(came.time, handing.zone)
        drawn += labelled("from", f"{came.person} on {came.machine}, {when}", width, Tone.BOLD)
        drawn += labelled("to", came.to, width) if came.to else []
    drawn += listed("on", _places(handing.targets), width, [Tone.BOLD] * len(handing.targets))
    drawn += labelled("stands", state.end.why if state.end else "it was cut off: no end is recorded", width)
    drawn += _found(state, width)
    drawn += _left(handing, state, width)
    drawn += _gate(handing.records, width)
    return [*drawn, *(line(piece, Tone.WARN) for note in handing.notes for piece in wrap(note, width))]


def _places(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """The hosts with their tiers; which of them is this machine depends on who reads it."""
    return tuple(f"{'PRODUCTION' if one.tier is Tier.PROD else one.tier.value}: {one.name}" for one in targets)


def _found(state: State, width: int) -> list[Line]:
    """The causes that were found, with their evidence."""
    causes = [one.cause for one in state.causes.values() if one.cause.holds]
    texts = [f"{one.title}  ({one.host}): {one.evidence}".removesuffix(": ") for one in causes]
    return listed("found", texts, width)


def _left(handing: Handing, state: State, width: int) -> list[Line]:
    found = bounds.left(state, handing.background)
    drawn: list[Line] = []
    if found.hosts:
        drawn += [BLANK, *table(("host", "tier", "before", "after", "what became of it"), found.hosts, width), BLANK]
    drawn += listed("proof", found.proof, width)
    drawn += listed("changed", found.changed or ("nothing",), width)
    drawn += bounds.unsettled(found, width)
    return [*drawn, *listed("not begun", found.not_done, width)]


def _gate(records: Iterable[Record], width: int) -> list[Line]:
    gate = open_gate(records)
    if gate is None:
        return []
    effect = f"{gate.effect.upper()}: " if gate.effect != "read" else ""
    where = executed_as(", ".join(gate.hosts), gate.become)
    drawn = labelled("open gate", f"{effect}{gate.title}  ({where})", width, Tone.BOLD)
    drawn += labelled("", gate.reverts, width) if gate.reverts else []
    for command in dict.fromkeys(gate.commands.values()):
        drawn += verbatim(command, width)
    return drawn


def readme(handing: Handing, file: str) -> str:
    """The summary as plain text, with what the next person does, and what lies in the file beside it."""
    lines = [
        line("A run that was handed over by Holdpoint. This page is for reading; nothing is read from it."),
        *summary(handing, WIDTH),
        BLANK,
        *labelled("type", f"inv run.resume {file}", WIDTH, Tone.BOLD),
        *labelled(
            "", "in a repository that has the same runbook. It takes the locks over, and asks every gate anew.", WIDTH
        ),
        BLANK,
        *labelled("hosts.yaml", "what the inventory said of these hosts", WIDTH, column=15),
        *labelled("documents/", "the runbooks as they were when the run began", WIDTH, column=15),
        *labelled(
            "runs/", "the journal, what the targets were seen to begin, and all outputs, masked", WIDTH, column=15
        ),
    ]
    return "".join(f"{as_text(one).rstrip()}\n" for one in lines)
