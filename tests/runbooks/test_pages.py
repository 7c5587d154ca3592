"""What a person sees of each runbook and each drill, before anything is done, as it was read and agreed to.

`REDRAW_SCREENS=1 pytest tests/runbooks/test_pages.py` writes the pages anew; read the difference then. Times are put in capitals, and
machines have names of the tests' own, so that no page depends on a machine or a day.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdpoint.document import parse
from holdpoint.document.scripts import pieces
from holdpoint.document.source import Source
from holdpoint.drill.parse import parse as parse_drill
from holdpoint.store import library
from holdpoint.store.shellcheck import lint, linters
from holdpoint.views import training
from tests.case import Case
from tests.needs import require
from tests.runbooks.conftest import ROOT
from tests.views.screens import drawn, fits, same

PAGES = Path(__file__).parent / "pages"
RUNBOOKS = sorted(path.stem for path in (ROOT / "runbooks").glob("*.yaml"))
DRILLS = sorted(path.stem for path in (ROOT / "drills").glob("*.yaml"))
HOSTS = """schema: holdpoint/hosts/1
hosts:
  db1: {{tier: staging}}
  ops1: {{tier: local, expect: {{hostname: {hostname}}}}}
"""
VALUES = {
    "compose_file": "/srv/wiki/compose.yaml",
    "db": "wiki",
    "env_file": "/srv/wiki/wiki.env",
    "new_role": "wiki_b",
    "old_role": "wiki_a",
    "owner_role": "wiki_owner",
}
"""For parameters that a person has to give."""
BEGAN = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
WIDTH = 80


def source(folder: str, name: str) -> Source:
    return Source(f"{name}.yaml", (ROOT / folder / f"{name}.yaml").read_bytes())


def page(case: Case, *words: str) -> str:
    """What a command prints on a screen of 80 columns, on a machine that is called `ops1`, in a repository with these runbooks."""
    for name in RUNBOOKS:
        case.runbook(name, (ROOT / "runbooks" / f"{name}.yaml").read_text())
    case.write("hosts.yaml", HOSTS.format(hostname=socket.gethostname()))
    ran = case.run(*words, environ={"COLUMNS": str(WIDTH)}).expect(0, ..., "")
    fits(ran.raw, WIDTH)
    for private in (str(case.folder), str(ROOT)):
        assert private not in ran.raw
    return ran.stdout


@pytest.mark.parametrize("name", RUNBOOKS)
def test_the_walk_through_of_a_runbook(case: Case, name: str) -> None:
    params = parse.parse(source("runbooks", name), library.schema()).params
    given = [f"--param={one.name}={VALUES[one.name]}" for one in params if one.name in VALUES and one.default is None]
    same(f"{name}-dry-run", page(case, "runbook", name, "--dry-run", "--host", "db1", *given), PAGES)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_the_page_of_a_runbook(case: Case, name: str) -> None:
    same(f"{name}-show", page(case, "runbook.show", name), PAGES)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_the_name_of_a_database_is_no_connection_string(name: str) -> None:
    for param in parse.parse(source("runbooks", name), library.schema()).params:
        if param.name == "db":
            assert param.pattern is not None
            assert re.fullmatch(param.pattern, "wiki_2")
            for given in ("host=elsewhere", "postgresql://elsewhere/wiki"):
                assert not re.fullmatch(param.pattern, given)


@pytest.mark.parametrize("name", DRILLS)
def test_the_page_that_a_trainee_sees(name: str) -> None:
    drill = parse_drill(source("drills", name), library.schema("drill"), name)
    text = drawn(training.page(drill, BEGAN, WIDTH, UTC))
    fits(text, WIDTH)
    same(f"drill-{name}", text, PAGES)


def test_no_page_is_left_without_its_document() -> None:
    wanted = {f"{name}-{what}" for name in RUNBOOKS for what in ("dry-run", "show")} | {
        f"drill-{one}" for one in DRILLS
    }
    left = {path.stem for path in PAGES.glob("*.txt")} - wanted
    for name in left if os.environ.get("REDRAW_SCREENS") else ():
        (PAGES / f"{name}.txt").unlink()
    assert {path.stem for path in PAGES.glob("*.txt")} <= wanted


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_lints_clean_also_under_shellcheck(name: str) -> None:
    require("shellcheck", "shellcheck")
    programs = linters()
    assert programs.shellcheck is not None
    one = source("runbooks", name)
    assert (*parse.problems(one, library.schema()), *lint(one, library.schema(), programs)) == ()


@pytest.mark.parametrize("shell", ["dash", "busybox"])
@pytest.mark.parametrize("name", RUNBOOKS)
def test_no_script_of_a_runbook_needs_bash_to_be_parsed(name: str, shell: str) -> None:
    program = [require(shell, shell), *(["sh"] if shell == "busybox" else [])]
    scripts = list(pieces(source("runbooks", name), library.schema()))
    assert scripts
    for piece in scripts:
        assert piece.shell == "sh", piece.script
        done = subprocess.run(
            [*program, "-n"], input=piece.script, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), piece.script
