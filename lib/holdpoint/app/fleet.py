"""Which machines there are: this one, those of `hosts.yaml`, and whatever else `ssh` can reach, which is production.

Owns the names that `--host` takes, and the tier that holds. Connects to nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdpoint.document.inventory import Host, Identity, parse
from holdpoint.document.source import Source
from holdpoint.engine.target import Target, Tier
from holdpoint.problem import HoldpointError, Place, Problem, did_you_mean
from holdpoint.store import library

HOSTS = "hosts.yaml"
HERE = "this-machine"
"""Its name where an entry has that of this machine, and may mean another one."""
CAREFUL = (Tier.PROD, Tier.STAGING, Tier.PRACTICE, Tier.LOCAL)
_KINDS: Mapping[str, Callable[[Host], tuple[str, ...]]] = {
    "role": lambda host: host.roles,
    "group": lambda host: host.groups,
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """This machine and the inventory. `here` is `local`, unless an entry expects it: then that entry's tier holds."""

    here: Target
    hosts: tuple[Host, ...] = ()
    namesakes: tuple[Host, ...] = ()
    """Entries that have this machine's name and do not say which machine they mean, where none expects this one."""

    @classmethod
    def of(cls, repository: Path, machine_id: Path = Path("/etc/machine-id")) -> Fleet:
        """Read the inventory of a repository, and find this machine in it.

        Of several entries that expect this machine the most careful tier holds. Raises `HoldpointError` for a
        `hosts.yaml` that cannot be read: a wrong one must not make production `local`.
        """
        identity = Identity(socket.gethostname() or "localhost", None)
        with suppress(OSError, UnicodeDecodeError):
            identity = Identity(identity.hostname, machine_id.read_text().strip())
        hosts = _read(repository)
        expecting = [host for host in hosts if host.is_at(identity)]
        careful = min(expecting, key=lambda host: CAREFUL.index(Tier(host.tier)), default=None)
        if careful is None:
            name = str(identity.hostname)
            taken = any(host.name == name for host in hosts)  # by an entry that does not say that it is this machine
            namesakes = tuple(host for host in hosts if host.expect is None and is_called(host.name, name))
            return cls(Target(HERE if taken else name, Tier.LOCAL), hosts, namesakes)
        return cls(Target(careful.name, Tier(careful.tier)), hosts)

    def target(self, name: str, recorded: str = "") -> Target:
        """Give a host with its tier; of a tier that was recorded and one that is written now, the more careful holds."""
        entry = self.entry(name)
        known = self.here.tier if name == self.here.name else Tier(entry.tier) if entry else Tier.PROD
        tiers = [known, *([Tier(recorded)] if recorded else [])]
        return Target(name, min(tiers, key=CAREFUL.index))

    def entry(self, name: str) -> Host | None:
        return next((host for host in self.hosts if host.name == name), None)

    def select(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """Give the hosts that were asked for: names, `role:NAME`, `group:NAME`, apart by commas; each once.

        Nothing asked for is this machine. Raises `HoldpointError` with everything that names no host.
        """
        words = [word.strip() for text in wanted for word in text.split(",")]
        found: list[str] = []
        problems: list[Problem] = []
        for word in words:
            kind, colon, name = word.partition(":")
            if colon and kind in _KINDS:
                members = [host.name for host in self.hosts if name in _KINDS[kind](host)]
                found += members
                problems += [] if members else [self._nobody(kind, name)]
            elif problem := self._unfit(word):
                problems.append(problem)
            else:
                found.append(word)
        if problems:
            raise HoldpointError(problems)
        return tuple(dict.fromkeys(found)) or (self.here.name,)

    def _unfit(self, name: str) -> Problem | None:
        from holdpoint.hosts.ssh.config import ALIAS  # noqa: PLC0415 - only where a host is named

        if ALIAS.fullmatch(name) is None:
            hint = "for example `web1`, `ada@web1`, `role:db` or `group:eu`, apart by commas without blanks"
            return Problem("host-name", "this is no name of a host", found=f"`{name}`", hint=hint)
        if name == self.here.name and self.entry(name) is None:
            hint = "leave `--host` out to work here; for another machine of that name, give it another SSH alias"
            return Problem("host-here", f"`{name}` is the name of this machine", hint=hint)
        return None

    def _nobody(self, kind: str, name: str) -> Problem:
        known = sorted({one for host in self.hosts for one in _KINDS[kind](host)})
        expected = ", ".join(f"`{kind}:{one}`" for one in known) or f"`{HOSTS}` names no {kind}s"
        message = f"no host of `{HOSTS}` has the {kind} `{name}`"
        return Problem(f"unknown-{kind}", message, expected=expected, hint=did_you_mean(name, known))


_SELF = ("localhost", "localhost.localdomain", "127.0.0.1", "::1")


def is_called(entry: str, hostname: str) -> bool:
    """Whether an entry has the name of a machine; of two names of which one is short, the first parts count.

    What every machine calls itself counts as its name.
    """
    ours, theirs = hostname.lower(), entry.rpartition("@")[2].lower()
    if theirs in _SELF:
        return True
    if "." in ours and "." in theirs:
        return ours == theirs
    return ours.partition(".")[0] == theirs.partition(".")[0]


def _read(repository: Path) -> tuple[Host, ...]:
    """Read the inventory; empty where there is none."""
    path = repository / HOSTS
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        message = f"the inventory cannot be read: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(Problem("hosts", message, Place(str(path), 0, 0))) from error
    return parse(Source(HOSTS, data), library.schema("hosts"))
