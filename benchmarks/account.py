"""The CPU time of a group of processes, as the kernel counts it (cgroup v1): that of the servers which the sides ask.

That takes root. Elsewhere the servers' time is not known, and is given as 0.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup/cpuacct")


class Account:
    """A group; processes that are started behind `joins` are counted, with all that they start."""

    def __init__(self) -> None:
        self._folder = ROOT / f"holdpoint-bench-{os.getpid()}"
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
        self.joins = ["sh", "-c", 'echo $$ 2>/dev/null >"$0/cgroup.procs"; exec "$@"', str(self._folder)]

    def seconds(self) -> float:
        """What all of them used so far."""
        with suppress(OSError):
            return int((self._folder / "cpuacct.usage").read_text()) / 1e9
        return 0.0

    def close(self) -> None:
        with suppress(OSError):  # a process may be about to end in it
            self._folder.rmdir()
