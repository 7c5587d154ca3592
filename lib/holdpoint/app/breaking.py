"""A sandbox with a drill's fault in it: made, seen green, broken, seen red; and given back, whatever happens in it.

One way for the proof and for the trainee. It knows nothing of repairs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from holdpoint.app.armed import Armed
from holdpoint.drill.model import Drill
from holdpoint.drill.proof import Stage
from holdpoint.hosts.sandbox import Sandbox

GIVEN_BACK = "all is given back"


class Unmet(Exception):  # noqa: N818 - the past tense of an event
    """A stage does not hold, and those after it have no meaning. It is the last of the trial's stages."""


@dataclass(slots=True)
class Trial:
    """One sandbox from its making to its end. `says` is told each stage as it begins; `stages` are those that ended."""

    drill: Drill
    libraries: str
    armed: Armed
    says: Callable[[str], None]
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def broken(self) -> Iterator[Sandbox]:
        """Give the sandbox with the fault in it. Raises `Unmet` where it cannot be set up, or not be given back."""
        drill = self.drill
        sandbox = self.armed.make(drill.id, self.libraries, drill.heal)
        try:
            self.script(sandbox, "it can be made", drill.make)
            self.script(sandbox, "green before the fault", drill.check)
            if drill.fault:
                self.script(sandbox, "the fault can be set", drill.breaks)
                told = sandbox.run(drill.check)
                self.must("red with the fault", told.code != 0, told.text)
            yield sandbox
        except Unmet:
            self._keep(sandbox)
            raise
        finally:
            self.says("giving it back")
            left = self.armed.heal(sandbox)
            if left:  # whatever else happened: it is the one thing that somebody has to do something about
                self.must(GIVEN_BACK, holds=False, note=", ".join(left))
        self.must(GIVEN_BACK, holds=True)

    def script(self, sandbox: Sandbox, name: str, script: str) -> None:
        """A stage that holds where a script ends with 0."""
        self.says(name)
        told = sandbox.run(script)
        self.must(name, told.code == 0, f"exit {told.code}: {told.text}")

    def must(self, name: str, holds: bool, note: str = "") -> None:
        """Note a stage. Raises `Unmet` where it does not hold."""
        self.stages.append(Stage(name, holds, "" if holds else note))
        if not holds:
            raise Unmet

    def _keep(self, sandbox: Sandbox) -> None:
        """Keep what was printed, to be looked at."""
        kept = self.armed.path.parent / "logs" / self.drill.id
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("log", "run.out"):
            if (sandbox.base / name).is_file():
                shutil.copy(sandbox.base / name, kept / name)
