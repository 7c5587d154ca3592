"""Ours on this machine: `ours_local.py COUNT TEXT` reads so many times."""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from serving import serve

from holdpoint.engine.ports import Command, Exited, Target, Tier, Unwatched
from holdpoint.hosts.local import LocalMachine
from holdpoint.shell import Script


def main():
    count, text = int(sys.argv[1]), sys.argv[2]

    def once():
        with tempfile.TemporaryDirectory() as folder:
            machine = LocalMachine(Target("here", Tier.LOCAL), Path(folder))
            for number in range(count):
                command = Command(Script(text), f"step-{number}", timedelta(seconds=600), timedelta(seconds=1))
                outcome = machine.read(command, Unwatched())
                if not isinstance(outcome, Exited) or outcome.code:
                    raise RuntimeError(str(outcome))
            machine.close()

    serve(once)


main()
