"""This machine is `local`, unless an entry of the inventory expects it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from holdpoint.app.fleet import Fleet, is_called
from holdpoint.engine.target import Target, Tier
from holdpoint.problem import HoldpointError, draw

NAME = socket.gethostname()


def inventory(folder: Path, entries: str) -> Target:
    (folder / "hosts.yaml").write_text(f"schema: holdpoint/hosts/1\nhosts:\n{entries}")
    (folder / "machine-id").write_text("abc123\n")
    return Fleet.of(folder, folder / "machine-id").here


def test_without_an_inventory_it_is_local(tmp_path: Path) -> None:
    assert Fleet.of(tmp_path).here == Target(NAME, Tier.LOCAL)


@pytest.mark.parametrize(
    ("expect", "tier"),
    [
        (f"{{hostname: {NAME}}}", Tier.PROD),
        ("{machine_id: abc123}", Tier.PROD),
        (f"{{hostname: {NAME}, machine_id: abc123}}", Tier.PROD),
        (f"{{hostname: {NAME}, machine_id: other}}", Tier.LOCAL),
        ("{hostname: other}", Tier.LOCAL),
    ],
)
def test_an_entry_that_expects_this_machine(tmp_path: Path, expect: str, tier: Tier) -> None:
    target = inventory(tmp_path, f"  web1: {{tier: prod, expect: {expect}}}\n")
    assert target == (Target("web1", tier) if tier is Tier.PROD else Target(NAME, tier))


def test_of_several_entries_the_most_careful_tier_holds(tmp_path: Path) -> None:
    entries = (
        "  lab: {tier: practice, expect: {machine_id: abc123}}\n  web1: {tier: prod, expect: {machine_id: abc123}}\n"
    )
    assert inventory(tmp_path, entries) == Target("web1", Tier.PROD)


def test_a_wrong_inventory_never_makes_production_local(tmp_path: Path) -> None:
    with pytest.raises(HoldpointError) as error:
        inventory(tmp_path, "  web1: {tier: production, expect: {hostnam: x}}\n")
    drawn = "\n".join(draw(problem) for problem in error.value.problems)
    assert "`production`" in drawn
    assert "hosts.yaml:3:" in drawn
    assert "did you mean `hostname`?" in drawn


ENTRIES = """\
  web1: {tier: prod, roles: [web], groups: [eu]}
  web2: {tier: staging, roles: [web]}
  db1: {tier: prod, roles: [db], groups: [eu]}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    (tmp_path / "hosts.yaml").write_text(f"schema: holdpoint/hosts/1\nhosts:\n{ENTRIES}")
    return Fleet.of(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((), (NAME,)),
        (("web1",), ("web1",)),
        (("db1,web1", "db1"), ("db1", "web1")),
        (("role:web",), ("web1", "web2")),
        (("group:eu,web2",), ("web1", "db1", "web2")),
        (("role:web,group:eu",), ("web1", "web2", "db1")),
        (("ada@far.example.org",), ("ada@far.example.org",)),
    ],
)
def test_hosts_are_named_by_alias_role_and_group(fleet: Fleet, wanted: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert fleet.select(wanted) == found


def test_a_host_that_the_inventory_does_not_name_is_production(fleet: Fleet) -> None:
    assert fleet.target("far.example.org") == Target("far.example.org", Tier.PROD)
    assert fleet.target("web2") == Target("web2", Tier.STAGING)


def test_a_tier_that_was_lowered_since_does_not_lower_that_of_a_run(fleet: Fleet) -> None:
    assert fleet.target("web2", "prod").tier is Tier.PROD
    assert fleet.target("web1", "staging").tier is Tier.PROD


def test_everything_that_names_no_host_is_said_at_once(fleet: Fleet) -> None:
    with pytest.raises(HoldpointError) as error:
        fleet.select(["role:wbe,-oProxyCommand=x,group:us", "", NAME])
    drawn = "\n".join(draw(problem) for problem in error.value.problems)
    assert "did you mean `web`?" in drawn
    assert "`-oProxyCommand=x`" in drawn
    assert "expected: `group:eu`" in drawn
    assert f"`{NAME}` is the name of this machine" in drawn
    assert len(error.value.problems) == 5


def test_an_entry_of_the_same_name_that_expects_nothing_is_not_taken_for_this_machine(tmp_path: Path) -> None:
    fleet_here = inventory(tmp_path, f"  {NAME}: {{tier: prod}}\n")
    assert fleet_here == Target("this-machine", Tier.LOCAL)
    fleet = Fleet.of(tmp_path, tmp_path / "machine-id")
    assert fleet.target(NAME) == Target(NAME, Tier.PROD)
    assert fleet.select([NAME]) == (NAME,)


@pytest.mark.parametrize(
    ("entry", "hostname", "same"),
    [
        ("db1", "db1", True),
        ("db1", "db1.example.org", True),
        ("db1.example.org", "db1", True),
        ("ada@DB1", "db1", True),
        ("db1.eu.example.org", "db1.us.example.org", False),
        ("localhost", "db1", True),
        ("root@127.0.0.1", "db1", True),
        ("db10", "db1", False),
    ],
)
def test_an_entry_has_a_machines_name_also_where_one_of_them_is_short(entry: str, hostname: str, same: bool) -> None:
    assert is_called(entry, hostname) is same


def test_the_namesakes_are_those_that_do_not_say_which_machine_they_mean(tmp_path: Path) -> None:
    def namesakes(more: str = "") -> list[str]:
        inventory(tmp_path, f"  {NAME}: {{tier: prod}}\n  web1: {{tier: prod}}\n{more}")
        return [host.name for host in Fleet.of(tmp_path, tmp_path / "machine-id").namesakes]

    assert namesakes() == [NAME]
    assert namesakes("  lab: {tier: practice, expect: {machine_id: abc123}}\n") == []
