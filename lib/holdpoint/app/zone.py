"""The zone in which people read times: the team's, where there is a team."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from holdpoint.problem import HoldpointError

TEAM = "team.yaml"


def zone_of(repository: Path) -> tzinfo | None:
    """Give the zone of a repository's team; None, which is the machine's own, without a file or with one that cannot be used.

    What is wrong with the file says whatever needs more of it.
    """
    if not (repository / TEAM).is_file():
        return None
    from holdpoint.app.team import team_of  # noqa: PLC0415 - most repositories have no team

    try:
        return team_of(repository).zone
    except HoldpointError:
        return None
