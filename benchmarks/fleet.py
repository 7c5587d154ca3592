"""Three reading steps on many hosts, beside a plain pool of Paramiko clients, on real sshds at loopback addresses.

    .venv/bin/python benchmarks/fleet.py [--hosts 100] [--rounds 5]

All sides dial each host once, with TCP_NODELAY, and run ten hosts at a time. Ours asks `ssh -G` about each host, which a
plain pool is told; so one of the pools asks as well. Prints medians and ratios of rounds that are interleaved. On
loopback the servers share the machine with the client, so CPU time is what limits all sides, and is given as well: of
the client with all that it starts and, as root where the kernel counts by groups (cgroup v1), of the servers with all that runs there.
"""

# ruff: noqa: INP001, E402, S101, T201 - a script: it finds the tests, checks what it measures, and prints

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import paramiko

sys.path[:0] = [str(Path(__file__).parents[1])]

from tests.needs import require
from tests.sshd import Site, Sshd, site

from holdpoint.engine.ports import Command, Exited, Target, Tier, Unwatched
from holdpoint.hosts.crew import AT_ONCE, ThreadCrew
from holdpoint.hosts.ssh.keys import KeyRing
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.shell import Script

SETTLES = 0.5
STEPS = ("uptime", "df --output=pcent -- / | tr -dc 0-9", "uname -n")


class Account:
    """The CPU time of a group of processes and all that they start, as the kernel counts it; 0 where it does not."""

    ROOT = Path("/sys/fs/cgroup/cpuacct")

    def __init__(self, name: str) -> None:
        self._folder = self.ROOT / f"holdpoint-{os.getpid()}-{name}"
        with contextlib.suppress(OSError):
            self._folder.mkdir()
        self.joins = ["sh", "-c", 'echo $$ 2>/dev/null >"$0/cgroup.procs"; exec "$@"', str(self._folder)]
        """What a command line is put behind, to be counted here."""

    def join(self) -> None:
        with contextlib.suppress(OSError):
            (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self) -> float:
        try:
            return int((self._folder / "cpuacct.usage").read_text()) / 1e9
        except OSError:
            return 0.0

    def close(self) -> None:
        with contextlib.suppress(OSError):
            (self.ROOT / "cgroup.procs").write_text(str(os.getpid()))
        with contextlib.suppress(OSError):
            self._folder.rmdir()


class Daemon:
    """Servers at every address of loopback, as many as hosts are asked at once, so that each of these has processes of its own.

    That takes root; else they share them, and look at one another's where a step may have left something.
    """

    def __init__(self, folder: Path, account: Account) -> None:
        described = Sshd(folder, {"HOME": str(folder)})
        described.close()  # only its files are wanted
        self.key, self.authorized, self.public = described.key, described.authorized, described.public
        self.ports = [free_port() for _ in range(AT_ONCE)]
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"] if os.geteuid() == 0 else []
        sshd = [require("sshd", "openssh-server"), "-D", "-e", "-f", folder / "sshd_config"]
        options = ["-o", "ListenAddress=0.0.0.0", "-o", "MaxStartups=1000", "-o", "PidFile=none"]
        self._processes = [
            subprocess.Popen([*account.joins, *alone, *sshd, *options, "-p", str(port)], stderr=subprocess.DEVNULL)
            for port in self.ports
        ]
        for port in self.ports:
            self._await(port)

    def _await(self, port: int) -> None:
        for _ in range(200):
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), 1).close()
            time.sleep(0.05)
        raise SystemExit("sshd did not start")

    def close(self) -> None:
        for process in self._processes:
            process.kill()  # `unshare` passes no other signal on
        for process in self._processes:
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def ours(made: Site, folder: Path, names: list[str]) -> None:
    """What a run does on its hosts: step by step, all hosts at once, ten at a time."""
    keys = KeyRing()
    machines = [
        SshMachine(Target(name, Tier.STAGING), folder / "run1", config=made.config, keys=keys) for name in names
    ]
    crew = ThreadCrew()
    for number, text in enumerate(STEPS):
        step = partial(_step, text, number)
        outcomes = dict(crew.carry_out([partial(step, machine) for machine in machines], Unwatched()))
        assert all(isinstance(outcome, Exited) and outcome.code == 0 for outcome in outcomes.values()), outcomes
    for machine in machines:
        machine.close()


