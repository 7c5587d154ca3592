"""Which drill a trainee does: by a name that tells nothing, or the next one of a runbook. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from holdpoint.drill.model import Drill

ANY = "any"
"""In the place of a runbook's name: one of all drills."""


def numbered(drills: Sequence[Drill]) -> Mapping[str, str]:
    """Give each drill, by its id, a name that does not say what is wrong: its runbook's, and a number from easy to hard."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for drill in sorted(drills, key=lambda one: (one.level, one.id)):
        counts[drill.runbook] = counts.get(drill.runbook, 0) + 1
        names[drill.id] = f"{drill.runbook}.{counts[drill.runbook]}"
    return names


def candidates(drills: Sequence[Drill], passed: Collection[str]) -> list[Drill]:
    """Give those of which one comes next: the easiest that were not passed yet; all, where each was."""
    ahead = [drill for drill in drills if drill.id not in passed] or list(drills)
    return [drill for drill in ahead if drill.id in passed or drill.level == min(one.level for one in ahead)]
