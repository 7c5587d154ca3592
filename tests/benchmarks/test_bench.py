"""`inv bench` as a person types it."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.case import Case
from tests.hosts.support import wait_for

ROOT = Path(__file__).parents[2]


def _environ(case: Case) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(case.folder / "cache")}


def test_one_work_is_measured_and_told_as_a_table(case: Case) -> None:
    ran = case.run("bench", "--only", "journal", "--rounds", "1", environ=_environ(case)).expect(0, ..., ...)
    assert "A record of the journal: 200 records a round" in ran.stdout
    rows = [line.strip().split("  ")[0] for line in ran.stdout.splitlines()[5:8]]
    assert rows == ["ours", "write + fdatasync", "SQLite, FULL"]
    assert " x write + fdatasync (at most 1.2 x)" in ran.stdout
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())
    assert len(list((case.folder / "cache/holdpoint/bench/results").glob("*.json"))) == 1


def test_json_stands_alone_on_standard_output(case: Case) -> None:
    words = ("bench", "--only", "runbooks", "--rounds", "1", "--largest", "2", "--json")
    told = case.run(*words, environ=_environ(case)).expect(0, ..., ...).json()
    (result,) = told["results"]
    assert (result["work"], result["size"], told["machine"]["rounds"]) == ("runbooks", 2, 1)
    sides = {side["side"]: side for side in result["sides"]}
    assert sides["ours"]["rounds"] == sides["C loader"]["rounds"] == 1
    assert "`inv bench.setup` installs it" in sides["jsonschema-rs alone"]["missing"]
    (kept,) = (case.folder / "cache/holdpoint/bench/results").glob("*.json")
    assert json.loads(kept.read_text()) == told


def test_what_was_measured_before_an_interrupt_is_kept(case: Case) -> None:
    words = ("bench", "--only", "journal", "--only", "growth-output", "--rounds", "1")
    results = case.folder / "cache/holdpoint/bench/results"
    with case.started(*words, environ=_environ(case)) as process:
        wait_for("the first work is measured", lambda: list(results.glob("*.json")))
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error.decode()
    (kept,) = results.glob("*.json")
    assert error.decode().splitlines()[-1] == f"interrupted; what was measured until then is in {kept}"
    assert [result["work"] for result in json.loads(kept.read_text())["results"]] == ["journal"]


def test_a_work_that_is_not_there_is_wrong_usage(case: Case) -> None:
    ran = case.run("bench", "--only", "nothing", environ=_environ(case)).expect(2, "", ...)
    assert "there is no work `nothing`; there are: start, local, " in ran.stderr
    ran = case.run("bench", "--rounds", "0", environ=_environ(case)).expect(2, "", ...)
    assert "at least one round is needed" in ran.stderr


@pytest.mark.parametrize("task", ["bench", "bench.setup"])
def test_an_installed_package_says_where_the_benchmarks_are(case: Case, task: str) -> None:
    installed = case.folder / "site" / "packages"
    shutil.copytree(ROOT / "lib" / "holdpoint", installed / "holdpoint", ignore=shutil.ignore_patterns("__pycache__"))
    words = (sys.executable, "-P", "-c", "from holdpoint.cli import main; main()", task)
    ran = case.run(*words, program="env", environ={"PYTHONPATH": str(installed)})
    ran.expect(
        2,
        "",
        "error[no-benchmarks]: the benchmarks are in a clone, and this is an installed package\n"
        "  found: FOLDER/site\n  hint: in a clone, type `./inv bench`\n",
    )


def test_the_benchmarks_do_not_go_into_the_wheel() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert 'packages = ["lib/holdpoint"]' in text
    assert "benchmarks" not in text.partition("[tool.hatch.build")[2].partition("[tool.pytest")[0]
