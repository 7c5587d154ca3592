"""Plain tables: columns as wide as what they hold, the last one wrapped into what is left."""

from __future__ import annotations

from collections.abc import Sequence

from holdpoint.views.inert import inert
from holdpoint.views.lines import Line, Segment, Tone, cells, clip, wrap

_GAP = 2
_LEAST = 16


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
    """Draw rows below their heads. Every row has as many cells as there are heads."""
    shown = [[inert(cell).replace("\n", " ") for cell in row] for row in rows]
    sizes = [max(cells(row[column]) for row in [list(heads), *shown]) for column in range(len(heads) - 1)]
    left = width - sum(sizes) - _GAP * len(sizes)
    while left < _LEAST and max(sizes, default=0) > _LEAST:
        widest = sizes.index(max(sizes))
        sizes[widest] -= 1
        left += 1
    head = [_padded(name, size) for name, size in zip(heads, sizes, strict=False)]
    drawn: list[Line] = [(Segment("".join([*head, heads[-1]]), Tone.BOLD),)]
    for row in shown:
        first, *rest = wrap(row[-1], max(_LEAST, left))
        before = "".join(_padded(cell, size) for cell, size in zip(row, sizes, strict=False))
        drawn.append((Segment(before), Segment(first)))
        drawn += [(Segment(" " * cells(before)), Segment(more)) for more in rest]
    return drawn


def _padded(text: str, size: int) -> str:
    shown = clip(text, size)
    return shown + " " * (size - cells(shown) + _GAP)
