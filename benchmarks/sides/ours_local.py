"""Ours on this machine: `ours_local.py COUNT TEXT` reads so many times."""

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from serving import serve

from holdpoint.engine.outcomes import Exited
from holdpoint.engine.ports import Command, Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.local import LocalMachine
from holdpoint.shell import Script


def main():
    count, text = int(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"

        def once():
            machine = LocalMachine(Target("here", Tier.LOCAL), folder)
            for number in range(count):
                command = Command(Script(text), f"step-{number}", timedelta(seconds=600), timedelta(seconds=1))
                outcome = machine.read(command, Unwatched())
                if not isinstance(outcome, Exited) or outcome.code:
                    raise RuntimeError(str(outcome))
            machine.close()

        serve(once, lambda: shutil.rmtree(folder, ignore_errors=True))


main()
