"""Proving drills with nobody there: red, repaired by the runbook, green, restarted, green; every trap tried and refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from holdpoint.app.armed import Armed
from holdpoint.drill.model import Drill, Leaves, Trap
from holdpoint.drill.proof import Proof, Stage
from holdpoint.hosts.sandbox import Sandbox, filled

RUN_PATIENCE = 600.0
HOLDPOINT = [sys.executable, "-P", "-c", "from holdpoint.cli import main; main()"]
SKIP = "skip"
OUTERMOST = "causes"
"""The causes of the runbook itself, and not of one that it uses."""


class _Failed(Exception):  # noqa: N818 - the past tense of an event
    """A stage does not hold, and those after it have no meaning."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of the runbook in a sandbox."""

    code: int
    found: frozenset[str]
    """The causes that it found."""
    changed: tuple[str, ...]
    """The steps that changed something."""
    why: str


@dataclass(slots=True)
class Prover:
    """Proves one drill. `says` is told each stage as it begins."""

    drill: Drill
    libraries: str
    armed: Armed
    repository: Path
    says: Callable[[str], None]
    _stages: list[Stage] = field(default_factory=list)

    def prove(self, *, full: bool) -> Proof:
        """Make, break, repair, restart; then every trap, and with `full` every change left out once."""
        began, idle, changed = time.monotonic(), list[str](), tuple[str, ...]()
        try:
            changed = self._repaired()
            for trap in self.drill.traps:
                self._refused(trap)
            for step in changed if full else ():
                if self._idle(step):
                    idle.append(step)
        except _Failed:
            pass
        stages = tuple(self._stages)
        return Proof(self.drill.id, self.drill.runbook, stages, time.monotonic() - began, tuple(idle))

    def _repaired(self) -> tuple[str, ...]:
        """The whole way with the right repair; gives the steps that changed something."""
        with self._broken() as sandbox:
            # Else whatever refuses a trap by these had refused it before it did anything.
            self._script(sandbox, self.drill.kept, "nothing is lost before the repair")
            if self.drill.safe:
                self._script(sandbox, self.drill.safe, "nothing else is touched before the repair")
            ran = self._run(sandbox, self.drill.answers)
            self._must("the runbook repairs it", ran.code == 0, f"exit {ran.code}: {ran.why}", sandbox)
            found = f"found {_named(ran.found)}, and right is {_named(self.drill.causes)}"
            self._must("it finds the cause", ran.found == self.drill.causes, found, sandbox)
            self._is_green(sandbox, "green after the repair")
            self._restart(sandbox)
            self._is_green(sandbox, "green after a restart")
            self._script(sandbox, self.drill.kept, "no data was lost")
            if self.drill.safe:
                self._script(sandbox, self.drill.safe, "nothing else was touched")
            return ran.changed

    def _refused(self, trap: Trap) -> None:
        name = f"trap {trap.id}"
        self.says(name)
        with self._broken(quietly=True) as sandbox:
            did = sandbox.run(trap.run)
            if did.code:  # it asserts what is known of it
                self._stages.append(Stage(name, holds=False, note=f"it ended with {did.code}: {did.text}"))
                return
            match trap.leaves:
                case Leaves.LOST:
                    seen, note = sandbox.run(self.drill.kept).code != 0, "the data is all there"
                case Leaves.UNSAFE:
                    seen, note = sandbox.run(self.drill.safe).code != 0, "`safe` sees nothing of it"
                case Leaves.RED:
                    self._restart(sandbox)
                    seen, note = sandbox.run(self.drill.check).code != 0, "the check is green"
            self._stages.append(Stage(name, seen, "" if seen else f"{note}, though it is wrong. {did.text}"))

    def _idle(self, step: str) -> bool:
        """Whether all is green as well with one change left out."""
        self.says(f"without {step}")
        with self._broken(quietly=True) as sandbox:
            self._run(sandbox, {**self.drill.answers, step: SKIP})
            self._restart(sandbox)
            return sandbox.run(self.drill.check).code == 0

    @contextmanager
    def _broken(self, *, quietly: bool = False) -> Iterator[Sandbox]:
        """A sandbox with the fault in it; given back afterwards, whatever happens, and looked after for what is left."""
        sandbox = self.armed.make(self.drill.id, self.libraries, self.drill.heal)
        try:
            self._script(sandbox, self.drill.make, "it can be made", quietly=quietly)
            self._is_green(sandbox, "green before the fault", quietly=quietly)
            if self.drill.fault:
                self._script(sandbox, self.drill.breaks, "the fault can be set", quietly=quietly)
                told = sandbox.run(self.drill.check)
                self._must("red with the fault", told.code != 0, told.text, sandbox, quietly=quietly)
            yield sandbox
        finally:
            self.says("giving it back")
            left = self.armed.heal(sandbox)
        self._must("all is given back", not left, ", ".join(left), sandbox, quietly=quietly)

    def _run(self, sandbox: Sandbox, answers: Mapping[str, object]) -> Ran:
        self.says(f"runbook {self.drill.runbook}")
        file = sandbox.base / "answers.yaml"
        file.write_text(json.dumps(filled(answers, sandbox.folder)))
        words = sandbox.params(self.drill.values)
        ran = subprocess.run(
            [*HOLDPOINT, "runbook", self.drill.runbook, *words, "--answers", str(file), "--json"],
            cwd=self.repository,
            env={**sandbox.environ(), **sandbox.secrets()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_PATIENCE,
            check=False,
        )
        (sandbox.base / "run.out").write_bytes(ran.stdout + ran.stderr)
        return _ran(ran.returncode, ran.stdout, ran.stderr)

    def _restart(self, sandbox: Sandbox) -> None:
        if self.drill.restart:
            self.says("restart")
            sandbox.run(self.drill.restart)

    def _is_green(self, sandbox: Sandbox, name: str, *, quietly: bool = False) -> None:
        self._script(sandbox, self.drill.check, name, quietly=quietly)

    def _script(self, sandbox: Sandbox, script: str, name: str, *, quietly: bool = False) -> None:
        self.says(name)
        told = sandbox.run(script)
        self._must(name, told.code == 0, f"exit {told.code}: {told.text}", sandbox, quietly=quietly)

    def _must(self, name: str, holds: bool, note: str, sandbox: Sandbox, *, quietly: bool = False) -> None:
        """Note a stage; `quietly` where it held before and counts only when it does not."""
        if not quietly or not holds:
            self._stages.append(Stage(name, holds, "" if holds else note))
        if not holds:
            self._keep(sandbox)
            raise _Failed

    def _keep(self, sandbox: Sandbox) -> None:
        """Keep what was printed, to be looked at."""
        kept = self.armed.path.parent / "logs" / self.drill.id
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("log", "run.out"):
            if (sandbox.base / name).is_file():
                shutil.copy(sandbox.base / name, kept / name)


def _ran(code: int, out: bytes, err: bytes) -> Ran:
    """Read a run's records."""
    found, changed, why = set[str](), dict[str, None](), ""
    for line in out.splitlines():
        try:
            record = json.loads(line)
            kind, data = record["kind"], record["data"]
        except (ValueError, KeyError, TypeError):
            continue
        if kind == "cause.decided" and data.get("holds") and data.get("item") == OUTERMOST:
            found.add(str(data["cause"]))
        if kind == "step.intent" and data.get("effect") != "read":
            changed[str(data["step"])] = None
        if kind in ("run.finished", "run.stopped"):
            why = str(data.get("why", ""))
    return Ran(code, frozenset(found), tuple(changed), why or err.decode("utf-8", "replace").strip()[-1500:])


def _named(causes: frozenset[str]) -> str:
    return ", ".join(f"`{cause}`" for cause in sorted(causes)) or "none"
