"""A machine over SSH keeps what every machine promises, whatever its log-in shell, its `sh`, and the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdpoint.engine.ports import Machine
from tests.hosts.conformance import *  # noqa: F403 - the suite
from tests.hosts.ssh.support import WAYS, ssh_machine, way_to
from tests.sshd import Site


@pytest.fixture(params=WAYS)
def host(tmp_path: Path, ssh_site: Site, request: pytest.FixtureRequest) -> Iterator[Machine]:
    machine = ssh_machine(ssh_site, way_to(ssh_site, request.param), tmp_path)
    yield machine
    machine.close()


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "run1"
