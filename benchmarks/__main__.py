"""`inv bench` and `inv bench.setup`: `python -m benchmarks [--only WORK] [--rounds N] [--json]`, or `setup`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import drawing, peers, told
from benchmarks.model import Result, Work, as_data
from benchmarks.running import ROUNDS, measured
from benchmarks.works import ALL

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Measure, and give an exit code: 0 also where a goal was missed, 1 where a side failed, 130 where it was interrupted."""
    given = _parsed(arguments)
    if given.what == "setup":
        return 1 if peers.install(_tell) else 0
    console = Console(width=None if sys.stdout.isatty() else told.WIDTH, highlight=False)
    results: list[Result] = []
    kept = _file()
    data: dict[str, Any] = {}
    stopped = False
    try:
        for result in measured(given.works, given.rounds, _tell, given.largest):
            results.append(result)
            data = as_data(results, _machine(given.rounds))
            _keep(data, kept)
            if not given.json:
                told.show(result, console)
    except KeyboardInterrupt:
        stopped = True
    for line in drawing.draw(results, kept.parent):
        _tell(line)
    if given.json:
        sys.stdout.write(json.dumps(data, indent=1) + "\n")
    _tell(_last_word(results, kept, stopped))
    if stopped:
        return INTERRUPTED
    return 1 if any(each.failed for result in results for each in result.figures) else 0


def _last_word(results: Sequence[Result], kept: Path, stopped: bool) -> str:
    if not results:
        return "interrupted before anything was measured"
    return f"interrupted; what was measured until then is in {kept}" if stopped else f"the figures are in {kept}"


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inv bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("what", nargs="?", choices=("run", "setup"), default="run")
    parser.add_argument("--only", action="append", default=[], metavar="WORK")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--largest", type=int, help="leave out sizes beyond this one")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    known = {work.name: work for work in ALL}
    unknown = [name for name in given.only if name not in known]
    if unknown:
        parser.error(f"there is no work `{unknown[0]}`; there are: {', '.join(known)}")
    if given.rounds < 1:
        parser.error("at least one round is needed")
    given.works = chosen(given.only)
    return given


def chosen(names: Sequence[str]) -> tuple[Work, ...]:
    """The works of these names; all, where none is named."""
    return tuple(work for work in ALL if not names or work.name in names)


def _machine(rounds: int) -> dict[str, Any]:
    """Where and when it was measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(_cores()),
        "python": platform.python_version(),
        "rounds": rounds,
    }


def _cores() -> set[int]:
    import os  # noqa: PLC0415 - only here

    return os.sched_getaffinity(0)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file() -> Path:
    """Where what is measured is kept, beside the peers."""
    return peers.folder() / "results" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"


def _keep(data: dict[str, Any], file: Path) -> None:
    """Keep what was measured so far: an hour's work is not lost with its last minute."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_text(json.dumps(data, indent=1))
    written.replace(file)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
