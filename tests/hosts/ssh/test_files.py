"""A file that is put on, and fetched from, a machine over SSH, whatever its log-in shell and its `sh`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.document.model import Action, Effect, Fetch, Put, Section, Step
from holdpoint.engine.outcomes import Captured, Exited
from holdpoint.engine.ports import Command, Machine
from holdpoint.planning.files import LARGEST, fetch_step, put_steps
from holdpoint.planning.plan import FileRun
from holdpoint.problem import Place
from holdpoint.shell import Blob, Script
from tests.hosts.ssh.support import WAYS, ssh_machine, way_to
from tests.hosts.support import Watcher, command, ticket
from tests.sshd import Site

HERE = Place("x.yaml", 1, 1)
EQUIPPED = [way for way in WAYS if way != "bare"]
NEW, OLD = os.urandom(LARGEST), os.urandom(LARGEST)


@pytest.fixture(params=EQUIPPED)
def host(tmp_path: Path, ssh_site: Site, request: pytest.FixtureRequest) -> Iterator[Machine]:
    machine = ssh_machine(ssh_site, way_to(ssh_site, request.param), tmp_path)
    yield machine
    machine.close()


def made(action: Action, values: dict[str, str]) -> Command:
    assert isinstance(action, FileRun)
    reads = tuple((name, values[name]) for name in sorted(action.reads))
    script = Script(action.script, reads, given=action.given, says=action.says)
    keeps = f"files/web1/{action.keeps}" if action.keeps else ""
    return replace(command(""), script=script, quiet=action.quiet, keeps=keeps)


def good(outcome: object) -> Captured:
    assert isinstance(outcome, Exited), outcome
    assert outcome.code == 0, outcome
    return outcome.output


def test_a_file_is_put_checked_fetched_and_taken_back(host: Machine, tmp_path: Path) -> None:
    to = tmp_path / 'it\'s "the"\nfile'
    to.write_bytes(OLD)
    to.chmod(0o751)
    put = Put("files/new", str(to), None, HERE)
    step = Step("limit", "Put it", Section.RESOLUTION, put, Effect.CHANGE, HERE)
    look, change = put_steps(step, put, Blob(NEW))
    assert change.verify is not None
    assert change.undo is not None
    seen = good(host.read(made(look.action, {}), Watcher()))
    assert seen.value is not None
    values = dict(line.split("=", 1) for line in seen.value.decode().splitlines())
    good(host.change(made(change.action, values), ticket("run1.put"), Watcher()))
    assert (to.read_bytes(), to.stat().st_mode & 0o7777) == (NEW, 0o751)
    good(host.read(made(change.verify.run, values), Watcher()))
    fetch = Fetch(str(to), "it", HERE)
    kept = good(host.read(made(fetch_step(step, fetch, "").action, {}), Watcher()))
    assert (tmp_path / "run1" / kept.stdout_file).read_bytes() == NEW
    good(host.change(made(change.undo.action, values), ticket("run1.undo"), Watcher()))
    assert (to.read_bytes(), to.stat().st_mode & 0o7777) == (OLD, 0o751)
    assert not list(tmp_path.glob(".holdpoint-*"))
