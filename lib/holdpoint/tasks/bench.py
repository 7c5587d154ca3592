"""The tasks about speed. What they do is in `benchmarks/` of a clone, which is not installed with the package."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered
from holdpoint.tasks.words import JSON


@offered(
    "bench.run",
    lists=("only",),
    default=True,
    help={
        "only": "A work, such as `journal`; can be repeated. Without it, all of them.",
        "rounds": "How often each side does its work, after a warm-up.",
        "largest": "Leave out sizes beyond this one.",
        "json": JSON,
    },
)
def run(
    _context: Context, only: list[str], rounds: int = 5, largest: int | None = None, json: bool = False
) -> int | None:
    """Measure what Holdpoint costs, beside its peers."""
    from holdpoint.app import checks  # noqa: PLC0415 - see `holdpoint.tasks`

    return checks.bench(only, rounds, largest, json=json)


@offered("bench.setup")
def setup(_context: Context) -> int | None:
    """Install the peers of `bench`, in a cache."""
    from holdpoint.app import checks  # noqa: PLC0415 - see `holdpoint.tasks`

    return checks.bench_setup()


TASKS = collection("bench", run, setup)
