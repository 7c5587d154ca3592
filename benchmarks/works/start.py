"""What a command costs before it does anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.making import program
from benchmarks.model import Goal, Ready, Side, Work

EMPTY = "inv --list, empty"
LISTED = "inv runbook.list"
SCRIPT = "holdpoint --list"
TASKS = "from invoke import task\n\n\n@task\ndef nothing(context):\n    pass\n"
"""Invoke lists no tasks at all as an error."""


@contextmanager
def prepared(_size: int, folder: Path) -> Iterator[Ready]:
    """A repository that has our tasks and one that has none, each with nothing else."""
    empty, clone = folder / "empty", folder / "clone"
    for place, text in ((empty, TASKS), (clone, "from holdpoint.tasks import ns\n")):
        place.mkdir()
        (place / "tasks.py").write_text(text)
    python = Path(peers.ours())
    environ = {"HOLDPOINT_STATE": str(folder / "state")}

    def imports(module: str) -> Side:
        return program(f"import {module}", python, "-c", f"import {module}")

    def other(name: str, environment: str, tool: str, *words: str) -> Side:
        line = (peers.python(environment).with_name(tool), *words)
        return program(name, *line, missing=peers.lacks(environment))

    (empty / "fabfile.py").write_text(TASKS)
    yield Ready(
        (
            program(LISTED, python.with_name("inv"), "--search-root", clone, "runbook.list", environ=environ),
            program(SCRIPT, python.with_name("holdpoint"), "--list", environ=environ),
            program("holdpoint --help", python.with_name("holdpoint"), "--help", environ=environ),
            program("python", python, "-c", "pass"),
            program(EMPTY, python.with_name("inv"), "--search-root", empty, "--list"),
            other("fab --list", "fabric", "fab", "--search-root", str(empty), "--list"),
            other("ansible --version", "ansible", "ansible", "--version"),
            other("pyinfra --version", "pyinfra", "pyinfra", "--version"),
            *map(imports, ("yaml", "rich.console", "jsonschema", "paramiko")),
        )
    )


WORK = Work(
    "start",
    "Start-up",
    prepared,
    goals=(Goal(LISTED, 1.6, EMPTY), Goal(SCRIPT, 1.2, EMPTY)),
)
