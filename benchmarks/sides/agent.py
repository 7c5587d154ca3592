"""One small step, many times, on a connection that stands: `agent.py HOSTS COUNT agent|plain|read ssh|local FOLDER`."""

import subprocess
import sys
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

import paramiko
from serving import serve

from holdpoint.engine.outcomes import Exited
from holdpoint.engine.ports import Command, Ticket, Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.local import LocalMachine
from holdpoint.hosts.machine import Terms
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.shell import Script
from hosts import BLOCK, Hosts, dialled

TEXT = "uname -n"


def main():
    hosts = Hosts(sys.argv[1], 1)
    count, how, where = int(sys.argv[2]), sys.argv[3], sys.argv[4]
    make = {"plain": plain_ssh if where == "ssh" else plain_local}.get(how, lambda _: machine(hosts, where, how))
    step = make(hosts)

    def once():
        for _ in range(count):
            step()

    serve(once)


def machine(hosts, where, how):
    """A machine of ours, and one step on it."""
    folder = Path(tempfile.mkdtemp(dir=sys.argv[5]))
    name = hosts.hosts[0]["name"]
    terms = Terms(folder / "target")
    if where == "ssh":
        made = SshMachine(Target(name, Tier.STAGING), folder / "run", terms, config=Path(hosts.config))
    else:
        made = LocalMachine(Target("here", Tier.LOCAL), folder / "run", terms)

    def step():
        mark = uuid.uuid4().hex[:12]
        command = Command(Script(TEXT), mark, timedelta(seconds=60), timedelta(seconds=1))
        if how == "read":
            outcome = made.read(command, Unwatched())
        else:
            outcome = made.change(command, Ticket(f"run.{mark}", "d", "h", 0), Unwatched())
        if not isinstance(outcome, Exited) or outcome.code:
            raise RuntimeError(str(outcome))

    return step


def plain_ssh(hosts):
    """Paramiko's own way, on one connection."""
    transport = paramiko.Transport(dialled(hosts.hosts[0]))
    transport.start_client(timeout=30)
    transport.auth_publickey(hosts.user, paramiko.Ed25519Key(filename=hosts.key))

    def step():
        channel = transport.open_session()
        channel.exec_command(TEXT)
        while channel.recv(BLOCK):
            pass
        if channel.recv_exit_status():
            raise RuntimeError("it failed")
        channel.close()

    return step


def plain_local(_hosts):
    return lambda: subprocess.run(["sh", "-c", TEXT], capture_output=True, check=True)


main()
