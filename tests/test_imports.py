"""What commands import. That is a fact, unlike how long they take, and most of what a short command costs.

What is pinned are Holdpoint's own modules and other people's packages, for each command, in `tests/imports.txt`. After a
change that is wanted, `REDRAW_SCREENS=1` writes the file anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.case import LIMIT, Case

PINNED = Path(__file__).with_name("imports.txt")
COMMANDS = {
    "--list": ("--list",),
    "--help": ("--help",),
    "runbook.list": ("runbook.list",),
    "incident.list": ("incident.list",),
    "runbook NAME --dry-run": ("runbook", "door", "--param", "door=/", "--dry-run"),
}
HEAVY = {"fabric", "paramiko", "cryptography", "jsonschema", "referencing", "rich", "jinja2", "icalendar", "holidays"}
TELL = "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep='\\n', file=open({!r}, 'w')))"


def _imported(case: Case, *words: str) -> set[str]:
    """Every module that is there at the end of a command."""
    told = case.folder / "modules"
    code = f"{TELL.format(str(told))}; sys.argv = ['holdpoint', *sys.argv[1:]]; from holdpoint.cli import main; main()"
    subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=case.repository,
        env=case.environ(),
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    return set(told.read_text().splitlines())


def _known(modules: set[str]) -> list[str]:
    """Holdpoint's modules, and the packages of others; Python's own differ from version to version."""
    named = {name if name.startswith("holdpoint") else name.partition(".")[0] for name in modules}
    return sorted(name for name in named if name not in sys.stdlib_module_names | {"cython_runtime"} and name[0] != "_")


def _pinned() -> dict[str, list[str]]:
    blocks = PINNED.read_text().split("== ")[1:]
    return {head: names.split() for head, _, names in (block.partition("\n") for block in blocks)}


def _drawn(found: dict[str, list[str]]) -> str:
    return "".join(f"== {head}\n" + "".join(f"{name}\n" for name in names) for head, names in found.items())


@pytest.fixture
def listed(case: Case) -> Case:
    """A case whose runbooks were listed before, so that the cache knows them."""
    case.runbook().run("runbook.list").expect(0, ...)
    return case


def test_commands_import_what_is_pinned(listed: Case) -> None:
    found = {head: _known(_imported(listed, *words)) for head, words in COMMANDS.items()}
    if os.environ.get("REDRAW_SCREENS") == "1":
        PINNED.write_text(_drawn(found))
    assert found == _pinned()


@pytest.mark.parametrize("head", COMMANDS)
def test_nothing_heavy_is_pinned(head: str) -> None:
    assert not HEAVY & set(_pinned()[head])


def test_a_listing_from_the_cache_reads_no_document(listed: Case) -> None:
    listed.runbook(text=listed.repository.joinpath("runbooks/door.yaml").read_text().replace("open", "ajar"))
    assert "holdpoint.document.yaml" not in _pinned()["runbook.list"]
    assert "holdpoint.document.yaml" in _imported(listed, "runbook.list")
