"""Becoming another user on this machine: reads and changes, ended whole, and a sentence where sudo refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, Signalled, TimedOut, Unreachable
from holdpoint.hosts.raised import refused
from tests.hosts.conformance import Way
from tests.hosts.ssh.test_connection import let_through, user_of_tests
from tests.hosts.support import Watcher, command, ending, lives, machine, pids, ticket


@pytest.fixture
def user(tmp_path: Path) -> str:
    name = user_of_tests()
    let_through(tmp_path)
    (tmp_path / "target").mkdir()
    (tmp_path / "target").chmod(0o1777)
    return name


@pytest.fixture(params=["read", "change"])
def way(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Way]:
    host = machine(tmp_path)
    yield Way(host, request.param)
    host.close()


def test_another_user_does_it(way: Way, user: str) -> None:
    outcome = way(replace(command("id -un; exit 3"), become=user))
    assert isinstance(outcome, Exited), outcome
    assert (outcome.code, outcome.output.value) == (3, f"{user}\n".encode())


def test_a_signal_is_told_from_an_exit_code(way: Way, user: str) -> None:
    outcome = way(replace(command("kill -9 $$"), become=user))
    assert isinstance(outcome, Signalled), outcome
    assert outcome.signal == 9


def test_all_of_another_users_step_is_ended(way: Way, user: str, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    file.touch()
    file.chmod(0o666)
    with ending(file):
        outcome = way(replace(command(f"sleep 1000 & echo $! >{file}; wait", timeout=4, grace=0.3), become=user))
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        assert not lives(pids(file)[0])


@pytest.mark.parametrize("name", ["no-such-user", "-x", "a b"])
def test_a_user_who_is_none_is_refused(way: Way, user: str, name: str) -> None:
    outcome = way(replace(command("true"), become=name))
    assert isinstance(outcome, Unreachable), outcome
    assert "user" in outcome.why


def test_where_sudo_asks_for_a_password_it_is_said(tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    (fake / "sudo").chmod(0o755)
    host = machine(tmp_path, environment={"PATH": f"{fake}:/usr/bin:/bin", "HOME": "/"})
    given = replace(command("true"), become="root")
    for outcome in (host.read(given, Watcher()), host.change(given, ticket(), Watcher())):
        assert isinstance(outcome, Unreachable), outcome
        assert outcome.why == refused("sudo: a password is required", "this machine", "root")
        assert "NOPASSWD" in outcome.why
