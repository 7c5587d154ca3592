"""`./inv`: makes the environment once, from anywhere, and never uses one that is not whole.

The installer is a stand-in on the PATH that writes an environment which points at this one, so nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.case import LIMIT
from tests.needs import require

ROOT = Path(__file__).parent.parent
UV = """\
#!/bin/sh
echo "uv $*" >>"$INSTALLED"
case "$1" in
  venv) for venv do :; done
        '{python}' -m venv --without-pip "$venv" ;;
  pip)  [ -z "${{BLOCK-}}" ] || {{ echo begun >"$BLOCK.begun"; read -r _ <"$BLOCK"; }}
        [ -z "${{BREAK-}}" ] || {{ echo "no network" >&2; exit 1; }}
        for site in .venv/lib/python3*/site-packages; do printf '%s\\n' '{site}' "$PWD/lib" >"$site/here.pth"; done ;;
esac
"""


class Clone:
    """A clone in a folder with a space, and a PATH that has nothing but what is put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "my clone"
        self.root.mkdir()
        for name in ("inv", "pyproject.toml", "tasks.py", "README.md"):
            shutil.copy2(ROOT / name, self.root / name)
        for name in ("lib", "runbooks", "schemas"):
            (self.root / name).symlink_to(ROOT / name)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("sh", "readlink", "dirname", "cksum", "find", "rm", "mv", "mkdir", "flock", "env", "cat", "sleep"):
            (self.bin / name).symlink_to(require(name, "coreutils"))
        self.log = folder / "installed"
        self.log.touch()

    def with_uv(self) -> Clone:
        python = Path(sys.executable).resolve()
        text = UV.format(python=python, site=sysconfig.get_path("purelib"))
        return self.with_program("uv", text)

    def with_program(self, name: str, text: str) -> Clone:
        program = self.bin / name
        program.unlink(missing_ok=True)
        program.write_text(text)
        program.chmod(0o755)
        return self

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        here = {"PATH": str(self.bin), "HOME": str(self.folder), "HOLDPOINT_STATE": str(self.folder / "state")}
        return {**here, "INSTALLED": str(self.log), "LANG": "C.UTF-8", **(more or {})}

    def run(
        self,
        *words: str,
        program: Path | None = None,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program or self.root / "inv"), *words],
            cwd=cwd or self.folder,
            env=self.environ(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def installations(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith("uv pip")]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_start_makes_the_environment_and_the_next_costs_nothing(clone: Clone) -> None:
    first = clone.with_uv().run("runbook.list", "--json")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("[{"), "progress does not stand between a program and its JSON"
    assert "inv: making the environment in " in first.stderr
    second = clone.run("runbook.list", "--json")
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert len(clone.installations()) == 1
    assert (clone.root / ".venv/.made").read_text().endswith(f"{clone.root}\n")


def test_through_links_and_from_anywhere_with_the_paths_that_were_typed(clone: Clone) -> None:
    link = clone.folder / "link"
    (clone.folder / "again").symlink_to("my clone/inv")
    link.symlink_to(clone.folder / "again")
    away = clone.folder / "away"
    away.mkdir()
    (away / "broken.yaml").write_text("id: broken\n")
    ran = clone.with_uv().run("runbook.lint", "--name", "./broken.yaml", program=link, cwd=away)
    assert ran.returncode == 2, ran.stderr
    assert "broken.yaml:1:1: error" in ran.stdout


def test_a_refused_command_line_is_2(clone: Clone) -> None:
    ran = clone.with_uv().run("no-such-task")
    assert ran.returncode == 2
    assert "error[usage]: there is no task `no-such-task`" in ran.stderr


def test_alone_it_tells_the_tasks(clone: Clone) -> None:
    for words in ((), ("--help",)):
        ran = clone.with_uv().run(*words)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.startswith("Usage: ./inv TASK ")
        assert "\n  runbook NAME " in ran.stdout


def test_what_the_project_needs_has_changed(clone: Clone) -> None:
    clone.with_uv().run("--list")
    with (clone.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert clone.run("--list").returncode == 0
    assert len(clone.installations()) == 2


def test_the_tests_need_more(clone: Clone) -> None:
    clone.with_uv().run("--list")
    clone.run("test", "--version")
    clone.run("--list")
    assert [line.rpartition(" ")[2] for line in clone.installations()] == [".[incident]", ".[test]"]


def test_an_environment_that_was_not_finished_is_never_used(clone: Clone) -> None:
    broken = clone.with_uv().run("--list", environ={"BREAK": "yes"})
    assert broken.returncode == 2
    assert "no network\ninv: that did not work" in broken.stderr
    assert broken.stdout == ""
    assert not (clone.root / ".venv/.made").exists()
    (clone.root / ".venv/left-over").touch()
    assert clone.run("--list").returncode == 0
    assert not (clone.root / ".venv/left-over").exists()


def test_killed_half_way_and_two_at_once(clone: Clone) -> None:
    pipe = clone.folder / "pipe"
    os.mkfifo(pipe)
    start = [str(clone.with_uv().root / "inv"), "--list"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    blocked = subprocess.Popen(start, env=clone.environ({"BLOCK": str(pipe)}), start_new_session=True, **quiet)  # type: ignore[call-overload]
    _wait_for(clone.folder / "pipe.begun")
    other = subprocess.Popen(start, env=clone.environ(), start_new_session=True, **quiet)  # type: ignore[call-overload]
    assert other.stderr.readline() == b"inv: another start is making the environment; waiting for it\n"
    os.killpg(blocked.pid, signal.SIGKILL)
    blocked.communicate(timeout=LIMIT)
    out, error = other.communicate(timeout=LIMIT)
    assert other.returncode == 0, error
    assert b"runbook.list" in out
    assert clone.run("--list").stderr == ""


def _wait_for(file: Path) -> None:
    """Wait for a file, under the hard limit of whoever calls."""
    watching = ["sh", "-c", 'until [ -e "$1" ]; do sleep 0.05; done', "sh", str(file)]
    subprocess.run(watching, check=True, timeout=LIMIT)


def test_a_moved_clone_gets_an_environment_of_its_own(clone: Clone) -> None:
    clone.with_uv().run("--list")
    clone.root = clone.root.rename(clone.folder / "moved")
    assert clone.run("--list").returncode == 0
    assert len(clone.installations()) == 2


# --- without uv ---

PYTHON = """\
#!/bin/sh
case "$2" in
  *version_info*) exit {new_enough} ;;
  *platform*) echo {version} ;;
  *ensurepip*) exit {ensurepip} ;;
  *) exit 1 ;;
esac
"""


def _python(clone: Clone, version: str, *, new: bool, ensurepip: bool = True) -> Clone:
    text = PYTHON.format(version=version, new_enough=int(not new), ensurepip=int(not ensurepip))
    return clone.with_program("python3", text)


def test_an_old_python_is_named(clone: Clone) -> None:
    ran = _python(clone, "3.9.2", new=False).run("--list")
    assert ran.returncode == 2
    assert f"inv: Python 3.11 or newer is needed; found: {clone.bin}/python3 3.9.2\n" in ran.stderr
    assert "apt install python3 python3-venv" in ran.stderr


def test_no_python_at_all(clone: Clone) -> None:
    ran = clone.run("--list")
    assert ran.returncode == 2
    assert "found: no python3 on the PATH" in ran.stderr


def test_a_python_without_venv_gives_the_line_to_type(clone: Clone) -> None:
    ran = _python(clone, "3.11.2", new=True, ensurepip=False).run("--list")
    assert ran.returncode == 2
    assert "its module ensurepip is missing\ninv: type: apt install python3-venv\n" in ran.stderr
    assert not (clone.root / ".venv/.made").exists()


def test_the_script_is_plain_posix() -> None:
    shellcheck = require("shellcheck", "shellcheck")
    for script in ("inv", ".ci/run"):
        subprocess.run([shellcheck, str(ROOT / script)], check=True, timeout=LIMIT)
    subprocess.run([require("dash", "dash"), "-n", str(ROOT / "inv")], check=True, timeout=LIMIT)
