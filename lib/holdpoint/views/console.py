"""The screen: how toned lines reach a terminal, a pipe or a file.

Owns colour, width, the line that is rewritten in place, and the last word on what is harmless. Never raises for a
terminal that is gone: a run goes on without its screen.
"""

from __future__ import annotations

import io
import json
import os
import select
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

from holdpoint.views.inert import inert
from holdpoint.views.lines import Line, Segment, Tone, chop

NARROWEST, WIDEST, USUAL = 40, 120, 80
_RESET = "\x1b[0m"
_CODES = {
    Tone.PLAIN: "",
    Tone.DIM: "\x1b[2m",
    Tone.BOLD: "\x1b[1m",
    Tone.GOOD: "\x1b[32m",
    Tone.BAD: "\x1b[1;31m",
    Tone.WARN: "\x1b[33m",
    Tone.PROD: "\x1b[1;37;41m",
    Tone.FRAME: "\x1b[2m",
}
_ASCII = str.maketrans({"─": "-", "═": "=", "│": "|", "┆": ":"})
_OFF = ("", "0", "false", "no")


def colour_of(out: TextIO, *, plain: bool, environ: Mapping[str, str]) -> bool:
    """Whether to colour: never with `--plain` or `NO_COLOR`; else on a terminal, or where `FORCE_COLOR` asks for it."""
    if plain or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    forced = environ.get("FORCE_COLOR")
    if forced is not None:
        return forced.lower() not in _OFF
    return _is_terminal(out)


def paint(line: Line, *, colour: bool, unicode: bool = True) -> str:
    """Render one line. Whatever the segments hold, only our own colours and printable characters come out."""
    return "".join(_paint(segment, colour=colour, unicode=unicode) for segment in line).rstrip(" ")


def _paint(segment: Segment, *, colour: bool, unicode: bool) -> str:
    text = inert(segment.text).replace("\n", "\\n")
    if segment.tone is Tone.FRAME and not unicode:
        text = text.translate(_ASCII)
    code = _CODES[segment.tone]
    return f"{code}{text}{_RESET}" if colour and code and text else text


class Screen:
    """Writes lines. `live` says whether a line can be rewritten in place."""

    def __init__(self, out: TextIO, *, plain: bool = False, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._out = out
        self._environ = environ
        self._gone = False
        self._progress = False
        self.colour = colour_of(out, plain=plain, environ=environ)
        self.live = not plain and environ.get("TERM") != "dumb" and _is_terminal(out)
        self.unicode = (getattr(out, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")

    @property
    def width(self) -> int:
        """Columns to draw in, asked anew each time: a window can change while a run waits."""
        return max(NARROWEST, min(WIDEST, _size(self._out, self._environ)[0]))

    @property
    def height(self) -> int:
        """Lines of the window; 0 where there is none to scroll, as in a file."""
        return _size(self._out, self._environ)[1] if _is_terminal(self._out) else 0

    def lines(self, lines: Iterable[Line], *, prompt: str = "") -> None:
        """Write lines, and a prompt without a newline, in one go."""
        painted = [paint(line, colour=self.colour, unicode=self.unicode) + "\n" for line in lines]
        self._write(self._cleared() + "".join(painted) + inert(prompt))

    def text(self, text: str) -> None:
        """Write inert text as it is, without wrapping, so that it can be copied."""
        self._write(self._cleared() + inert(text.rstrip("\n")) + "\n")

    def newline(self) -> None:
        self._write("\n")

    def progress(self, text: str) -> None:
        """Show a line that the next one takes the place of; nothing where that cannot be done."""
        if self.live:
            shown = chop(inert(text), self.width - 1)[0]
            dimmed = paint((Segment(shown, Tone.DIM),), colour=self.colour, unicode=self.unicode)
            self._write(f"\r\x1b[K{dimmed}")
            self._progress = True

    def clear(self) -> None:
        """Take the progress line away."""
        if self._progress:
            self._write(self._cleared())

    def _cleared(self) -> str:
        was, self._progress = self._progress, False
        return "\r\x1b[K" if was else ""

    def _write(self, text: str) -> None:
        if self._gone:
            return
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        try:
            self._out.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._out.flush()
        except (OSError, ValueError):
            self._gone = True


def print_json(data: object) -> None:
    """Write one JSON document alone on a line of standard output."""
    sys.stdout.write(json.dumps(data) + "\n")


def columns(out: TextIO, environ: Mapping[str, str]) -> int:
    """Columns of a terminal that text is to be broken at; 0 for a pipe or a file, whose lines stay whole."""
    return max(NARROWEST, min(WIDEST, _size(out, environ)[0])) if _is_terminal(out) else 0


def is_unread(out: TextIO) -> bool:
    """Whether `out` is a pipe that nobody reads any more; known before anything is written to it."""
    try:
        poll = select.poll()
        poll.register(out.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError, io.UnsupportedOperation):
        return False


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty()
    except (OSError, ValueError):
        return False


def _size(out: TextIO, environ: Mapping[str, str]) -> tuple[int, int]:
    """Columns and lines; 0 lines where that is not known."""
    try:
        columns, lines = os.get_terminal_size(out.fileno())
    except (OSError, ValueError, io.UnsupportedOperation):
        columns, lines = 0, 0
    given = environ.get("COLUMNS", "")
    return int(given) if given.isdigit() and int(given) > 0 else columns or USUAL, lines