def _step(text: str, number: int, machine: SshMachine, watch: object) -> object:
    spool = f"{number}-{machine.target.name}"
    command = Command(Script(text), spool, timedelta(seconds=60), timedelta(seconds=1))
    return machine.read(command, watch)  # type: ignore[arg-type] - the crew's own


def theirs(made: Site, names: list[str], places: list[tuple[str, int]], *, asks: bool) -> None:
    """A pool of ten threads, each with a client of its own for each host; `asks` OpenSSH for each host's configuration."""
    key = paramiko.Ed25519Key(filename=str(made.key))
    known = paramiko.HostKeys(str(made.known_hosts))

    def one(name: str, place: tuple[str, int]) -> None:
        if asks:
            subprocess.run(["ssh", "-G", "-F", made.config, "--", name], capture_output=True, check=True)
        sock = socket.create_connection(place)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(sock)
        transport.start_client(timeout=30)
        assert known.check(name, transport.get_remote_server_key())
        transport.auth_publickey(made.user, key)
        for text in STEPS:
            channel = transport.open_session()
            channel.exec_command(text)
            output = b""
            while data := channel.recv(65536):
                output += data
            assert channel.recv_exit_status() == 0
            assert output
        transport.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, names, places))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    accounts = Account("client"), Account("servers")
    accounts[0].join()
    with site(folder) as made:
        server = Daemon(folder / "sshd-fleet", accounts[1])
        server.authorized.write_text(made.key.with_name(made.key.name + ".pub").read_text())
        places = [(f"127.0.{n // 250 + 1}.{n % 250 + 1}", server.ports[n % AT_ONCE]) for n in range(given.hosts)]
        names = [made.host(f"h{n}", port, server, HostName=address) for n, (address, port) in enumerate(places)]
        sides: dict[str, Callable[[], None]] = {
            "ours": partial(ours, made, folder, names),
            "paramiko": partial(theirs, made, names, places, asks=False),
            "paramiko, ssh -G": partial(theirs, made, names, places, asks=True),
        }
        found: dict[str, list[Figures]] = {name: [] for name in sides}
        for turn in range(given.rounds + 1):
            for name, side in sides.items():
                figures = measured(side, accounts)
                if turn:  # the first is a warm-up
                    found[name].append(figures)
        server.close()
    for account in accounts:
        account.close()
    show({name: Figures(*map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}, given.hosts)


class Figures(NamedTuple):
    """What one round took, in seconds: by the clock, and of the CPUs."""

    took: float
    client: float
    servers: float


def measured(side: Callable[[], None], accounts: tuple[Account, Account]) -> Figures:
    before, began = [account.seconds() for account in accounts], time.monotonic()
    side()
    took = time.monotonic() - began
    time.sleep(SETTLES)  # what ends on the servers is theirs still
    return Figures(took, *(account.seconds() - was for account, was in zip(accounts, before, strict=True)))


def show(medians: dict[str, Figures], hosts: int) -> None:
    first = next(iter(medians.values()))
    for name, (took, client, servers) in medians.items():
        each = f"{1000 * client / hosts:5.1f} ms of CPU a host, {1000 * servers / hosts:5.1f} ms on it"
        whole = (first.client + first.servers) / ((client + servers) or 1)
        print(f"{name:<17} {took:6.2f} s  {each}  ours is {first.took / took:.2f} x, of the CPUs {whole:.2f} x")


if __name__ == "__main__":
    main()
