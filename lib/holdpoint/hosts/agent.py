"""The client of the agent: speaks its protocol over a link and turns what the target answers into outcomes.

Owns the frames, the operations and the table that decides what a state of a token means. Knows nothing of processes or
SSH: a `Link` starts the agent on its target and carries bytes. What a caller can rely on: a token is executed at most
once; where that is not known, the answer is `Unknown`, never a guess.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from holdpoint.document.inventory import Identity
from holdpoint.engine.ports import Watch, Wish
from holdpoint.hosts.opening import ASK_EVERY, opened

LIMIT = 1024 * 1024 * 1024
HEADER_LIMIT = 64
GREETING_LIMIT = 256 * 1024
GREETING_PATIENCE = 60.0
STOPPED = "a person stopped it before the target answered"
ATTEMPTS = 3
PROTOCOL_KINDS = frozenset({"hello", "want", "state", "out", "err", "gap", "head", "approval", "gate", "lock", "end"})


class LinkFailed(Exception):  # noqa: N818 - the past tense of an event
    """The agent could not be started, or the link to it broke; says why in one line."""


class LinkRefused(LinkFailed):
    """It cannot be had, however often one tries, before a person does what the line says."""


class NoSession(LinkFailed):
    """The target gives no further channel on a connection that stands."""


class KeyRefused(LinkRefused):
    """The host shows a key that nothing vouches for."""


class WrongMachine(LinkRefused):
    """What answers is another machine than the one that is expected: `found`."""

    def __init__(self, why: str, found: Identity) -> None:
        super().__init__(why)
        self.found = found


class Channel(Protocol):
    """One operation of the agent that is under way."""

    def send(self, data: bytes) -> None:
        """Queue bytes for the agent's standard input; never blocks for long."""

    def receive(self, patience: float) -> bytes | None:
        """Give what came: None if nothing did in `patience` seconds, empty at the end. Raises `LinkFailed`."""

    def close(self) -> None:
        """Let go; what runs under the agent goes on."""


class Link(Protocol):
    """Starts the agent on a target."""

    @property
    def patience(self) -> float:
        """For how many seconds a link that broke under a step is made again; 0 where nothing mends it but chance."""

    def open(self, arguments: Sequence[str], become: str | None) -> Channel:
        """Start `agent.sh` with these arguments, raised to the user `become`. Raises `LinkFailed`."""


def agent_path() -> Path:
    """Where the agent's text lies; it is shipped as package data."""
    return Path(str(files("holdpoint.hosts") / "agent.sh"))


@dataclass(frozen=True, slots=True)
class Frame:
    kind: str
    payload: bytes

    def words(self) -> list[str]:
        return self.payload.decode("utf-8", "replace").split()

    def text(self) -> str:
        return self.payload.decode("utf-8", "replace")


@dataclass(slots=True)
class FrameReader:
    """Cuts a stream of bytes into frames, in pieces as they come; large payloads of output are given in parts."""

    nonce: str
    _greeted: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _kind: str = ""
    _left: int = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Give the frames that are complete. Raises `LinkFailed` for what is not the protocol."""
        if self._left and self._kind in {"out", "err"} and not self._buffer:
            part, data = data[: self._left], data[self._left :]
            self._left -= len(part)
            yield Frame(self._kind, part)
        self._buffer += data
        if not self._greeted and not self._greet():
            return
        while (frame := self._next()) is not None:
            yield frame

    def _greet(self) -> bool:
        line = b"HOLDPOINT " + self.nonce.encode() + b"\n"
        at = self._buffer.find(line)
        if at < 0:
            if len(self._buffer) > GREETING_LIMIT:
                raise LinkFailed("the target prints too much before the agent answers")
            return False
        del self._buffer[: at + len(line)]
        self._greeted = True
        return True

    def _next(self) -> Frame | None:
        if not self._left:
            end = self._buffer.find(b"\n", 0, HEADER_LIMIT)
            if end < 0:
                if len(self._buffer) > HEADER_LIMIT:
                    raise LinkFailed("the agent's answer is not understood")
                return None
            self._kind, self._left = self._header(bytes(self._buffer[:end]))
            del self._buffer[: end + 1]
            if not self._left:
                return Frame(self._kind, b"")
        if self._kind in {"out", "err"}:
            if not self._buffer:
                return None
        elif len(self._buffer) < self._left:
            return None
        part = bytes(self._buffer[: self._left])
        del self._buffer[: len(part)]
        self._left -= len(part)
        return Frame(self._kind, part)

    @staticmethod
    def _header(line: bytes) -> tuple[str, int]:
        kind, _, size = line.decode("ascii", "replace").partition(" ")
        if kind not in PROTOCOL_KINDS or not size.isascii() or not size.isdigit() or int(size) > LIMIT * 1024:
            raise LinkFailed("the agent's answer is not understood")
        return kind, int(size)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the agent keeps what it keeps on a target; empty means its own default."""

    target_folder: str = ""
    memory_folder: str = ""
    memory_allowed: bool = False
    spool_limit: int | None = None
    machine: str = ""
    """The id of the machine that must answer; empty where none answered this run yet."""

    def arguments(self) -> list[str]:
        given = [f"target={self.target_folder}"] if self.target_folder else []
        given += [f"memory_folder={self.memory_folder}"] if self.memory_folder else []
        given += [f"machine={self.machine}"] if self.machine else []
        given += ["memory=yes"] if self.memory_allowed else []
        given += [f"limit={self.spool_limit}"] if self.spool_limit is not None else []
        return given


