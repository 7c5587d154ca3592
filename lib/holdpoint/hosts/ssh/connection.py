"""The one connection to a host: dialled when it is first needed, hop by hop, and again after a loss.

Owns which hops are dialled and when, and the check that it is the right machine. A connection that went stale while
nobody used it is dialled again before anything is said to be lost.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import paramiko

from holdpoint.document.inventory import Identity
from holdpoint.hosts.agent import LinkFailed, NoSession, WrongMachine
from holdpoint.hosts.ssh.channel import SshChannel
from holdpoint.hosts.ssh.config import Route, resolve
from holdpoint.hosts.ssh.hop import CHANNEL_PATIENCE, DialledHop, said
from holdpoint.hosts.ssh.keys import KeyRing
from holdpoint.hosts.ssh.transport import PulsedTransport, request_execution
from holdpoint.hosts.started import Ended

IDENTITY_PATIENCE = 15.0
CLOSE_PATIENCE = 0.1

WHO_ARE_YOU = """{{
machine=''
for file in "${{HOLDPOINT_MACHINE_ID:-/etc/machine-id}}" /var/lib/dbus/machine-id; do
  [ -n "$machine" ] || {{ read -r machine <"$file"; }} 2>/dev/null
done
echo; echo '{nonce}' "$(uname -n)" "${{machine:--}}"
exit; }}
"""


class Connection:
    """The connection to an alias. One at a time is dialled, whoever asks; every method may be called by any thread."""

    def __init__(
        self,
        alias: str,
        *,
        config: Path | None = None,
        environ: Mapping[str, str] | None = None,
        keys: KeyRing | None = None,
        expect: Identity | None = None,
        stall: float = 20.0,
        connect_timeout: float = 10.0,
    ) -> None:
        self._alias = alias
        self._config = config
        self._environ = environ
        self._keys = keys or KeyRing()
        self._expect = expect
        self._stall = stall
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        """One channel at a time: paramiko keeps why one was refused in one place for all."""
        self._route: Route | None = None
        self._hops: list[DialledHop] = []

    def route(self) -> Route:
        """The way, as OpenSSH's configuration has it. Raises `LinkRefused`."""
        if self._route is None:
            self._route = resolve(self._alias, self._config, self._environ)
        return self._route

    def dial(self) -> None:
        """Connect now, where it does not stand yet. Raises `LinkFailed`."""
        with self._lock:
            self._transport()

    def execute(self, command: str) -> SshChannel:
        """Start a command. Raises `LinkFailed` where there is no connection to be had."""
        with self._lock:
            stood = self._stands()
            transport = self._transport()
        try:
            with self._opening:
                return _execute(transport, command, self._alias)
        except NoSession:
            raise
        except LinkFailed:
            if not stood:
                raise
        with self._lock:
            if self._stands() and self._hops[-1].transport is transport:  # nobody made another one meanwhile
                self._hang_up()
            transport = self._transport()
        with self._opening:
            return _execute(transport, command, self._alias)

    def close(self) -> None:
        """Hang up; it is dialled again where it is needed again. A dial that is under way is cut off, not waited for."""
        if self._lock.acquire(timeout=CLOSE_PATIENCE):
            try:
                self._hang_up()
            finally:
                self._lock.release()
            return
        for hop in tuple(self._hops):
            hop.close()

    def _stands(self) -> bool:
        return bool(self._hops) and all(hop.stands() for hop in self._hops)

    def _transport(self) -> PulsedTransport:
        if not self._stands():
            self._hang_up()
            try:
                self._dial()
                self._check_identity()
            except BaseException:
                self._hang_up()
                raise
        return self._hops[-1].transport

    def _dial(self) -> None:
        for hop in self.route().hops:
            before = self._hops[-1] if self._hops else None
            dialled = DialledHop(hop, before)
            self._hops.append(dialled)
            dialled.open(self._keys, hop.connect_timeout or self._connect_timeout, self._stall)

    def _hang_up(self) -> None:
        while self._hops:
            self._hops.pop().close()

    def _check_identity(self) -> None:
        expect = self._expect
        if expect is None or (expect.hostname is None and expect.machine_id is None):
            return
        found = _identity(_execute(self._hops[-1].transport, "exec sh", self._alias), self._alias)
        for what, wanted, seen in (
            ("host name", expect.hostname, found.hostname),
            ("machine id", expect.machine_id, found.machine_id),
        ):
            if wanted is not None and wanted != seen:
                raise WrongMachine(
                    f"this is another machine: `{self._alias}` says that its {what} is `{seen}`, and `hosts.yaml` expects "
                    f"`{wanted}`; nothing was done there. Look at `ssh -G {self._alias}`, or correct `expect`",
                    found,
                )


def _execute(transport: PulsedTransport, command: str, alias: str) -> SshChannel:
    try:
        channel = transport.open_session(timeout=CHANNEL_PATIENCE)
        started = SshChannel(channel, alias)
        request_execution(channel, command)
    except paramiko.ChannelException as error:
        raise NoSession(
            f"`{alias}` gives no further session: {error.text}; its `MaxSessions` may be too low"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise LinkFailed(f"the connection to `{alias}` was lost: {said(error)}") from error
    return started


def _identity(channel: SshChannel, alias: str) -> Identity:
    """Ask a machine who it is; noise of its start-up files is passed over."""
    nonce = secrets.token_hex(8)
    answer = b""
    deadline = time.monotonic() + IDENTITY_PATIENCE
    try:
        channel.send(WHO_ARE_YOU.format(nonce=nonce).encode())
        while time.monotonic() < deadline:
            match channel.next(1.0):
                case Ended():
                    break
                case ("stdout", data):
                    answer += data
                case _:
                    continue
    finally:
        channel.close()
    for line in answer.decode("utf-8", "replace").splitlines():
        match line.split():
            case [mark, hostname, machine_id] if mark == nonce:
                return Identity(hostname, machine_id)
    raise LinkFailed(f"`{alias}` did not say which machine it is: {channel.complaint() or 'no answer'}")
