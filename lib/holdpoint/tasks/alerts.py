"""The tasks of alerts: one that was sent, and the door that monitors send to."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import JSON, PLAIN


@offered(
    "alert.receive",
    default=True,
    help={
        "file": "The payload; without it, standard input.",
        "map": "How to read it, by a name of team.yaml, or `uptimerobot`; without it, as Alertmanager's.",
        "severity": "`1`, `2` or `3`; without it, its labels say so.",
        "incident": "Put it into this incident, whatever its group is.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def receive(
    _context: Context,
    file: str | None = None,
    map_: str | None = None,
    severity: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Take an alert: its runbook, and its incident."""
    from holdpoint.app import alerts  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return alerts.receive(world, file=file, by=map_, severity=severity, incident=incident)


@offered(
    "alert.serve",
    help={
        "port": "The port on loopback; without it, 9095. `0` takes a free one.",
        "token-from": "Where the token is: `env:NAME`, `command:pass show x` or `prompt`.",
        "json": "One JSON document a line for each alert.",
        "plain": PLAIN,
    },
)
def serve(
    _context: Context,
    port: str | None = None,
    token_from: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Take alerts over HTTP on loopback, with a token."""
    from holdpoint.app import serving  # noqa: PLC0415 - see the package

    return serving.serve(opened(json=json, plain=plain), port=port, token_from=token_from)


TASKS = collection("alert", receive, serve)
