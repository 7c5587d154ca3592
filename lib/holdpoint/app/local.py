"""Which machine this is: `local`, unless an entry of `hosts.yaml` expects it; then that entry's tier holds."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from holdpoint.document.inventory import Host, Identity, parse
from holdpoint.document.source import Source
from holdpoint.engine.ports import Target, Tier
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import library

HOSTS = "hosts.yaml"
CAREFUL = (Tier.PROD, Tier.STAGING, Tier.PRACTICE, Tier.LOCAL)


def this_machine(repository: Path, machine_id: Path = Path("/etc/machine-id")) -> Target:
    """Name this machine and its tier; of several entries that expect it, the most careful tier holds.

    Raises `HoldpointError` for a `hosts.yaml` that cannot be read: a wrong one must not make production `local`.
    """
    identity = Identity(socket.gethostname() or "localhost", None)
    with suppress(OSError, UnicodeDecodeError):
        identity = Identity(identity.hostname, machine_id.read_text().strip())
    here = [host for host in hosts(repository) if host.is_at(identity)]
    careful = min(here, key=lambda host: CAREFUL.index(Tier(host.tier)), default=None)
    if careful is None:
        return Target(str(identity.hostname), Tier.LOCAL)
    return Target(careful.name, Tier(careful.tier))


def hosts(repository: Path) -> tuple[Host, ...]:
    """Read the inventory of a repository; empty where it has none."""
    path = repository / HOSTS
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        message = f"the inventory cannot be read: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(Problem("hosts", message, Place(str(path), 0, 0))) from error
    return parse(Source(HOSTS, data), library.schema("hosts"))
