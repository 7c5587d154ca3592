"""Runbooks that a team's settings are: their own checks, and the way back to the version before.

A document follows from its name and the team alone, so that a run of it can be planned again. Its text is JSON, which is
YAML too; whoever reads it checks it as any other runbook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from holdpoint.document import duration
from holdpoint.oncall.model import CHECKS, Probe, Team, WayBack

PREFIX = "team-"
ROLLBACK = "rollback-"
BEFORE = "before-"
READ, VERSION = "read", "previous"
"""The step that reads the version of before, and the value that it registers."""
_REVIEWED = "2026-01-01"
"""A document has to have one; what these say is as new as the team's settings."""
_TITLES = {
    "health": "The full health check",
    "smoke": "The smoke test",
    "flow": "One real user flow, from end to end",
}


def checks(names: Sequence[str]) -> str:
    """Name the document that holds these checks."""
    return PREFIX + "-".join(names)


def rollback(service: str) -> str:
    """Name the document that takes a service back, where the team gives a command for it."""
    return f"{PREFIX}{ROLLBACK}{service}"


def before(service: str) -> str:
    """Name the document that reads which version of a service ran before."""
    return f"{PREFIX}{BEFORE}{service}"


def document(team: Team, name: str) -> str | None:
    """Write the document of a name; None where the team's settings hold no such one."""
    said = name.removeprefix(PREFIX)
    if said == name:
        return None
    if said.startswith(ROLLBACK):
        service = said.removeprefix(ROLLBACK)
        way = team.rollbacks.get(service)
        return _way_back(team, name, service, way) if way is not None and way.run else None
    if said.startswith(BEFORE):
        service = said.removeprefix(BEFORE)
        way = team.rollbacks.get(service)
        return _before(name, service, way.before) if way is not None and way.before is not None else None
    wanted = said.split("-")
    if not set(wanted) <= team.checks.keys() or checks(sorted(set(wanted), key=CHECKS.index)) != name:
        return None
    steps = [_step(one, _TITLES[one], team.checks[one], on_failure="continue") for one in wanted]
    return _written(name, "The team's own checks", (), diagnostic=steps)


def _before(name: str, service: str, probe: Probe) -> str:
    return _written(name, f"Which version of {service} ran before?", (service,), diagnostic=[_reading(service, probe)])


def _way_back(team: Team, name: str, service: str, way: WayBack) -> str:
    """Read the version, change to it, and look at the health check before and after, where it is of the same host."""
    change: dict[str, Any] = {
        "id": "roll-back",
        "title": f"Roll {service} back to the version before",
        "effect": "change",
        "run": way.run,
        "timeout": duration.show(way.timeout),
        "irreversible": "the version that runs now is replaced; to have it again, it is deployed again",
    }
    health = team.checks.get("health")
    more: dict[str, Any] = {}
    if health is not None and health.host == way.host:
        more["recovered"] = {
            "run": health.run,
            "timeout": duration.show(health.timeout),
            "within": "60s",
            "every": "2s",
        }
    reads = [_reading(service, way.before)] if way.before is not None else []
    return _written(name, f"Roll {service} back to the version before", (service,), reads, [change], more)


def _reading(service: str, probe: Probe) -> dict[str, Any]:
    registered = {"register": {VERSION: {"type": "string", "pattern": r"\S.*"}}}
    return _step(READ, f"Which version of {service} ran before?", probe) | registered


def _step(key: str, title: str, probe: Probe, **more: str) -> dict[str, Any]:
    return {"id": key, "title": title, "run": probe.run, "timeout": duration.show(probe.timeout), **more}


def _written(
    name: str,
    title: str,
    services: Sequence[str],
    diagnostic: Sequence[Mapping[str, Any]] = (),
    resolution: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> str:
    whole = {
        "schema": "holdpoint/runbook/1",
        "id": name,
        "title": title,
        "owner": "team.yaml",
        "severity": "SEV1",
        "services": list(services),
        "alerts": [],
        "matches": [],
        "reviewed": _REVIEWED,
        "symptoms": [],
        "diagnostic": list(diagnostic),
        "resolution": list(resolution),
        "prevention": [],
        "rollback": [],
        **(more or {}),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False)
