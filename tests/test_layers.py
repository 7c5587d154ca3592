"""What tools check: the layers, the types, the style, and that what the tests need is installed where they run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 600


def _run(*command: str) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [str(program), *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_layers_import_downwards_only() -> None:
    _run("lint-imports", "--no-cache")


def test_types() -> None:
    _run("mypy", "--no-error-summary")


def test_style() -> None:
    _run("ruff", "check", "--no-cache", ".")


def test_format() -> None:
    _run("ruff", "format", "--check", "--no-cache", ".")


def _packages() -> set[str]:
    lines = (ROOT / ".ci/packages").read_text().splitlines()
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


def test_every_package_that_a_test_needs_is_installed_by_the_checks() -> None:
    needed = re.compile(r"""require\(\s*["'][^"']+["'],\s*["']([^"']+)["']""")
    files = sorted((ROOT / "tests").rglob("*.py"))
    named = {package for file in files for package in needed.findall(file.read_text())}
    assert named
    assert named <= _packages(), sorted(named - _packages())


@pytest.mark.parametrize("name", [".ci/run", "inv"])
def test_scripts_can_be_executed(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111


def test_a_skipped_test_is_a_failure_in_the_checks(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("import pytest\n\ndef test_one():\n    pytest.skip('no reason')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(tmp_path), str(tmp_path)]
    codes = {}
    for ci in ("true", ""):
        done = subprocess.run(command, cwd=ROOT, env=_environ(ci), capture_output=True, timeout=LIMIT, check=False)
        codes[ci] = done.returncode
    assert codes == {"true": 1, "": 0}


def _environ(ci: str) -> dict[str, str]:
    import os

    return {**{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}, "CI": ci}
