"""A run's journal with so many records: `records.py FOLDER COUNT resume|verify|list`.

`resume` opens it to write and finds out where the run stands; `verify` and `list` are the commands' own functions.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from serving import serve

from holdpoint.app import records
from holdpoint.app.world import World
from holdpoint.engine.events import RunOpened, Status, StepEnded, StepIntended, data_of
from holdpoint.engine.state import replay
from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile, Keeping
from holdpoint.store.state_folder import StateFolder

RUN = "20261125-0900-whole-0001"


def main():
    folder, count, how = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.environ["HOLDPOINT_STATE"] = str(folder / "state")
    world = World.here(json=True)
    state = StateFolder.default(os.environ)
    run = state.new_run("whole", datetime.now(UTC))
    fill(run.journal, count, world.local.name)

    def resume():
        with run.open_journal("ada", SystemClock()) as journal:
            if not replay(journal.records).opened:
                raise RuntimeError("it was not opened")

    serve(
        {
            "resume": resume,
            "verify": lambda: told(records.verify(world, run.name)),
            "list": lambda: told(records.list_all(world)),
        }[how]
    )


def told(code):
    if code:
        raise RuntimeError(f"exit {code}")


def fill(file, count, host):
    """Write a run that only read: a beginning, and pairs of records for each step. Nobody waits for the disk here."""
    with JournalFile.create(file, "ada", SystemClock(), Keeping(sync=lambda _: None)) as journal:
        for event in events(count, host):
            journal.append(event.kind, data_of(event))


def events(count, host):
    yield RunOpened(RUN, "whole", "Every key", "real", "", "d" * 64, "p" * 64, {}, {host: "local"}, {})
    for number in range(1, count):
        step, token = f"step-{(number - 1) // 2}", f"{RUN}.{(number - 1) // 2}"
        if number % 2:
            yield StepIntended(step, host, 1, token, "read", "d" * 64, "uname -n", step)
        else:
            yield StepEnded(step, host, 1, Status.OK, exit=0, stdout="web1", stdout_size=5)


main()
