"""What the tests of machines share: commands, watchers, waiting under a limit, and ending what was started."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdpoint.engine.ports import Claim, Command, Ticket, Wish
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.local import LocalMachine
from holdpoint.hosts.machine import Terms
from holdpoint.shell import Script, Shell, Value

BAD = Path(__file__).parent / "bad"
LIMIT = 60.0
HERE = Target("here", Tier.LOCAL)


class Watcher:
    """Gathers what it is shown; wishes what it is told to, at once or once it saw a text."""

    listens = True

    def __init__(self, wish: Wish = Wish.GO_ON, once_seen: str = "") -> None:
        self.seen = {"stdout": "", "stderr": ""}
        self.told: list[str] = []
        self._wish = wish
        self._once_seen = once_seen

    def output(self, stream: str, text: str) -> None:
        self.seen[stream] = (self.seen[stream] + text)[-100_000:]

    def about(self, what: str) -> None:
        self.told.append(what)

    def lost(self, host: str, why: str) -> None:
        self.told.append(f"lost {host}: {why}")

    def regained(self, host: str) -> None:
        self.told.append(f"regained {host}")

    def wish(self) -> Wish:
        return self._wish if self._once_seen in self.seen["stdout"] else Wish.GO_ON


def command(
    text: str,
    spool: str = "step",
    *,
    timeout: float = 50,
    grace: float = 1,
    shell: Shell = Shell.SH,
    values: dict[str, Value] | None = None,
) -> Command:
    script = Script(text, tuple((values or {}).items()), shell)
    return Command(script, spool, timedelta(seconds=timeout), timedelta(seconds=grace))


def ticket(token: str = "run1.t1", *, digest: str = "d1", epoch: int = 0) -> Ticket:
    return Ticket(token, digest, "h1", epoch)


def claim(run: str = "run1", person: str = "ann", title: str = "The log disk is full") -> Claim:
    return Claim(run, person, datetime(2026, 11, 23, 12, 0, tzinfo=UTC), title)


def wipe(folder: Path) -> None:
    """Delete a folder that somebody may be writing to."""
    wait_for("the folder is gone", lambda: (shutil.rmtree(folder, ignore_errors=True), not folder.exists())[1])


def bad(name: str) -> dict[str, Value]:
    return {"python": sys.executable, "bad": str(BAD / name)}


def machine(folder: Path, run: str = "run1", environment: Mapping[str, str] | None = None, **more: Any) -> LocalMachine:
    """Give this machine, with folders of its own; `more` goes into its terms."""
    terms = Terms(folder / "target", folder / "memory", **more)
    return LocalMachine(HERE, folder / run, terms, environment=environment)


def with_shell(folder: Path, program: str) -> dict[str, str]:
    """Give an environment in which `sh` is this program."""
    place = folder / "shell"
    place.mkdir(exist_ok=True)
    found = shutil.which(program)
    assert found
    link = place / "sh"
    if not link.is_symlink():
        link.symlink_to(found)
    return {**os.environ, "PATH": f"{place}:{os.environ['PATH']}"}


def wait_for(what: str, met: Callable[[], object], limit: float = LIMIT) -> None:
    """Wait until a condition holds; fails with `what` when the limit is over."""
    deadline = time.monotonic() + limit
    while not met():
        assert time.monotonic() < deadline, f"not seen in {limit} s: {what}"
        threading.Event().wait(0.005)


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()]


@contextmanager
def ending(file: Path) -> Iterator[None]:
    """End the processes whose ids stand in a file, by id, whatever the test says."""
    try:
        yield
    finally:
        if file.exists():
            for pid in pids(file):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
