"""A token that never started is buried: whoever still wakes up with it starts nothing, and nothing is claimed too much."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, NeverStarted, Unknown, Unreachable
from holdpoint.engine.ports import Wish
from holdpoint.hosts.agent import agent_path
from holdpoint.hosts.local import LocalMachine
from tests.hosts.support import Watcher, command, ending, lives, machine, pids, ticket, wait_for, with_shell
from tests.needs import require, require_root

CLIENT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tests.hosts.support import *
m = machine(Path({folder!r}))
m.change(command("echo x >>{folder}/made"), ticket(), Watcher())
"""
LN = """#!/bin/sh
case $2 in started)
  [ {when} = before ] || {ln} "$@"
  echo $PPID >{folder}/pids
  while [ ! -e {folder}/release ]; do sleep 0.02; done
  [ {when} = before ] || exit 0
esac
exec {ln} "$@"
"""


@pytest.fixture(params=["dash", "bash", "busybox"])
def host(tmp_path: Path, request: pytest.FixtureRequest) -> LocalMachine:
    require(request.param, request.param)
    return machine(tmp_path, environment=with_shell(tmp_path, request.param))


def hang(folder: Path, when: str) -> int:
    """Start a change whose agent hangs before or after it links `started`, kill the client, and give the supervisor."""
    tool = folder / "tools" / "ln"
    tool.parent.mkdir()
    tool.write_text(LN.format(when=when, folder=folder, ln=shutil.which("ln")))
    tool.chmod(0o755)
    client = CLIENT.format(path=sys.path, folder=str(folder))
    path = f"{tool.parent}:{folder}/shell:{os.environ['PATH']}"
    with subprocess.Popen([sys.executable, "-c", client], env={**os.environ, "PATH": path}) as running:
        wait_for("the agent hangs", lambda: (folder / "pids").exists() and pids(folder / "pids"))
        running.kill()
    return pids(folder / "pids")[0]


def test_what_wakes_up_after_it_was_buried_starts_nothing(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        supervisor = hang(tmp_path, "before")
        assert host.settle(command("true"), ticket(), Watcher()) == NeverStarted()
        assert host.bury(ticket())
        assert host.bury(ticket())
        (tmp_path / "release").touch()
        wait_for("the supervisor ended", lambda: not lives(supervisor))
        assert not (tmp_path / "made").exists()
        assert host.bury(ticket())
        assert host.settle(command("true"), ticket(), Watcher()) == NeverStarted()
        assert isinstance(host.change(command(f"touch {tmp_path}/made"), ticket(), Watcher()), Unreachable)
        assert isinstance(host.change(command("exit 4"), ticket("run1.t2"), Watcher()), Exited)
        assert not (tmp_path / "made").exists()
        assert host.heads("run1") == {"run1.t1": "h1", "run1.t2": "h1"}
        assert host.running("run1") == ()


def test_what_is_about_to_start_is_waited_for_and_takes_itself_back(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        supervisor = hang(tmp_path, "after")
        tombstone = tmp_path / "target" / f"agent-{os.getuid()}" / "t.run1.t1"
        assert not host.bury(ticket())  # at the first look it runs, so no tombstone is made
        tombstone.write_text("buried - h1 run1 - - - -\n")  # as if that had been a moment later
        with ThreadPoolExecutor() as pool:
            buried = pool.submit(host.bury, ticket())
            (tmp_path / "release").touch()
            wait_for("the supervisor ended", lambda: not lives(supervisor))
            assert not buried.result(60) or not (tmp_path / "made").exists()
        assert host.bury(ticket())
        assert not (tmp_path / "made").exists()


def test_what_may_have_started_is_not_called_buried(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        supervisor = hang(tmp_path, "after")
        assert not host.bury(ticket())
        (tmp_path / "release").touch()
        wait_for("the supervisor ended", lambda: not lives(supervisor))


def test_what_ran_or_runs_is_not_buried(host: LocalMachine, tmp_path: Path) -> None:
    waits = f"echo begun; while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done; exit 3"
    host.change(command(waits), ticket(), Watcher(Wish.LEAVE, once_seen="begun"))
    anew = machine(tmp_path, run="other")
    assert not host.bury(ticket())
    assert not anew.bury(ticket())
    (tmp_path / "gate").touch()
    assert isinstance(host.settle(command("true"), ticket(), Watcher()), Exited)
    assert not anew.bury(ticket())
    host.forget(ticket())
    assert not anew.bury(ticket())
    outcome = host.settle(command("true"), ticket(), Watcher())
    assert isinstance(outcome, Exited)
    assert outcome.code == 3


def test_a_tombstone_that_cannot_be_made_buries_nothing(host: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "target").symlink_to(tmp_path / "elsewhere")
    assert not host.bury(ticket())


def test_another_machine_buries_nothing(host: LocalMachine, tmp_path: Path) -> None:
    host.change(command("true"), ticket("run1.t2"), Watcher())
    (tmp_path / "other").write_text("0000-other\n")
    there = machine(tmp_path, environment={**os.environ, "HOLDPOINT_MACHINE_ID": str(tmp_path / "other")})
    assert not there.bury(ticket())


def test_a_token_that_was_only_claimed_leaves_no_head_when_it_is_forgotten(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        supervisor = hang(tmp_path, "before")
        host.forget(ticket())
        assert host.heads("run1") == {}
        (tmp_path / "release").touch()
        wait_for("the supervisor ended", lambda: not lives(supervisor))
        assert not (tmp_path / "made").exists()
        assert host.heads("run1") == {}
        assert not isinstance(host.settle(command("true"), ticket(), Watcher()), Exited | Unknown)


def test_every_user_that_a_step_was_raised_to_must_agree(tmp_path: Path) -> None:
    require_root("be two users")
    require("setpriv", "util-linux")
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        sudo = folder / "sudo"
        sudo.write_text('#!/bin/sh\nshift 4\nexec setpriv --reuid=65534 --clear-groups "$@"\n')
        sudo.chmod(0o755)
        agent = folder / "agent.sh"
        agent.write_text(agent_path().read_text())
        agent.chmod(0o644)
        host = machine(folder, environment={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
        host._steps._link._agent = str(agent)  # type: ignore[attr-defined] # the one of the clone may be out of reach
        host.prepare()
        assert isinstance(host.change(replace(command("true"), become="them"), ticket("run1.t2"), Watcher()), Exited)
        assert host.bury(ticket())
        assert {file.parent.name for file in folder.rglob("t.run1.t1")} == {"agent-0", "agent-65534"}
        sudo.write_text("#!/bin/sh\nexit 1\n")
        assert not host.bury(ticket("run1.t3"))
    finally:
        shutil.rmtree(folder)
