"""A team in French time, and its parts."""

import json
from pathlib import Path

from holdpoint.document.source import Source
from holdpoint.oncall.model import Team
from holdpoint.oncall.parse import parse
from tests.oncall.clocks import PARIS

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parent.parent / "schemas/team.schema.json").read_bytes())
HEAD = "schema: holdpoint/team/1\n"
PEOPLE = """\
people:
  ada: {name: Ada Lovelace, email: ada@example.org}
  bob: {name: Bob Martin, email: bob@example.org}
  eve: {name: Ève Dupont, email: eve@example.org, calendar: eve@group.calendar.example}
"""
TEAM = f"{HEAD}name: ops\n{PEOPLE}rota:\n  start: 2026-10-05\n  order: [ada, bob, eve]\n"
SWAP = "  swaps: [{week: 2026-11-23, with: 2026-11-30, why: a wedding}]\n"


def cover(who, absent, since, until, why="the dentist"):
    return f"    - {{from: {since}, to: {until}, who: {who}, for: {absent}, why: {why}}}\n"


def team(text=TEAM) -> Team:
    return parse(Source("team.yaml", text.encode()), SCHEMA)


def rota(more=""):
    """The rota of the team, and what is added to it."""
    found = team(TEAM + more).rota
    assert found is not None
    assert team().zone == PARIS
    return found
