"""The team of a repository: its `team.yaml`, and the working time that follows from it."""

from __future__ import annotations

from pathlib import Path

from holdpoint.app.zone import TEAM
from holdpoint.document.source import Source
from holdpoint.oncall import parse
from holdpoint.oncall.model import Team
from holdpoint.oncall.working import Working
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import holidays, library


def team_of(repository: Path) -> Team:
    """Read the team; one with every default where there is no file. Raises `HoldpointError` with everything that is wrong."""
    path = repository / TEAM
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return parse.default()
    except OSError as error:
        message = f"the team cannot be read: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(Problem("team", message, Place(str(path), 0, 0))) from error
    return parse.parse(Source(TEAM, data), library.schema("team"))


def working_time(team: Team) -> Working:
    """Give the working time of a team, with its days off; raises for a country or a region that nobody knows."""
    return Working(team.zone, team.hours, holidays.off(team.holidays, team.language))


def lacking(team: Team) -> str:
    """Say what the days off leave out, for a person; empty where they are whole."""
    return "" if not team.holidays.country or holidays.installed() else holidays.MISSING
