"""A remote machine over SSH, for one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from holdpoint.document.inventory import Identity
from holdpoint.engine.outcomes import Outcome
from holdpoint.engine.ports import Command, Watch
from holdpoint.engine.target import Target
from holdpoint.hosts.guarded import execute_guarded
from holdpoint.hosts.machine import AgentMachine, Terms
from holdpoint.hosts.ssh.connection import Connection
from holdpoint.hosts.ssh.keys import KeyRing
from holdpoint.hosts.ssh.link import SshLink


class SshMachine(AgentMachine):
    """The host behind an SSH alias, which is the target's name where none is given. Dials when it is first asked.

    `keys` are shared by all hosts of a run, so that a pass-phrase is asked for once. `expect` is what the machine must
    say of itself on every connection. `stall` is the number of seconds after which a silent connection is given up,
    `patience` how long a change whose connection was lost waits for another. `environ` takes the place of this process's
    environment where OpenSSH's configuration is asked for.
    """

    def __init__(
        self,
        target: Target,
        run_folder: Path,
        terms: Terms | None = None,
        *,
        alias: str | None = None,
        config: Path | None = None,
        keys: KeyRing | None = None,
        expect: Identity | None = None,
        stall: float = 20.0,
        connect_timeout: float = 10.0,
        patience: float = 60.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.connection = Connection(
            alias or target.name,
            config=config,
            environ=environ,
            keys=keys,
            expect=expect,
            stall=stall,
            connect_timeout=connect_timeout,
        )
        link = self._link = SshLink(self.connection, target.name, patience=patience)

        def read(command: Command, watch: Watch) -> Outcome:
            return execute_guarded(command, run_folder, watch, link.readers, target.name, self.whom)

        super().__init__(target, run_folder, terms or Terms(), link=link, read=read)

    def way(self) -> tuple[str, ...]:
        return self.connection.route().way()

    def connect(self) -> None:
        self.connection.dial()

    def close(self) -> None:
        self._link.readers.dismiss()
        self.connection.close()  # with all its channels
