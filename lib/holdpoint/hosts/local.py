"""This machine as a target: reads run plainly, changes under the same agent that a remote target has.

Owns the link to the agent on this machine. The agent runs in a session of its own, so Ctrl-C in the terminal does not
reach it, and its end does not end what it started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from holdpoint.engine.ports import Claim, Command, LockAnswer, Outcome, Target, Ticket, UnlockAnswer, Unreachable, Watch
from holdpoint.hosts.agent import Channel, LinkFailed, Place, agent_path
from holdpoint.hosts.lock import IN_MEMORY, NoRoom, Room, TargetLock
from holdpoint.hosts.plain import execute_plainly
from holdpoint.hosts.steps import Steps

BLOCK = 1024 * 1024
CLOSE_PATIENCE = 2.0


class LocalChannel:
    """An operation of the agent in a process of this machine."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str] | None) -> None:
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
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

    def close(self) -> None:
        self._selector.close()
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self._process.wait(CLOSE_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

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

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._agent = str(agent_path())

    def open(self, arguments: Sequence[str], become: str | None) -> Channel:
        raised = [] if become is None else ["sudo", "-n", "-u", become, "--"]
        return LocalChannel([*raised, "sh", self._agent, *arguments], self._environment)


class LocalMachine:
    """This machine, for one run.

    `run_folder` is named like the run and gets the output under `out/`. `memory_allowed` is a person's yes to a folder
    in memory where the disk has no room.
    """

    def __init__(
        self,
        target: Target,
        run_folder: Path,
        *,
        target_folder: Path | None = None,
        memory_folder: Path | None = None,
        memory_allowed: bool = False,
        environment: Mapping[str, str] | None = None,
        spool_limit: int | None = None,
    ) -> None:
        self.memory_allowed = memory_allowed
        self._target = target
        self._run_folder = run_folder
        self._folders = (str(target_folder or ""), str(memory_folder or ""), spool_limit)
        self._environment = environment
        link = LocalLink(environment)
        self._lock = TargetLock(link, self._place)
        self._steps = Steps(link, run_folder, target.name, self._place, self._holder)

    @property
    def target(self) -> Target:
        return self._target

    @property
    def memory_used(self) -> str:
        """Say that memory is used and what a restart would lose; empty where the disk is used."""
        return IN_MEMORY if self._lock.in_memory else ""

    def prepare(self) -> Room | NoRoom | Unreachable:
        """Make the shared folder, this user's own and its reserve; to be called before the first change."""
        return self._lock.prepare()

    def read(self, command: Command, watch: Watch) -> Outcome:
        return execute_plainly(command, self._run_folder, watch, self._environment)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self._steps.change(command, ticket, watch)

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self._steps.settle(command, ticket, watch)

    def bury(self, ticket: Ticket) -> bool:
        return self._steps.bury(ticket)

    def forget(self, ticket: Ticket) -> None:
        self._steps.forget(ticket)

    def lock(self, claim: Claim, *, take_over: bool = False) -> LockAnswer:
        return self._lock.lock(claim, take_over=take_over)

    def unlock(self, claim: Claim) -> UnlockAnswer:
        return self._lock.unlock(claim)

    def heads(self, run: str) -> Mapping[str, str] | None:
        return self._steps.heads(run)

    def running(self, run: str) -> tuple[str, ...] | None:
        return self._steps.running(run)

    def approve(self, run: str, digest: str, person: str) -> str:
        """Leave a second person's approval on the target; gives what went wrong, or nothing."""
        return self._lock.approve(run, digest, person)

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:
        first = self._lock.claim.person if self._lock.claim else ""
        return self._lock.approvals(run, digest, first)

    def _place(self) -> Place:
        target, memory, limit = self._folders
        return Place(target, memory, self.memory_allowed, limit)

    def _holder(self) -> str:
        return self._lock.claim.run if self._lock.claim else ""
