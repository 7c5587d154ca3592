"""Grading a repair: a hundred points by a fixed rubric, from facts. Pure.

Points are for what was kept, found, spared and said, and for being in time; none for being faster. Without recovery there is
no pass, nor where data was lost, nor where something was touched that was not the fault's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from holdpoint.drill.model import Leaves

HINTS = (3, 5, 10)
"""What the first, the second and the third hint cost."""
PASS = 60
"""The points that are needed, besides recovery, all data, and nothing touched but the fault."""
DECLARE_WITHIN = timedelta(minutes=5)
CADENCE = timedelta(minutes=15)
"""How long the team may be left without a word."""
FALSE_DONE = 4
TRAP = 4


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the trainee said was wrong: the id of a cause, or nothing where all is well."""

    time: datetime
    cause: str
    late: bool = False
    """Something was changed already. Times are in whole seconds, and cannot tell."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened in an attempt. Times are those of the sandbox's machine, in UTC."""

    began: datetime
    ended: datetime
    within: timedelta
    fault: bool
    causes: frozenset[str]
    recovered: bool
    """The check was green, and green again after a restart."""
    kept: bool
    safe: bool
    evidence: bool
    """What was seen was kept before anything was changed."""
    first_change: datetime | None = None
    diagnoses: Sequence[Diagnosis] = ()
    said: Sequence[datetime] = ()
    """When the team was told something."""
    false_dones: int = 0
    trapped: int = 0
    """How many known wrong repairs were done."""
    hints: int = 0
    left: bool = False
    """The trainee went before it was said to be done."""
    lost: str = ""
    """What the look at the data said."""
    touched: str = ""
    """What the look at everything else said."""

    @property
    def mended(self) -> bool:
        """It was said to be done, and it was."""
        return self.recovered and not self.left

    @property
    def spoiled(self) -> bool:
        """Nothing was wrong before, and something is now."""
        return not self.fault and not self.recovered


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the rubric."""

    name: str
    points: int
    of: int
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    parts: tuple[Part, ...]
    cost: int
    """What the hints cost."""
    mended: bool
    kept: bool
    safe: bool
    total: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", max(0, sum(part.points for part in self.parts) - self.cost))

    @property
    def passed(self) -> bool:
        return self.mended and self.kept and self.safe and self.total >= PASS


def verdict(facts: Facts, got: Score) -> str:
    """Why an attempt did not pass, in one sentence; empty where it did."""
    if got.passed:
        return ""
    if facts.spoiled:
        return "Nothing was wrong, and now it is red: whatever made it so was done here."
    if facts.left and facts.recovered:
        return "All is green, and it was left before `done`."
    if facts.left and facts.first_change is None:
        return "It was left before `done`; no change was seen, and it is as it was."
    if facts.left:
        return "It was left before `done`, and it is not repaired."
    if not facts.recovered:
        return "It was green, and a restart made it red again; without recovery there is no pass."
    if not facts.kept:
        return "All is green, and data was lost; without it there is no pass."
    if not facts.safe:
        return "All is green, and something was touched that was not the fault's; so there is no pass."
    return f"{got.total} points; {PASS} are needed."


def score(facts: Facts) -> Score:
    """Grade an attempt."""
    parts = (_data(facts), _diagnosis(facts), _safety(facts), _communication(facts), _time(facts))
    return Score(parts, sum(HINTS[: facts.hints]), facts.mended, facts.kept, facts.safe)


def flawless(*, fault: bool, leaves: Leaves | None = None) -> Facts:
    """Give the facts of an attempt in which nothing is wrong but what a known wrong repair `leaves`."""
    began = datetime(2000, 1, 1, tzinfo=UTC)
    cause = "the cause" if fault else ""
    return Facts(
        began=began,
        ended=began + timedelta(minutes=4),
        within=timedelta(minutes=30),
        fault=fault,
        causes=frozenset({cause} if fault else ()),
        recovered=leaves is not Leaves.RED,
        kept=leaves is not Leaves.LOST,
        safe=leaves is not Leaves.UNSAFE,
        evidence=True,
        first_change=began + timedelta(minutes=3) if fault else None,
        diagnoses=(Diagnosis(began + timedelta(minutes=2), cause),),
        said=(began + timedelta(minutes=1), began + timedelta(minutes=4)),
    )


def _data(facts: Facts) -> Part:
    points = 20 * facts.kept + 10 * facts.evidence
    why = "every row is there" if facts.kept else "data was lost"
    why += ", and what was seen was kept before the first change" if facts.evidence else "; no evidence was kept first"
    return Part("data kept", points, 30, why)


def _diagnosis(facts: Facts) -> Part:
    early = [
        one
        for one in facts.diagnoses
        if not one.late and (facts.first_change is None or one.time <= facts.first_change)
    ]
    if not early:
        late = "it was stated only after the first change" if facts.diagnoses else "none was stated"
        return Part("diagnosis", 0, 20, late)
    last = early[-1].cause
    if bool(last) != facts.fault:
        return Part("diagnosis", 0, 20, "something was wrong" if facts.fault else "nothing was wrong")
    if last and last not in facts.causes:
        return Part("diagnosis", 8, 20, f"something was wrong, but it was not `{last}`")
    return Part("diagnosis", 20, 20, f"`{last}`, as it was" if last else "nothing is wrong, as it was")


def _safety(facts: Facts) -> Part:
    hasty = min(8, FALSE_DONE * facts.false_dones + TRAP * facts.trapped)
    safe = facts.safe and not facts.spoiled
    if safe:
        why = "no change was seen" if facts.first_change is None else "nothing was touched but the fault"
    else:
        why = (
            "nothing was wrong, and now it is red"
            if facts.spoiled
            else "something was touched that was not the fault's"
        )
    why += f"; said to be done {_times(facts.false_dones)} before it was" if facts.false_dones else ""
    why += f"; a known wrong repair was done {_times(facts.trapped)}" if facts.trapped else ""
    return Part("safety", 12 * safe + 8 - hasty, 20, why)


def _communication(facts: Facts) -> Part:
    if not facts.said:
        return Part("communication", 0, 15, "the team was told nothing")
    declared = facts.said[0] - facts.began <= DECLARE_WITHIN
    times = [facts.began, *facts.said, facts.ended]
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    resolved = facts.mended and (len(facts.said) > 1 or not facts.fault)
    lacks = [
        *([] if declared else [f"the first word came after {_minutes(facts.said[0] - facts.began)} minutes"]),
        *([] if longest <= CADENCE else [f"the team heard nothing for {_minutes(longest)} minutes"]),
        *([] if resolved else ["nobody was told that it is over" if facts.mended else "it is not over"]),
    ]
    points = 5 * declared + 5 * (longest <= CADENCE) + 5 * resolved
    return Part("communication", points, 15, "; ".join(lacks) or "told early, kept told, and told the end")


def _time(facts: Facts) -> Part:
    took = facts.ended - facts.began
    if not facts.mended:
        return Part("time", 0, 15, "it is not over")
    over = (took - facts.within) / facts.within
    points = 15 if over <= 0 else max(0, round(15 * (1 - over)))
    return Part("time", points, 15, f"{_minutes(took)} minutes, of {_minutes(facts.within)}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)
