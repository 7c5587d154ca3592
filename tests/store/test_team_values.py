"""A team's own values stand in one file, and take the place of defaults; what does not fit is told with its place."""

from __future__ import annotations

import pytest

from tests.case import DOOR, Case

BOOK = DOOR.replace("{type: path, prompt", "{type: path, default: /tmp/door, prompt").replace(
    "params:",
    "params:\n  paint: {type: string, default: white, enum: [white, red]}\n  latch_secret: {type: secret, from: {env: KEY}}",
)
HEAD = "schema: holdpoint/values/1\n"


@pytest.fixture
def lab(case: Case) -> Case:
    return case.runbook("door", BOOK)


def default(lab: Case, name: str) -> str:
    walk = lab.run("runbook", "door", "--dry-run").expect(0, ..., ...)
    return walk.stdout.split(f"{name} = ")[1].split()[0].rstrip(",")


def test_they_take_the_place_of_defaults_and_one_runbooks_own_win(lab: Case) -> None:
    assert default(lab, "paint") == "white"
    lab.write("values.yaml", f"{HEAD}values: {{paint: red}}\n")
    assert default(lab, "paint") == "red"
    lab.write("values.yaml", f"{HEAD}values: {{paint: red}}\nrunbooks: {{door: {{paint: white, door: /tmp/gate}}}}\n")
    assert (default(lab, "paint"), default(lab, "door")) == ("white", "/tmp/gate")
    walk = lab.run("runbook", "door", "--dry-run").expect(0, ..., ...)
    assert "door = /tmp/gate" in walk.stdout
    walk = lab.run("runbook", "door", "--dry-run", "--param", "door=/tmp/other").expect(0, ..., ...)
    assert "door = /tmp/other" in walk.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("values: {paint: blue}\n", "values.yaml:2:17: error[value-enum]"),
        ("values: {latch_secret: hush}\n", "a secret stands in no file"),
        ("runbooks: {door: {pant: red}}\n", "did you mean `paint`?"),
        ("values: [paint]\n", "values.yaml:2:1"),
        ("valves: {}\n", "did you mean `values`?"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(lab: Case, text: str, said: str) -> None:
    lab.write("values.yaml", HEAD + text)
    for words in (("runbook", "door", "--dry-run"), ("runbook.lint",)):
        ran = lab.run(*words).expect(2, ..., ...)
        assert said in ran.stdout + ran.stderr
        assert "hush" not in ran.stdout + ran.stderr


def test_what_no_runbook_takes_is_warned_of(lab: Case) -> None:
    lab.write("values.yaml", f"{HEAD}values: {{pant: red}}\nrunbooks: {{dor: {{paint: red}}}}\n")
    ran = lab.run("runbook.lint").expect(0, ..., ...)
    assert "no runbook has a parameter `pant`" in ran.stdout
    assert "there is no runbook `dor`" in ran.stdout
