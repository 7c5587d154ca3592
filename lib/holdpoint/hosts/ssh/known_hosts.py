"""Whether a host is who it says: its key against the known_hosts files, strictly, as OpenSSH reads them.

Owns the format of those files and the verdict on a key. Never writes one. Lines for host certificates are passed over,
since certificates of hosts are not understood here; a revoked key is refused wherever it stands.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from holdpoint.hosts.agent import KeyRefused

KRL = b"SSHKRL\n"
REVOKED, AUTHORITY = "@revoked", "@cert-authority"
HASHED = "|1|"
RSA = "ssh-rsa"
RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that speaks of one key."""

    file: Path
    line: int
    marker: str
    patterns: str
    kind: str
    key: bytes

    def names(self, host: str) -> bool:
        """Tell whether the line is about a host, by its name, a pattern or a hash."""
        if self.patterns.startswith(HASHED):
            return _hash_fits(self.patterns, host)
        found = False
        for pattern in self.patterns.lower().split(","):
            wanted = not pattern.startswith("!")
            if fnmatchcase(host, _only_stars(pattern.removeprefix("!"))):
                if not wanted:
                    return False
                found = True
        return found


@dataclass(frozen=True, slots=True)
class Known:
    """The key is the host's."""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """No line has a key of this kind for the host; `others` are the kinds that lines have."""

    others: tuple[str, ...]
    authority: bool
    """Whether a line trusts an authority for this host."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A line has another key of this kind for the host."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Revoked:
    """A line says that the key must not be trusted."""

    entry: Entry


Verdict = Known | NotKnown | Changed | Revoked


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """What the files say, read once; lines that name hosts plainly are found by the name."""

    entries: tuple[Entry, ...]
    plain: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The lines that speak of a name, by their place."""
    others: tuple[int, ...] = ()
    """Those with a pattern or a hash, which have to be tried."""

    @classmethod
    def read(cls, files: Iterable[Path]) -> KnownHosts:
        """Read what can be read; a file that is not there says nothing, and one that is as it was is not read again."""
        return _read(tuple((file, _stamp(file)) for file in files))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> KnownHosts:
        listed, plain, others = tuple(entries), dict[str, list[int]](), list[int]()
        for place, entry in enumerate(listed):
            if entry.patterns.startswith(HASHED) or set(entry.patterns) & set("*?!"):
                others.append(place)
                continue
            for name in dict.fromkeys(entry.patterns.lower().split(",")):
                plain.setdefault(name, []).append(place)
        return cls(listed, {name: tuple(places) for name, places in plain.items()}, tuple(others))

    def judge(self, host: str, kind: str, key: bytes) -> Verdict:
        """Say what is known of a key that a host shows. `host` is `[name]:port` for another port than 22."""
        host = host.lower()
        for entry in self.entries:
            if entry.marker == REVOKED and entry.key == key and entry.names(host):
                return Revoked(entry)
        plain = self._about(host)
        if any(entry.key == key for entry in plain):
            return Known()
        if changed := next((entry for entry in plain if entry.kind == kind), None):
            return Changed(changed)
        bare = _without_port(host)  # as OpenSSH does: a key that is kept without the port counts where it fits exactly
        if bare != host and not plain:
            verdict = self.judge(bare, kind, key)
            if isinstance(verdict, Known | Revoked):
                return verdict
        authority = any(entry.marker == AUTHORITY and entry.names(host) for entry in self.entries)
        return NotKnown(tuple(dict.fromkeys(entry.kind for entry in plain)), authority)

    def algorithms(self, host: str) -> tuple[str, ...]:
        """Give the key algorithms to ask the host for first: those of the keys that are known of it."""
        host = host.lower()
        kinds = dict.fromkeys(entry.kind for entry in (*self._about(host), *self._about(_without_port(host))))
        return tuple(name for kind in kinds for name in (RSA_ALGORITHMS if kind == RSA else (kind,)))

    def _about(self, host: str) -> list[Entry]:
        tried = (place for place in self.others if self.entries[place].names(host))
        found = (self.entries[place] for place in sorted({*self.plain.get(host, ()), *tried}))
        return [entry for entry in found if not entry.marker]


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=16)
def _read(stamped: tuple[tuple[Path, tuple[int, int, int]], ...]) -> KnownHosts:
    return KnownHosts.of(entry for file, _ in stamped for entry in _entries(file))


def fingerprint(key: bytes) -> str:
    """Give a key's finger-print as `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def revoked_by(file: Path, key: bytes) -> bool:
    """Whether a file of `RevokedHostKeys` has a key. Raises `KeyRefused` where it cannot be read: then every key counts as revoked."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise KeyRefused(f"`RevokedHostKeys` names {file}, which cannot be read: {error.strerror}") from error
    if data.startswith(KRL):
        raise KeyRefused(
            f"{file} is a binary list of revoked keys, which is not understood here; name a file of public keys"
        )
    words = (line.split() for line in data.decode("utf-8", "replace").splitlines() if not line.startswith("#"))
    return any(base64.b64encode(key).decode() in line for line in words)


def _entries(file: Path) -> Iterator[Entry]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        match fields:
            case [patterns, kind, text, *_]:
                try:
                    key = base64.b64decode(text, validate=True)
                except (binascii.Error, ValueError):
                    continue
                yield Entry(file, number, marker, patterns, kind, key)
            case _:
                continue


def _hash_fits(pattern: str, host: str) -> bool:
    try:
        _, _, salt, wanted = pattern.split("|")
        digest = hmac.new(base64.b64decode(salt), host.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(digest, base64.b64decode(wanted))
    except (ValueError, binascii.Error):
        return False


def _only_stars(pattern: str) -> str:
    """Brackets are a port's in these files, and no set of characters."""
    return pattern.replace("[", "[[]")


def _without_port(host: str) -> str:
    found = re.fullmatch(r"\[(.+)\]:\d+", host)
    return found[1] if found else host
