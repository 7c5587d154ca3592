"""ShellCheck over the scripts of a document, its findings mapped back to the document's own lines and columns.

The values that a script reads are assigned in front of it, as they are in a run. Where ShellCheck is not installed,
the shell itself says whether it can parse the script (`sh -n`). Nothing of a script is ever run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdpoint.document.model import ValueType
from holdpoint.document.scripts import Piece, pieces
from holdpoint.document.source import Source
from holdpoint.problem import Level, Problem
from holdpoint.shell import Shell

_LONGEST = 60
"""Seconds that one script may take."""

_EXCLUDED = "SC2034,SC1090,SC1091,SC2148"
"""Not asked: values assigned in front that ShellCheck sees nobody read, files sourced on the target, a missing `#!`."""

_SAMPLES = {
    ValueType.INTEGER: "$(printf 1)",
    ValueType.NUMBER: "$(printf 1)",
    ValueType.BOOLEAN: "$(printf true)",
}
_SYNTAX = re.compile(r"(?:line |: )(\d+): *(.*)")


@dataclass(frozen=True, slots=True)
class Linters:
    """The programs to ask. `shellcheck` is None where it is not installed."""

    shellcheck: Path | None
    shells: Mapping[Shell, Path]


def linters(search: str | None = None) -> Linters:
    """Find the programs: ShellCheck beside the Python that runs, then on `search` (by default, PATH)."""
    beside = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) if search is None else None
    found = beside or shutil.which("shellcheck", path=search)
    shells = {shell: Path(path) for shell in Shell if (path := shutil.which(shell.value, path=search))}
    return Linters(Path(found) if found else None, shells)


def lint(source: Source, schema: Mapping[str, Any], programs: Linters) -> tuple[Problem, ...]:
    """Say what is doubtful in the scripts of a document. An error is what no shell could run; all else warns."""
    found: list[Problem] = []
    for piece in pieces(source, schema):
        found += _shellcheck(piece, programs.shellcheck) if programs.shellcheck else _parsed(piece, programs.shells)
    return tuple(dict.fromkeys(found))


def unparsable(source: Source, schema: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Say which scripts of a document their own shell cannot parse; a shell that is not installed says nothing."""
    shells = linters().shells
    return tuple(dict.fromkeys(problem for piece in pieces(source, schema) for problem in _parsed(piece, shells)))


def _shellcheck(piece: Piece, program: Path) -> list[Problem]:
    """Run ShellCheck with the values assigned in front, on one line, so that lines are easy to count back."""
    front = "".join(f"{name}={_sample(kind)}; " for name, kind in piece.reads) + "\n"
    argv = [str(program), "--norc", "--format=json1", f"--shell={piece.shell}", f"--exclude={_EXCLUDED}", "-"]
    done = _run(argv, front + piece.script)
    try:
        comments = json.loads(done.stdout)["comments"]
    except (ValueError, KeyError, TypeError):
        said = (done.stderr or done.stdout).strip().split("\n")[-1]
        return [Problem("shellcheck", "ShellCheck gave no answer", piece.at(1, 1), found=said, level=Level.WARNING)]
    return [_comment(piece, comment) for comment in comments if int(comment["line"]) > 1]


def _sample(kind: ValueType) -> str:
    """A value that ShellCheck cannot know, so that it asks for quotes as it would for any value."""
    return _SAMPLES.get(kind, '"$(cat)"')


def _comment(piece: Piece, comment: Mapping[str, Any]) -> Problem:
    line, column = int(comment["line"]) - 1, int(comment["column"])
    length = int(comment["endColumn"]) - column if comment["endLine"] == comment["line"] else 1
    code = f"SC{comment['code']}"
    fatal = comment["level"] == "error"
    message = str(comment["message"]).rstrip(".")
    message = message[:1].lower() + message[1:] if message[1:2].islower() else message
    hint = f"https://www.shellcheck.net/wiki/{code}"
    return Problem(
        code, message, piece.at(line, column, length), hint=hint, level=Level.ERROR if fatal else Level.WARNING
    )


def _parsed(piece: Piece, shells: Mapping[Shell, Path]) -> list[Problem]:
    """Let the shell parse the script; silent where that shell is not installed either."""
    program = shells.get(piece.shell)
    if program is None:
        return []
    done = _run([str(program), "-n"], piece.script)
    if done.returncode == 0:
        return []
    said = done.stderr.strip().split("\n")[0]
    match = _SYNTAX.search(said)
    line, reason = (int(match[1]), match[2]) if match else (1, said)
    return [Problem("shell-syntax", f"`{piece.shell}` cannot parse this", piece.at(line, 1), found=reason.lower())]


def _run(argv: list[str], script: str) -> subprocess.CompletedProcess[str]:
    """Run a program over a script; one that does not come back in time counts as having said so."""
    try:
        return subprocess.run(
            argv,
            input=script,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(argv, 0, "", str(error))
