"""Screens as they were read and agreed to. `REDRAW_SCREENS=1` writes them anew; read the difference then."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from holdpoint.views.console import paint
from holdpoint.views.lines import Line, cells

FOLDER = Path(__file__).parent / "screens"


def drawn(lines: Iterable[Line]) -> str:
    return "".join(paint(line, colour=False) + "\n" for line in lines)


def same(name: str, text: str, folder: Path = FOLDER) -> None:
    """Compare with the screen that was agreed to."""
    file = folder / f"{name}.txt"
    if os.environ.get("REDRAW_SCREENS"):
        folder.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text(), name


def fits(text: str, width: int) -> None:
    for line in text.splitlines():
        assert cells(line) <= width, line
