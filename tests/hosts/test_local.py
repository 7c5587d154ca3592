"""This machine keeps what every machine promises, under each shell that may be its `sh`."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.engine.ports import Machine
from tests.hosts.conformance import *  # noqa: F403 - the suite
from tests.hosts.support import machine, with_shell
from tests.needs import require

SHELLS = [("dash", "dash"), ("bash", "bash"), ("busybox", "busybox")]


@pytest.fixture(params=SHELLS, ids=[program for program, _ in SHELLS])
def host(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    require(*request.param)
    return machine(tmp_path, environment=with_shell(tmp_path, request.param[0]))


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "run1"
