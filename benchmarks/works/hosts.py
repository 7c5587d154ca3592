"""Steps that read, over SSH: ten on one host, and three on many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.making import ansible_environ, ansible_playbook, ours, peer, pyinfra, several
from benchmarks.model import FLOOR, Against, Goal, Quantity, Ready, Side, Work
from benchmarks.servers import Hosts, hosts
from benchmarks.sides.steps import STEPS, repeated

FEW, MANY_STEPS = 10, 3
CORES = 2
"""What the floor is divided by: the machine of the measurement has two."""
MANY_HOSTS = (100, 200)


@contextmanager
def one(size: int, folder: Path) -> Iterator[Ready]:
    """One host, and `size` steps; each side logs in, does them, and logs out."""
    with hosts(1, folder) as there:
        given = (there.described, size)
        yield Ready(
            (
                ours("ours", "ours_ssh.py", *given),
                ours("one ssh session", "openssh.py", *given, "session"),
                ours("ssh ControlMaster", "openssh.py", *given, "control"),
                *in_processes(there, size),
                *tools(there, repeated(size)),
            ),
            there.account.seconds,
        )


@contextmanager
def many(size: int, folder: Path) -> Iterator[Ready]:
    """Many hosts, three steps each, ten hosts at a time."""
    with hosts(size, folder) as there:
        given = (there.described, MANY_STEPS)
        yield Ready(
            (
                ours("ours", "ours_ssh.py", *given),
                ours("paramiko, ssh -G", "paramiko_ssh.py", *given, "asks"),
                *in_processes(there, MANY_STEPS),
                *tools(there, STEPS),
                clush(there, STEPS),
                ansible_raw(there, STEPS),
            ),
            there.account.seconds,
        )


def in_processes(there: Hosts, steps: int) -> tuple[Side, ...]:
    """The libraries: each in a process that stands, so that only the work counts."""
    given = (there.described, steps)
    return (
        ours("paramiko", "paramiko_ssh.py", *given),
        peer("libssh2", "libssh2", "libssh2_ssh.py", *given),
        peer("asyncssh", "asyncssh", "asyncssh_ssh.py", *given),
        peer("fabric", "fabric", "fabric_ssh.py", *given),
    )


def tools(there: Hosts, steps: Sequence[str]) -> tuple[Side, ...]:
    """The tools that are commands: with their start, as a person types them."""
    folder = there.folder / "pyinfra"
    folder.mkdir()
    data = {
        "ssh_config_file": str(there.config),
        "ssh_key": str(there.folder / "id_ed25519"),
        "ssh_known_hosts_file": str(there.folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
    }
    return (
        pyinfra(folder, repr(list(there.names)), steps, data),
        ansible_playbook(there.folder, _inventory(there), steps, "ansible pipelined"),
    )


def ansible_raw(there: Hosts, steps: Sequence[str]) -> Side:
    tool = peers.python("ansible").with_name("ansible")
    lines = [[tool, "-i", _inventory(there), "all", "-m", "raw", "-a", text] for text in steps]
    side = several("ansible raw", there.folder, lines, peers.lacks("ansible"))
    return Side(side.name, side.command, ansible_environ(there.folder), side.missing)


def clush(there: Hosts, steps: Sequence[str]) -> Side:
    options = ["-S", "-f", "10", "-o", f"-F {there.config}", "-w", ",".join(there.names)]
    lines = [["clush", *options, text] for text in steps]
    return several("clush", there.folder, lines, peers.lacks_program("clush"))


def _inventory(there: Hosts) -> Path:
    file = there.folder / "inventory.ini"
    common = f"-F {there.config}"
    file.write_text("\n".join([*there.names, "[all:vars]", f"ansible_ssh_common_args={common}", ""]))
    return file


ONE = Work(
    "host",
    "Steps that read on one SSH host",
    one,
    (FEW,),
    "steps",
    goals=(Goal("ours", 1.4, "ssh ControlMaster"), Goal("ours", 0.45, "fabric"), Goal("ours", 1.2, "paramiko")),
)
MANY = Work(
    "hosts",
    "Three steps that read on many SSH hosts",
    many,
    MANY_HOSTS,
    "hosts",
    goals=(
        Goal("ours", 0.9, "fabric"),
        Goal("ours", 0.75, "pyinfra"),
        Goal("ours", 1.15, "paramiko"),
        Goal("ours", 1.5, "paramiko", divided=CORES, called=FLOOR),
        Goal("ours", 8, against=Against.ALONE, quantity=Quantity.CPU, per_size=True, called="client CPU a host"),
    ),
)
