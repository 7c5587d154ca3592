"""A dry run executes nothing; a check looks until it would have to look at what was not done."""

from __future__ import annotations

from pathlib import Path

from holdpoint.engine.outcomes import Exited, NotRun
from holdpoint.engine.ports import Acquired, Unwatched
from holdpoint.hosts.walkthrough import CheckMachine, Due, WalkthroughMachine
from tests.hosts.support import HERE, Watcher, claim, command, machine, ticket


def test_a_walk_through_executes_and_makes_nothing(tmp_path: Path) -> None:
    host = WalkthroughMachine(HERE)
    given = command(f"touch {tmp_path}/made")
    for outcome in (
        host.read(given, Watcher()),
        host.change(given, ticket(), Watcher()),
        host.settle(given, ticket(), Watcher()),
    ):
        assert isinstance(outcome, NotRun)
    assert host.lock(claim(), Unwatched()) == Acquired(0)
    host.unlock(claim())
    host.forget(ticket())
    assert host.heads("run1") is None
    assert host.approvals("run1", "d1") == ()
    assert not list(tmp_path.iterdir())


def test_a_check_reads_until_the_first_change_was_not_made(tmp_path: Path) -> None:
    host = CheckMachine(machine(tmp_path), Due())
    given = command(f"touch {tmp_path}/made")
    assert host.lock(claim(), Unwatched()) == Acquired(0)
    assert isinstance(host.read(command("true"), Watcher()), Exited)
    assert isinstance(host.change(given, ticket(), Watcher()), NotRun)
    assert host.read(command("true"), Watcher()) == NotRun("depends on a change that was not made")
    host.unlock(claim())
    assert not (tmp_path / "made").exists()
    assert not (tmp_path / "target").exists()


def test_a_read_leaves_nothing_on_the_target(tmp_path: Path) -> None:
    machine(tmp_path).read(command("true"), Watcher())
    assert not (tmp_path / "target").exists()
