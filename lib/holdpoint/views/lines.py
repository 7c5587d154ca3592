"""Lines made of toned segments, and how text is fitted into a width: the one form that every view of a run produces.

A tone says what a piece of text means; only `views.console` knows how that looks. Widths are in terminal cells.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdpoint.views.inert import inert


class Tone(StrEnum):
    """What a segment means. None of them is the only carrier of anything."""

    PLAIN = "plain"
    DIM = "dim"
    BOLD = "bold"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    PROD = "prod"
    FRAME = "frame"
    """Drawn by us around data; the only text that is turned to ASCII where the terminal cannot show more."""


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Segment, ...]
BLANK: Line = ()
LABEL = 11
"""Cells of the column in which labels stand."""
GUTTER = "│ "
GUTTER_ON = "┆ "
"""Marks the rest of a line that did not fit; nothing stands between the two in truth."""


def line(text: str, tone: Tone = Tone.PLAIN) -> Line:
    return (Segment(text, tone),)


def as_text(of: Line) -> str:
    return "".join(segment.text for segment in of)


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def chop(text: str, width: int, *, at_spaces: bool = False) -> list[str]:
    """Cut one line into pieces of at most `width` cells, behind a space where asked; joined, they are the line again."""
    width = max(2, width)
    pieces, start = [], 0
    while (end := _fitting(text, start, width)) < len(text):
        space = text.rfind(" ", start + (end - start) // 2, end) + 1 if at_spaces else 0
        pieces.append(text[start : space or end])
        start = space or end
    return [*pieces, text[start:]]


def _fitting(text: str, start: int, width: int) -> int:
    """Where the piece that begins at `start` ends; it has one character at least."""
    if text.isascii():
        return min(len(text), start + width)
    used = 0
    for index in range(start, len(text)):
        used += _cells(text[index])
        if used > width and index > start:
            return index
    return len(text)


def wrap(text: str, width: int) -> list[str]:
    """Break prose at spaces; what is longer than a line is cut. Newlines and indents of the text stay."""
    return [piece for one in inert(text).split("\n") for piece in _wrap_line(one, width)]


def _wrap_line(text: str, width: int) -> list[str]:
    if cells(text) <= width:
        return [text.rstrip()]
    indent = " " * min(len(text) - len(text.lstrip()), width // 2)
    return [indent + one for one in _fill(text, width - len(indent))]


def _fill(text: str, width: int) -> list[str]:
    lines: list[str] = []
    current = ""
    for word in text.split():
        *whole, last = chop(word, width)
        for piece in (*whole, last):
            if current and cells(current) + 1 + cells(piece) > width:
                lines.append(current)
                current = piece
            else:
                current = f"{current} {piece}" if current else piece
    return [*lines, current] if current or not lines else lines


def clip(text: str, width: int) -> str:
    """Cut a line to at most `width` cells, with a mark where something is missing."""
    text = inert(text).replace("\n", " ")
    return text if cells(text) <= width else chop(text, max(2, width - 3))[0] + "..."


def verbatim(text: str, width: int, *, indent: int = LABEL, tone: Tone = Tone.PLAIN) -> list[Line]:
    """Show a script or an output behind a gutter: whole, in its own lines, cut at the width where one is too long."""
    drawn: list[Line] = []
    margin = Segment(" " * indent)
    for one in inert(text.rstrip("\n")).split("\n"):
        for index, piece in enumerate(chop(one, width - indent - len(GUTTER), at_spaces=True)):
            gutter = Segment(GUTTER_ON if index else GUTTER, Tone.FRAME)
            drawn.append((margin, gutter, Segment(piece, tone)))
    return drawn


def labelled(label: str, text: str, width: int, tone: Tone = Tone.PLAIN, *, column: int = LABEL) -> list[Line]:
    """Prose beside a label, wrapped under itself."""
    head = f"{label:<{column - 1}} "
    wrapped = wrap(text, width - column)
    first, rest = wrapped[0], wrapped[1:]
    margin = Segment(" " * column)
    return [(Segment(head, Tone.DIM), Segment(first, tone)), *((margin, Segment(more, tone)) for more in rest)]


def listed(label: str, texts: Sequence[str], width: int, tones: Iterable[Tone] | None = None) -> list[Line]:
    """Several texts beside one label, each wrapped under itself."""
    drawn: list[Line] = []
    for index, (text, tone) in enumerate(zip(texts, tones or [Tone.PLAIN] * len(texts), strict=True)):
        drawn += labelled("" if index else label, text, width, tone)
    return drawn


def screens(lines: Sequence[Line], columns: int, height: int) -> list[list[Line]]:
    """Cut lines into what a screen shows at once above a prompt, by the rows that each takes. Without a height, all at once."""
    pages: list[list[Line]] = [[]]
    left = height - 1
    for one in lines:
        rows = max(1, -(-cells(as_text(one)) // columns))
        if height and rows > left and pages[-1]:
            pages.append([])
            left = height - 1
        pages[-1].append(one)
        left -= rows
    return pages


def rule(width: int, character: str = "─", text: str = "", tone: Tone = Tone.FRAME) -> Line:
    """A line across the screen, with a text near its start."""
    if not text:
        return (Segment(character * width, tone),)
    shown = clip(text, max(10, width - 8))
    filling = max(0, width - 4 - cells(shown))
    return (Segment(f"{character * 2} ", tone), Segment(shown, Tone.BOLD), Segment(f" {character * filling}", tone))


def assigned(name: str, value: object) -> str:
    """A value beside its name, as runbooks write it; an empty one is said to be."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{name} = {text}" if text else f"{name} is empty"
