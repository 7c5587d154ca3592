"""Proving who we are: the keys of the agent and of files, in the order in which `ssh` tries them, and user certificates.

Owns loading keys, each once, and which were tried. A pass-phrase is asked for only where nothing else let us in. What
cannot be used here, such as a key in hardware, is named with the reason and never passed over silently.
"""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH
from paramiko.ssh_exception import PasswordRequiredException

from holdpoint.hosts.agent import LinkFailed, LinkRefused
from holdpoint.hosts.ssh.config import Hop
from holdpoint.hosts.ssh.known_hosts import fingerprint

KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
CERTIFICATE = "-cert.pub"
AGENT_PATIENCE = 10.0
TRIES = 3
HARDWARE = "a key in hardware, which cannot be used here: use another key, or an agent that holds it"

Passphrase = Callable[[str], str]
"""Asks a person for a pass-phrase, with this text; an empty answer gives up."""


class _NotUsable(Exception):  # noqa: N818 - a verdict
    """A key that cannot be used, and why."""


class KeyRing:
    """The keys of one person, loaded once for however many hosts. `ask` is None where nobody can be asked."""

    def __init__(self, ask: Passphrase | None = None) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._loaded: dict[Path, paramiko.PKey | str] = {}

    def load(self, path: Path) -> paramiko.PKey:
        """Give the private key of a file. Raises `_NotUsable`."""
        with self._lock:
            if path not in self._loaded:
                try:
                    self._loaded[path] = self._open(path)
                except _NotUsable as verdict:
                    self._loaded[path] = str(verdict)
            found = self._loaded[path]
        if isinstance(found, str):
            raise _NotUsable(found)
        return found

    def _open(self, path: Path) -> paramiko.PKey:
        try:
            return _load(path, None)
        except PasswordRequiredException:
            pass
        if self._ask is None:
            raise _NotUsable("it has a pass-phrase and nobody is at a terminal: put it into ssh-agent with `ssh-add`")
        for _ in range(TRIES):
            given = self._ask(f"Pass-phrase for {path}:")
            if not given:
                break
            try:
                return _load(path, given)
            except _NotUsable:
                continue
        raise _NotUsable("its pass-phrase was not given")


def _load(path: Path, passphrase: str | None) -> paramiko.PKey:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _NotUsable(f"it cannot be read: {error.strerror}") from error
    if _in_hardware(path, text):
        raise _NotUsable(HARDWARE)
    why = "its format is not known"
    for kind in KINDS:
        try:
            return kind.from_private_key_file(str(path), passphrase)
        except PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError, IndexError, TypeError) as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else why
    raise _NotUsable(f"it cannot be loaded: {why}")


def _in_hardware(path: Path, text: bytes) -> bool:
    try:
        public = path.with_name(path.name + ".pub").read_text("utf-8", "replace")
    except OSError:
        public = ""
    return public.startswith("sk-") or b"sk-ssh-" in text or b"sk-ecdsa-" in text


