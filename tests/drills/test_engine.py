"""The drills of whole stacks on a real Docker engine of their own, where one can be started; and what stands in for it.

Such a drill is made, repaired and restarted here; all its traps are for `inv drill.prove`, since each makes a stack anew.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdpoint.hosts import process
from tests.case import Case
from tests.hosts.support import wait_for
from tests.needs import require, require_root

ROOT = Path(__file__).parents[2]
DRILL = "docmost-redis-gone"
GROUPS = Path("/sys/fs/cgroup")
LIMIT = 400.0
KERNEL = """
mount -t tmpfs probe /run && mkdir /run/new /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/new,workdir=/run/work probe /etc
"""
"""What the engine needs of the kernel besides control groups, in namespaces that end with it."""


@pytest.fixture
def engine() -> None:
    """Skip where no engine can be started. What the kernel refuses nobody can install: that is expected to fail, under CI too."""
    require_root("start a Docker engine")
    for program, package in (
        ("dockerd", "docker.io"),
        ("docker", "docker.io"),
        ("docker-compose", "docker-compose"),
        ("redis-server", "redis-server"),
        ("/usr/lib/postgresql/15/bin/postgres", "postgresql"),
    ):
        require(program, package)
    asked = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-ec", KERNEL]
    refused = subprocess.run(asked, capture_output=True, text=True, check=False)
    if refused.returncode:
        pytest.xfail(f"the kernel lets no Docker engine be started here: {refused.stderr.strip()}")
    here = GROUPS / "memory" if (GROUPS / "memory").is_dir() else GROUPS
    if not os.access(here, os.W_OK):
        pytest.xfail(f"no control groups can be made in {here}, so no Docker engine can be started here")


@pytest.fixture
def alone(case: Case) -> Case:
    """A repository with that one drill, without its traps."""
    text = (ROOT / "drills" / f"{DRILL}.yaml").read_text()
    (case.repository / "drills").mkdir()
    for folder in ("lib", "stand-ins"):
        (case.repository / "drills" / folder).symlink_to(ROOT / "drills" / folder)
    return case.write(f"drills/{DRILL}.yaml", re.sub(r"(?ms)^traps:\n.*?^(?=hints:)", "traps: []\n", text))


def test_a_drill_is_proven_on_a_real_engine(engine: None, alone: Case) -> None:
    ran = alone.run("drill.prove", "--only", DRILL, "--json", environ={"DRILL_CONTAINERS": "engine"}, limit=LIMIT)
    (proof,) = ran.json()
    assert proof["proven"], [stage for stage in proof["stages"] if not stage["holds"]]
    assert not list(alone.state.glob("drills/armed/*"))


def test_a_drill_on_an_engine_that_is_killed_is_healed(engine: None, alone: Case) -> None:
    with alone.started("drill.prove", "--only", DRILL, environ={"DRILL_CONTAINERS": "engine"}) as running:
        wait_for("the database's container runs", lambda: list(_databases(alone)), limit=180)
        running.send_signal(signal.SIGKILL)
        running.wait(60)
    (armed,) = _armed(alone)
    marks = f"holdpoint-drill-{armed['mark']}"
    assert list(GROUPS.glob(f"*/{marks}")) or (GROUPS / marks).exists()
    alone.run("drill.heal").expect(0, ..., "")
    assert not Path(armed["base"]).exists()
    assert not list(GROUPS.glob(f"*/{marks}"))
    assert not (GROUPS / marks).exists()
    assert not process.carriers(f"HOLDPOINT_DRILL={armed['mark']}/".encode())
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if armed["base"] in line]


def test_an_engine_that_does_not_start_gives_way_to_the_stand_ins(engine: None, tmp_path: Path) -> None:
    (tmp_path / "dockerd").write_text("#!/bin/sh\necho 'no kernel for me' >&2\nexit 1\n")
    (tmp_path / "dockerd").chmod(0o755)
    sandbox = tmp_path / "s"
    sandbox.mkdir()
    libraries = "\n".join(
        (ROOT / "drills" / "lib" / f"{name}.sh").read_text() for name in ("sandbox", "compose", "engine")
    )
    script = f"set -eu\nsandbox='{sandbox}' drills='{ROOT}/drills'\n{libraries}\n"

    def begin(containers: str) -> subprocess.CompletedProcess[str]:
        told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOLDPOINT_DRILL": "none/", "DRILL_CONTAINERS": containers}
        return subprocess.run(
            ["sh", "-c", f"{script}stack_begin && docker_ images; code=$?; stack_end; exit $code"],
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    done = begin("engine")
    assert done.returncode == 1
    assert "no kernel for me" in done.stderr
    (sandbox / "values").unlink()
    done = begin("")
    assert "no kernel for me" in done.stderr
    assert not (sandbox / "docker" / "kind").exists()
    assert "docker.py" in (sandbox / "bin" / "docker").read_text()


def _armed(case: Case) -> list[dict[str, str]]:
    return [json.loads(file.read_bytes()) for file in case.state.glob("drills/armed/*.json")]


def _databases(case: Case) -> Iterator[Path]:
    """The lock files of databases that run in an engine's volumes."""
    for armed in _armed(case):
        yield from Path(armed["base"]).glob("s/docker/root/volumes/wiki_db_data/_data/postmaster.pid")
