"""The inventory, `hosts.yaml`: tiers, and what a host must say of itself to be the right one.

Owns the form of that document. Knows nothing of connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from holdpoint.document.fitting import fitting
from holdpoint.document.source import Source
from holdpoint.document.yaml import Map


@dataclass(frozen=True, slots=True)
class Identity:
    """What a machine says of itself; in an entry, None where the entry does not care."""

    hostname: str | None
    machine_id: str | None


@dataclass(frozen=True, slots=True)
class Host:
    """One entry. `expect` is None where the entry says nothing of the machine's identity."""

    name: str
    tier: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    expect: Identity | None

    def is_at(self, machine: Identity) -> bool:
        """Whether the entry expects exactly this machine; all that it names must agree."""
        if self.expect is None:
            return False
        wanted = ((self.expect.hostname, machine.hostname), (self.expect.machine_id, machine.machine_id))
        return all(expected is None or expected == found for expected, found in wanted)


def parse(source: Source, schema: Mapping[str, Any]) -> tuple[Host, ...]:
    """Read the hosts, in the document's order; raises `HoldpointError` with everything that is wrong."""
    tree, _ = fitting(source, schema)
    return tuple(_host(name, cast("Map", entry)) for name, entry in cast("Map", tree["hosts"]).items())


def _host(name: str, entry: Map) -> Host:
    expect = cast("Map | None", entry.get("expect"))
    identity = None
    if expect is not None:
        identity = Identity(cast("str | None", expect.get("hostname")), cast("str | None", expect.get("machine_id")))
    roles, groups = (tuple(cast("list[str]", entry.get(key, []))) for key in ("roles", "groups"))
    return Host(name, cast("str", entry["tier"]), roles, groups, identity)
