"""Executable runbooks that stop for a person before every change.

The public API: `load` gives a validated `Runbook`, `plan` a `Plan` with typed values, and `run` carries it out and gives
an `Ended`. What was not validated cannot be planned, and what was not planned cannot be run:

    runbook = holdpoint.load("disk-full")
    plan = holdpoint.plan(runbook, {"mount": "/var"})
    ended = holdpoint.run(plan, check=True)

All three raise `HoldpointError`, which carries every problem that was found and the exit code of the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdpoint.problem import Exit, HoldpointError, Level, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from holdpoint.document.model import Runbook
    from holdpoint.engine.loop import Ended
    from holdpoint.engine.ports import Operator
    from holdpoint.planning.plan import Plan

__version__ = "0.1.0"
__all__ = ["Exit", "HoldpointError", "Level", "Place", "Problem", "load", "plan", "run"]


def load(name: str, *, folder: Path | None = None) -> Runbook:
    """Find a runbook by its id and validate it.

    Looks in `folder` where one is given, else in `runbooks/` of the working folder and then in those that ship with
    the package. Raises `HoldpointError` with every problem of the document.
    """
    from holdpoint.app.world import World  # noqa: PLC0415 - a listing must not wait for the engine's imports

    return World.here(runbooks=folder).library.load(name)


def plan(runbook: Runbook, params: Mapping[str, str] | None = None, *, hosts: Sequence[str] = ()) -> Plan:
    """Lay a runbook out with values given as texts, for this machine or for `hosts`; asks nobody.

    A host is an SSH alias, `role:NAME` or `group:NAME`, as `--host` takes it. Secrets are resolved from their own sources. Raises `HoldpointError` with every value that is missing or unfit.
    """
    from holdpoint.app.running import plan_of  # noqa: PLC0415 - as above
    from holdpoint.app.world import Kind, World  # noqa: PLC0415 - as above

    world = World.here().ready(Kind.REAL)
    return plan_of(world, runbook, params or {}, world.fleet.select(hosts), ask=True)


def run(
    plan: Plan,
    *,
    check: bool = False,
    dry_run: bool = False,
    answers: Mapping[str, str] | None = None,
    operator: Operator | None = None,
) -> Ended:
    """Carry a plan out, with journal, gates and lock, exactly as `inv runbook` does.

    `check` reads and changes nothing; `dry_run` executes nothing at all. `answers` maps step ids to gate words;
    `operator` takes the place of the terminal. Gives the exit code of the contract and the reason in a sentence.
    """
    from holdpoint.app.running import carry_out  # noqa: PLC0415 - as above
    from holdpoint.app.world import Kind, World  # noqa: PLC0415 - as above

    kind = Kind.DRY if dry_run else Kind.CHECK if check else Kind.REAL
    return carry_out(World.here(operator=operator).ready(kind, answers), plan, kind, answers)
