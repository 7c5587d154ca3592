"""The use case `test`: all tests of the clone, by pytest."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from holdpoint.problem import HoldpointError, Problem


def test(arguments: tuple[str, ...]) -> int:
    """Hand over to pytest, which gives its own exit code. Paths in `arguments` are those of the working folder.

    Raises `HoldpointError` where there are no tests, or pytest is not installed.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "tests").is_dir():
        message = "the tests are in a clone, and this is an installed package"
        raise HoldpointError(Problem("no-tests", message, found=str(root), hint="in a clone, type `./inv test`"))
    if importlib.util.find_spec("pytest") is None or importlib.util.find_spec("xdist") is None:
        hint = "`./inv test` installs it; elsewhere: pip install -e '.[test]'"
        raise HoldpointError(Problem("no-pytest", "pytest and pytest-xdist are not installed here", hint=hint))
    command = [sys.executable, "-m", "pytest", *_spread(arguments), *(_from_here(text) for text in arguments)]
    sys.stdout.flush()
    os.chdir(root)
    os.execv(sys.executable, command)  # noqa: S606 - pytest takes this process over
    raise AssertionError("exec came back")


def _spread(arguments: tuple[str, ...]) -> list[str]:
    """Use every core, unless a debugger or the person wants otherwise."""
    chosen = any(text.startswith(("-n", "--numprocesses", "--pdb", "--trace")) for text in arguments)
    return [] if chosen else ["-n", "auto"]


def _from_here(text: str) -> str:
    """Make a path of the working folder absolute; anything else stays as it is."""
    path, sign, rest = text.partition("::")
    is_path = not path.startswith("-") and ("/" in path or path.endswith(".py")) and Path(path).exists()
    return f"{Path(path).absolute()}{sign}{rest}" if is_path else text
