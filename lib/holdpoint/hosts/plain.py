"""Executing a `read` step on this machine: plainly, under no agent, leaving no process behind.

The script reaches its shell through standard input, so no secret stands in an argument list or an environment; the
step itself finds its standard input at the end of file. Owns the process and its pipes, and what is left of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import IO

from holdpoint.engine.outcomes import EndedByPerson, Exited, Outcome, Signalled, TimedOut, Unreachable
from holdpoint.engine.ports import Command, Watch, Wish
from holdpoint.hosts import process
from holdpoint.hosts.capture import STDERR, STDOUT, Capture

BLOCK = 65536
TICK = 0.1
ASK_EVERY = 0.05
LEFTOVER_GRACE = 2.0
KILL_PATIENCE = 5.0
LONG = 5.0
"""Seconds after which process ids may have gone round, so that all processes are looked at."""

FROM_INPUT = 'eval "$(cat)" </dev/null'


class _Why(Enum):
    TIME = auto()
    PERSON = auto()


def execute_plainly(
    command: Command, run_folder: Path, watch: Watch, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Execute the command and wait for it. Nothing of it lives on afterwards, or the outcome says that it does."""
    capture = Capture(run_folder, command, watch)
    mark = secrets.token_hex(8)
    try:
        running = _start(command, mark, os.environ if environment is None else environment)
    except FileNotFoundError as error:
        capture.feed(STDERR, f"{error.filename}: not found\n".encode())
        return Exited(127, capture.finish())
    except (OSError, ValueError) as error:
        capture.finish()
        return Unreachable(f"the shell cannot be started: {error}")
    execution = _Execution(running, process.cookie(mark), capture, watch, command.kill_grace.total_seconds())
    try:
        return execution.follow(command.timeout.total_seconds())
    finally:
        execution.close()


def _start(command: Command, mark: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    shell = command.script.shell.value
    script = command.script.raw().encode("utf-8", "surrogateescape")
    if b"\0" in script:
        message = "a script cannot contain a NUL byte"
        raise ValueError(message)
    opened_by_name = hasattr(os, "memfd_create")
    if opened_by_name:  # the shell opens it anew, so its first line can close standard input: one process less
        script = b"exec </dev/null\n" + script
        arguments = [shell, "/dev/stdin"]
    else:
        arguments = [shell, "-c", FROM_INPUT, shell]
    with _as_input(script) as given:
        return subprocess.Popen(
            arguments,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            cwd=_home(environment),
            env={**environment, process.COOKIE: f"{mark}/"},
        )


def _home(environment: Mapping[str, str]) -> str:
    """Where a step is executed: at home, like a command over SSH, and like a change under the agent."""
    home = environment.get("HOME", "/")
    return home if os.access(home, os.X_OK) and os.path.isdir(home) else "/"  # noqa: PTH112 - a text from outside


def _as_input(script: bytes) -> IO[bytes]:
    """Give the script as a file without a name."""
    if hasattr(os, "memfd_create"):
        given: IO[bytes] = os.fdopen(os.memfd_create("step"), "w+b", buffering=0)
    else:
        given = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the caller closes it
    view = memoryview(script)
    while view:
        view = view[given.write(view) :]
    given.seek(0)
    return given


class _Execution:
    """A process under way, with its pipes."""

    def __init__(
        self, running: subprocess.Popen[bytes], mark: bytes, capture: Capture, watch: Watch, grace: float
    ) -> None:
        self._process = running
        self._mark = mark
        self._capture = capture
        self._watch = watch
        self._grace = grace
        self._began = time.monotonic()
        self._asked = 0.0
        self._closed = False
        self._selector = selectors.DefaultSelector()
        for stream, pipe in ((STDOUT, running.stdout), (STDERR, running.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, stream)
        self._pipes = 2
        self._exit = -1
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._exit = os.pidfd_open(running.pid)
                self._selector.register(self._exit, selectors.EVENT_READ, "")

    def follow(self, timeout: float) -> Outcome:
        why = self._wait(self._began + timeout)
        ended = True
        if why is not None:
            ended = self._end(self._grace)
        else:
            self._pump(0)  # what the shell wrote itself
        if self._pipes or self._leftovers():
            ended = self._end(min(self._grace, LEFTOVER_GRACE)) and ended
        self._drain()
        output = self._capture.finish()
        code = self._process.poll()
        if why is _Why.TIME or code is None:
            return TimedOut(ended and code is not None, output)
        if why is _Why.PERSON:
            return EndedByPerson(ended, output)
        return Exited(code, output) if code >= 0 else Signalled(-code, output)

    def close(self) -> None:
        """End what an exception left running, and give everything back."""
        if self._closed:
            return
        self._closed = True
        if self._process.poll() is None:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_PATIENCE)
        self._selector.close()
        if self._exit >= 0:
            os.close(self._exit)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _wait(self, deadline: float) -> _Why | None:
        """Pass output on until the shell has exited; None then, else why it must be ended."""
        while True:
            now = time.monotonic()
            if self._pump(max(0.0, min(TICK if self._exit >= 0 else TICK / 10, deadline - now))):
                return None
            now = time.monotonic()
            if now >= deadline:
                return _Why.TIME
            if now - self._asked >= ASK_EVERY:
                self._asked = now
                if self._watch.wish() is not Wish.GO_ON:
                    return _Why.PERSON

    def _pump(self, patience: float) -> bool:
        """Read what is there, waiting at most so long; tells whether the shell has exited."""
        exited = False
        for key, _ in self._selector.select(patience):
            if not key.data:
                exited = True
                continue
            try:
                data = os.read(key.fd, BLOCK)
            except BlockingIOError:
                continue
            if data:
                self._capture.feed(key.data, data)
            else:
                self._selector.unregister(key.fileobj)
                self._pipes -= 1
        if exited or self._exit < 0:
            exited = self._process.poll() is not None
        return exited

    def _drain(self) -> None:
        """Read the pipes to their end; what still holds them was not to be ended, and is not waited for."""
        deadline = time.monotonic() + TICK
        if self._exit >= 0:
            self._selector.unregister(self._exit)
            os.close(self._exit)
            self._exit = -1
        while self._pipes and time.monotonic() < deadline:
            before = self._capture.offset(STDOUT) + self._capture.offset(STDERR), self._pipes
            self._pump(TICK / 10)
            if (self._capture.offset(STDOUT) + self._capture.offset(STDERR), self._pipes) != before:
                deadline = time.monotonic() + TICK

    def _leftovers(self) -> list[int]:
        pid = self._process.pid
        went_round = process.last_pid() < pid or time.monotonic() - self._began > LONG
        return process.carriers(self._mark, younger_than=0 if went_round else pid)

    def _lives(self) -> bool:
        return self._process.poll() is None or process.group_lives(self._process.pid) or bool(self._leftovers())

    def _signal(self, number: signal.Signals) -> None:
        process.send(number, self._process.pid, process.carriers(self._mark))

    def _end(self, grace: float) -> bool:
        """TERM, then KILL; tells whether all of it was seen to end."""
        self._signal(signal.SIGTERM)
        if self._gone_by(time.monotonic() + grace):
            return True
        deadline = time.monotonic() + KILL_PATIENCE
        while time.monotonic() < deadline:
            self._signal(signal.SIGKILL)
            if self._gone_by(time.monotonic() + TICK):
                return True
        return False

    def _gone_by(self, deadline: float) -> bool:
        while self._lives():
            if time.monotonic() >= deadline:
                return False
            if self._pump(TICK / 5):
                time.sleep(TICK / 100)  # the shell's own exit stays readable: without this the loop would spin
        return True
