"""The use cases of a clone: all tests, by pytest, and what Holdpoint costs beside its peers, by `benchmarks/`.

Neither is installed with the package. Each takes this process over, and gives its own exit code.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from holdpoint.problem import HoldpointError, Problem

PER_CORE = 2


def test(arguments: tuple[str, ...]) -> int:
    """Hand over to pytest. Paths in `arguments` are those of the working folder.

    Raises `HoldpointError` where there are no tests, or pytest is not installed.
    """
    root = _clone("tests", "the tests are", "test")
    if importlib.util.find_spec("pytest") is None or importlib.util.find_spec("xdist") is None:
        hint = "`./inv test` installs it; elsewhere: pip install -e '.[test]'"
        raise HoldpointError(Problem("no-pytest", "pytest and pytest-xdist are not installed here", hint=hint))
    _hand_over(root, ["pytest", *_spread(arguments), *(_from_here(text) for text in arguments)])


def bench(only: Sequence[str], rounds: int, largest: int | None, *, json: bool) -> int:
    """Hand over to the benchmarks. Raises `HoldpointError` where there are none."""
    words = [*(word for name in only for word in ("--only", name)), "--rounds", str(rounds)]
    words += ["--largest", str(largest)] if largest is not None else []
    _hand_over(_benchmarks(), ["benchmarks", *words, *(["--json"] if json else [])])


def bench_setup() -> int:
    """Install what the benchmarks measure against. Raises `HoldpointError` where there are none."""
    _hand_over(_benchmarks(), ["benchmarks", "setup"])


def _benchmarks() -> Path:
    return _clone("benchmarks", "the benchmarks are", "bench")


def _clone(folder: str, what: str, task: str) -> Path:
    """Give the root of the clone, which has this folder."""
    root = Path(__file__).resolve().parents[3]
    if not (root / folder).is_dir():
        message = f"{what} in a clone, and this is an installed package"
        raise HoldpointError(Problem(f"no-{folder}", message, found=str(root), hint=f"in a clone, type `./inv {task}`"))
    return root


def _hand_over(root: Path, module: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", *module])  # noqa: S606 - it takes this process over
    raise AssertionError("exec came back")


def _spread(arguments: tuple[str, ...]) -> list[str]:
    """Use every core, unless a debugger or the person wants otherwise. Half of what tests do is wait: for servers, for locks.

    A worker that has nothing left takes tests from another, since some last a hundred times as long as most.
    """
    chosen = any(text.startswith(("-n", "--numprocesses", "--pdb", "--trace")) for text in arguments)
    return [] if chosen else ["-n", str(PER_CORE * len(os.sched_getaffinity(0))), "--dist", "worksteal"]


def _from_here(text: str) -> str:
    """Make a path of the working folder absolute; anything else stays as it is."""
    path, sign, rest = text.partition("::")
    is_path = not path.startswith("-") and ("/" in path or path.endswith(".py")) and Path(path).exists()
    return f"{Path(path).absolute()}{sign}{rest}" if is_path else text
