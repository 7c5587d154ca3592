"""Proving drills with nobody there: red, repaired by the runbook, green, restarted, green; every trap tried and refused.

The repair, each trap, and each change that is left out have a sandbox of their own, so they go side by side.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from holdpoint.app.armed import Armed
from holdpoint.app.breaking import Trial, Unmet
from holdpoint.app.trapped import shown
from holdpoint.drill.model import Drill, Leaves, Trap
from holdpoint.drill.proof import Proof, Stage
from holdpoint.drill.score import flawless, score
from holdpoint.engine.ports import Unwatched, Watch
from holdpoint.hosts.crew import ThreadCrew
from holdpoint.hosts.sandbox import PATIENCE, Sandbox, filled

RUN_PATIENCE = 600.0
SLOWER = 5
LEAST_PATIENCE = 15.0
"""A restart after a wrong repair is given up on once it takes so many times as long as after the right one, and so many
seconds: what waits for a system to be well waits in vain there."""
HOLDPOINT = [sys.executable, "-P", "-c", "from holdpoint.cli import main; main()"]
SKIP = "skip"
NOT_TAKEN = "the repair is taken for no trap"
OUTERMOST = "causes"
"""The causes of the runbook itself, and not of one that it uses."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of the runbook in a sandbox."""

    code: int
    found: frozenset[str]
    """The causes that it found."""
    changed: tuple[str, ...]
    """The steps that changed something."""
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one sandbox: stages that count, and steps of the runbook, which changed something or were idle."""

    stages: tuple[Stage, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(slots=True)
class Prover:
    """Proves one drill, in so many sandboxes `at_once`. `says` is told how far it is."""

    drill: Drill
    libraries: str
    armed: Armed
    repository: Path
    at_once: int
    says: Callable[[str], None]
    over: threading.Event = field(default_factory=threading.Event)
    """Once it is set, nothing more is begun."""
    _took: Future[float] = field(default_factory=Future)
    """How long the restart after the right repair takes; cancelled where that did not come to it."""
    _under_way: dict[str, str] = field(default_factory=dict)
    _done: int = 0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prove(self, *, full: bool) -> Proof:
        """Make, break, repair, restart; and every trap; then, with `full`, every change left out once."""
        began = time.monotonic()
        right, *traps = self._side_by_side(
            [self._repaired, *(partial(self._refused, trap) for trap in self.drill.traps)]
        )
        stages, idle = right.stages, tuple[str, ...]()
        if all(stage.holds for stage in stages):  # else what a wrong repair does says nothing
            stages += tuple(stage for trap in traps for stage in trap.stages)
            if full:
                without = self._side_by_side([partial(self._without, step) for step in right.steps])
                stages += tuple(stage for part in without for stage in part.stages)
                idle = tuple(step for part in without for step in part.steps)
        return Proof(self.drill.id, self.drill.runbook, stages, time.monotonic() - began, idle)

    def _side_by_side(self, parts: Sequence[Callable[[], Part]]) -> list[Part]:
        """Give what came of each, in their order; they begin in their order too."""

        def one(part: Callable[[], Part], _watch: Watch) -> Part:
            return Part() if self.over.is_set() else part()

        self._count += len(parts)
        done = dict(ThreadCrew(self.at_once).carry_out([partial(one, part) for part in parts], Unwatched()))
        return [done[number] for number in range(len(parts))]

    # --- the parts

    def _repaired(self) -> Part:
        """The whole way with the right repair; its steps are those that changed something."""
        trial = self._trial("")
        changed: tuple[str, ...] = ()
        try:
            with trial.broken() as sandbox:
                # Else whatever refuses a trap by these had refused it before it did anything.
                trial.script(sandbox, "nothing is lost before the repair", self.drill.kept)
                if self.drill.safe:
                    trial.script(sandbox, "nothing else is touched before the repair", self.drill.safe)
                trial.says(f"runbook {self.drill.runbook}")
                ran = self._run(sandbox, self.drill.answers)
                trial.must("the runbook repairs it", ran.code == 0, f"exit {ran.code}: {ran.why}")
                found = f"found {_named(ran.found)}, and right is {_named(self.drill.causes)}"
                trial.must("it finds the cause", ran.found == self.drill.causes, found)
                trial.script(sandbox, "green after the repair", self.drill.check)
                taken = shown(sandbox, self.drill.traps)
                trial.must(NOT_TAKEN, not taken, f"its `seen` ends with 0: {', '.join(taken)}")
                trial.says("restart")
                self._took.set_result(self._restart(sandbox))
                trial.script(sandbox, "green after a restart", self.drill.check)
                trial.script(sandbox, "no data was lost", self.drill.kept)
                if self.drill.safe:
                    trial.script(sandbox, "nothing else was touched", self.drill.safe)
                changed = ran.changed
        except Unmet:
            pass
        finally:
            self._took.cancel()
            self._ended("")
        return Part(tuple(trial.stages), changed)

    def _refused(self, trap: Trap) -> Part:
        """One trap; only its verdict counts, and what should have held before it and did not."""
        name = f"trap {trap.id}"
        trial = self._trial(name)
        if self._took.cancelled():
            return Part()
        try:
            with trial.broken() as sandbox:
                trial.says("try it")
                why = self._why_not_refused(sandbox, trap, trial.says)
                trial.must(name, not why, why)
        except Unmet:
            pass
        finally:
            self._ended(name)
        return Part(tuple(stage for stage in trial.stages if stage.name == name or not stage.holds))

    def _why_not_refused(self, sandbox: Sandbox, trap: Trap, says: Callable[[str], None]) -> str:
        """Do what a trap does; say why it is no trap, or not seen to be done; empty where all is as its drill says."""
        if shown(sandbox, [trap]):
            return "its `seen` ends with 0 before it was done"
        did = sandbox.run(trap.run)
        if did.code:  # it asserts what is known of it
            return f"it ended with {did.code}: {did.text}"
        if trap.seen and not shown(sandbox, [trap]):
            return "its `seen` does not see that it was done"
        says("is it refused?")
        seen, note = self._seen(sandbox, trap)
        if not seen:
            return f"{note}, though it is wrong. {did.text}"
        passes = score(flawless(fault=self.drill.fault, leaves=trap.leaves)).passed
        return f"whoever does it, and all else right, passes: `leaves: {trap.leaves}`" if passes else ""

    def _seen(self, sandbox: Sandbox, trap: Trap) -> tuple[bool, str]:
        """Whether a trap is refused as its drill says, and what would be seen where it is not."""
        match trap.leaves:
            case Leaves.LOST:
                return sandbox.run(self.drill.kept).code != 0, "the data is all there"
            case Leaves.UNSAFE:
                return sandbox.run(self.drill.safe).code != 0, "`safe` sees nothing of it"
            case Leaves.RED:
                with suppress(CancelledError):
                    self._restart(sandbox, max(LEAST_PATIENCE, SLOWER * self._took.result()))
                return sandbox.run(self.drill.check).code != 0, "the check is green"

    def _without(self, step: str) -> Part:
        """One change left out; its step is given where all is green as well."""
        name = f"without {step}"
        trial = self._trial(name)
        green = False
        try:
            with trial.broken() as sandbox:
                self._run(sandbox, {**self.drill.answers, step: SKIP})
                self._restart(sandbox)
                green = sandbox.run(self.drill.check).code == 0
        except Unmet:
            pass
        finally:
            self._ended(name)
        return Part(tuple(stage for stage in trial.stages if not stage.holds), (step,) if green else ())

    # --- what they do

    def _run(self, sandbox: Sandbox, answers: Mapping[str, object]) -> Ran:
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

    def _restart(self, sandbox: Sandbox, patience: float = PATIENCE) -> float:
        """Restart what has to survive that; gives the seconds that it took."""
        began = time.monotonic()
        if self.drill.restart:
            sandbox.run(self.drill.restart, patience)
        return time.monotonic() - began

    # --- how far it is

    def _trial(self, part: str) -> Trial:
        return Trial(self.drill, self.libraries, self.armed, partial(self._say, part))

    def _say(self, part: str, what: str) -> None:
        with self._lock:
            self._under_way[part] = f"{part}: {what}" if part else what
            self._tell()

    def _ended(self, part: str) -> None:
        with self._lock:
            self._under_way.pop(part, None)
            self._done += 1
            self._tell()

    def _tell(self) -> None:
        """Say where the repair is, and then the oldest of the others; and how many are done."""
        first = self._under_way.get("") or next(iter(self._under_way.values()), "")
        self.says(f"{self._done} of {self._count} done{', ' if first else ''}{first}")


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
