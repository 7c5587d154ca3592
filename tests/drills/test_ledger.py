"""A drill leaves nothing outside its sandbox: not at its end, and not where it is killed anywhere and healed then.

One drill for each kind of sandbox, on a machine of its own (see `alone`). LEDGER_KILLS=20 kills each in as many places more.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from holdpoint.app.drills import is_there
from tests.case import Case
from tests.drills.test_shipped import load
from tests.needs import lacking, require, require_root

ROOT = Path(__file__).parents[2]
LIMIT = 1800.0
MORE = int(os.environ.get("LEDGER_KILLS", "0"))
STAGES = ("it can be made", "green before", "the fault can be set", "runbook", "done, trap", "giving it back")
TO_THE_END = ("", 0)
Kill = tuple[str, int]


@pytest.mark.parametrize(
    ("drill", "kills"),
    [
        pytest.param("disk-full-log", [("it can be made", 5), ("runbook", 20), TO_THE_END], id="memory"),
        pytest.param("disk-full-held", [("it can be made", 8), ("the fault can be set", 2)], id="loop"),
        pytest.param("pg-crashed", [("it can be made", 20), ("the fault can be set", 3)], id="postgresql"),
        pytest.param("secrets-quiet", [("it can be made", 60), ("runbook", 30)], id="roles"),
        pytest.param("docmost-db-stopped", [("it can be made", 90), ("runbook", 40)], id="stack"),
    ],
)
def test_nothing_is_left_of_a_drill(case: Case, drill: str, kills: list[Kill]) -> None:
    require_root("have a machine of its own")
    require("unshare", "util-linux")
    for program, package in load(drill).programs.items():
        if not is_there(program):
            lacking(f"{program} is not here: apt-get install {package}")
    dice = random.Random(drill)
    more: list[Kill] = [(dice.choice(STAGES), dice.randrange(200)) for _ in range(MORE)]
    told = rounds(case, drill, [*kills, *more])
    nothing_left(told)
    something_stood(kills, told)


def test_an_ordinary_user_mounts_in_a_namespace_that_is_healed_from_outside(case: Case) -> None:
    require_root("have a machine of its own")
    require("setpriv", "util-linux")
    kills = [("it can be made", 8), ("runbook", 20), TO_THE_END]
    told = rounds(case, "disk-full-log", kills, user=65534)
    nothing_left(told)
    something_stood(kills, told)


def nothing_left(rounds: list[dict[str, object]]) -> None:
    for told in rounds:
        assert not told["left"], told


def something_stood(kills: list[Kill], rounds: list[dict[str, object]]) -> None:
    """Else a drill was killed where there is nothing to heal, and shows nothing."""
    for kill, told in zip(kills, rounds, strict=False):
        assert told["stood"] or kill == TO_THE_END, told


def rounds(case: Case, drill: str, kills: list[Kill], user: int = 0) -> list[dict[str, object]]:
    scratch = case.folder / "scratch"
    scratch.mkdir()
    spec = {
        "scratch": str(scratch),
        "state": str(case.state),
        "holdpoint": case.command((), "holdpoint")[0],
        "drill": drill,
        "kills": kills,
        "user": user,
    }
    # servers have to reach it, and only the machine of its own has it
    more = {"TMPDIR": f"/tmp/hp-{secrets.token_hex(4)}", "TERM": "xterm", "COLUMNS": "120"}
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc", "--"]
    ran = subprocess.run(
        [*alone, sys.executable, "-m", "tests.drills.alone", json.dumps(spec)],
        cwd=ROOT,
        env=case.environ(more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    found: list[dict[str, object]] = json.loads(ran.stdout)["rounds"]
    return found
