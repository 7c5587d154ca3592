"""Real sshds on loopback for the sides, and the description of them that every side reads."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.account import Account

LISTENERS = 10
"""As many as hosts are asked at once, so that each of these has processes of its own to look at."""
A_NET = 250
"""Addresses of one 127.0.N."""
HOST = """\
Host {name}
  HostName {address}
  Port {port}
  HostKeyAlias {name}
  User {user}
  IdentityFile {folder}/id_ed25519
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
"""
SERVER = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/id_ed25519.pub
SetEnv "HOME={folder}"
ListenAddress 0.0.0.0
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxSessions 100
MaxStartups 1000
UseDNS no
"""


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Hosts:
    """So many hosts. `described` is a file that says all about them, for sides of any kind."""

    folder: Path
    names: tuple[str, ...]
    account: Account

    @property
    def described(self) -> Path:
        return self.folder / "hosts.json"

    @property
    def config(self) -> Path:
        """The configuration of OpenSSH's client."""
        return self.folder / "ssh_config"


@contextmanager
def hosts(count: int, folder: Path) -> Iterator[Hosts]:
    """Have `count` hosts answer, at addresses of their own. Raises `OSError` where there is no OpenSSH."""
    for name in ("ssh", "sshd"):
        if lacks := peers.lacks_program(name):
            raise OSError(lacks)
    account, place = Account(), folder / "hosts"
    place.mkdir()
    for key in ("host_key", "id_ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / key], check=True)
    (place / "sshd_config").write_text(SERVER.format(folder=place))
    ports = [_free_port() for _ in range(min(count, LISTENERS))]
    try:
        with _serving(place, ports, account):
            there = [Host(f"h{n}", _address(n), ports[n % len(ports)]) for n in range(count)]
            made = Hosts(place, tuple(host.name for host in there), account)
            _describe(made, there)
            yield made
    finally:
        account.close()


def _describe(made: Hosts, there: Sequence[Host]) -> None:
    user, folder = getpass.getuser(), made.folder
    public = " ".join((folder / "host_key.pub").read_text().split()[:2])
    fields = [{"name": host.name, "address": host.address, "port": host.port} for host in there]
    made.config.write_text("".join(HOST.format(**each, user=user, folder=folder) for each in fields))
    known = [f"{host.name},[{host.address}]:{host.port} {public}\n" for host in there]  # not all know `HostKeyAlias`
    (folder / "known_hosts").write_text("".join(known))
    told = {"user": user, "public": public, "hosts": fields, "config": str(made.config)}
    files = {"key": str(folder / "id_ed25519"), "known_hosts": str(folder / "known_hosts")}
    made.described.write_text(json.dumps({**told, **files}))


def _address(number: int) -> str:
    return f"127.0.{number // A_NET + 1}.{number % A_NET + 1}"


@contextmanager
def _serving(folder: Path, ports: Sequence[int], account: Account) -> Iterator[None]:
    """Have servers at every address of loopback. As root each has process ids of its own, as a machine has."""
    alone: list[str] = []
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    sshd = [str(peers.program("sshd")), "-D", "-e", "-f", str(folder / "sshd_config"), "-p"]
    line = [*account.joins, *alone, *sshd]
    processes = [subprocess.Popen([*line, str(port)], stderr=subprocess.DEVNULL) for port in ports]
    try:
        for port in ports:
            _await(port)
        yield
    finally:
        for process in processes:
            process.kill()  # `unshare` passes no other signal on
        for process in processes:
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(200):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise OSError("sshd did not start")
