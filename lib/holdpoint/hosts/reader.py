"""The shell on a target that executes the steps that read, one after the other (`read.sh`), and what it says.

Owns its text, its marks in the two streams, and which of these shells are idle. One shell for many steps, because to
start one costs more than most steps do. No value stands in an argument list there, and nothing lies in a file.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import TypeVar

from holdpoint.hosts.agent import LinkFailed, LinkRefused, NoSession
from holdpoint.hosts.capture import STDERR, STDOUT
from holdpoint.hosts.started import Ended, Started

LEFTOVER_GRACE = 2.0
KILL_PATIENCE = 5.0
MARK = b"\x1e"
MARK_LIMIT = 65536
ROOM_PATIENCE = 2.0
ROOM_EVERY = 0.05

T = TypeVar("T")
Words = tuple[str, ...]
Piece = tuple[str, bytes | Words]
"""A piece of `stdout` or `stderr`, or what the shell itself says there."""

Start = Callable[[str | None], Started]
"""Starts a POSIX shell, as this user where one is given. Raises `LinkFailed`."""

STEP = """step {cookie} {shell} {worker}
{{
exec </dev/null
set --
{{ CDPATH='' cd -- "${{HOME:-/}}" || cd /; }} >/dev/null 2>&1
HOLDPOINT_TOKEN={cookie}/
export HOLDPOINT_TOKEN
eval '"""


class Marks:
    """Tells what the shell says in a stream from what a step prints there."""

    def __init__(self, nonce: str) -> None:
        self._mark = MARK + nonce.encode() + b" "
        self._held = b""

    def split(self, data: bytes) -> Iterator[bytes | Words]:
        """Give what is known to be output, and what was said; keeps back what may become a mark. Raises `LinkRefused`."""
        rest = self._held + data
        self._held = b""
        while (at := rest.find(self._mark)) >= 0:
            end = rest.find(b"\n", at, at + MARK_LIMIT)
            if end < 0:
                if len(rest) - at >= MARK_LIMIT:
                    raise LinkRefused("what the target says of itself is too long; look at its /etc/machine-id")
                break
            if at:
                yield rest[:at]
            yield tuple(rest[at + len(self._mark) : end].decode("utf-8", "replace").split())
            rest = rest[end + 1 :]
        if at < 0:
            at = rest.rfind(MARK, -len(self._mark) + 1)
            at = at if at >= 0 and self._mark.startswith(rest[at:]) else len(rest)
        self._held = rest[at:]
        if at:
            yield rest[:at]


class Reader:
    """One such shell. `machine` and `boot` are the ids of where it stands, known as soon as it is `ready`.

    Its nonce is known to nothing that a step starts; the cookie of a step is.
    """

    def __init__(self, started: Started) -> None:
        self.started = started
        self.machine = self.boot = ""
        self.used = self.closed = False
        self._worker = ""
        self._silent = {STDOUT, STDERR}
        nonce = self._cookie = secrets.token_hex(8)
        self._marks = {STDOUT: Marks(nonce), STDERR: Marks(nonce)}
        started.send(_text().replace("@NONCE@", nonce).encode())

    @property
    def ready(self) -> bool:
        """Whether it greeted in both streams, so that what comes from now on is a step's."""
        return not self._silent

    def begin(self, shell: str, script: bytes) -> None:
        """Have a script executed; a part of it starts nothing."""
        cookie = self._cookie = secrets.token_hex(8)
        before = STEP.format(cookie=cookie, shell=shell, worker=self._worker).encode()
        self.started.send(before + script.replace(b"'", b"'\\''") + f"'\nexit\n}}\n{cookie}\n".encode())
        self.used = True

    def end(self, grace: float) -> None:
        """Have what lives of the step ended: TERM, and KILL after so many seconds."""
        self.started.send(f"end {self._cookie} {max(1, round(grace * 100))} {self._worker}\n".encode())

    def stands_in_for(self, other: Reader) -> bool:
        """Take the step of another one as its own, to end it; False where that one is on another machine."""
        self._cookie, self._worker = other._cookie, other._worker
        return (self.machine, self.boot) == (other.machine, other.boot)

    def next(self, patience: float) -> list[Piece] | Ended | None:
        """Give what came; None if nothing did in `patience` seconds. Raises `LinkFailed` where the link broke."""
        match self.started.next(patience):
            case (stream, data):
                pieces: list[Piece] = []
                for piece in self._marks[stream].split(data):
                    match piece:
                        case (_, "hello", worker, boot, *machine):
                            self._worker, self.boot, self.machine = worker, boot, " ".join(machine)
                            self._silent.discard(stream)
                        case (_, "lost"):
                            pieces.append((stream, ("lost",)))
                        case (cookie, *words) if isinstance(cookie, str):
                            pieces += [(stream, tuple(map(str, words)))] if cookie == self._cookie else []
                        case bytes():
                            pieces.append((stream, piece))
                return pieces
            case nothing_or_end:
                return nothing_or_end

    def waits(self) -> bool:
        """Whether it waits for a step: nothing came since the last one, and it did not end, nor its connection."""
        try:
            return self.started.next(0) is None
        except LinkFailed:
            return False

    def dismiss(self) -> None:
        """Say that nothing of a step is left, which is looked for otherwise; it ends by itself."""
        self.started.send(b"bye\n")

    def close(self) -> None:
        self.closed = True
        self.started.close()


class Readers:
    """Those of one target. Whoever takes one has it alone; what is given back waits for the next. Used by any thread."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._idle: list[tuple[str | None, Reader]] = []
        self._made: list[Reader] = []

    def idle(self, become: str | None) -> Reader | None:
        """Give one of this user that waits still."""
        while (reader := self._take(become)) is not None and not reader.waits():
            reader.close()
        return reader

    def start(self, become: str | None) -> Reader:
        """Give a new one, or one that is idle by then. Raises `LinkFailed` where none can be started."""
        return self.with_room(lambda: self.idle(become) or self._new(become))

    def with_room(self, begin: Callable[[], T]) -> T:
        """Begin something; where the server gives no further session, the idle ones make room, and those in use are waited for.

        Raises `NoSession` where there are none. A server takes a moment to see that one is closed.
        """
        deadline = time.monotonic() + ROOM_PATIENCE
        while True:
            try:
                return begin()
            except NoSession:
                now = time.monotonic()
                if self.rest() or self._lent():
                    deadline = now + ROOM_PATIENCE
                elif now > deadline:
                    raise
            time.sleep(ROOM_EVERY)

    def another(self, become: str | None) -> Reader:
        """Give a new one at once. Raises `LinkFailed`, also where the server gives no further session."""
        return self._new(become)

    def give_back(self, become: str | None, reader: Reader) -> None:
        with self._lock:
            self._idle.append((become, reader))

    def _new(self, become: str | None) -> Reader:
        reader = Reader(self._start(become))
        with self._lock:
            self._made = [*(each for each in self._made if not each.closed), reader]
        return reader

    def _take(self, become: str | None) -> Reader | None:
        with self._lock:
            for at, (user, _) in enumerate(self._idle):
                if user == become:
                    return self._idle.pop(at)[1]
        return None

    def _lent(self) -> bool:
        """Whether somebody uses one."""
        with self._lock:
            idle = [reader for _, reader in self._idle]
            return any(not each.closed and each not in idle for each in self._made)

    def rest(self) -> bool:
        """Let go of those that nobody uses; tells whether there were any."""
        idle = self.dismiss()
        for reader in idle:
            reader.close()
        return bool(idle)

    def dismiss(self) -> tuple[Reader, ...]:
        """Have those that nobody uses end; what carries them is the caller's to close."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, reader in idle:
            reader.dismiss()
        return tuple(reader for _, reader in idle)


@cache
def _text() -> str:
    """The shell's text, without its comments."""
    whole = (files("holdpoint.hosts") / "read.sh").read_text("ascii")
    kept = "".join(f"{line.strip()}\n" for line in whole.splitlines() if not line.strip().startswith("#"))
    return kept.replace("@GRACE@", f"{LEFTOVER_GRACE * 100:.0f}").replace("@PATIENCE@", f"{KILL_PATIENCE * 100:.0f}")
