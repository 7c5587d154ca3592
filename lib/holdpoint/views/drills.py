"""Drills for people: the list, a proof as it ends, the table of proofs; and the same as data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from holdpoint.drill.model import Drill
from holdpoint.drill.proof import Proof
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import span

_TAG = re.compile(r"^\[\w+\]\s*")
"""What a pager puts before each of its lines."""


_SAYS = {False: "the page", True: "the page; of what you passed, the lesson"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A drill of the list. `number` is the name that tells nothing, `lacks` why it cannot be made here."""

    drill: Drill
    number: str
    passed: bool
    lacks: str


def listing(drills: Sequence[Listed], width: int, *, whole: bool) -> list[Line]:
    """From easy to hard: what the pager says, and of what was passed, or of all where it is to be `whole`, what it teaches."""
    if not drills:
        return [line("There are no drills here.")]
    if whole:
        rows = [(one.drill.id, "*" * one.drill.level, one.drill.runbook, one.drill.teaches) for one in drills]
        drawn = table(("drill", "level", "runbook", "teaches"), rows, width)
    else:
        known = [(_name(one), "*" * one.drill.level, _says(one)) for one in drills]
        drawn = table(("drill", "level", _SAYS[any(one.passed for one in drills)]), known, width)
    lacks: dict[str, list[str]] = {}
    for one in drills:
        if one.lacks:
            lacks.setdefault(one.lacks, []).append(one.drill.id if whole else _name(one))
    for why, names in lacks.items():
        drawn += [BLANK, *(line(piece, Tone.WARN) for piece in wrap(f"Not here: {', '.join(names)}: {why}", width))]
    more = "" if whole else " `--all` tells what each is about."
    foot = f"`inv drill NAME` begins one; with a runbook's name, or `any`, the next one that you did not pass.{more}"
    return [*drawn, BLANK, *(line(piece, Tone.DIM) for piece in wrap(foot, width))]


def _name(one: Listed) -> str:
    return one.drill.id if one.passed else one.number


def _says(one: Listed) -> str:
    return f"passed: {one.drill.teaches}" if one.passed else _TAG.sub("", one.drill.page.strip().splitlines()[0])


def cut_off(
    drills: Sequence[tuple[str, datetime]], damaged: int, now: datetime, width: int, zone: tzinfo | None
) -> list[Line]:
    """What was cut off and stands until it is healed, each with the time it was begun; and that records are damaged."""
    told = []
    for name, begun in drills:
        today = begun.astimezone(zone).date() == now.astimezone(zone).date()
        when = f"{begun.astimezone(zone):%H:%M}" if today else f"{begun.astimezone(zone):%Y-%m-%d %H:%M}"
        told.append(f"{name}, begun at {when}, was cut off: `./inv drill.heal`")
    if damaged:
        records = "The record of a drill is" if damaged == 1 else f"The records of {damaged} drills are"
        told.append(f"{records} damaged: `./inv drill.heal` says more")
    drawn = [line(piece, Tone.WARN) for text in told for piece in wrap(inert(text), width)]
    return [*drawn, BLANK] if drawn else []


def as_data(one: Listed) -> dict[str, Any]:
    drill = one.drill
    return {
        "id": drill.id,
        "number": one.number,
        "passed": one.passed,
        "lacks": one.lacks,
        "runbook": drill.runbook,
        "level": drill.level,
        "teaches": drill.teaches,
        "minutes": int(drill.within.total_seconds() // 60),
        "traps": [trap.id for trap in drill.traps],
    }


def healed(told: Sequence[tuple[str, tuple[str, ...]]], width: int) -> list[Line]:
    """What was given back, and what could not be."""
    if not told:
        return [line("Nothing to heal: no drill left anything standing.")]
    drawn: list[Line] = []
    for name, left in told:
        text = f"{name}: given back" if not left else f"{name}: could not be given back: {', '.join(left)}"
        drawn += [line(piece, Tone.PLAIN if not left else Tone.BAD) for piece in wrap(inert(text), width)]
    return drawn


def under_way(stages: Mapping[str, str]) -> str:
    return ";  ".join(f"{name}: {stage}" for name, stage in stages.items())


def proven(proof: Proof, width: int) -> list[Line]:
    """A proof as it ends: one line where it holds, else what did not."""
    if proof.missing:
        return [*_verdict("not here", Tone.WARN, proof), *labelled("", proof.missing, width)]
    if proof.holds:
        return _verdict("proven", Tone.GOOD, proof)
    drawn = _verdict("NOT PROVEN", Tone.BAD, proof)
    for stage in proof.stages:
        if not stage.holds:
            drawn += labelled("", f"not: {stage.name}", width, Tone.BAD)
            drawn += [piece for text in stage.note.splitlines() for piece in labelled("", inert(text), width)]
    return drawn


def _verdict(word: str, tone: Tone, proof: Proof) -> list[Line]:
    return [(Segment(f"{word:<11}", tone), Segment(f"{proof.drill}  ({_took(proof)})"))]


def table_of(proofs: Sequence[Proof], width: int) -> list[Line]:
    """All proofs, in the order of the list."""
    rows: list[tuple[str, ...]] = []
    for proof in proofs:
        refused, tried = proof.traps()
        verdict = "not here" if proof.missing else "proven" if proof.holds else "NOT PROVEN"
        rows.append((proof.drill, proof.runbook, verdict, f"{refused} of {tried}", _took(proof), ", ".join(proof.idle)))
    heads: tuple[str, ...] = ("drill", "runbook", "verdict", "traps refused", "took", "changes nothing")
    if not any(proof.idle for proof in proofs):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    held = sum(proof.holds for proof in proofs)
    return [BLANK, *table(heads, rows, width), BLANK, line(f"{held} of {len(proofs)} drills proven.", Tone.BOLD)]


def _took(proof: Proof) -> str:
    return span(timedelta(seconds=round(proof.seconds)))


def proof_data(proof: Proof) -> dict[str, Any]:
    return {
        "drill": proof.drill,
        "runbook": proof.runbook,
        "proven": proof.holds,
        "missing": proof.missing,
        "seconds": round(proof.seconds, 1),
        "stages": [{"stage": stage.name, "holds": stage.holds, "note": stage.note} for stage in proof.stages],
        "changes_nothing": list(proof.idle),
    }
