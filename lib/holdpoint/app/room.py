"""Where there is no room on disk: what is lost in memory, and the yes that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from holdpoint.engine.target import Target, Tier
from holdpoint.problem import Exit, HoldpointError, Problem

if TYPE_CHECKING:
    from holdpoint.app.world import World

MEMORY = "memory"
"""The answer that a file of answers gives: `memory: yes`."""
LOST = "A reboot would lose the record of this run, and with it what may still be in doubt."


def memory_agreed(world: World, target: Target, why: str, *, answers: Mapping[str, str] | None) -> None:
    """Let a run use a folder in memory on a target. Return after a yes; raises `HoldpointError` with exit code 7 for every other answer, and where nobody is there."""
    if answers is not None and target.tier is not Tier.PROD:
        agreed = answers.get(MEMORY) == "yes"
    elif world.interactive:
        agreed = (
            world.prompt(
                f"{target.name}: {why}.\nKeep it in memory instead? {LOST}\nType `yes`, or anything else to stop:"
            )
            == "yes"
        )
    else:
        agreed = False
    if not agreed:
        by_file = "" if target.tier is Tier.PROD else f", or `{MEMORY}: yes` in the file of answers"
        hint = f"answer `yes` at a terminal{by_file}. {LOST}"
        problem = Problem("no-room", f"{why}, and nobody agreed to use memory instead", hint=hint)
        raise HoldpointError(problem, exit_code=Exit.NEEDS_PERSON)
