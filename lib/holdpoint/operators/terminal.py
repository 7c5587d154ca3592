"""A person's terminal: one line at a time, with an end to the waiting, and nothing typed before it was asked for.

Owns the descriptor that is read. Knows nothing of questions.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from holdpoint.engine.asked import Silence
from holdpoint.operators.interrupts import Interrupts
from holdpoint.views.inert import typed

LONGEST_PAUSE = 30.0
"""Seconds after which the wall clock is looked at again, since it can jump while a machine sleeps."""


@dataclass(slots=True)
class Terminal:
    """Reads lines. `present` is false where nobody can type: no input, or one that is no terminal."""

    stdin: TextIO | None
    interrupts: Interrupts
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _pending: bytes = field(default=b"", init=False)
    _closed: bool = field(default=False, init=False)

    @property
    def present(self) -> bool:
        try:
            return self.stdin is not None and self.stdin.isatty()
        except (OSError, ValueError):
            return False

    def forget(self) -> None:
        """Throw away what was typed so far, so that it cannot answer what was not yet seen."""
        self._pending = b""
        with contextlib.suppress(termios.error, OSError, ValueError):
            termios.tcflush(self._descriptor(), termios.TCIFLUSH)

    def line(self, until: datetime | None = None, *, echo: bool = True) -> str | Silence:
        """Wait for a line, without its control characters; `until` is a moment of the wall clock.

        `CLOSED` at the end of the input, `ELAPSED` when the time is up, `INTERRUPTED` at Ctrl-C or a request to end,
        `NO_TERMINAL` at once where nobody can type.
        """
        if not self.present:
            return Silence.NO_TERMINAL
        with self._typing(echo=echo):
            while b"\n" not in self._pending:
                silence = self._wait(until)
                if silence is not None:
                    return silence
            return self._taken()

    def line_if_typed(self) -> str | Silence | None:
        """Give a line that was typed already; None where there is none yet. Never waits."""
        if not self.present or self._closed:
            return Silence.CLOSED
        if b"\n" not in self._pending and select.select([self._descriptor()], [], [], 0)[0] and not self._read():
            self._closed = True
            return Silence.CLOSED
        return self._taken() if b"\n" in self._pending else None

    def _wait(self, until: datetime | None) -> Silence | None:
        """Wait for more input; None where there may be a line now."""
        if self.interrupts.take():
            return Silence.INTERRUPTED
        left = LONGEST_PAUSE if until is None else min(LONGEST_PAUSE, (until - self.now()).total_seconds())
        if left <= 0:
            return Silence.ELAPSED
        typing, interrupted = self._descriptor(), self.interrupts.fileno()
        ready = select.select([typing, interrupted], [], [], left)[0]
        if typing in ready and interrupted not in ready and not self._read():
            return Silence.CLOSED
        return None

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor(), 4096)
        except OSError:
            return False
        self._pending += data
        return bool(data)

    def _taken(self) -> str:
        first, _, self._pending = self._pending.partition(b"\n")
        return typed(first.decode(errors="replace"))

    def _descriptor(self) -> int:
        assert self.stdin is not None  # noqa: S101 - only read where somebody is present
        return self.stdin.fileno()

    @contextlib.contextmanager
    def _typing(self, *, echo: bool) -> Iterator[None]:
        """Let the terminal edit lines, whatever an earlier program left it in; `echo` hides what is typed."""
        try:
            before = termios.tcgetattr(self._descriptor())
        except (termios.error, OSError):
            yield
            return
        wanted = [*before[:6], list(before[6])]
        wanted[0] |= termios.ICRNL
        wanted[3] |= termios.ICANON | termios.ISIG | termios.ECHO | termios.ECHONL
        if echo:
            wanted[3] = (wanted[3] & ~termios.ECHONL) | (before[3] & termios.ECHONL)
        else:
            wanted[3] &= ~termios.ECHO
        changed = wanted != before
        if changed:
            termios.tcsetattr(self._descriptor(), termios.TCSANOW, wanted)
        try:
            yield
        finally:
            if changed:
                with contextlib.suppress(termios.error, OSError):
                    termios.tcsetattr(self._descriptor(), termios.TCSANOW, before)
