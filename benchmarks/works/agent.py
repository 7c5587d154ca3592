"""A step that changes something: under the agent, durable and detached, against plain execution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.making import ours
from benchmarks.model import Against, Goal, Ready, Work
from benchmarks.servers import hosts

REPEATED = 10
"""Steps in a round, so that one is long enough to be measured; what is told is for one step."""


@contextmanager
def prepared(_size: int, folder: Path) -> Iterator[Ready]:
    with hosts(1, folder) as there:

        def side(name: str, how: str, where: str) -> tuple[str, str, object, int, str, str, Path]:
            return name, "agent.py", there.described, REPEATED, how, where, folder

        made = (
            side("ours, SSH", "agent", "ssh"),
            side("plain exec, SSH", "plain", "ssh"),
            side("ours, a read, SSH", "read", "ssh"),
            side("ours, local", "agent", "local"),
            side("plain exec, local", "plain", "local"),
            side("ours, a read, local", "read", "local"),
        )
        yield Ready(tuple(ours(*each, divided=REPEATED) for each in made), there.account.seconds)


WORK = Work(
    "agent",
    "A step under the agent",
    prepared,
    goals=(
        Goal("ours, SSH", 15, "plain exec, SSH", Against.MORE),
        Goal("ours, local", 15, "plain exec, local", Against.MORE),
    ),
)
