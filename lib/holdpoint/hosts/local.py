"""This machine as a target: reads run plainly, changes under the same agent that a remote target has.

Owns the link to the agent on this machine. The agent runs in a session of its own, so Ctrl-C in the terminal does not
reach it, and its end does not end what it started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from holdpoint.engine.outcomes import Outcome
from holdpoint.engine.ports import Command, Watch
from holdpoint.engine.target import Target
from holdpoint.hosts.agent import Channel, LinkFailed, agent_path
from holdpoint.hosts.guarded import execute_guarded
from holdpoint.hosts.local_shell import LocalShell
from holdpoint.hosts.machine import AgentMachine, Terms
from holdpoint.hosts.plain import execute_plainly
from holdpoint.hosts.process import see_off
from holdpoint.hosts.raised import AgentChannel, user_name
from holdpoint.hosts.reader import Readers
from holdpoint.hosts.started import Started

BLOCK = 1024 * 1024
COMPLAINT = 2000
HERE = "this machine"


class LocalChannel:
    """An operation of the agent in a process of this machine."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None, errors: IO[bytes] | None = None
    ) -> None:
        self._errors = errors
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if errors is None else errors,
                bufsize=0,
                start_new_session=True,
                env=environment,
            )
        except OSError as error:
            raise LinkFailed(f"the agent cannot be started: {error}") from error
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise LinkFailed("the agent has no pipes")
        self._stdin, self._stdout = stdin, stdout
        os.set_blocking(stdin.fileno(), False)
        self._queue = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(stdout, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, data: bytes) -> None:
        self._queue += data
        self._flush()

    def receive(self, patience: float) -> bytes | None:
        deadline = time.monotonic() + patience
        while True:
            for key, _ in self._selector.select(max(0.0, deadline - time.monotonic())):
                if key.fileobj is self._stdin:
                    self._flush()
                else:
                    return os.read(key.fd, BLOCK)
            if time.monotonic() >= deadline:
                return None

    def complaint(self) -> str:
        """Give what came on standard error, in one line, where that is kept."""
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return " ".join(self._errors.read(COMPLAINT).decode("utf-8", "replace").split())

    def close(self) -> None:
        self._selector.close()
        if self._errors is not None:
            self._errors.close()
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        see_off(self._process)

    def _flush(self) -> None:
        """Write what the pipe takes; the rest once it can be written. A reader that is gone shows in its answer."""
        try:
            while self._queue:
                del self._queue[: os.write(self._stdin.fileno(), self._queue)]
        except BlockingIOError:
            pass
        except OSError:
            self._queue.clear()
        registered = self._stdin in {key.fileobj for key in self._selector.get_map().values()}
        if self._queue and not registered:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        elif not self._queue and registered:
            self._selector.unregister(self._stdin)


class LocalLink:
    """Starts the agent on this machine. `environment` replaces this process's own."""

    patience = 0.0

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._agent = str(agent_path())

    def open(self, arguments: Sequence[str], become: str | None) -> Channel:
        if become is None:
            return LocalChannel(["sh", self._agent, *arguments], self._environment)
        line = ["sudo", "-n", "-u", user_name(become), "--", "sh", self._agent, *arguments]
        return AgentChannel(LocalChannel(line, self._environment, tempfile.TemporaryFile(buffering=0)), HERE, become)


class LocalMachine(AgentMachine):
    """This machine, for one run; `environment` replaces this process's own."""

    def __init__(
        self,
        target: Target,
        run_folder: Path,
        terms: Terms | None = None,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        def start(become: str | None) -> Started:
            return LocalShell(become or "root", environment)

        self._readers = Readers(start)

        def read(command: Command, watch: Watch) -> Outcome:
            if command.become is not None:  # whose processes this user cannot end
                return execute_guarded(command, run_folder, watch, self._readers, HERE)
            return execute_plainly(command, run_folder, watch, environment)

        super().__init__(target, run_folder, terms or Terms(), link=LocalLink(environment), read=read)

    def close(self) -> None:
        self._readers.rest()
