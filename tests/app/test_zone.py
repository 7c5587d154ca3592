"""Times that people read are in the zone of the team, which is named once; without a team, in the machine's own."""

from __future__ import annotations

import re

import pytest

from tests.case import Case

NEW_YORK = "schema: holdpoint/team/1\nzone: America/New_York\n"
CLOCK = re.compile(r"^(\d\d):\d\d:\d\d ", re.MULTILINE)


def _hours(text: str) -> set[str]:
    return set(CLOCK.findall(text))


@pytest.fixture
def ran(case: Case) -> Case:
    return case.runbook().write("team.yaml", NEW_YORK)


def test_a_run_is_shown_in_the_teams_zone_which_its_head_names(ran: Case) -> None:
    text = ran.run("runbook", "door", "--param", "door=/nowhere", "--check").raw
    (named,) = re.findall(r"^times      (E[SD]T), America/New_York; a name of a run has UTC$", text, re.MULTILINE)
    shown = ran.run("run.show", "last").expect(0, ..., ...).raw
    began = re.search(r"began      [\d-]+ (\d\d):\d\d:\d\d (\w+)", shown)
    assert began is not None
    assert began[2] == named
    assert began[1] in _hours(shown)
    assert _hours(text) & _hours(shown)
    utc = ran.journals()[0].parent.name[9:11]
    assert (int(utc) - int(began[1])) % 24 in (4, 5)
    listed = ran.run("run.list").expect(0, ..., ...).raw
    assert named in listed
    followed = ran.run("run.follow", "last").expect(0, ..., ...).raw
    assert followed.startswith(f"times      {named}, America/New_York")
    assert _hours(followed) == _hours(shown)


@pytest.mark.parametrize("team", ["", "schema: holdpoint/team/1\nzone: Nowhere/Atall\n"])
def test_without_a_team_that_can_be_read_the_machines_zone_is_named(case: Case, team: str) -> None:
    case.runbook()
    if team:
        case.write("team.yaml", team)
    text = case.run("runbook", "door", "--param", "door=/nowhere", "--check").raw
    assert "\ntimes      UTC\n" in text
