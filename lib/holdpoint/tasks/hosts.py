"""The tasks of hosts. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import JSON, PLAIN


@offered("host.list", help={"json": JSON, "plain": PLAIN})
def list_hosts(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the hosts, their tiers, and the way to each."""
    from holdpoint.app import hosts  # noqa: PLC0415 - see the package

    return hosts.list_all(opened(json=json, plain=plain))


@offered(
    "host.check",
    lists=("host",),
    help={
        "host": "SSH aliases, apart by commas, `role:NAME` or `group:NAME`; without it, all of hosts.yaml.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def check_hosts(_context: Context, host: list[str], json: bool = False, plain: bool = False) -> int | None:
    """Look whether hosts can be worked on."""
    from holdpoint.app import hosts  # noqa: PLC0415 - see the package

    return hosts.check(opened(json=json, plain=plain), host)


TASKS = collection("host", list_hosts, check_hosts)