@dataclass(slots=True)
class LogIn:
    """One attempt at logging in; paramiko asks it to `authenticate`."""

    hop: Hop
    keys: KeyRing
    _tried: list[str] = field(default_factory=list)
    _skipped: list[str] = field(default_factory=list)
    _allowed: tuple[str, ...] = ()

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Try one key after the other. Raises `LinkRefused` where none is accepted, naming what was tried."""
        agent = AgentSSH()
        try:
            for what, key in self._offers(agent):
                self._tried.append(f"{what} {fingerprint(key.asbytes())}")
                try:
                    more = transport.auth_publickey(self.hop.user, key)
                except paramiko.BadAuthenticationType as refusal:
                    self._allowed = tuple(refusal.allowed_types)
                    break
                except paramiko.AuthenticationException as refusal:
                    if not transport.is_active():
                        raise LinkFailed(self._broken_off()) from refusal
                    continue
                except (paramiko.SSHException, EOFError, OSError) as error:
                    raise LinkFailed(
                        f"{self.hop.says()} broke off the log-in: {str(error).strip() or 'connection lost'}"
                    ) from error
                if not more:
                    return
                raise LinkRefused(
                    f"{self.hop.says()} accepted a key and wants {' or '.join(more)} as well, which cannot be given here"
                )
        finally:
            agent._close()  # noqa: SLF001 - paramiko closes only the agent that its own environment names
        raise LinkRefused(self._denied())

    def _offers(self, agent: AgentSSH) -> Iterator[tuple[str, paramiko.PKey]]:
        """Give keys in the order of `ssh`: configured ones that the agent has, the agent's others, then files."""
        held = self._held(agent)
        wanted = [path for path in self.hop.identity_files if path.exists() or _public(path) is not None]
        public = {path: _public(path) for path in wanted}
        blobs = [blob for blob in public.values() if blob is not None]
        first = [key for key in held if key.asbytes() in blobs]
        rest = [] if self.hop.identities_only else [key for key in held if key.asbytes() not in blobs]
        for key in (*first, *rest):
            yield from self._with_certificates("the agent's key", key)
        offered = [key.asbytes() for key in first]
        for path in wanted:
            if public[path] in offered or not path.exists():
                continue
            try:
                key = self.keys.load(path)
            except _NotUsable as verdict:
                self._skipped.append(f"{path} ({verdict})")
                continue
            yield from self._with_certificates(str(path), key, path.with_name(path.name + CERTIFICATE))

    def _with_certificates(
        self, what: str, key: paramiko.PKey, beside: Path | None = None
    ) -> Iterator[tuple[str, paramiko.PKey]]:
        for path in (*self.hop.certificate_files, *([beside] if beside is not None else [])):
            if path.is_file():
                certified = _certified(key, path)
                if certified is not None:
                    yield f"{what} with the certificate {path},", certified
        yield f"{what},", key

    def _held(self, agent: AgentSSH) -> tuple[paramiko.PKey, ...]:
        if not self.hop.agent:
            return ()
        try:
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connected.settimeout(AGENT_PATIENCE)
            connected.connect(self.hop.agent)
            agent._connect(connected)  # noqa: SLF001 - paramiko's own `Agent` looks at its own environment only
        except (OSError, paramiko.SSHException) as error:
            self._skipped.append(f"the agent at {self.hop.agent} (it does not answer: {error})")
            return ()
        return tuple(agent.get_keys())

    def _broken_off(self) -> str:
        said = f"{self.hop.says()} broke off the log-in"
        if len(self._tried) > 1:
            said += (
                f" after {len(self._tried)} keys; where that is its limit, name the right one with `IdentityFile` and"
            )
            said += " `IdentitiesOnly yes`"
        return said

    def _denied(self) -> str:
        said = f"{self.hop.says()} did not let `{self.hop.user}` in"
        said += f"; tried: {'; '.join(self._tried)}" if self._tried else "; there was no key to try"
        said += f"; not tried: {'; '.join(self._skipped)}" if self._skipped else ""
        if self._allowed and "publickey" not in self._allowed:
            return f"{said}. It accepts {', '.join(self._allowed)} only, and keys are what can be offered here"
        return f"{said}. Check with `ssh {self.hop.alias} true`; the key has to be in authorized_keys there"


def _public(path: Path) -> bytes | None:
    """Give the public part that lies beside a private key."""
    beside = path.with_name(path.name + ".pub")
    try:
        return bytes(paramiko.pkey.PublicBlob.from_file(str(beside)).key_blob)
    except (OSError, ValueError, UnicodeDecodeError, paramiko.SSHException):
        return None


def _certified(key: paramiko.PKey, path: Path) -> paramiko.PKey | None:
    """Give the key with its certificate; None where that is for another key."""
    try:
        blob = paramiko.pkey.PublicBlob.from_file(str(path))
    except (OSError, ValueError, UnicodeDecodeError, paramiko.SSHException):
        return None
    if not blob.key_type.startswith(key.get_name()) or key.asbytes()[4 + len(key.get_name()) :] not in blob.key_blob:
        return None
    certified = copy.copy(key)  # the ring's own stays without
    certified.public_blob = blob
    return certified
