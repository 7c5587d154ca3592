"""What a trainee is told when an attempt is over: a value that can be kept, and shown again at any time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from holdpoint.drill.model import Drill, Trap
from holdpoint.drill.records import TRAPPED, Said
from holdpoint.drill.score import Facts, Part, Score, verdict


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, so many seconds after the page came; `word` is what was typed, or a name for it."""

    seconds: int
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A known wrong repair, and whether the trainee did it."""

    title: str
    why: str
    done: bool


@dataclass(frozen=True, slots=True)
class Debrief:
    """One attempt, as it is told. `verdict` is why it did not pass, `lost` and `touched` what the looks at the data said."""

    drill: str
    title: str
    passed: bool
    left: bool
    total: int
    verdict: str
    parts: tuple[Part, ...]
    hints: int
    cost: int
    lost: str
    touched: str
    seconds: int
    moments: tuple[Moment, ...]
    expert: str
    wrong: tuple[Wrong, ...]


def debriefed(drill: Drill, facts: Facts, got: Score, said: Sequence[Said], trapped: Collection[str]) -> Debrief:
    """Put together what is told of an attempt; `trapped` are the ids of the known wrong repairs that were done."""

    def since(span: timedelta) -> int:
        return int(max(timedelta(0), span).total_seconds())

    titles = {trap.id: trap.title for trap in drill.traps}
    moments = [
        Moment(since(one.time - facts.began), one.word, titles.get(one.text, "") if one.word == TRAPPED else one.text)
        for one in said
    ]
    return Debrief(
        drill=drill.id,
        title=drill.title,
        passed=got.passed,
        left=facts.left,
        total=got.total,
        verdict=verdict(facts, got),
        parts=got.parts,
        hints=facts.hints,
        cost=got.cost,
        lost="" if facts.kept else facts.lost,
        touched="" if facts.safe else facts.touched,
        seconds=since(facts.ended - facts.began),
        moments=tuple(sorted(moments, key=lambda moment: moment.seconds)),
        expert=drill.expert,
        wrong=tuple(_wrong(trap, trapped) for trap in drill.traps),
    )


def _wrong(trap: Trap, trapped: Collection[str]) -> Wrong:
    return Wrong(trap.title, trap.why, trap.id in trapped)


def as_data(one: Debrief) -> dict[str, Any]:
    return asdict(one)


def from_data(data: Mapping[str, Any]) -> Debrief:
    """Read what `as_data` gave. Raises `KeyError` or `TypeError` for anything else."""
    return Debrief(
        **{
            **data,
            "parts": tuple(Part(**part) for part in data["parts"]),
            "moments": tuple(Moment(**moment) for moment in data["moments"]),
            "wrong": tuple(Wrong(**wrong) for wrong in data["wrong"]),
        }
    )
