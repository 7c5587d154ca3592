"""The README is true: its commands run, its transcript is what the program shows, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect
import pytest

from tests.case import LIMIT, Case

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
INV = [sys.executable, "-P", "-c", "from holdpoint.cli import inv; inv()", str(ROOT)]
"""What `./inv` executes once its environment is there; `test_inv` is about the rest."""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in _blocks("sh") for line in block.splitlines()]
PROSE = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)


def _inv(case: Case, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*INV, *words],
        cwd=case.repository,
        env=case.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(case: Case, command: str) -> None:
    program, *words = shlex.split(command)
    assert program == "./inv"
    if words == ["test"]:
        words = ["test", "-n0", "-q", "tests/test_readme.py::test_links_lead_somewhere"]
    ran = _inv(case, *words)
    expected = {0, 4, 7} if words == ["runbook", "disk-full"] else {0}
    assert ran.returncode in expected, ran.stdout + ran.stderr


def test_the_two_commands_come_first() -> None:
    assert COMMANDS[:2] == ["./inv runbook disk-full", "./inv test"]


def test_tasks_in_the_prose_exist(case: Case) -> None:
    offered = _inv(case, "--list").stdout
    named = set(re.findall(r"\./inv ([a-z]+(?:\.[a-z]+)?)", PROSE))
    assert named >= {"run.show", "run.resume", "run.rollback", "run.verify"}
    assert not {name for name in named if f"  {name} " not in offered}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


# --- the transcript ---


def _typed(case: Case, lock: Path) -> str:
    """What a terminal shows of the run, with the word `run` typed at its gate."""
    environ = case.environ({"TERM": "dumb", "COLUMNS": "80", "LINES": "50"})
    words = [*INV[1:], "runbook", "stale-lock", "--param", f"lock={lock}"]
    child = pexpect.spawn(
        INV[0], words, cwd=str(case.repository), env=environ, encoding="utf-8", timeout=LIMIT, dimensions=(50, 80)
    )
    child.expect("> $|: $")
    shown = child.before + child.after
    child.sendline("run")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, shown + child.before
    return (shown + child.before).replace("\r\n", "\n")


def transcript(case: Case) -> str:
    """The run of the README's runbook, with the host's name as the README has it."""
    lock = case.folder / "import.lock"
    lock.write_text("4194305\n")
    case.runbook("stale-lock", _blocks("yaml")[0])
    shown = _typed(case, lock)
    assert not lock.exists()
    return re.sub(rf"\b{re.escape(socket.gethostname())}\b", "web1", shown)


def stable(text: str, lock: str, state: str) -> str:
    """A transcript without times, spans, names of runs, paths, and how lines were filled and broken."""
    text = re.sub(r"[─═\s]+", "", text)
    for pattern, stands in (
        (re.escape(lock), "LOCK"),
        (re.escape(state), "STATE"),
        (r"\d{8}-\d{4}-stale-lock-[0-9a-f]{4}", "RUN"),
        (r"\d\d:\d\d:\d\d", "TIME"),
        (r",\d+\.\ds\)", ")"),
    ):
        text = re.sub(pattern, stands, text)
    return text


def test_the_transcript_is_what_the_program_shows() -> None:
    (told,) = _blocks("console")
    command, _, told = told.partition("\n")
    assert command == "$ ./inv runbook stale-lock"
    with TemporaryDirectory(prefix="hp") as short:  # a long path would be cut into pieces
        case = Case(Path(short))
        shown = stable(transcript(case), str(case.folder / "import.lock"), str(case.state))
    assert stable(told, "/var/tmp/import.lock", "/home/ada/.local/state/holdpoint") == shown


# --- Python ---


def test_python(case: Case) -> None:
    code = _blocks("python")[0]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=case.repository,
        env=case.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_task_file_of_another_repository(case: Case) -> None:
    code = _blocks("python")[1]
    ran = case.write("tasks.py", code).runbook().run("runbook.list", program="inv").expect(0, ...)
    assert "The door is open" in ran.stdout
