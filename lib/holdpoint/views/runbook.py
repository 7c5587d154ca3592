"""Runbooks for the terminal: the list of them, and one whole."""

from __future__ import annotations

from collections.abc import Sequence

from holdpoint.document.duration import show
from holdpoint.document.model import Cause, Check, Effect, Param, Runbook, Section, Step
from holdpoint.journal.record import Json
from holdpoint.shell import as_text
from holdpoint.views.background import HEADINGS
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, rule, verbatim, wrap
from holdpoint.views.outline import outline
from holdpoint.views.steps import condition, deed, details
from holdpoint.views.tables import table

_WIDE = 22
"""The column of labels on a runbook's page."""


def listing(runbooks: Sequence[Runbook], width: int) -> list[Line]:
    """The list for people, in the order given."""
    if not runbooks:
        return [line("There are no runbooks here.")]
    rows = [(one.id, one.severity, ", ".join(one.services), one.title) for one in runbooks]
    return table(("runbook", "severity", "services", "title"), rows, width)


def as_data(runbook: Runbook) -> dict[str, Json]:
    """A runbook's head for programs."""
    return {
        "id": runbook.id,
        "title": runbook.title,
        "owner": runbook.owner,
        "severity": runbook.severity.value,
        "services": list(runbook.services),
        "alerts": list(runbook.alerts),
        "matches": list(runbook.matches),
        "reviewed": runbook.reviewed.isoformat(),
        "file": runbook.file,
        "digest": runbook.digest,
        "params": [param.name for param in runbook.params],
        "steps": [step.id for step in runbook.steps()],
        "causes": [cause.id for cause in runbook.causes],
    }


def page(runbook: Runbook, width: int) -> list[Line]:
    """One runbook: its outline, then all of it, in the order in which it is worked through."""
    drawn = [BLANK, rule(width, "═", runbook.title), *_head(runbook, width), *outline(runbook, width)]
    for heading, steps in (
        (HEADINGS[Section.SYMPTOMS], runbook.symptoms),
        (HEADINGS[Section.DIAGNOSTIC], runbook.diagnostic),
    ):
        drawn += _section(heading, steps, width)
    drawn += _causes(runbook.causes, width)
    drawn += _section(HEADINGS[Section.RESOLUTION], runbook.resolution, width)
    if runbook.recovered is not None:
        drawn += [BLANK, line("Recovered when this is green", Tone.BOLD), *_check(runbook.recovered, width)]
    for heading, steps in (
        (HEADINGS[Section.PREVENTION], runbook.prevention),
        (HEADINGS[Section.ROLLBACK], runbook.rollback),
    ):
        drawn += _section(heading, steps, width)
    return [*drawn, *_escalation(runbook, width)]


def _head(runbook: Runbook, width: int) -> list[Line]:
    texts = (
        ("runbook", f"{runbook.id}  ({runbook.severity})"),
        ("owner", f"{runbook.owner}, reviewed {runbook.reviewed.isoformat()}"),
        ("services", ", ".join(runbook.services)),
        ("alerts", ", ".join(runbook.alerts)),
        ("leads here", "; ".join(runbook.matches)),
        ("file", runbook.file),
    )
    drawn = [piece for label, text in texts if text for piece in labelled(label, text, width)]
    for index, param in enumerate(runbook.params):
        drawn += labelled("" if index else "parameters", parameter(param), width)
    return drawn


def parameter(param: Param) -> str:
    """A parameter in one line."""
    given = "must be given" if param.default is None else f"default {as_text(param.default)!r}"
    given = "from its own source" if param.source is not None else given
    return f"{param.name}: {param.type}, {given}" + (f": {param.prompt}" if param.prompt else "")


def _section(heading: str, steps: tuple[Step, ...], width: int) -> list[Line]:
    drawn: list[Line] = [BLANK, line(heading, Tone.BOLD)]
    for step in steps:
        drawn += _step(step, width)
    return drawn if steps else [*drawn, line("  nothing", Tone.DIM)]


def _step(step: Step, width: int) -> list[Line]:
    effect = {Effect.READ: Tone.DIM, Effect.CHANGE: Tone.WARN, Effect.DESTROY: Tone.BAD}[step.effect]
    does = deed(step.action, step.become)
    head = labelled(f"  {step.id}", step.title, width, Tone.BOLD, column=_WIDE)
    if len(step.id) > _WIDE - 4:
        head = [line(f"  {step.id}", Tone.DIM), *labelled("", step.title, width, Tone.BOLD, column=_WIDE)]
    margin, word = " " * _WIDE, step.effect.upper()
    first, *more = wrap(does.phrase, width - _WIDE - len(word) - 2)
    said: Line = (Segment(margin), Segment(word, effect), Segment(f"  {first}"))
    drawn: list[Line] = [*head, said, *(line(f"{margin}{' ' * len(word)}  {piece}") for piece in more)]
    drawn += verbatim(does.text, width, indent=_WIDE) if does.text else []
    for label, text in details(step):
        drawn += labelled("", f"{label}: {text}", width, column=_WIDE)
    if step.verify is not None:
        drawn += [*labelled("", "its own check:", width, column=_WIDE), *_check(step.verify, width)]
    if step.undo is not None:
        undone = deed(step.undo.action, step.undo.become or step.become)
        drawn += labelled("", f"can be taken back: {undone.phrase}", width, column=_WIDE)
        drawn += verbatim(undone.text, width, indent=_WIDE)
    return drawn


def _check(check: Check, width: int) -> list[Line]:
    return verbatim(check.run.script, width, indent=_WIDE)


def _causes(causes: tuple[Cause, ...], width: int) -> list[Line]:
    drawn: list[Line] = [BLANK, line("Causes", Tone.BOLD)] if causes else []
    for cause in causes:
        drawn += labelled(f"  {cause.id}", cause.title, width, Tone.BOLD, column=max(_WIDE, len(cause.id) + 4))
        drawn += labelled("", f"when {condition(cause.when)}", width, column=_WIDE)
        drawn += labelled("", f"evidence: {cause.evidence}", width, column=_WIDE) if cause.evidence else []
    return drawn


def _escalation(runbook: Runbook, width: int) -> list[Line]:
    drawn: list[Line] = [BLANK, line("Escalation", Tone.BOLD)] if runbook.escalation else []
    for one in runbook.escalation:
        drawn += labelled(f"  after {show(one.after)}", f"{one.to}: {one.say}", width, column=_WIDE)
    return drawn
