"""How cost grows: with hosts, runbooks, output, and records of a journal. Each is drawn as a plot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks import peers
from benchmarks.making import ours, program
from benchmarks.model import Ready, Work
from benchmarks.servers import hosts
from benchmarks.works.hosts import MANY_STEPS, in_processes
from benchmarks.works.output import INVOKE_AT_MOST, local_sides, text
from benchmarks.works.runbooks import SCHEMA, library

KILOBYTE, GIGABYTE = 1_000, 1_000_000_000


@contextmanager
def of_hosts(size: int, folder: Path) -> Iterator[Ready]:
    with hosts(size, folder) as there:
        sides = (ours("ours", "ours_ssh.py", there.described, MANY_STEPS), *in_processes(there, MANY_STEPS))
        yield Ready(sides, there.account.seconds)


@contextmanager
def of_runbooks(size: int, folder: Path) -> Iterator[Ready]:
    place = library(size, folder / "clone")
    listing = (Path(peers.ours()).with_name("inv"), "--search-root", place, "runbook.list", "--json")
    yield Ready(
        (
            ours("loaded and validated", "runbooks_ours.py", place),
            ours("C loader", "runbooks_theirs.py", place / "runbooks", "c", SCHEMA),
            program("listed from the cache", *listing, environ={"HOLDPOINT_STATE": str(folder / "state")}),
        )
    )


@contextmanager
def of_output(size: int, folder: Path) -> Iterator[Ready]:
    here = [replace(side, name=f"{side.name}, local") for side in local_sides(size, folder) if side.name in _DRAWN]
    with hosts(1, folder) as there:
        given = (there.described, text(size))
        yield Ready(
            (
                *here,
                ours("ours, SSH", "output_ssh.py", *given, "ours"),
                ours("paramiko, SSH", "output_ssh.py", *given, "paramiko"),
            ),
            there.account.seconds,
        )


_DRAWN = ("ours", "pipe", "invoke")


@contextmanager
def of_records(size: int, folder: Path) -> Iterator[Ready]:
    yield Ready(tuple(ours(how, "records.py", folder / how, size, how) for how in ("resume", "verify", "list")))


WORKS = (
    Work("growth-hosts", "3 steps that read, by hosts", of_hosts, (1, 10, 50, 100, 200, 500), "hosts", growth=True),
    Work("growth-runbooks", "Runbooks, by their number", of_runbooks, (10, 100, 1000), "runbooks", growth=True),
    Work(
        "growth-output",
        "Output of a step, by its size",
        of_output,
        (KILOBYTE, 100 * KILOBYTE, INVOKE_AT_MOST, 100_000_000, GIGABYTE),
        "bytes",
        growth=True,
    ),
    Work("growth-journal", "A journal, by its records", of_records, (10, 100, 1000, 10000), "records", growth=True),
)
