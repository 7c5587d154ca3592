"""What a step over SSH costs, beside Paramiko's own `exec_command` with TCP_NODELAY, on a real sshd on loopback.

    .venv/bin/python benchmarks/ssh.py [--rounds 7]

Prints medians and ratios of rounds that are interleaved. Ratios are what counts: the machine's speed is in both.
"""

# ruff: noqa: INP001, E402, S101, T201 - a script: it finds the tests, checks what it measures, and prints

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import paramiko

sys.path[:0] = [str(Path(__file__).parents[1])]

from tests.sshd import Site, site

from holdpoint.engine.ports import Command, Exited, Target, Ticket, Tier, Unwatched
from holdpoint.hosts.machine import Terms
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.shell import Script

TRIVIAL = "echo hi; exit 3"
DIAGNOSIS = 'df --output=pcent -- / | tr -dc 0-9; test "$(uptime | wc -c)" -gt 0; exit 3'
BLOCK = 1024 * 1024
MEGABYTE = 1_000_000


def command(text: str) -> Command:
    return Command(Script(text), "step", timedelta(seconds=120), timedelta(seconds=1))


class Sides:
    """The two sides: a machine of ours, and Paramiko's client, each on a connection of its own."""

    def __init__(self, made: Site, folder: Path) -> None:
        server = made.sshd("bench")
        alias = made.host("bench", server.port, server)
        self.ours = SshMachine(
            Target(alias, Tier.STAGING), folder / "run1", Terms(folder / "target"), config=made.config
        )
        self.client = paramiko.SSHClient()
        self.client.load_host_keys(str(made.known_hosts))
        self.client.get_host_keys().add(
            f"[127.0.0.1]:{server.port}", "ssh-ed25519", paramiko.Ed25519Key(filename=str(server.key))
        )
        self.client.connect("127.0.0.1", server.port, made.user, key_filename=str(made.key), allow_agent=False)
        transport = self.client.get_transport()
        assert transport is not None
        transport.sock.setsockopt(6, 1, 1)
        self._count = 0

    def close(self) -> None:
        self.client.close()
        self.ours.close()

    def read(self, text: str, code: int = 3) -> None:
        outcome = self.ours.read(command(text), Unwatched())
        assert isinstance(outcome, Exited), outcome
        assert outcome.code == code, outcome

    def change(self, text: str, code: int = 3) -> None:
        self._count += 1
        outcome = self.ours.change(command(text), Ticket(f"run1.t{self._count}", "d", "h", 0), Unwatched())
        assert isinstance(outcome, Exited), outcome
        assert outcome.code == code, outcome

    def paramiko(self, text: str, code: int = 3) -> None:
        _, stdout, stderr = self.client.exec_command(text)
        while stdout.channel.recv(BLOCK):
            pass
        stderr.read()
        assert stdout.channel.recv_exit_status() == code


def median(works: dict[str, Callable[[], None]], rounds: int, repeat: int) -> dict[str, float]:
    """Give milliseconds for each work, in rounds that are interleaved."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            for _ in range(repeat):
                work()
            found[name].append((time.perf_counter() - began) / repeat * 1000)
    return {name: statistics.median(each) for name, each in found.items()}


def show(title: str, got: dict[str, float], base: str) -> None:
    print(f"{title}:")
    for name, milliseconds in got.items():
        print(f"  {name:<20} {milliseconds:9.2f} ms   {milliseconds / got[base]:5.2f} x {base}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, site(Path(name)) as made:
        sides = Sides(made, Path(name))
        try:
            for title, text in (("a trivial read", TRIVIAL), ("a diagnosis", DIAGNOSIS)):
                works = {
                    "paramiko": lambda text=text: sides.paramiko(text),
                    "read": lambda text=text: sides.read(text),
                    "change": lambda text=text: sides.change(text),
                }
                show(title, median(works, rounds, 20), "paramiko")
            for size, repeat in ((1, 3), (100, 1)):
                text = f"head -c {size * MEGABYTE} /dev/zero | tr '\\0' x"
                works = {
                    "paramiko": lambda text=text: sides.paramiko(text, 0),
                    "read": lambda text=text: sides.read(text, 0),
                    "change": lambda text=text: sides.change(text, 0),
                }
                show(f"{size} MB of output", median(works, rounds if size == 1 else 5, repeat), "paramiko")
        finally:
            sides.close()


if __name__ == "__main__":
    main()
