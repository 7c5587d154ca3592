"""A side's process, as the harness sees it: started, told to do a round, ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from benchmarks.model import Sample, Side

LIMIT = 600.0
"""Seconds after which a round counts as one that hangs."""
SETTLES = 0.3
"""Seconds in which what ends on the servers after a round is still counted as theirs."""
BLOCK = 65536


class SideError(Exception):
    """A side could not do its work; says why."""


class Process:
    """One side at work. Raises `SideError` for whatever goes wrong; it is of no more use then."""

    def __init__(self, side: Side, folder: Path, limit: float = LIMIT) -> None:
        self._side = side
        self._limit = limit
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._rest = b""
        try:
            self._process = subprocess.Popen(
                side.command,
                cwd=folder,
                env={**os.environ, **side.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise SideError(f"`{side.command[0]}` cannot be started: {error.strerror}") from error
        self._line()

    def round(self, servers: Callable[[], float] | None = None) -> Sample:
        """Have the work done once. `servers` gives the CPU seconds of the servers so far."""
        before = servers() if servers else 0.0
        stdin = self._process.stdin
        if stdin is None:
            raise SideError("there is no way to tell it to begin")
        try:
            stdin.write(b"go\n")
            stdin.flush()
        except OSError as error:
            raise SideError(self._complaint()) from error
        told = json.loads(self._line())
        if "failed" in told:
            raise SideError(told["failed"])
        spent = 0.0
        if servers:
            time.sleep(SETTLES)
            spent = servers() - before
        by = self._side.divided
        return Sample(
            told["seconds"] / by, told["cpu"] / by, told["peak"], grown=told.get("grown", 0.0), servers=spent / by
        )

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(5)  # it ends at the end of its input
        except subprocess.TimeoutExpired:
            self._kill()
        self._errors.close()

    def _kill(self) -> None:
        """End it with all that it started; it leads a group of its own."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _line(self) -> bytes:
        """Wait for a line; the time limit holds for the whole of it."""
        end = time.monotonic() + self._limit
        stdout = self._process.stdout
        while b"\n" not in self._rest and stdout is not None:
            ready, _, _ = select.select([stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self._kill()
                raise SideError(f"no answer within {self._limit:g} s")
            data = os.read(stdout.fileno(), BLOCK)
            if not data:
                raise SideError(self._complaint())
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _complaint(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][-300:] if lines else f"it ended with exit code {self._process.returncode}"
