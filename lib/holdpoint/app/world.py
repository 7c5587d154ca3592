"""Everything outside, put together: where documents and runs lie, and who is there. A use case is handed a `World`."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TextIO

from holdpoint.app.fleet import Fleet
from holdpoint.app.made import made_of
from holdpoint.app.repository import repository
from holdpoint.app.room import memory_agreed
from holdpoint.engine.ports import Clock, Operator, Silence, Target
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.terminal import Terminal
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import room
from holdpoint.store.clock import SystemClock
from holdpoint.store.library import Library
from holdpoint.store.run_folder import RunFolder
from holdpoint.store.state_folder import StateFolder
from holdpoint.views.inert import typed


class Kind(StrEnum):
    """What a run does with what it would change."""

    REAL = "real"
    CHECK = "check"
    DRY = "dry-run"


LONGEST_NAME = 100
"""Characters of a person's name."""


@dataclass(frozen=True, slots=True)
class World:
    """One person at one machine. `operator`, where given, takes the place of the terminal."""

    person: str
    environ: Mapping[str, str]
    state: StateFolder
    library: Library
    fleet: Fleet
    json: bool = False
    plain: bool = False
    alone: bool = False
    """Nobody is asked anything, also at a terminal."""
    operator: Operator | None = None
    clock: Clock = field(default_factory=SystemClock)
    key: bytes = field(default=b"", repr=False)
    """Keys the digests over secrets; set by `ready`."""

    @classmethod
    def here(
        cls,
        *,
        json: bool = False,
        plain: bool = False,
        runbooks: Path | None = None,
        operator: Operator | None = None,
    ) -> World:
        """Look around: environment, working folder, this machine. Makes nothing."""
        environ, root = dict(os.environ), repository(Path.cwd())
        return cls(
            person=_person(environ),
            environ=environ,
            state=StateFolder.default(environ),
            library=Library((runbooks,)) if runbooks else Library.of(root, made_of(root)),
            fleet=Fleet.of(root),
            json=json,
            plain=plain,
            operator=operator,
        )

    def ready(self, kind: Kind, answers: Mapping[str, str] | None = None, folder: RunFolder | None = None) -> World:
        """Give a world that can plan and keep a run of this kind; a walk-through touches no disk.

        A run that is taken up again, in `folder`, stays where it is.

        Where the state folder's filesystem has no room, its twin in memory takes its place, after a yes.
        """
        if kind is Kind.DRY:
            return replace(self, key=os.urandom(32))
        volatile = folder is not None and folder.volatile
        state = self.state.memory_folder() if volatile else self._room_for_run(answers)
        return replace(self, state=state, key=state.key())

    @property
    def local(self) -> Target:
        """This machine."""
        return self.fleet.here

    @property
    def out(self) -> TextIO:
        """Where everything for people goes."""
        return sys.stderr if self.json else sys.stdout

    @property
    def interactive(self) -> bool:
        return not self.alone and sys.stdin is not None and sys.stdin.isatty()

    def prompt(self, text: str, *, echo: bool = True) -> str:
        """Ask for a line outside of a run. Raises `HoldpointError`, with code 7 where nobody answers and 3 after Ctrl-C."""
        with Interrupts() as interrupts:
            terminal = Terminal(sys.stdin, interrupts)
            terminal.forget()
            self.out.write(f"{text} ")
            self.out.flush()
            line = terminal.line(echo=echo)
        if isinstance(line, Silence):
            self.out.write("\n")
            code = Exit.STOPPED if line is Silence.INTERRUPTED else Exit.NEEDS_PERSON
            raise HoldpointError(Problem("no-answer", f"there is no answer to `{text}`: {line.value}"), exit_code=code)
        return line

    @property
    def prompt_secret(self) -> Callable[[str], str] | None:
        """Ask for a secret without echo; None where nobody is at a terminal."""
        return partial(self.prompt, echo=False) if self.interactive else None

    def _room_for_run(self, answers: Mapping[str, str] | None) -> StateFolder:
        """The state folder, or after a yes its twin in memory, where its filesystem has no room."""
        probed = room.probe(self.state.path)
        if isinstance(probed, room.Room):
            return self.state
        memory_agreed(self, self.local, probed.why, answers=answers)
        twin = self.state.memory_folder()
        self.out.write(f"{twin.warning}.\n")
        return twin


def _person(environ: Mapping[str, str]) -> str:
    """Who is at work, as one harmless line: what an environment holds is no reason to record nothing."""
    given = (environ.get("HOLDPOINT_PERSON", ""), environ.get("SUDO_USER", ""))
    names = (typed(" ".join(name.split()))[:LONGEST_NAME] for name in given)
    return next(filter(None, names), "") or _user()


def _user() -> str:
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return f"uid-{os.getuid()}"
