"""A command under way over SSH: what it prints as it comes, and how it ends.

Owns the waiting. A connection that is lost is told from a command that ended.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable

import paramiko

from holdpoint.hosts.agent import LinkFailed
from holdpoint.hosts.capture import STDERR, STDOUT
from holdpoint.hosts.ssh.arrivals import Arrivals
from holdpoint.hosts.ssh.transport import SIGNALS
from holdpoint.hosts.started import Ended, Event

BLOCK = 256 * 1024
"""Bytes that are taken at once: few turns, and yet no more than stays in a processor's cache."""
COMPLAINT = 2000
EOF_PATIENCE = 0.2


class SshChannel:
    """A command on a channel of its own; also the agent's channel, which looks at standard output only.

    To be made before anything is requested on the channel, so that nothing has come yet.
    """

    def __init__(self, channel: paramiko.Channel, alias: str) -> None:
        self._channel = channel
        self._alias = alias
        self._bell = threading.Event()
        self._errors = b""
        self._exited_at = 0.0
        self._finished_input = False
        channel.in_buffer, channel.in_stderr_buffer = Arrivals(self._bell), Arrivals(self._bell)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # who is gone shows in its answer
            self._channel.sendall(data)

    def next(self, patience: float) -> Event | None:
        deadline = time.monotonic() + patience
        channel = self._channel
        while True:
            if channel.recv_ready():
                return STDOUT, self._taken(channel.recv)
            if channel.recv_stderr_ready():
                return STDERR, self._taken(channel.recv_stderr)
            if channel.closed or channel.eof_received:
                if channel.recv_ready() or channel.recv_stderr_ready():  # it came between the two looks
                    continue
                if (ended := self._end()) is not None:
                    return ended
            self._help_it_end()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._bell.wait(min(left, EOF_PATIENCE) if channel.eof_received or self.exited() else left)
            self._bell.clear()

    def receive(self, patience: float) -> bytes | None:
        """Give standard output for the agent's client; empty at the end. Raises `LinkFailed` where the link broke."""
        deadline = time.monotonic() + patience
        while True:
            match self.next(max(0.0, deadline - time.monotonic())):
                case ("stdout", data):
                    return data
                case (_, data):
                    self._errors = (self._errors + data)[-COMPLAINT:]
                case Ended():
                    return b""
                case None:
                    return None

    def exited(self) -> Ended | None:
        name = getattr(self._channel, SIGNALS, "")
        if name:
            number = getattr(signal, f"SIG{name.partition('@')[0].removeprefix('SIG')}", None)
            return Ended(None if number is None else -number)
        return Ended(self._channel.exit_status) if self._channel.status_event.is_set() and self._known() else None

    def complaint(self) -> str:
        with contextlib.suppress(LinkFailed):
            while self._channel.recv_stderr_ready():
                self._errors = (self._errors + self._taken(self._channel.recv_stderr))[-COMPLAINT:]
        return " ".join(self._errors.decode("utf-8", "replace").split())

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _taken(self, receive: Callable[[int], bytes]) -> bytes:
        """Take what came; where the server has to be told that there is room again, the connection may be seen to be lost."""
        try:
            return receive(BLOCK)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._lost() from error

    def _known(self) -> bool:
        return bool(self._channel.exit_status >= 0)

    def _end(self) -> Ended | None:
        """Give the end, once it is known how; a connection that was lost is none."""
        if (exited := self.exited()) is not None:
            return exited
        if not self._channel.closed:
            return None
        if not self._channel.get_transport().is_active():
            raise self._lost()
        return Ended(None)

    def _lost(self) -> LinkFailed:
        if getattr(self._channel.get_transport(), "stalled", False):
            return LinkFailed(f"the connection to `{self._alias}` stalled: nothing came, and no answer to a question")
        return LinkFailed(f"the connection to `{self._alias}` was lost")

    def _help_it_end(self) -> None:
        """Close the input of what outlived its shell; OpenSSH does so by itself, other servers do not."""
        if self._finished_input or self.exited() is None:
            return
        now = time.monotonic()
        self._exited_at = self._exited_at or now
        if now - self._exited_at > EOF_PATIENCE:
            self._finished_input = True
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self._channel.shutdown_write()
