"""A small helper command of the person's own machine, held to a time and a size. Not for steps of a runbook.

It runs in a session of its own, so that it can be ended with everything that it started.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import IO

_TICK = 0.05
_DRAIN = 0.5
"""Seconds that output is still waited for after the command itself has ended."""
_GRACE = 1.0
"""Seconds between TERM and KILL."""
_BLOCK = 65536


class Cut(StrEnum):
    """Why a command was ended before it ended by itself."""

    NO = ""
    TIME = "time"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended. `code` is negative for a signal; `stderr` is decoded with replacement, without control characters."""

    code: int
    stdout: bytes
    stderr: str
    cut: Cut

    @property
    def failure(self) -> str:
        """Say how it failed, as the end of a sentence about the command; empty where it did not."""
        if self.cut is Cut.TIME:
            return "did not end in time and was ended"
        if self.cut is Cut.SIZE:
            return "gave too much output and was ended"
        if self.code < 0:
            return f"was ended by signal {-self.code}"
        return f"failed with exit code {self.code}" if self.code else ""


def run_bounded(
    argv: Sequence[str], *, environ: Mapping[str, str], seconds: float, limit: int, given: bytes = b""
) -> Ended:
    """Execute without a shell, with `given` as its whole input, and end what is left of its group afterwards.

    `limit` is the most bytes of standard output that are taken; more end the command. Raises `OSError` where it cannot
    be started, `ValueError` for a NUL in an argument or in the environment.
    """
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,
    )
    streams = _Streams(process, given, limit)
    try:
        cut = streams.carry(time.monotonic() + seconds)
    finally:
        _end_group(process)
        streams.close()
    return Ended(process.returncode, bytes(streams.stdout), _plain(streams.stderr), cut)


class _Streams:
    """The three pipes of a process, carried without ever blocking on one of them."""

    def __init__(self, process: subprocess.Popen[bytes], given: bytes, limit: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._process = process
        self._given = memoryview(given)
        self._limit = limit
        self._selector = selectors.DefaultSelector()
        if process.stdin is not None:
            self._register(process.stdin, selectors.EVENT_WRITE, self._give)
        if process.stdout is not None:
            self._register(process.stdout, selectors.EVENT_READ, partial(self._take, self.stdout, limit + 1))
        if process.stderr is not None:
            self._register(process.stderr, selectors.EVENT_READ, partial(self._take, self.stderr, limit))

    def carry(self, deadline: float) -> Cut:
        """Carry until the process has ended and said all, or has to be ended."""
        while True:
            now = time.monotonic()
            if now >= deadline:
                return Cut.TIME
            if len(self.stdout) > self._limit:
                return Cut.SIZE
            if _has_ended(self._process):
                if not self._reads_left():
                    return Cut.NO
                deadline = min(deadline, now + _DRAIN)
                if now + _TICK >= deadline:
                    return Cut.NO
            elif not self._selector.get_map():
                time.sleep(_TICK / 10)
                continue
            for key, _ in self._selector.select(_TICK):
                key.data(key.fileobj)

    def close(self) -> None:
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _reads_left(self) -> bool:
        return any(key.events & selectors.EVENT_READ for key in self._selector.get_map().values())

    def _register(self, stream: IO[bytes], event: int, carry: Callable[[IO[bytes]], None]) -> None:
        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream, event, carry)

    def _give(self, stream: IO[bytes]) -> None:
        try:
            self._given = self._given[os.write(stream.fileno(), self._given[:_BLOCK]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not read its input: its own affair
            self._given = self._given[:0]
        if not self._given:
            self._done(stream)

    def _take(self, into: bytearray, most: int, stream: IO[bytes]) -> None:
        try:
            part = os.read(stream.fileno(), _BLOCK)
        except BlockingIOError:
            return
        into += part[: max(0, most - len(into))]
        if not part:
            self._done(stream)

    def _done(self, stream: IO[bytes]) -> None:
        self._selector.unregister(stream)
        with suppress(OSError):
            stream.close()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without reaping: while the leader is not reaped, nobody else can have the number of its group."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: TERM, and KILL for what is left when the leader is gone or takes too long."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    end = time.monotonic() + _GRACE
    while not _has_ended(process) and time.monotonic() < end:
        time.sleep(_TICK / 10)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _plain(output: bytearray) -> str:
    text = output.decode(errors="replace")
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text).strip()
