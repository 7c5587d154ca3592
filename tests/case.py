"""The black-box builder: the real command, in a folder of its own, with its own state and target.

    case.runbook("door", DOOR).run("runbook", "door", answers="shut: run").expect(0, stdout=...)

Output is compared whole. What differs from run to run (names of runs, times, this folder) is put in capitals first.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

LIMIT = 120
"""Seconds after which a command hangs."""

DOOR = """\
schema: holdpoint/runbook/1
id: door
title: The door is open
owner: ops
severity: SEV3
services: [house]
alerts: [DoorOpen]
matches: ["a draught in the hall"]
reviewed: 2026-11-23
lock: host
params:
  door: {type: path, prompt: "Which door?"}
symptoms:
  - {id: open, title: The door stands open, run: 'test -e "$door"'}
diagnostic:
  - {id: width, title: How far?, run: 'wc -l <"$door" | tr -d " "', register: {width: {type: integer}}}
causes:
  - {id: wide, title: Somebody left it open, when: {value: width, op: ge, than: 1}, evidence: "{width} hands wide"}
resolution:
  - id: shut
    title: Shut the door
    for: [wide]
    effect: change
    run: mv -- "$door" "$door.shut"
    undo: {run: 'test -e "$door" || mv -- "$door.shut" "$door"'}
    verify: {run: 'test ! -e "$door"'}
prevention:
  - {id: spring, title: Fit a spring, action: {owner: ops, due: 14d}}
rollback: []
recovered: {run: 'test ! -e "$door"'}
"""

_VARYING = (
    (re.compile(r"\b\d{8}-\d{4}-([a-z][a-z0-9-]*)-[0-9a-f]{4}\b"), r"RUN-\1"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC| [A-Z]{2,5})?"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "HH:MM:SS"),
    (re.compile(r"\b\d+\.\d s\b"), "0.0 s"),
    (re.compile(r"\bdefect-\d{8}-\d{6}-\w+\.txt"), "DEFECT.txt"),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did; the texts are stable."""

    status: int
    stdout: str
    stderr: str
    raw: str
    """Standard output as it was."""
    raw_error: str = ""

    def expect(
        self,
        status: int = 0,
        stdout: str | EllipsisType = "",
        stderr: str | EllipsisType = "",
    ) -> Ran:
        """Assert the exact status, and the exact texts but for those that are `...`."""
        told = f"\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
        assert self.status == status, f"exit {self.status}, not {status}{told}"
        assert stdout is ... or self.stdout == stdout, told
        assert stderr is ... or self.stderr == stderr, told
        return self

    def json(self) -> Any:
        return json.loads(self.raw)

    def lines(self) -> list[dict[str, Any]]:
        """One JSON document a line."""
        return [json.loads(line) for line in self.raw.splitlines()]


class Case:
    """A repository in a folder of its own; methods that prepare give the case back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.target = folder / "target"
        self.repository = folder / "repository"
        (self.repository / "runbooks").mkdir(parents=True)
        self.write("tasks.py", "from holdpoint.tasks import ns\n")
        (folder / "home").mkdir()

    def write(self, path: str, text: str | bytes) -> Case:
        file = self.repository / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def runbook(self, name: str = "door", text: str = DOOR) -> Case:
        return self.write(f"runbooks/{name}.yaml", text)

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "CI") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOLDPOINT_PERSON": "ada",
            "HOLDPOINT_STATE": str(self.state),
            "HOLDPOINT_TARGET": str(self.target),
            "HOLDPOINT_TARGET_MEMORY": str(self.folder / "memory"),
            **(more or {}),
        }

    def command(self, words: tuple[str, ...], program: str) -> list[str]:
        """`holdpoint` and `inv` are the scripts beside this Python; any other program stands for itself."""
        beside = Path(sys.executable).with_name(program)
        return [str(beside) if program in {"holdpoint", "inv"} else program, *words]

    def run(
        self,
        *words: str,
        program: str = "holdpoint",
        answers: str | None = None,
        stdin: str | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        limit: float = LIMIT,
    ) -> Ran:
        """Run to the end. Without `stdin` there is none; `answers` becomes the file of answers."""
        if answers is not None:
            self.write("answers.yaml", answers)
            words = (*words, "--answers", "answers.yaml")
        done = subprocess.run(
            self.command(words, program),
            cwd=cwd or self.repository,
            env=self.environ(environ),
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=limit,
            check=False,
        )
        out, error = done.stdout.decode(), done.stderr.decode()
        return Ran(done.returncode, self.stable(out), self.stable(error), out, error)

    @contextmanager
    def started(self, *words: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command that is ended, by its id, when the block is left."""
        process = subprocess.Popen(
            self.command(words, options.pop("program", "holdpoint")),
            cwd=self.repository,
            env=self.environ(options.pop("environ", None)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=LIMIT)

    def stable(self, text: str) -> str:
        """Put what differs from run to run in capitals."""
        text = text.replace(str(self.folder.resolve()), "FOLDER").replace(str(self.folder), "FOLDER")
        text = re.sub(rf"\b{re.escape(socket.gethostname())}\b", "HOST", text)
        for pattern, stands in _VARYING:
            text = pattern.sub(stands, text)
        return text

    def journals(self) -> list[Path]:
        return sorted(self.state.glob("runs/*/journal.jsonl"))
