"""Runbooks that no folder has: a team's own checks and ways back, made from its `team.yaml` when they are asked for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from holdpoint.document.source import Source
from holdpoint.store.library import Made

_PREFIX = "team-"


def made_of(repository: Path) -> Made:
    """Give what writes them for a repository. It raises where the team's settings cannot be used."""
    return partial(_document, repository)


def _document(repository: Path, name: str) -> Source | None:
    if not name.startswith(_PREFIX):
        return None
    from holdpoint.app.team import team_of  # noqa: PLC0415 - most runs need no team
    from holdpoint.app.zone import TEAM  # noqa: PLC0415 - as above
    from holdpoint.oncall import documents  # noqa: PLC0415 - as above

    text = documents.document(team_of(repository), name)
    return None if text is None else Source(f"{TEAM}, as {name}", text.encode())
