"""A flood of output does not grow this process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from holdpoint.shell import Secret
from tests.hosts.support import Watcher, bad, command, machine, ticket

def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])

host = machine(Path({folder!r}))
values = dict(bad("floods.py"), key=Secret("hunter2-and-more"))
host.{first}
before = peak()
outcome = host.{second}
assert outcome.output.stdout_size == 100_000_000, outcome
print(peak() - before)
"""
WAYS = {
    "read": (
        "read(command('true', values=values), Watcher())",
        'read(command(\'"$python" "$bad"\', values=values), Watcher())',
    ),
    "change": (
        "change(command('true', values=values), ticket(), Watcher())",
        "change(command('\"$python\" \"$bad\"', values=values), ticket('run1.t2'), Watcher())",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_100_megabytes_cost_less_than_30_of_memory(tmp_path: Path, way: str) -> None:
    first, second = WAYS[way]
    client = CLIENT.format(path=sys.path, folder=str(tmp_path), first=first, second=second)
    done = subprocess.run([sys.executable, "-c", client], capture_output=True, text=True, timeout=120, check=True)
    assert int(done.stdout) < 30_000
