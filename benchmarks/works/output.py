"""A step that prints much, here and over SSH."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.making import ours, peer, program
from benchmarks.model import Against, Goal, Quantity, Ready, Side, Work
from benchmarks.servers import hosts

MEGABYTE = 1_000_000
SIZE = 100
INVOKE_AT_MOST = 3 * MEGABYTE
"""Bytes beyond which Invoke's runner, whose time grows with their square, is not waited for."""


def text(size: int) -> str:
    """Shell text that prints `size` bytes: lines of a hundred characters, some 200 MB in a second."""
    return f"base64 -w 99 /dev/zero | head -c {size}"


def local_sides(size: int, folder: Path) -> tuple[Side, ...]:
    sides = [
        ours("ours", "ours_local.py", 1, text(size)),
        program("producer", "sh", "-c", f"{text(size)} >/dev/null"),
        program("producer, to a file", "sh", "-c", f'{text(size)} >"$0"', folder / "direct"),
        program("pipe", "sh", "-c", text(size), with_output=True),
        ours("Popen", "popen_local.py", 1, text(size)),
        ours("Popen, kept", "popen_local.py", 1, text(size), folder / "kept"),
    ]
    if size <= INVOKE_AT_MOST:
        sides.append(peer("invoke", "fabric", "invoke_local.py", 1, text(size)))
    return tuple(sides)


@contextmanager
def local(size: int, folder: Path) -> Iterator[Ready]:
    yield Ready(local_sides(size * MEGABYTE, folder))


@contextmanager
def over_ssh(size: int, folder: Path) -> Iterator[Ready]:
    with hosts(1, folder) as there:
        given = (there.described, text(size * MEGABYTE))
        ssh = ("ssh", "-F", there.config, there.names[0], given[1])
        yield Ready(
            (
                ours("ours", "output_ssh.py", *given, "ours"),
                ours("paramiko", "output_ssh.py", *given, "paramiko"),
                program("ssh", *ssh, missing=peers.lacks_program("ssh"), with_output=True),
            ),
            there.account.seconds,
        )


_GROWS = Goal("ours", 30, against=Against.ALONE, quantity=Quantity.GROWN, called="memory grows by")
WORKS = (
    Work(
        "output",
        "Output of a local step",
        local,
        (SIZE,),
        "MB",
        goals=(Goal("ours", 1.1, "producer"), _GROWS),
    ),
    Work(
        "output-ssh",
        "Output of a step over SSH",
        over_ssh,
        (SIZE,),
        "MB",
        goals=(Goal("ours", 1.2, "paramiko"), _GROWS),
    ),
)
