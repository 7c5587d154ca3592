"""What was measured, for people: tables of 80 columns, and the words for a goal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.model import Against, Figures, Quantity, Result, Verdict

WIDTH = 80


_UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6))


def seconds(value: float) -> str:
    """A time, with three digits that count."""
    unit, scale = _unit(value)
    return f"{_digits(value * scale)} {unit}"


def span(low: float, high: float) -> str:
    """Two times, in one unit."""
    unit, scale = _unit(high)
    return f"{_digits(low * scale)}-{_digits(high * scale)} {unit}"


def _unit(value: float) -> tuple[str, float]:
    return next(((unit, scale) for unit, scale in _UNITS if value * scale >= 1), _UNITS[-1])


def _digits(value: float) -> str:
    if value >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits


def goal(verdict: Verdict) -> str:
    """What was to be reached, and what was, in words: `ours: 0.82 x paramiko (at most 1.2 x)`."""
    asked, got = verdict.goal, verdict.figure
    if asked.against is Against.TIMES:
        found = "not measured:" if got is None else f"{got:.2f} x"
        return f"{asked.side}: {found} {asked.called or asked.peer} (at most {asked.at_most:g} x)"
    unit = "MB" if asked.quantity in (Quantity.PEAK, Quantity.GROWN) else "ms"
    found = "not measured" if got is None else f"{got:,.1f} {unit}"
    if asked.against is Against.MORE:
        return f"{asked.side}: {found} more than {asked.peer} (at most {asked.at_most:g} {unit})"
    return f"{asked.side}: {asked.called} {found} (at most {asked.at_most:g} {unit})"


def word(verdict: Verdict) -> str:
    """Whether a goal was kept."""
    if verdict.kept is None:
        return "not measured"
    if verdict.kept:
        return "kept"
    return "missed (a tie)" if verdict.tie else "missed"


def show(result: Result, console: Console) -> None:
    """Draw one result: a line for each side, its goals, and who is missing."""
    size = f": {result.size:,} {result.unit}" if result.unit else ""
    console.print(Text(f"\n{result.title}{size}", style="bold"))
    console.print(_table(result))
    for line in remarks(result):
        console.print(Text(line), soft_wrap=False)


def _table(result: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", max_width=22, overflow="fold")
    for head in ("median", "least-most", "ratio", "CPU", "memory"):
        table.add_column(head, justify="right", no_wrap=True)
    servers = any(sample.servers for each in result.figures for sample in each.samples)
    if servers:
        table.add_column("servers", justify="right", no_wrap=True)
    measured = [each for each in result.figures if each.samples]
    for each in measured:
        row = _row(each, measured[0])
        table.add_row(each.side, *(row if servers else row[:-1]))
    return table


def _row(figures: Figures, first: Figures) -> tuple[str, ...]:
    low, high = figures.spread()
    middle = figures.middle()
    times = f"{first.middle() / middle:.2f}" if middle else ""
    return (
        seconds(middle),
        span(low, high),
        times if figures is not first else "",
        seconds(figures.middle(Quantity.CPU)),
        f"{figures.middle(Quantity.PEAK):,.0f} MB",
        seconds(figures.middle(Quantity.SERVERS)),
    )


def remarks(result: Result) -> Iterator[str]:
    """The goals, and what could not be measured."""
    for verdict in result.verdicts:
        yield f"{word(verdict):<14} {goal(verdict)}"
    for each in result.figures:
        if each.missing:
            yield f"{'missing':<14} {each.side}: {each.missing}"
        elif each.failed:
            yield f"{'failed':<14} {each.side}: {each.failed}"
        elif len(each.samples) < max(len(other.samples) for other in result.figures):
            yield f"{'slow':<14} {each.side}: measured in {len(each.samples)} rounds"
