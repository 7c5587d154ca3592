"""The task of the project itself. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import offered


@offered("test", rest=True)
def test(_context: Context) -> int | None:
    """Run all tests; what stands behind `--` goes to pytest."""
    from holdpoint.app import checks, typed  # noqa: PLC0415 - see the package

    return checks.test(typed.rest())
