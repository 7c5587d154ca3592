"""The process that does one job for `job.carry_out`: `python -m holdpoint.outside.child`, the job on standard input.

What a library prints goes nowhere: standard output is for the answer alone.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

MOST = 1024**3
"""Bytes that it may have: whatever a server answers, the machine stays usable."""
Began: TypeAlias = Callable[[], None]
Answer: TypeAlias = Mapping[str, Any]


def main() -> None:
    """Read the job, do it, and say what became of it."""
    job = json.load(sys.stdin)
    with suppress(ValueError, OSError):  # it is less already, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    signal.alarm(int(job["seconds"]) + 2)  # whoever started this may have been killed; it is not to linger
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def say(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    began = False

    def begins() -> None:
        nonlocal began
        if not began:
            began = True
            say(began=True)

    try:
        say(**_worker(str(job["kind"]))(job, begins))
    except MemoryError:
        say(done=False, why="the server's answer is too large", doubt=began)
    except Exception as error:  # noqa: BLE001 - whatever happens to it is an answer
        say(done=False, why=f"{type(error).__name__}: {error}", doubt=began)


def _worker(kind: str) -> Callable[[Answer, Began], Answer]:
    if kind == "message":
        from holdpoint.outside.delivery import deliver  # noqa: PLC0415 - a child does one thing only

        return deliver
    from holdpoint.outside.forge import file_issue  # noqa: PLC0415 - as above

    return file_issue


if __name__ == "__main__":
    main()
