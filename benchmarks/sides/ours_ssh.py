"""Ours: what a run does on its hosts, step by step, all hosts at once, ten at a time."""

import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path

from serving import serve

from holdpoint.engine.outcomes import Exited
from holdpoint.engine.ports import Command, Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.crew import ThreadCrew
from holdpoint.hosts.ssh.keys import KeyRing
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.shell import Script
from hosts import Hosts


def main():
    hosts = Hosts.given()

    def once():
        with tempfile.TemporaryDirectory() as folder:
            keys = KeyRing()
            machines = [
                SshMachine(Target(host["name"], Tier.STAGING), Path(folder), config=Path(hosts.config), keys=keys)
                for host in hosts.hosts
            ]
            crew = ThreadCrew()
            for number, text in enumerate(hosts.steps):
                jobs = [partial(_read, machine, text, f"{number}-{machine.target.name}") for machine in machines]
                for _, outcome in crew.carry_out(jobs, Unwatched()):
                    if not isinstance(outcome, Exited) or outcome.code:
                        raise RuntimeError(str(outcome))
            for machine in machines:
                machine.close()

    serve(once)


def _read(machine, text, spool, watch):
    return machine.read(Command(Script(text), spool, timedelta(seconds=60), timedelta(seconds=1)), watch)


main()
