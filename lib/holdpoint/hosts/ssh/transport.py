"""Paramiko's transport, with what it lacks: it notices a peer that stalls, and it keeps the signal that ended a command.

Owns the pulse of a connection. All of it happens in the transport's own thread, so it needs no other, and a connection
that nobody uses is watched as well.
"""

from __future__ import annotations

import time
from typing import ClassVar

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST

WINDOW = 8 * 1024 * 1024
KEEPALIVE = "keepalive@openssh.com"
SIGNALS = "_ended_by"
"""The name under which a channel remembers the signal that ended its command."""


class _Packetizer(paramiko.Packetizer):  # type: ignore[misc]
    """Notes when something last came, and since when a write has not ended."""

    heard = 0.0
    writing = 0.0

    def read_message(self) -> tuple[int, paramiko.Message]:
        kind, message = super().read_message()
        self.heard = time.monotonic()
        return kind, message

    def write_all(self, out: bytes) -> None:
        self.writing = time.monotonic()
        super().write_all(out)
        self.writing = 0.0


def _hear_request(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Keep what `exit-signal` says, then let paramiko have the message."""
    rest = message.get_remainder()
    copy = paramiko.Message(rest)
    if copy.get_text() == "exit-signal":
        copy.get_boolean()
        setattr(channel, SIGNALS, copy.get_text())
        channel.status_event.set()
    channel._handle_request(paramiko.Message(rest))  # noqa: SLF001 - its own handler


class PulsedTransport(paramiko.Transport):  # type: ignore[misc]
    """A transport that is closed where the peer says nothing for `stall` seconds, though it was asked to.

    It asks once nothing came for half of that. `stalled` tells afterwards that this is why it is closed.
    """

    packetizer: _Packetizer
    stalled = False
    _channel_handler_table: ClassVar = {
        **paramiko.Transport._channel_handler_table,  # noqa: SLF001 - paramiko drops the signal otherwise
        MSG_CHANNEL_REQUEST: _hear_request,
    }

    def __init__(self, sock: object, *, stall: float, **more: object) -> None:
        super().__init__(sock, default_window_size=WINDOW, packetizer_class=_Packetizer, **more)
        self._stall = stall
        self._asked = 0.0

    def start_pulse(self) -> None:
        """Begin to watch; from here on somebody must answer."""
        self.packetizer.heard = time.monotonic()
        self.packetizer.set_keepalive(self._stall / 8, self._feel)

    def _feel(self) -> None:
        """Look at the clock; called by the transport's thread whenever nothing came for a while."""
        now, heard, writing = time.monotonic(), self.packetizer.heard, self.packetizer.writing
        if now - heard > self._stall:
            self.stalled = True
            self.packetizer.close()
        elif now - heard > self._stall / 2 and self._asked <= heard and not writing:  # else it would wait in line
            self._asked = now
            message = paramiko.Message()
            message.add_byte(cMSG_GLOBAL_REQUEST)
            message.add_string(KEEPALIVE)
            message.add_boolean(True)
            self._send_message(message)


def request_execution(channel: paramiko.Channel, command: str) -> None:
    """Have a command executed, without waiting for the answer: what is sent next goes along, and saves a round trip.

    A refusal closes the channel.
    """
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    channel.transport._send_user_message(message)  # noqa: SLF001 - `exec_command` does this, and waits
