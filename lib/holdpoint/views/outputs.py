"""What a step printed, below its line: the end of it, and where the rest is. Pure."""

from __future__ import annotations

from holdpoint.engine.events import StepEnded
from holdpoint.engine.outcomes import TAIL_LIMIT
from holdpoint.views.inert import output_lines
from holdpoint.views.lines import GUTTER, GUTTER_ON, Line, Segment, Tone, chop, wrap
from holdpoint.views.times import size

INDENT = 20
"""Cells before the text of a timeline: the time and the mark."""
_FEW, _MORE = 5, 12
"""Lines of an output; more where it went wrong."""


def output_of(event: StepEnded, width: int, *, bad: bool) -> list[Line]:
    """The end of what a step printed; more of it where it ended badly, and where all of it is."""
    drawn = _stream(event.stdout, event.stdout_size, event.stdout_file, width, bad=bad)
    drawn += _stream(event.stderr, event.stderr_size, event.stderr_file, width, bad=bad)
    kept = [name for name in (event.stdout_file, event.stderr_file) if name]
    named = max(event.stdout_size, event.stderr_size) > TAIL_LIMIT
    if drawn and bad and kept and not named:
        total = size(event.stdout_size + event.stderr_size)
        drawn += [(Segment(" " * INDENT), Segment(f"all of it ({total}): {', '.join(kept)}", Tone.DIM))]
    return drawn


def _stream(text: str, total: int, file: str, width: int, *, bad: bool) -> list[Line]:
    """The end of one stream. Lines are counted only where all of it is at hand, and not its last `TAIL_LIMIT` bytes."""
    lines, count = output_lines(text), _MORE if bad else _FEW
    if total <= TAIL_LIMIT:
        return tail(lines, width, count, f"{len(lines) - count} more lines before")
    kept = f", kept in the run's folder as {file}" if file else ""
    head = wrap(f"... {size(total)} in all{kept}; its end:", width - INDENT)
    drawn: list[Line] = [(Segment(" " * INDENT), Segment(piece, Tone.DIM)) for piece in head if lines]
    return [*drawn, *tail(lines[-count:], width, count, "")]


def tail(lines: list[str], width: int, count: int, before: str) -> list[Line]:
    """The last lines of an output, each cut into the width, behind a gutter; `before` says what is missing."""
    drawn: list[Line] = []
    margin = Segment(" " * INDENT)
    if len(lines) > count:
        drawn.append((margin, Segment(f"... {before}", Tone.DIM)))
    for one in lines[-count:]:
        for index, piece in enumerate(chop(one, width - INDENT - len(GUTTER))[:4]):
            gutter = Segment(GUTTER_ON if index else GUTTER, Tone.FRAME)
            drawn.append((margin, gutter, Segment(piece, Tone.DIM)))
    return drawn
