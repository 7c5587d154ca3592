"""Executing a `read` step where this process cannot look after it itself: over SSH, or as another user.

Owns the shell text that goes along (`read.sh`) and what its streams mean. It leaves no file and no process behind, also
where this process or the connection is gone before the end. No value stands in an argument list there.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from holdpoint.engine.ports import (
    Command,
    EndedByPerson,
    Exited,
    Outcome,
    Signalled,
    TimedOut,
    Unknown,
    Unreachable,
    Watch,
    Wish,
)
from holdpoint.hosts.agent import GREETING_LIMIT, GREETING_PATIENCE, LinkFailed, LinkRefused
from holdpoint.hosts.capture import STDERR, STDOUT, Capture
from holdpoint.hosts.raised import refused
from holdpoint.hosts.started import Ended, Started

TICK = 0.1
ASK_EVERY = 0.05
LEFTOVER_GRACE = 2.0
KILL_PATIENCE = 5.0
LEEWAY = 2.0


class Whom(Protocol):
    """Remembers which machine a run began on."""

    @property
    def machine(self) -> str: ...

    def meet(self, machine: str) -> None:
        """Take in which machine answers. Raises `LinkRefused` for another than the first."""


Start = Callable[[str, str | None], Started]
"""Starts a shell of this name, as this user where one is given. Raises `LinkFailed`."""


def execute_guarded(
    command: Command, run_folder: Path, watch: Watch, start: Start, host: str, whom: Whom | None = None
) -> Outcome:
    """Execute the command and wait for it, on the machine that `whom` remembers, if any. A link that breaks is made again once, since a read may be repeated."""
    script = command.script.raw().encode("utf-8", "surrogateescape")
    if b"\0" in script:
        return Unreachable("a script cannot contain a NUL byte")
    broke = False
    while True:
        capture = Capture(run_folder, command, watch)
        execution = None
        try:
            started = start(command.script.shell.value, command.become)
            execution = _Execution(started, command, capture, watch, whom)
            return execution.follow(script)
        except LinkFailed as failed:
            capture.finish()
            if broke or isinstance(failed, LinkRefused) or execution is None:
                why = "" if command.become is None else refused(str(failed), host, command.become)
                return Unreachable(why or str(failed))
            broke = True
        finally:
            if execution is not None:
                execution.close()


def _text(script: bytes, nonce: str, machine: str) -> bytes:
    """Give what goes to the shell's standard input; a part of it starts nothing."""
    before, after = (
        _guard()
        .replace("@NONCE@", nonce)
        .replace("@MARK@", nonce)
        .replace("@MACHINE@", shlex.quote(machine))
        .encode()
        .split(b"@SCRIPT@")
    )
    return before + b"'" + script.replace(b"'", b"'\\''") + b"'" + after


@cache
def _guard() -> str:
    """The text around a script, without its comments."""
    whole = (files("holdpoint.hosts") / "read.sh").read_text("ascii")
    kept = "".join(f"{line.strip()}\n" for line in whole.splitlines() if not line.strip().startswith("#"))
    return kept.replace("@GRACE@", f"{LEFTOVER_GRACE * 1000:.0f}")


class _Execution:
    """One execution under way."""

    def __init__(self, started: Started, command: Command, capture: Capture, watch: Watch, whom: Whom | None) -> None:
        self._whom = whom
        self._started = started
        self._command = command
        self._capture = capture
        self._watch = watch
        self._nonce = secrets.token_hex(8)
        self._mark = f"\n{self._nonce}\n".encode()
        self._noise = {STDOUT: b"", STDERR: b""}
        """What came before the marker, for a stream where that was not seen yet."""
        self._asked = 0.0

    def follow(self, script: bytes) -> Outcome:
        """Send it, and pass output on until the end. Raises `LinkFailed`."""
        self._started.send(_text(script, self._nonce, self._whom.machine if self._whom else ""))
        began = time.monotonic()
        deadline = began + self._command.timeout.total_seconds()
        while True:
            event = self._take(min(TICK, max(0.0, deadline - time.monotonic())))
            if event is not None:
                return self._outcome(event)
            now = time.monotonic()
            if now >= deadline:
                ended = self._end()
                return TimedOut(ended, self._capture.finish())
            if self._wants_it_ended(now):
                ended = self._end()
                return EndedByPerson(ended, self._capture.finish())
            if STDOUT in self._noise and now - began > GREETING_PATIENCE:
                raise LinkFailed(f"no shell answered within {GREETING_PATIENCE:.0f} seconds")

    def close(self) -> None:
        self._started.close()

    def _take(self, patience: float) -> Ended | None:
        """Pass on what comes first; gives the end where that is what came."""
        match self._started.next(patience):
            case None:
                return self._given_up()
            case Ended() as ended:
                return ended
            case (stream, data):
                if stream in self._noise:
                    data = self._after_noise(stream, data)
                if data:
                    self._capture.feed(stream, data)
        return None

    def _after_noise(self, stream: str, data: bytes) -> bytes:
        """Give what follows the marker; what start-up files printed before it is dropped."""
        noise = self._noise[stream] + data
        at = noise.find(self._mark)
        told = noise[at + len(self._mark) :]
        if at >= 0 and (stream != STDOUT or b"\n" in told):
            del self._noise[stream]
            return told if stream != STDOUT else self._met(told)
        if len(noise) > GREETING_LIMIT:
            raise LinkRefused("the target prints too much before its shell answers; look at its start-up files")
        self._noise[stream] = noise
        return b""

    def _met(self, told: bytes) -> bytes:
        """Take in which machine it is, which stands on the first line; give the rest."""
        machine, _, rest = told.partition(b"\n")
        if self._whom is not None:
            self._whom.meet(machine.decode("utf-8", "replace"))
        return rest

    def _given_up(self) -> Ended | None:
        """Give the end of a step whose streams something holds that cannot be ended."""
        exited = self._started.exited()
        if exited is None:
            self._held_since = 0.0
            return None
        self._held_since = self._held_since or time.monotonic()
        return exited if time.monotonic() - self._held_since > LEFTOVER_GRACE + KILL_PATIENCE + LEEWAY else None

    _held_since = 0.0

    def _outcome(self, ended: Ended) -> Outcome:
        if self._noise:
            self._capture.finish()
            noise = b" ".join(self._noise.values()).decode("utf-8", "replace") + self._started.complaint()
            raise LinkRefused(f"no shell could be started: {' '.join(noise.split())[-500:] or 'it ended at once'}")
        output = self._capture.finish()
        match ended.code:
            case None:
                return Unknown("the shell that executed it ended, and the target does not say how")
            case code if code < 0:
                return Signalled(-code, output)
            case code:
                return Exited(code, output)

    def _wants_it_ended(self, now: float) -> bool:
        if now - self._asked < ASK_EVERY:
            return False
        self._asked = now
        return self._watch.wish() is not Wish.GO_ON

    def _end(self) -> bool:
        """Have all of it ended; tells whether that was seen."""
        if self._noise:  # the guard may not be there yet; it ends everything where its input ends
            return False
        grace = self._command.kill_grace.total_seconds()
        self._started.send(f"end {max(1, round(grace * 1000))}\n".encode())
        deadline = time.monotonic() + grace + KILL_PATIENCE + LEEWAY
        with contextlib.suppress(LinkFailed):
            while (left := deadline - time.monotonic()) > 0:
                if self._take(min(TICK, left)) is not None:
                    return True
        return False
