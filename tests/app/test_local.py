"""This machine is `local`, unless an entry of the inventory expects it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from holdpoint.app.local import this_machine
from holdpoint.engine.ports import Target, Tier
from holdpoint.problem import HoldpointError, draw

NAME = socket.gethostname()


def inventory(folder: Path, entries: str) -> Target:
    (folder / "hosts.yaml").write_text(f"schema: holdpoint/hosts/1\nhosts:\n{entries}")
    (folder / "machine-id").write_text("abc123\n")
    return this_machine(folder, folder / "machine-id")


def test_without_an_inventory_it_is_local(tmp_path: Path) -> None:
    assert this_machine(tmp_path) == Target(NAME, Tier.LOCAL)


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
