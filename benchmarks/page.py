"""Writes what was measured into `docs/performance.md`, so that nobody types it: `python -m benchmarks.page FILE...`.

The files are those that `inv bench` keeps, or what `inv bench --json` prints. Of two results for the same work and size
the later file's counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import told
from benchmarks.drawing import draw
from benchmarks.making import ROOT
from benchmarks.model import Figures, Quantity, Result, Verdict, from_data

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main(files: Sequence[str]) -> int:
    """Write the page, and draw its plots beside it."""
    if not files:
        sys.stderr.write("usage: python -m benchmarks.page RESULTS.json...\n")
        return 2
    documents = [json.loads(Path(file).read_text()) for file in files]
    results = merged(documents)
    PAGE.write_text(written(PAGE.read_text(), page(results, documents[-1]["machine"])))
    if any(result.growth for result in results):
        PLOTS.mkdir(exist_ok=True)
        for line in draw(results, PLOTS):
            sys.stderr.write(f"{line}\n")
    return 0


def merged(documents: Sequence[Mapping[str, Any]]) -> tuple[Result, ...]:
    """Put results together, in the order in which they were measured."""
    found: dict[tuple[str, int], Result] = {}
    for document in documents:
        found.update({(result.work, result.size): result for result in from_data(document)})
    return tuple(found.values())


def written(text: str, part: str) -> str:
    """Put a part between the marks of a page."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no `{BEGIN}` and `{END}`")
    return f"{before}{BEGIN}\n{part}\n{END}{after}"


def page(results: Sequence[Result], machine: Mapping[str, Any]) -> str:
    """What was measured, as Markdown: the goals, the figures, and the plots."""
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    lines = [
        f"Measured on {machine['date']}: {where}; medians of {machine['rounds']} rounds.",
        "",
        "| work | goal | reached | |",
        "| --- | --- | --- | --- |",
        *(_goal_row(result, verdict) for result in results for verdict in result.verdicts),
        "",
        "| work | median, least to most | CPU |",
        "| --- | --- | --- |",
        *(row for result in results if not result.growth for row in _figure_rows(result)),
    ]
    for work in dict.fromkeys(result.work for result in results if result.growth):
        lines += ["", f"![{_title(results, work)}](performance/{work}.svg)"]
    return "\n".join(lines)


def _title(results: Sequence[Result], work: str) -> str:
    return next(result.title for result in results if result.work == work)


def _named(result: Result) -> str:
    return f"{result.title}: {result.size:,} {result.unit}" if result.unit else result.title


def _goal_row(result: Result, verdict: Verdict) -> str:
    told_ = told.goal(verdict)
    said, _, asked = told_.rpartition(" (")
    word = told.word(verdict)
    return f"| {_named(result)} | {asked.removesuffix(')')} | {said} | {f'**{word}**' if verdict.kept is False else word} |"


def _figure_rows(result: Result) -> Iterator[str]:
    yield f"| **{_named(result)}** | | |"
    for each in result.figures:
        yield f"| {each.side} | {_figures(each)} |"


def _figures(figures: Figures) -> str:
    if not figures.samples:
        return f"{figures.missing or figures.failed} |"

    return f"{told.seconds(figures.middle())}, {told.span(*figures.spread())} | {told.seconds(figures.middle(Quantity.CPU))}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
