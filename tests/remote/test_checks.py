"""The team's own checks over SSH: each on its host, and one that cannot be reached is neither green nor red."""

from __future__ import annotations

from tests.laws.terminal import left
from tests.remote.conftest import Remote

TEAM = """\
schema: holdpoint/team/1
checks:
  health: {run: 'cat "$HOME/health"', host: web1}
  smoke: {run: 'cat "$HOME/smoke"', host: web2}
  flow: {run: echo from here}
"""


def wiki(remote: Remote, **tiers: str) -> Remote:
    remote.hosts(**{"web1": "staging", "web2": "staging", **tiers})
    (remote.home("web1") / "health").write_text("all 7 parts answer\n")
    (remote.home("web2") / "smoke").write_text("a page was saved\n")
    remote.case.write("team.yaml", TEAM)
    remote.run("incident.declare", "down", "--severity", "1", "--json").expect(0, ...)
    remote.run("incident.done", "restored").expect(0, ..., ...)
    return remote


def test_each_check_runs_on_its_host_and_is_the_evidence(remote: Remote) -> None:
    wiki(remote)
    data = remote.run("incident.check", "--json").expect(0, ..., ...).json()
    assert [(one["check"], one["green"], one["said"]) for one in data["checks"]] == [
        ("health", True, "all 7 parts answer"),
        ("smoke", True, "a page was saved"),
        ("flow", True, "from here"),
    ]
    assert len({one["run"] for one in data["checks"]}) == 3
    assert not list(remote.target("web1").glob("locks/*"))


def test_one_that_cannot_be_reached_is_not_known_and_the_rest_is_read(remote: Remote) -> None:
    wiki(remote)
    remote.run("incident.check", "--json").expect(0, ..., ...)
    remote.wires["web1"].refuses = True
    ran = remote.run("incident.check", "--json").expect(8, ..., ...)
    assert [(one["check"], one["green"]) for one in ran.json()["checks"]] == [
        ("health", None),
        ("smoke", True),
        ("flow", True),
    ]
    done = {one["item"]: one["done"] for one in ran.json()["checklist"]}
    assert done["health"]
    remote.wires["web1"].refuses = False
    (remote.home("web1") / "health").unlink()
    gone = remote.run("incident.check", "--json").expect(4, ..., ...).json()
    assert {one["item"]: one["done"] for one in gone["checklist"]}["health"] is False


def test_on_production_a_person_agrees_to_the_reads(remote: Remote) -> None:
    wiki(remote, web1="prod")
    ran = remote.run("incident.check", "--name", "health").expect(7, ..., ...)
    assert "Nothing was read." in ran.stdout
    with remote.person("incident.check", "--name", "health") as child:
        child.expect_exact("This is production.")
        child.expect(r"> $")
        child.sendline("run")
        child.expect_exact("health: all 7 parts answer")
        assert left(child) == 0