class Conversation:
    """One operation: its frames, in order, as they come."""

    def __init__(self, link: Link, operation: str, arguments: Sequence[str], become: str | None = None) -> None:
        nonce = secrets.token_hex(8)
        self._reader = FrameReader(nonce)
        self._frames: Iterator[Frame] = iter(())
        self._channel = link.open([operation, f"nonce={nonce}", *arguments], become)
        self._since = time.monotonic()
        self._heard = False

    def next(self, patience: float) -> Frame | None:
        """Give the next frame, or None if none came in time. Raises `LinkFailed` where the link broke before the end."""
        for frame in self._frames:
            self._heard = True
            return frame
        data = self._channel.receive(patience)
        if data is None:
            if not self._heard and time.monotonic() - self._since > GREETING_PATIENCE:
                raise LinkFailed(f"the agent did not answer within {GREETING_PATIENCE:.0f} seconds")
            return None
        if not data:
            raise LinkFailed("the agent's answer was cut off")
        self._frames = self._reader.feed(data)
        for frame in self._frames:
            self._heard = True
            return frame
        return None

    def send(self, data: bytes) -> None:
        self._channel.send(data)

    def close(self) -> None:
        self._channel.close()


def ask(
    link: Link, operation: str, arguments: Sequence[str], become: str | None = None, watch: Watch | None = None
) -> list[Frame]:
    """Carry out an operation that answers at once; gives its frames, the last one is `end`.

    Raises `LinkFailed`, and `LinkRefused` where a person who watches wishes for anything else meanwhile. Where a person
    watches, and the link breaks in the middle, it is asked again: to do it twice must do no more than once.
    """
    for _ in range(ATTEMPTS - 1 if watch is not None and link.patience else 0):
        conversation = _begun(link, operation, arguments, become, watch)
        try:
            return _answer(conversation, operation, watch)
        except LinkRefused:
            raise
        except LinkFailed:
            continue
    return _answer(_begun(link, operation, arguments, become, watch), operation, watch)


def _answer(conversation: Conversation, operation: str, watch: Watch | None) -> list[Frame]:
    frames: list[Frame] = []
    deadline = time.monotonic() + GREETING_PATIENCE
    try:
        while not frames or frames[-1].kind != "end":
            frame = conversation.next(1.0 if watch is None else ASK_EVERY)
            if frame is not None:
                frames.append(frame)
            elif watch is not None and watch.wish() is not Wish.GO_ON:
                raise LinkRefused(STOPPED)
            elif time.monotonic() > deadline:
                raise LinkFailed(f"the agent did not finish `{operation}` within {GREETING_PATIENCE:.0f} seconds")
    finally:
        conversation.close()
    return frames


def _begun(
    link: Link, operation: str, arguments: Sequence[str], become: str | None, watch: Watch | None
) -> Conversation:
    if watch is None or not link.patience:
        return Conversation(link, operation, arguments, become)
    begun = opened(lambda: Conversation(link, operation, arguments, become), watch, {Wish.LEAVE, Wish.END})
    if begun is None:
        raise LinkRefused(STOPPED)
    return begun
