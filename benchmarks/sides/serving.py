"""The protocol of a side's process: a line comes in, the work is done once, and what it cost goes out as JSON.

Runs in the environment of any peer, so it needs Python alone. What a side writes to standard output goes nowhere, and it
finds the end of a file at its standard input.
"""

import json
import os
import resource
import time


def serve(once, after=lambda: None):
    """Do the work each time a line comes, until there are no more. `once` may give figures that count instead.

    `after` clears away what a round left, and does not count.
    """
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", buffering=1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    answers.write("ready\n")
    for _ in asked:
        try:
            told = _measured(once)
            after()
        except BaseException as error:
            told = {"failed": f"{type(error).__name__}: {error}"[:400]}
        answers.write(json.dumps(told) + "\n")


def _measured(once):
    _forget_peak()
    before, memory = _cpu(), _memory("VmRSS")
    began = time.perf_counter()
    said = once()
    took = time.perf_counter() - began
    peak = _memory("VmHWM")
    found = {"seconds": took, "cpu": _cpu() - before, "peak": peak, "grown": max(0.0, peak - memory)}
    return {**found, **(said or {})}


def _cpu():
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))


def _memory(what):
    """Megabytes, from the kernel's list; 0 where it has none."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(what))
    except (OSError, StopIteration):
        return 0.0


def _forget_peak():
    """Have the kernel count the most memory from here on."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
