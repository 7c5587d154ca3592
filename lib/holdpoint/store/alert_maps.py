"""The maps of other monitors' payloads: those of the team, and those that ship, which have the form of a `team.yaml`."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.document.source import Source
from holdpoint.oncall import parse
from holdpoint.oncall.alerts import AlertMap
from holdpoint.oncall.model import Team
from holdpoint.problem import HoldpointError, Problem, did_you_mean
from holdpoint.store.library import schema, shipped


def maps(team: Team) -> Mapping[str, AlertMap]:
    """Give every map by its name; the team's own takes the place of one that ships."""
    found: dict[str, AlertMap] = {}
    for path in sorted((shipped("templates") / "alerts").glob("*.yaml")):
        found |= parse.parse(Source(path.name, path.read_bytes()), schema("team")).alerts.maps
    return {**found, **team.alerts.maps}


def named(team: Team, name: str) -> AlertMap:
    """Find a map. Raises `HoldpointError` where there is none of the name."""
    known = maps(team)
    if name not in known:
        expected = ", ".join(f"`{one}`" for one in sorted(known))
        hint = did_you_mean(name, known) or "`alerts: {maps: ...}` in team.yaml holds your own"
        raise HoldpointError(
            Problem("alert-map", f"there is no map `{name[:40]}`", expected=f"one of {expected}", hint=hint)
        )
    return known[name]
