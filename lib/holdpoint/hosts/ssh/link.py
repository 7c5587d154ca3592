"""Starting programs on a host over SSH: the agent, and the shell of a step that reads.

What is executed there is `exec sh`, which means the same to every log-in shell; all else goes through standard input,
and a part of it starts nothing. No value stands in an argument list, apart from the name of a user to become.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cache

from holdpoint.hosts.agent import Channel, agent_path
from holdpoint.hosts.raised import AgentChannel, user_name
from holdpoint.hosts.reader import Readers
from holdpoint.hosts.ssh.channel import SshChannel
from holdpoint.hosts.ssh.connection import Connection

CALL = 'main "$@"\nexit 0\n'


class SshLink:
    """Starts the agent, and shells, on one host. `patience` is how long a lost connection is dialled again."""

    def __init__(self, connection: Connection, name: str, *, patience: float = 60.0) -> None:
        self._connection = connection
        self._name = name
        self._patience = patience
        self.readers = Readers(self._start)

    @property
    def patience(self) -> float:
        return self._patience

    def open(self, arguments: Sequence[str], become: str | None) -> Channel:
        channel = self.readers.with_room(lambda: self._start(become))
        channel.send(agent_text(arguments))
        return AgentChannel(channel, self._name, become)

    def _start(self, become: str | None) -> SshChannel:
        """Start a shell that reads its text from standard input. Raises `LinkFailed`."""
        raised = "" if become is None else f"sudo -n -u {user_name(become)} -- "
        return self._connection.execute(f"exec {raised}sh")


def agent_text(arguments: Sequence[str]) -> bytes:
    """Give the agent as it is sent: its functions, then one line that calls it, whole or not at all.

    A shell may read ahead, so nothing is sent after it before the agent asks.
    """
    call = f"{{ main {shlex.join(arguments)}; exit 0; }}\n"
    return _agent_functions() + call.encode("utf-8", "surrogateescape")


@cache
def _agent_functions() -> bytes:
    text = agent_path().read_text("ascii")
    if not text.endswith(CALL):
        message = "the agent's text does not end in its call"
        raise ValueError(message)
    lines = text.removesuffix(CALL).splitlines()
    kept = (line.strip() for line in lines)  # bash reads byte by byte
    return "".join(f"{line}\n" for line in kept if line and not line.startswith("#")).encode()
