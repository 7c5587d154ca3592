"""A person at a real terminal, and small runbooks to sit in front of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from tests.case import Case

HEAD = """\
schema: holdpoint/runbook/1
id: lab
title: The lab is red
owner: ops
severity: SEV2
services: [lab]
alerts: []
matches: []
reviewed: 2026-11-23
"""
PROMPT = r"\S+ > $"


def book(resolution: str, *, params: str = "", rest: str = "", diagnostic: str = "[]", rollback: str = "[]") -> str:
    """A runbook of the sections that a test is about; texts are indented YAML."""
    return (
        f"{HEAD}{params}symptoms: []\ndiagnostic: {diagnostic}\nresolution:\n{resolution}\n"
        f"prevention: []\nrollback: {rollback}\n{rest}"
    )


@contextmanager
def person(case: Case, *words: str, environ: dict[str, str] | None = None, program: str = "holdpoint") -> Iterator[Any]:
    """Sit down at a terminal of 100 columns; what still runs is ended when the block is left."""
    command = case.command(words, program)
    full = case.environ({"TERM": "xterm", **(environ or {})})
    child = pexpect.spawn(
        command[0], command[1:], cwd=str(case.repository), env=full, timeout=60, dimensions=(50, 100), encoding="utf-8"
    )
    try:
        yield child
    finally:
        child.close(force=True)


def read_out(child: Any) -> str:
    """Read what `show` prints, screen after screen, up to the question that it comes back to."""
    text = ""
    while child.expect([r"\d+ more lines: Enter goes on, q ends > $", PROMPT]) == 0:
        text += child.before
        child.sendline("")
        child.expect_exact("\r\n")
    return (text + child.before).replace("\r\n", "\n")


def left(child: Any) -> int:
    """Wait for the command's end, and give its exit code."""
    child.expect(pexpect.EOF)
    child.wait() if child.isalive() else None
    child.close()
    assert child.exitstatus is not None, f"ended by signal {child.signalstatus}"
    return int(child.exitstatus)


def alive(pid_file: Path) -> bool:
    """Whether the process that wrote its id there still runs."""
    return is_alive(int(pid_file.read_text()))


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
