"""The way to a host, as OpenSSH itself understands the person's configuration: `ssh -G`, hop by hop.

Owns what an alias may be and what a hop is. Opens nothing. Nothing of a configuration is interpreted here that OpenSSH
can be asked for, so `Include`, `Match` and the order of jump hosts mean what they mean to `ssh`.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from holdpoint.hosts.agent import LinkRefused

ALIAS = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?[A-Za-z0-9_:][A-Za-z0-9._:%-]*", re.ASCII)
"""A name that can neither be taken for an option nor mean anything to a shell."""
JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@/]+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/]+))(?::(?P<port>\d+))?/?")
PATIENCE = 30
CONFIG = "HOLDPOINT_SSH_CONFIG"
"""Names a file that takes the place of the person's own `~/.ssh/config`."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One host on the way. Paths are whole; those of files that do not exist are left in."""

    alias: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...]
    certificate_files: tuple[Path, ...]
    identities_only: bool
    agent: str
    """The socket of the agent; empty where none is to be used."""
    known_hosts: tuple[Path, ...]
    host_key_alias: str
    connect_timeout: float | None
    revoked: tuple[Path, ...]
    """Files of keys that no host may show (`RevokedHostKeys`)."""
    proxy_command: str
    """The command whose input and output are the connection; empty where there is none."""

    @property
    def known_name(self) -> str:
        """The name under which the host's key is kept."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.hostname if self.port == 22 else f"[{self.hostname}]:{self.port}"  # noqa: PLR2004

    def address(self) -> str:
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.user}@{host}:{self.port}"

    def says(self) -> str:
        """Give the hop as people know it."""
        at = f"{self.hostname}:{self.port}"
        return f"`{self.alias}`" if self.alias == self.hostname else f"`{self.alias}` ({at})"


@dataclass(frozen=True, slots=True)
class Route:
    """The hops to a host, in the order in which they are dialled; the last is the host itself."""

    hops: tuple[Hop, ...]

    @property
    def host(self) -> Hop:
        return self.hops[-1]

    def way(self) -> tuple[str, ...]:
        """Give the hops as people write them."""
        return tuple(hop.address() for hop in self.hops)


def resolve(alias: str, config: Path | None = None, environ: Mapping[str, str] | None = None) -> Route:
    """Ask OpenSSH for the way to an alias. Raises `LinkRefused`, saying what is wrong with it.

    `config` takes the place of the person's own file, and of the system's; so does the file that the environment names.
    """
    environ = os.environ if environ is None else environ
    named = environ.get(CONFIG)
    return Route(_hops(alias, config or (Path(named) if named else None), environ, ()))


def _hops(alias: str, config: Path | None, environ: Mapping[str, str], seen: tuple[str, ...]) -> tuple[Hop, ...]:
    """Give the hops to an alias. Only the first of its jump hosts brings jump hosts of its own, as with `ssh`."""
    if alias in seen:
        raise LinkRefused(f"the jump hosts go in a circle: {' → '.join((*seen, alias))}; look at `ProxyJump`")
    said = _ask(alias, config, environ)
    jumps = [part for part in _one(said, "proxyjump").split(",") if part not in {"", "none"}]
    before: tuple[Hop, ...] = ()
    for place, jump in enumerate(jumps):
        found = JUMP.fullmatch(jump)
        if found is None:
            raise LinkRefused(f"`{alias}`: the jump host `{jump}` is not understood; expected `user@host:port`")
        user, port, host = found["user"] or "", found["port"] or "", found["six"] or found["host"]
        if place == 0:
            before = _hops_of_first(host, user, port, config, environ, (*seen, alias))
        else:
            before += (_hop(host, _ask(host, config, environ, user, port), environ, proxied=True),)
    return (*before, _hop(alias, said, environ, proxied=bool(jumps)))


def _hops_of_first(
    host: str, user: str, port: str, config: Path | None, environ: Mapping[str, str], seen: tuple[str, ...]
) -> tuple[Hop, ...]:
    hops = _hops(host, config, environ, seen)
    if not user and not port:
        return hops
    return (*hops[:-1], _hop(host, _ask(host, config, environ, user, port), environ, proxied=len(hops) > 1))


def _ask(
    alias: str, config: Path | None, environ: Mapping[str, str], user: str = "", port: str = ""
) -> dict[str, list[str]]:
    if ALIAS.fullmatch(alias) is None:
        raise LinkRefused(f"`{alias}` is no name of a host: letters, digits, `.`, `_`, `-`, `:` and one `user@` are")
    line = ["ssh", "-G", *(["-F", str(config)] if config else [])]
    given = None if environ is os.environ else environ
    line += [*(["-l", user] if user else []), *(["-p", port] if port else []), "--", alias]
    try:
        answer = subprocess.run(
            line, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False, env=given
        )
    except FileNotFoundError as error:
        raise LinkRefused("`ssh` is not installed here: apt-get install openssh-client") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LinkRefused(f"`ssh -G {alias}` gave no answer: {error}") from error
    if answer.returncode != 0:
        why = " ".join(answer.stderr.decode("utf-8", "replace").split()) or f"exit code {answer.returncode}"
        raise LinkRefused(f"OpenSSH does not accept its configuration for `{alias}`: {why}")
    said: dict[str, list[str]] = {}
    for row in answer.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = row.partition(" ")
        said.setdefault(key.lower(), []).append(value)
    return said


def _hop(alias: str, said: dict[str, list[str]], environ: Mapping[str, str], *, proxied: bool) -> Hop:
    hostname, port, user = _one(said, "hostname") or alias, int(_one(said, "port") or 22), _one(said, "user")
    key_alias = _one(said, "hostkeyalias")
    tokens = {"%": "%", "h": hostname, "n": alias, "p": str(port), "r": user, "k": key_alias or alias}
    tokens |= {"d": environ.get("HOME", "~"), "i": str(os.getuid()), "u": environ.get("USER", user)}
    tokens |= {"l": socket.gethostname(), "L": socket.gethostname().partition(".")[0], "j": ""}

    def paths(values: list[str]) -> tuple[Path, ...]:
        whole = (_expand(value, tokens, environ) for value in values if value not in {"none", ""})
        return tuple(Path(path).expanduser() for path in whole)

    known = [part for key in ("userknownhostsfile", "globalknownhostsfile") for part in _one(said, key).split()]
    patience = _one(said, "connecttimeout")
    command = _one(said, "proxycommand")
    plain = command not in {"", "none"} and not proxied
    if plain and ALIAS.fullmatch(hostname) is None:
        raise LinkRefused(f"`{alias}`: `{hostname}` is no name of a host, and a proxy command would be given it")
    return Hop(
        alias=alias,
        hostname=hostname,
        port=port,
        user=user,
        identity_files=paths(said.get("identityfile", [])),
        certificate_files=paths(said.get("certificatefile", [])),
        identities_only=_one(said, "identitiesonly") == "yes",
        agent=_agent(_one(said, "identityagent"), tokens, environ),
        known_hosts=paths(known),
        host_key_alias="" if key_alias == "none" else key_alias,
        revoked=paths([_one(said, "revokedhostkeys")]),
        connect_timeout=float(patience) if patience.isdigit() and int(patience) > 0 else None,
        proxy_command=_expand(command, tokens, environ, variables=False) if plain else "",
    )


def _one(said: dict[str, list[str]], key: str) -> str:
    return said.get(key, [""])[0].strip()


def _agent(given: str, tokens: Mapping[str, str], environ: Mapping[str, str]) -> str:
    match given:
        case "none":
            return ""
        case "" | "SSH_AUTH_SOCK":
            return environ.get("SSH_AUTH_SOCK", "")
        case name if name.startswith("$"):
            return environ.get(name.strip("${}"), "")
        case path:
            return str(Path(_expand(path.strip('"'), tokens, environ)).expanduser())


def _expand(text: str, tokens: Mapping[str, str], environ: Mapping[str, str], *, variables: bool = True) -> str:
    """Replace `%` tokens and, in paths, `${NAME}`; what is not known stays as it is."""
    whole = re.sub("%(.)", lambda found: tokens.get(found[1], found[0]), text)
    return re.sub(r"\$\{(\w+)\}", lambda found: environ.get(found[1], found[0]), whole) if variables else whole
