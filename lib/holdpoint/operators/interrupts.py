"""Ctrl-C and requests to end, turned from signals into something that can be waited for and asked about.

A signal never raises in the middle of a step. What it means is for whoever takes it to say.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Self

PATIENCE = 3
"""So many Ctrl-C that nobody took are a `KeyboardInterrupt`: something hangs where no one asks."""


class Signalled(StrEnum):
    """Ctrl-C, or that this process has to go: its terminal is gone, or it was told to end."""

    INTERRUPT = "interrupt"
    TERMINATE = "terminate"


class Interrupts:
    """Installed while a run goes on, as a context manager; outside of it, and off the main thread, it does nothing.

    `fileno` is readable while something is there to be taken.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._terminate = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()
        self.close()

    def close(self) -> None:
        for descriptor in (self._reader, self._writer):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def fileno(self) -> int:
        return self._reader

    def take(self) -> Signalled | None:
        """Give the oldest thing that arrived and was not taken; a request to end stays for all who ask."""
        if self._terminate:
            return Signalled.TERMINATE
        if not self._waiting:
            return None
        self._waiting -= 1
        with contextlib.suppress(OSError):
            os.read(self._reader, 1)
        return Signalled.INTERRUPT

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._arrived(signal.SIGINT, None)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGINT:
            self._waiting += 1
        else:
            self._terminate = True
        with contextlib.suppress(OSError):
            os.write(self._writer, b"!")
        if self._waiting >= PATIENCE:
            while self.take() is Signalled.INTERRUPT:
                pass
            raise KeyboardInterrupt
