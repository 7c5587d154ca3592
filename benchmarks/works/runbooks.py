"""A library of a thousand runbooks: loaded and validated, and listed when they were listed before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.making import ROOT, ours, peer, program
from benchmarks.model import Against, Goal, Ready, Work
from benchmarks.works.start import TASKS

COUNT = 1000
LINES = 150
MODEL = ROOT / "tests" / "document" / "whole.yaml"
SCHEMA = ROOT / "schemas" / "runbook.schema.json"


def library(count: int, folder: Path) -> Path:
    """Make a repository with `count` runbooks of 150 lines, each with everything that a runbook can have."""
    (folder / "runbooks").mkdir(parents=True)
    (folder / "tasks.py").write_text("from holdpoint.tasks import ns\n")
    text = padded(MODEL.read_text())
    for number in range(count):
        mine = re.sub(r"^id: .*$", f"id: book-{number}", text, count=1, flags=re.MULTILINE)
        (folder / "runbooks" / f"book-{number}.yaml").write_text(mine)
    return folder


def padded(text: str) -> str:
    """Give a runbook 150 lines, by more steps in its diagnosis."""
    lines = text.rstrip("\n").split("\n")
    at = lines.index("causes:")
    more, number = [], 0
    while len(lines) + len(more) + 4 <= LINES:
        more += [
            f"  - id: more-{number}",
            f"    title: One more look, number {number}",
            "    run: uname -n",
            "    timeout: 30s",
        ]
        number += 1
    return "\n".join([*lines[:at], *more, *lines[at:], ""])


@contextmanager
def loaded(size: int, folder: Path) -> Iterator[Ready]:
    place = library(size, folder / "clone")

    def validated(how: str) -> tuple[str, str, Path, str, Path]:
        return "schemas", "runbooks_theirs.py", place / "runbooks", how, SCHEMA

    yield Ready(
        (
            ours("ours", "runbooks_ours.py", place),
            ours("ours, schema alone", "runbooks_ours.py", place, "fits"),
            ours("C loader", "runbooks_theirs.py", place / "runbooks", "c", SCHEMA),
            ours("pure loader", "runbooks_theirs.py", place / "runbooks", "pure", SCHEMA),
            peer("jsonschema alone", *validated("jsonschema")),
            peer("fastjsonschema alone", *validated("fastjsonschema")),
            peer("jsonschema-rs alone", *validated("jsonschema-rs")),
        )
    )


@contextmanager
def listed(size: int, folder: Path) -> Iterator[Ready]:
    place = library(size, folder / "clone")
    python = Path(peers.ours())
    environ = {"HOLDPOINT_STATE": str(folder / "state")}
    line = (python.with_name("inv"), "--search-root", place, "runbook.list", "--json")
    (folder / "empty").mkdir()
    (folder / "empty" / "tasks.py").write_text(TASKS)
    empty = (python.with_name("inv"), "--search-root", folder / "empty", "--list")
    yield Ready((program("ours", *line, environ=environ), program("inv --list, empty", *empty)))


WORKS = (
    Work(
        "runbooks",
        f"Runbooks of {LINES} lines, loaded and validated",
        loaded,
        (COUNT,),
        "runbooks",
        goals=(Goal("ours", 1.5, "C loader"),),
    ),
    Work(
        "runbooks-listed",
        "Runbooks, listed from the cache",
        listed,
        (COUNT,),
        "runbooks",
        goals=(Goal("ours", 300, against=Against.ALONE, called="in all"),),
    ),
)
