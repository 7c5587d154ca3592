"""One step that prints, on a connection that stands: `output_ssh.py HOSTS TEXT ours|paramiko`."""

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import paramiko
from serving import serve

from holdpoint.engine.outcomes import Exited
from holdpoint.engine.ports import Command, Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.shell import Script
from hosts import BLOCK, Hosts, dialled


def main():
    hosts, text = Hosts(sys.argv[1], 1), sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        once = by_us(hosts, text, folder) if sys.argv[3] == "ours" else by_paramiko(hosts, text)
        serve(once, lambda: shutil.rmtree(folder, ignore_errors=True))


def by_us(hosts, text, folder):
    machine = SshMachine(Target(hosts.hosts[0]["name"], Tier.STAGING), folder, config=Path(hosts.config))

    def once():
        command = Command(Script(text), "step", timedelta(seconds=600), timedelta(seconds=1))
        outcome = machine.read(command, Unwatched())
        if not isinstance(outcome, Exited) or outcome.code:
            raise RuntimeError(str(outcome))

    return once


def by_paramiko(hosts, text):
    transport = paramiko.Transport(dialled(hosts.hosts[0]))
    transport.start_client(timeout=30)
    transport.auth_publickey(hosts.user, paramiko.Ed25519Key(filename=hosts.key))

    def once():
        channel = transport.open_session()
        channel.exec_command(text)
        while channel.recv(BLOCK):
            pass
        if channel.recv_exit_status():
            raise RuntimeError("it failed")
        channel.close()

    return once


main()
