"""A runbook on a screen or two: its sections, and for each cause what would be done, with effect and gate. The rest stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from holdpoint.document.duration import show
from holdpoint.document.model import (
    Ask,
    Effect,
    Fetch,
    Manual,
    Notify,
    Put,
    Run,
    Runbook,
    Section,
    Step,
    Todo,
    Use,
    Wait,
)
from holdpoint.views.background import HEADINGS
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, wrap

_INDENT = 4
_STATES = "without a cause"
"""What every run comes to, whatever was found."""


def outline(runbook: Runbook, width: int) -> list[Line]:
    """The outline; what a cause leads to are its steps in their order, but for those that only look."""
    drawn: list[Line] = [BLANK, line("Outline", Tone.BOLD)]
    looks = ((HEADINGS[Section.SYMPTOMS], runbook.symptoms), (HEADINGS[Section.DIAGNOSTIC], runbook.diagnostic))
    for heading, steps in looks:
        drawn += labelled(heading, f"{_counted(len(steps), 'step')}, read only", width, column=_INDENT + 9)
    legend = "What each cause leads to; before [change] and [destroy] a gate asks. In full, all of it stands below."
    drawn += [BLANK, *(line(piece, Tone.DIM) for piece in wrap(legend, width))]
    always = [step for step in runbook.resolution if not step.causes]
    for cause in runbook.causes:
        own = [step for step in runbook.resolution if cause.id in step.causes]
        drawn += _led_to(f"{cause.id}: {cause.title}", own, width)
    drawn += _led_to("whatever was found" if runbook.causes else _STATES, always, width) if always else []
    return [*drawn, BLANK, *_ends(runbook, width)]


def _led_to(title: str, steps: Sequence[Step], width: int) -> list[Line]:
    """A cause, and under it its steps; a step is not broken."""
    drawn = [line(piece, Tone.BOLD) for piece in wrap(f"  {title}", width)]
    marked = [(step, mark) for step in steps if (mark := _mark(step))]
    row: list[Segment] = []
    used = _INDENT
    for at, (step, mark) in enumerate(marked):
        end = "" if at == len(marked) - 1 else ","
        cells = len(step.id) + len(mark) + 3 + len(end)
        if row and used + 1 + cells > width:
            drawn.append((Segment(" " * (_INDENT - 1)), *row))
            row, used = [], _INDENT
        row += [Segment(f" {step.id} "), Segment(f"[{mark}]", _tone(step)), Segment(end)]
        used += 1 + cells
    if row:
        drawn.append((Segment(" " * (_INDENT - 1)), *row))
    return drawn if marked else [*drawn, line(" " * _INDENT + "nothing to do", Tone.DIM)]


def _tone(step: Step) -> Tone:
    return {Effect.READ: Tone.DIM, Effect.CHANGE: Tone.WARN, Effect.DESTROY: Tone.BAD}[step.effect]


def _mark(step: Step) -> str:
    """What a step is, in a few words; empty for one that only looks."""
    effect = "" if step.effect is Effect.READ else str(step.effect)
    people = f"{step.gate.approvers} people" if step.gate.approvers > 1 else ""
    return ", ".join(part for part in (effect, _kind(step), people) if part)


def _kind(step: Step) -> str:
    match step.action:
        case Run() | Wait() | Put() | Fetch():
            return ""
        case Manual():
            return "by hand"
        case Ask():
            return "asks"
        case Use(runbook=name):
            return f"uses {name}"
        case Notify(to=to):
            return f"tells {to}"
        case Todo():
            return "action"
        case _:
            assert_never(step.action)


def _ends(runbook: Runbook, width: int) -> list[Line]:
    """What comes after the repair."""
    undo = sum(step.undo is not None for step in runbook.resolution)
    changes = sum(step.effect is not Effect.READ for step in runbook.resolution)
    calls = "; ".join(f"after {show(one.after)} {one.to}" for one in runbook.escalation)
    told = (
        ("proof", "a check that is red before and green after" if runbook.recovered else "each step's own check"),
        (HEADINGS[Section.PREVENTION], _counted(len(runbook.prevention), "action")),
        (HEADINGS[Section.ROLLBACK], f"{undo} of {changes} changes can be taken back; {_ids(runbook.rollback)}"),
        ("Escalation", calls),
    )
    return [piece for label, text in told if text for piece in labelled(label, text, width, column=_INDENT + 9)]


def _ids(steps: Iterable[Step]) -> str:
    names = ", ".join(step.id for step in steps)
    return f"then {names}" if names else "nothing comes then"


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
