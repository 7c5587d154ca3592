"""Measuring a work: all of its sides, round by round, each in turn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.model import Figures, Ready, Result, Sample, Side, Work, judged
from benchmarks.processes import Process, SideError

ROUNDS = 5
SLOW = 20.0
"""Seconds of a warm-up after which a side is measured in few rounds only; there the spread says little either way."""
FEW = 2
Told = Callable[[str], None]


def measured(works: Iterable[Work], rounds: int, tell: Told, largest: int | None = None) -> Iterator[Result]:
    """Measure works, one after the other, at each of their sizes; with `largest`, at none beyond that."""
    for work in works:
        for size in sizes(work, largest):
            tell(f"measuring {work.name}: {size:,} {work.unit}" if work.unit else f"measuring {work.name}")
            yield _measured(work, size, rounds, tell)


def sizes(work: Work, largest: int | None) -> tuple[int, ...]:
    """Which sizes are measured; `largest` itself where the work has none that is as small."""
    if largest is None:
        return work.sizes
    return tuple(size for size in work.sizes if size <= largest) or (largest,)


def _measured(work: Work, size: int, rounds: int, tell: Told) -> Result:
    with tempfile.TemporaryDirectory(prefix="holdpoint-bench-") as name:
        folder = Path(name)
        try:
            with work.prepared(size, folder) as ready:
                figures = in_turns(ready, folder, rounds, tell)
        except OSError as error:
            tell(f"  it could not be prepared: {error}")
            figures = (Figures("ours", failed=f"it could not be prepared: {error}"),)
    verdicts = tuple(judged(goal, size, figures) for goal in work.goals)
    return Result(work.name, work.title, size, work.unit, work.growth, figures, verdicts)


def in_turns(ready: Ready, folder: Path, rounds: int, tell: Told) -> tuple[Figures, ...]:
    """Have each side do its work once in every round, after a warm-up that does not count.

    One that fails is named with its reason, and the others go on.
    """
    turns = [_Turn(side, folder) for side in ready.sides if not side.missing]
    try:
        for number in range(rounds + 1):
            for turn in turns:
                turn.take(number, rounds, ready.servers, tell)
    finally:
        for turn in turns:
            turn.close()
    found = {turn.side.name: turn.figures() for turn in turns}
    return tuple(found.get(side.name) or Figures(side.name, missing=side.missing) for side in ready.sides)


class _Turn:
    """A side, its process, and what it cost so far."""

    def __init__(self, side: Side, folder: Path) -> None:
        self.side = side
        self._samples: list[Sample] = []
        self._failed = ""
        self._rounds = 0
        self._process: Process | None = None
        try:
            self._process = Process(side, folder)
        except SideError as error:
            self._failed = str(error)

    def take(self, number: int, rounds: int, servers: Callable[[], float] | None, tell: Told) -> None:
        """Do a round; the first, number 0, is the warm-up, and says how many are to follow."""
        if self._process is None or self._failed or (number and number > self._rounds):
            return
        try:
            sample = self._process.round(servers)
        except SideError as error:
            self._failed, self._samples = str(error), []
            tell(f"  {self.side.name} failed: {error}")
            return
        if number:
            self._samples.append(sample)
            return
        self._rounds = min(rounds, FEW) if sample.seconds * self.side.divided > SLOW else rounds

    def figures(self) -> Figures:
        return Figures(self.side.name, tuple(self._samples), failed=self._failed)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
