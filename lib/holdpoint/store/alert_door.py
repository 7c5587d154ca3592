"""One notification at a time: whoever looks whether an incident knows an alert, and else declares one, does so alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store.journal_opening import lock
from holdpoint.store.state_folder import StateFolder
from holdpoint.store.state_path import INCIDENTS

PATIENCE = 20.0
"""Seconds in which others are waited for, each of whom needs a fraction of one."""


@contextmanager
def alone(state: StateFolder, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the door of a state folder; threads of one process wait for each other too.

    The folder of the incidents is what is locked, so it takes no room. Raises `HoldpointError`: exit 9 where somebody
    else holds the door for longer than `patience` seconds, 2 where the folder cannot be used.
    """
    state.prepare(INCIDENTS)
    path = state.path / INCIDENTS
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        message = f"alerts cannot be taken one at a time: {error.strerror}"
        raise HoldpointError(Problem("state-folder", message, Place(str(path), 0, 0))) from error
    try:
        try:
            lock(fd, patience)
        except BlockingIOError as error:
            message = f"other alerts were worked on for {patience:g} seconds"
            hint = "send it again; `inv incident.list` shows what there is"
            raise HoldpointError(Problem("alerts-busy", message, hint=hint), exit_code=Exit.LOCKED) from error
        yield
    finally:
        os.close(fd)
