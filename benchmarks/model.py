"""Works, sides, goals, and what was measured: values only, and their form as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

TIE = 0.15
"""Differences below this are a tie: the same thing, measured twice, differs as much."""


class Quantity(StrEnum):
    """What is counted of one round."""

    SECONDS = "seconds"
    """By the clock."""
    CPU = "cpu"
    """Seconds of the CPUs, of the side with all processes that it waited for."""
    SERVERS = "servers"
    """Seconds of the CPUs, of the servers that the side asked, with all that ran there."""
    PEAK = "peak"
    """Megabytes of memory that the side, or a process of it, had at the most."""
    GROWN = "grown"
    """Megabytes by which the side's memory grew in the round, at the most."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one side. What cannot be counted on a machine is 0."""

    seconds: float
    cpu: float
    peak: float
    grown: float = 0.0
    servers: float = 0.0


@dataclass(frozen=True, slots=True)
class Side:
    """One way of doing the work: the command line of its process, which speaks the protocol of `sides/serving.py`.

    `missing` says why it cannot be measured here, if so. `divided` is by how much a round is more than the work.
    """

    name: str
    command: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    divided: int = 1


class Against(StrEnum):
    """How a goal holds two figures against each other."""

    TIMES = "times"
    """At most so many times the peer's."""
    MORE = "more"
    """At most so much more than the peer's, in thousandths."""
    ALONE = "alone"
    """At most so much, with no peer, in thousandths of a second or in megabytes."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a side of ours must reach. `per` divides the figure by the size, as for what one host costs."""

    side: str
    at_most: float
    peer: str = ""
    against: Against = Against.TIMES
    quantity: Quantity = Quantity.SECONDS
    per_size: bool = False
    divided: float = 1.0
    """By what the peer's figure is divided, as where two cores share the work."""
    called: str = ""
    """What the figure is called in a table, where the peer's name does not say it."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The sides of a work, with all that they need. `servers` gives the CPU seconds of the servers that they ask, so far."""

    sides: Sequence[Side]
    servers: Callable[[], float] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done, at several sizes. `prepared` makes what all sides need, and clears it away."""

    name: str
    title: str
    prepared: Callable[[int, Path], AbstractContextManager[Ready]]
    sizes: tuple[int, ...] = (1,)
    unit: str = ""
    goals: tuple[Goal, ...] = ()
    growth: bool = False
    """Whether it is about how cost grows with size, and is drawn."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a side cost: all rounds but the warm-up. `failed` is why there are none."""

    side: str
    samples: tuple[Sample, ...] = ()
    missing: str = ""
    failed: str = ""

    def middle(self, quantity: Quantity = Quantity.SECONDS) -> float:
        """The median."""
        return statistics.median(getattr(sample, quantity) for sample in self.samples)

    def spread(self, quantity: Quantity = Quantity.SECONDS) -> tuple[float, float]:
        """The least and the most."""
        values = [getattr(sample, quantity) for sample in self.samples]
        return min(values), max(values)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a goal was met. `figure` is None where the side or its peer has no figures."""

    goal: Goal
    figure: float | None

    @property
    def kept(self) -> bool | None:
        return None if self.figure is None else self.figure <= self.goal.at_most

    @property
    def tie(self) -> bool:
        """Whether it was missed by no more than the noise."""
        return self.figure is not None and self.goal.at_most < self.figure <= self.goal.at_most * (1 + TIE)


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of a work at one size."""

    work: str
    title: str
    size: int
    unit: str
    growth: bool
    figures: tuple[Figures, ...]
    verdicts: tuple[Verdict, ...] = ()

    def of(self, side: str) -> Figures | None:
        return next((each for each in self.figures if each.side == side and each.samples), None)


def judged(goal: Goal, size: int, figures: Sequence[Figures]) -> Verdict:
    """Hold a side against its peer."""
    measured = {each.side: each for each in figures if each.samples}
    ours = measured.get(goal.side)
    peer = measured.get(goal.peer)
    if ours is None or (goal.peer and peer is None):
        return Verdict(goal, None)
    by = size if goal.per_size else 1
    figure = ours.middle(goal.quantity) / by
    theirs = peer.middle(_of_peer(goal)) / by / goal.divided if peer else 0.0
    if goal.against is Against.TIMES:
        return Verdict(goal, figure / theirs if theirs else None)
    scale = 1 if goal.quantity in (Quantity.PEAK, Quantity.GROWN) else 1000
    return Verdict(goal, (figure - theirs) * scale)


def _of_peer(goal: Goal) -> Quantity:
    """A floor is what the servers need of the CPUs; against it stands what the clock says."""
    return Quantity.SERVERS if goal.called == FLOOR else goal.quantity


FLOOR = "sshd's own CPU floor"


def as_data(results: Sequence[Result], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, as plain JSON."""
    return {"machine": dict(machine), "results": [_result_data(result) for result in results]}


def _result_data(result: Result) -> dict[str, Any]:
    return {
        "work": result.work,
        "title": result.title,
        "size": result.size,
        "unit": result.unit,
        "growth": result.growth,
        "sides": [_figures_data(each) for each in result.figures],
        "goals": [
            {**asdict(verdict.goal), "figure": verdict.figure, "kept": verdict.kept, "tie": verdict.tie}
            for verdict in result.verdicts
        ],
    }


def _figures_data(figures: Figures) -> dict[str, Any]:
    told: dict[str, Any] = {"side": figures.side, "missing": figures.missing, "failed": figures.failed}
    if not figures.samples:
        return {**told, "rounds": 0}
    medians = {quantity.value: figures.middle(quantity) for quantity in Quantity}
    low, high = figures.spread()
    samples = [asdict(sample) for sample in figures.samples]
    return {**told, "rounds": len(samples), "median": medians, "least": low, "most": high, "samples": samples}


def from_data(data: Mapping[str, Any]) -> tuple[Result, ...]:
    """Read results back."""
    return tuple(
        Result(
            each["work"],
            each["title"],
            each["size"],
            each["unit"],
            each["growth"],
            tuple(
                Figures(
                    side["side"],
                    tuple(Sample(**sample) for sample in side.get("samples", ())),
                    side["missing"],
                    side["failed"],
                )
                for side in each["sides"]
            ),
            tuple(Verdict(_goal(goal), goal["figure"]) for goal in each["goals"]),
        )
        for each in data["results"]
    )


def _goal(data: Mapping[str, Any]) -> Goal:
    fields = {name: value for name, value in data.items() if name not in ("figure", "kept", "tie")}
    return Goal(**{**fields, "against": Against(data["against"]), "quantity": Quantity(data["quantity"])})
