"""One hop of a connection: dialled through Fabric, its host key checked, logged in; and given back whole.

Owns what is said where that fails: one sentence that names the hop and what to do. Nothing of Fabric's own
configuration is read, and no key is ever accepted unseen.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from functools import cache

import fabric
import paramiko

from holdpoint.hosts.agent import KeyRefused, LinkFailed, LinkRefused
from holdpoint.hosts.ssh.config import Hop
from holdpoint.hosts.ssh.keys import KeyRing, LogIn
from holdpoint.hosts.ssh.known_hosts import Changed, Known, KnownHosts, NotKnown, Revoked, fingerprint, revoked_by
from holdpoint.hosts.ssh.transport import PulsedTransport

BANNER_PATIENCE = 15.0
LOG_IN_PATIENCE = 30.0
CHANNEL_PATIENCE = 15.0
AUTHENTICATING = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what it has to say is in our own sentences


class DialledHop:
    """One hop of a connection, with all that has to be given back."""

    def __init__(self, hop: Hop, before: DialledHop | None) -> None:
        self._hop = hop
        self._before = before
        self._fabric: _Fabric | None = None
        self._socket: socket.socket | None = None
        self._proxy: subprocess.Popen[bytes] | None = None

    @property
    def transport(self) -> PulsedTransport:
        transport = self._fabric.client.get_transport() if self._fabric is not None else None
        if not isinstance(transport, PulsedTransport):
            raise LinkFailed(f"{self._hop.says()} is not connected")
        return transport

    def stands(self) -> bool:
        """Whether the connection is there, as far as is known."""
        transport = self._fabric.client.get_transport() if self._fabric is not None else None
        return transport is not None and bool(transport.is_active())

    def open(self, keys: KeyRing, patience: float, stall: float) -> None:
        """Connect and log in. Raises `LinkFailed` or `LinkRefused`, with what to do."""
        hop = self._hop
        known = KnownHosts.read(hop.known_hosts)

        def transport(sock: object, **more: object) -> PulsedTransport:
            made = PulsedTransport(sock, stall=stall, **more)
            _prefer(made, known.algorithms(hop.known_name))
            return made

        given: dict[str, object] = {
            "transport_factory": transport,
            "auth_strategy": LogIn(hop, keys),
            "banner_timeout": max(BANNER_PATIENCE, patience),
            "auth_timeout": LOG_IN_PATIENCE,
            "channel_timeout": CHANNEL_PATIENCE,
        }
        if self._before is None:
            self._socket = given["sock"] = self._connect(patience)
        self._fabric = _Fabric(
            hop.hostname,
            user=hop.user,
            port=hop.port,
            config=_no_configuration(),
            gateway=self._before._fabric if self._before is not None else False,  # noqa: SLF001 - its own kind
            forward_agent=False,
            connect_timeout=max(1, round(patience)),
            connect_kwargs=given,
        )
        self._fabric.client.set_missing_host_key_policy(_Strict(hop, known))
        try:
            self._fabric.open()
        except (LinkFailed, KeyboardInterrupt):
            raise
        except Exception as error:
            raise explained(error, hop, self._before._hop if self._before else None, patience) from error  # noqa: SLF001
        self.transport.start_pulse()

    def close(self) -> None:
        """Give everything back, also after a log-in that failed: paramiko's threads would stay."""
        if self._fabric is not None:
            with contextlib.suppress(Exception):
                self._fabric.client.close()
        if self._socket is not None:
            self._socket.close()
        if self._proxy is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._proxy.pid, signal.SIGTERM)
            try:
                self._proxy.wait(1)
            except subprocess.TimeoutExpired:
                self._proxy.kill()
                self._proxy.wait()

    def _connect(self, patience: float) -> socket.socket:
        """Give a socket of our own: the small packets of a step must not wait for one another (TCP_NODELAY)."""
        hop = self._hop
        if hop.proxy_command:
            return self._through_proxy()
        try:
            connected = socket.create_connection((hop.hostname, hop.port), patience)
        except (OSError, UnicodeError) as error:
            raise explained(error, hop, None, patience) from error
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def _through_proxy(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._proxy = subprocess.Popen(
                    ["sh", "-c", f"exec {self._hop.proxy_command}"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise LinkRefused(f"{self._hop.says()}: its proxy command cannot be started: {error}") from error
        return ours


class _Fabric(fabric.Connection):  # type: ignore[misc]
    """Fabric's connection, which keeps its attributes to itself; its own writes some into the configuration, and merges that anew."""

    __setattr__ = object.__setattr__


@cache
def _no_configuration() -> fabric.Config:
    """Fabric's own configuration, empty: what OpenSSH said counts. Nothing is written into it."""
    return fabric.Config(ssh_config=paramiko.SSHConfig(), lazy=True)


class _Strict(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Refuses every key that the known_hosts files do not vouch for. Paramiko itself is told of none, so it asks always."""

    def __init__(self, hop: Hop, known: KnownHosts) -> None:
        self._hop = hop
        self._known = known

    def missing_host_key(self, client: object, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's
        hop, name = self._hop, self._hop.known_name
        kind, shown = key.get_name(), fingerprint(key.asbytes())
        look = f"Ask who runs it for the finger-print; if it is this one, `ssh {hop.alias}` once and type `yes`"
        for file in hop.revoked:
            if revoked_by(file, key.asbytes()):
                raise KeyRefused(
                    f"the key of {hop.says()}, {kind} {shown}, is revoked by {file}; it must not be trusted: ask who runs the host"
                )
        match self._known.judge(name, kind, key.asbytes()):
            case Known():
                return
            case Changed(entry):
                raise KeyRefused(
                    f"the key of {hop.says()} has changed, which is also what an attack looks like: it shows {kind} {shown}, "
                    f"and {entry.file}, line {entry.line}, has {fingerprint(entry.key)}. If the change is known of, "
                    f"`ssh-keygen -R '{name}' -f {entry.file}` and then `ssh {hop.alias}` once"
                )
            case Revoked(entry):
                raise KeyRefused(
                    f"the key of {hop.says()}, {kind} {shown}, was revoked ({entry.file}, line {entry.line}); "
                    "it must not be trusted: ask who runs the host"
                )
            case NotKnown(others, authority):
                said = f"the key of {hop.says()} is not known: it shows {kind} {shown}, and no known_hosts file has `{name}`"
                said += f" with this kind of key, only with {', '.join(others)}" if others else ""
                said += (
                    "; an `@cert-authority` line has, but host certificates are not supported yet" if authority else ""
                )
                raise KeyRefused(f"{said}. {look}")


def _prefer(transport: PulsedTransport, algorithms: tuple[str, ...]) -> None:
    """Ask for the kind of key that is known, so that another kind of the same host does not look like a stranger.

    And for ciphers that authenticate as well: paramiko checks a code beside them in Python, byte by byte.
    """
    options = transport.get_security_options()
    options.key_types = _first(algorithms, options.key_types)
    options.ciphers = _first(AUTHENTICATING, options.ciphers)


def _first(wanted: Sequence[str], possible: Sequence[str]) -> tuple[str, ...]:
    """Give what is possible, what is wanted before all else."""
    first = tuple(name for name in wanted if name in possible)
    return (*first, *(name for name in possible if name not in first))


def explained(error: Exception, hop: Hop, before: Hop | None, patience: float) -> LinkFailed:
    """Turn what went wrong while dialling into a sentence with the remedy."""
    says, at = hop.says(), f"port {hop.port}"
    through = f" through the jump host {before.says()}" if before else ""
    make: Callable[[str], LinkFailed] = LinkFailed
    match error:
        case socket.gaierror() | UnicodeError():
            make, why = (
                LinkRefused,
                f"the name `{hop.hostname}` is not known; check its spelling, or `HostName` in ~/.ssh/config",
            )
        case ConnectionRefusedError():
            why = f"{says} refused the connection on {at}; check that sshd runs there and listens on that port"
        case TimeoutError():
            why = f"{says} did not answer on {at} within {patience:.0f} seconds; check that it is up and not behind a firewall"
        case paramiko.ChannelException():
            why = f"{says} cannot be reached{through}: {error.text}"
        case paramiko.ssh_exception.IncompatiblePeer():
            make, why = LinkRefused, f"{says} and this client have no method in common: {said(error)}"
        case paramiko.SSHException() if "banner" in str(error):
            why = f"what answers at {says} on {at}{through} is no SSH server, or it hung up at once (`MaxStartups`?)"
        case _:
            why = f"{says} cannot be reached{through}: {said(error)}"
    return make(why)


def said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or "it was closed"
