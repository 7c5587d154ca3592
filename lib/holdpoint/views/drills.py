"""Drills for people: the list, a proof as it ends, the table of proofs; and the same as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from holdpoint.drill.model import Drill
from holdpoint.drill.proof import Proof
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import span

STARS = 5


def listing(drills: Sequence[tuple[Drill, str]], width: int) -> list[Line]:
    """From easy to hard, with what each teaches."""
    if not drills:
        return [line("There are no drills here.")]
    rows = [(drill.id, "*" * drill.level, drill.runbook, drill.teaches) for drill, _ in drills]
    drawn = table(("drill", "level", "runbook", "teaches"), rows, width)
    lacks: dict[str, list[str]] = {}
    for drill, why in drills:
        if why:
            lacks.setdefault(why, []).append(drill.id)
    for why, names in lacks.items():
        drawn += [BLANK, *(line(piece, Tone.WARN) for piece in wrap(f"Not here: {', '.join(names)}: {why}", width))]
    return [*drawn, BLANK, line("inv drill NAME begins one.", Tone.DIM)]


def cut_off(drills: Sequence[tuple[str, datetime]], damaged: int, now: datetime, width: int) -> list[Line]:
    """What was cut off and stands until it is healed, each with the time it was begun; and that records are damaged."""
    told = []
    for name, begun in drills:
        today = begun.astimezone().date() == now.astimezone().date()
        when = f"{begun.astimezone():%H:%M}" if today else f"{begun.astimezone():%Y-%m-%d %H:%M}"
        told.append(f"{name}, begun at {when}, was cut off: `./inv drill.heal`")
    if damaged:
        records = "The record of a drill is" if damaged == 1 else f"The records of {damaged} drills are"
        told.append(f"{records} damaged: `./inv drill.heal` says more")
    drawn = [line(piece, Tone.WARN) for text in told for piece in wrap(inert(text), width)]
    return [*drawn, BLANK] if drawn else []


def as_data(drill: Drill) -> dict[str, Any]:
    return {
        "id": drill.id,
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
