"""Plain tables: columns as wide as what they hold; where that is too wide, cells are wrapped, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from holdpoint.views.inert import inert
from holdpoint.views.lines import Line, Segment, Tone, cells, wrap

_GAP = 2
_LEAST = 16
"""Cells that the last column wants, and that no other gives up first."""
_NARROWEST = 5


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Draw rows below their heads. Every row has as many cells as there are heads; the first, to be typed, gives way last."""
    shown = [[inert(cell).replace("\n", " ") for cell in row] for row in rows]
    sizes = _sizes([list(heads), *shown], width)
    drawn = _row(heads, sizes, Tone.BOLD)
    for row in shown:
        drawn += _row(row, sizes, Tone.PLAIN)
    return drawn


def narrow(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """The same with short cells, none of which is broken; only the first is, where the rest leaves it no room."""
    shown = [[inert(cell).replace("\n", " ") for cell in row] for row in rows]
    first, *rest = [max(cells(cell) for cell in column) for column in zip(heads, *shown, strict=True)]
    left = width - sum(rest) - _GAP * len(rest)
    if left < min(first, _NARROWEST):
        return table(heads, rows, width)
    sizes = [min(first, left), *rest]
    return [*_row(heads, sizes, Tone.BOLD), *(drawn for row in shown for drawn in _row(row, sizes, Tone.PLAIN))]


def _sizes(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The cells of each column: what it holds, as far as that fits; the last one takes what is left.

    A word is broken only where every column is as narrow as its longest word already.
    """
    columns = list(zip(*rows, strict=True))
    sizes = [max(cells(cell) for cell in column) for column in columns[:-1]]
    words = [max((cells(word) for cell in column for word in cell.split()), default=0) for column in columns]
    left = width - sum(sizes) - _GAP * len(sizes)
    many, one = range(1, len(sizes)), range(1)
    for wanted, least, those in (
        (_LEAST, _LEAST, many),
        (_LEAST, 0, many),
        (min(_LEAST, words[-1]), 0, many),
        (_LEAST, None, many),
        (_LEAST, None, one),
    ):
        floors = [_NARROWEST if least is None else max(least, _NARROWEST, word) for word in words]
        while left < wanted and (can := [column for column in those if sizes[column] > floors[column]]):
            sizes[max(can, key=lambda column: sizes[column])] -= 1
            left += 1
        if left >= wanted and wanted < _LEAST:
            break
    return [*sizes, max(_NARROWEST, left)]


def _row(row: Sequence[str], sizes: Sequence[int], tone: Tone) -> list[Line]:
    columns = [wrap(cell, size) for cell, size in zip(row, sizes, strict=True)]
    drawn: list[Line] = []
    for pieces in zip_longest(*columns, fillvalue=""):
        *before, last = pieces
        front = "".join(_padded(piece, size) for piece, size in zip(before, sizes, strict=False))
        drawn.append((Segment(front + last, tone),))
    return drawn


def _padded(text: str, size: int) -> str:
    return text + " " * (size - cells(text) + _GAP)
