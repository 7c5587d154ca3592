"""Plots of how cost grows, drawn by Matplotlib in the environment that `inv bench.setup` makes for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.making import SIDES
from benchmarks.model import Result

LIMIT = 120


def series(results: Sequence[Result]) -> dict[str, dict[str, object]]:
    """What is to be drawn: for each work, its sides with points of size, median, least and most seconds."""
    drawn: dict[str, dict[str, object]] = {}
    for work in dict.fromkeys(result.work for result in results if result.growth):
        those = [result for result in results if result.growth and result.work == work]
        lines: dict[str, list[tuple[float, ...]]] = {}
        for result in those:
            for each in result.figures:
                if each.samples:
                    lines.setdefault(each.side, []).append((result.size, each.middle(), *each.spread()))
        drawn[work] = {"title": those[0].title, "unit": those[0].unit, "lines": lines}
    return drawn


def draw(results: Sequence[Result], folder: Path) -> Iterator[str]:
    """Write a PNG and an SVG for each work that grows; gives what to tell of it."""
    drawn = series(results)
    if not drawn:
        return
    lacks = peers.lacks("plot")
    if lacks:
        yield f"no plot: {lacks}"
        return
    line = [str(peers.python("plot")), str(SIDES / "plot.py"), str(folder)]
    try:
        subprocess.run(line, input=json.dumps(drawn), text=True, capture_output=True, timeout=LIMIT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        yield f"no plot: {getattr(error, 'stderr', None) or error}"
        return
    for work in drawn:
        yield f"{work}: {folder / work}.png and .svg"
