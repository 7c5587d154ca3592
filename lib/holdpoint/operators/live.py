"""A whole screen that is drawn again and again, and given back as it was; keys are read one by one.

Lines that did not change are not written again, which spares a slow connection. What the lines say is the caller's.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from holdpoint.operators.interrupts import Interrupts
from holdpoint.views.console import Screen, paint
from holdpoint.views.lines import Line

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""The other screen, no cursor, and lines that are too long are cut and not broken."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


@dataclass(slots=True)
class Live:
    """The screen while it is ours; made by `live`."""

    out: TextIO
    stdin: TextIO
    screen: Screen
    interrupts: Interrupts
    gone: bool = False
    """Nobody is at the other end any more."""
    _shown: list[str] = field(default_factory=list)
    _size: tuple[int, int] = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the window as it is now."""
        try:
            columns, lines = os.get_terminal_size(self.out.fileno())
        except (OSError, ValueError):
            return (0, 0)
        return columns, lines

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines in place of all others; what does not fit below is left out."""
        size = self.size
        if size != self._size:
            self._size, self._shown = size, []
            self._write("\x1b[2J")
        painted = [paint(one, colour=self.screen.colour, unicode=self.screen.unicode) for one in lines]
        if size[1]:
            painted = painted[: size[1]]
        changed = [
            f"\x1b[{number};1H\x1b[2K{text}"
            for number, text in enumerate(painted, 1)
            if self._shown[number - 1 : number] != [text]
        ]
        below = f"\x1b[{len(painted) + 1};1H\x1b[J" if len(painted) < len(self._shown) else ""
        self._shown = painted
        self._write("".join(changed) + below)

    def key(self, seconds: float) -> str:
        """Wait for a key, so long at most; empty where none came. A signal to leave, or an end of input, is `q`."""
        if self.gone or self.interrupts.take() is not None:
            return "q"
        typing, interrupted = self.stdin.fileno(), self.interrupts.fileno()
        ready = select.select([typing, interrupted], [], [], seconds)[0]
        if interrupted in ready and self.interrupts.take() is not None:
            return "q"
        if typing not in ready:
            return ""
        with contextlib.suppress(OSError):
            return os.read(typing, 64).decode(errors="replace") or "q"
        return "q"

    def _write(self, text: str) -> None:
        encoding = getattr(self.out, "encoding", None) or "utf-8"
        try:
            self.out.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self.out.flush()
        except (OSError, ValueError):
            self.gone = True


@contextmanager
def live(out: TextIO, stdin: TextIO, screen: Screen) -> Iterator[Live]:
    """Take the screen, and give it back whatever happens."""
    with Interrupts() as interrupts, _keys(stdin):
        ours = Live(out, stdin, screen, interrupts)
        ours._write(_ENTER)  # noqa: SLF001 - the two belong together
        try:
            yield ours
        finally:
            ours._write(_LEAVE)  # noqa: SLF001 - as above


@contextmanager
def _keys(stdin: TextIO) -> Iterator[None]:
    """Have keys come at once and unseen. Ctrl-Z, which would leave the screen as it is, does nothing."""
    try:
        before = termios.tcgetattr(stdin.fileno())
    except (termios.error, OSError, ValueError):
        yield
        return
    wanted: list[Any] = [*before[:6], list(before[6])]
    wanted[3] &= ~(termios.ICANON | termios.ECHO)
    wanted[6][termios.VMIN], wanted[6][termios.VTIME], wanted[6][termios.VSUSP] = 1, 0, b"\0"
    termios.tcsetattr(stdin.fileno(), termios.TCSADRAIN, wanted)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError, ValueError):
            termios.tcsetattr(stdin.fileno(), termios.TCSAFLUSH, before)
