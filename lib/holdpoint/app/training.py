"""A drill with a trainee: a fault in a sandbox, a page as it comes at night, the clock, and a debrief."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.armed import Armed
from holdpoint.app.breaking import GIVEN_BACK, Trial, Unmet
from holdpoint.app.drills import DrillShelf, armed, heal_quietly, lacking, may_mount
from holdpoint.app.proving import HOLDPOINT
from holdpoint.app.repository import repository
from holdpoint.document.model import Runbook
from holdpoint.drill.model import Drill
from holdpoint.drill.records import Attempt
from holdpoint.drill.score import Diagnosis, Facts, Score, score
from holdpoint.hosts import drill_shell
from holdpoint.hosts.sandbox import Sandbox, filled
from holdpoint.hosts.trainee import CHANGED, DIAGNOSE, HINT, NOTHING, SAY, Trainee
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store.attempts import Attempts
from holdpoint.views import training as view
from holdpoint.views.console import Screen, print_json

if TYPE_CHECKING:
    from holdpoint.app.world import World

STOPPED = "stopped"


@dataclass(slots=True)
class Session:
    """One attempt under way."""

    world: World
    drill: Drill
    book: Runbook
    sandbox: Sandbox
    trainee: Trainee
    screen: Screen
    began: datetime
    false_dones: int = 0
    over: str = ""
    """Why it ends: `done`, or that the trainee left."""
    _words: Mapping[str, Callable[[str], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._words = {
            "runbook": self._runbook,
            "shell": self._shell,
            SAY: self._say,
            DIAGNOSE: self._diagnose,
            HINT: self._hint,
            "page": lambda _: self._page(),
            "done": lambda _: self._done(),
            "leave": lambda _: self._leave(),
        }

    def go(self) -> None:
        """Show the page, and take words until it is done, or the trainee leaves."""
        self._page()
        self.screen.lines(view.words(self.screen.width))
        while not self.over:
            try:
                typed = self.world.prompt(f"drill {view.clock(self._now() - self.began)}>")
            except HoldpointError as error:
                if error.exit_code == Exit.NEEDS_PERSON:
                    self._leave()
                else:
                    self.screen.text("`leave` ends the drill; what it made is given back.")
                continue
            word, _, rest = typed.strip().partition(" ")
            if word in self._words:
                self._words[word](rest.strip())
            elif word:
                self.screen.lines(view.unknown(word, tuple(self._words), self.screen.width))

    @property
    def values(self) -> dict[str, str]:
        """The runbook's parameters in the sandbox."""
        return {**filled(self.drill.values, self.sandbox.folder), **self.sandbox.values()}

    # --- words

    def _page(self) -> None:
        self.screen.lines(view.page(self.drill, self.began, self.screen.width))

    def _runbook(self, rest: str) -> None:
        """Run the runbook in the sandbox, in this terminal, with the values of the drill."""
        name, *more = rest.split() or [self.drill.runbook]
        if name == self.drill.runbook:
            more = [*self.sandbox.params(self.drill.values), *more]
        self._beside([*HOLDPOINT, "runbook", name, *more], repository(Path.cwd()))
        if first := self._changed_by_runs():
            self._note_change(first)

    def _shell(self, _rest: str) -> None:
        self.screen.lines(view.shell(self.values, self.screen.width))
        self._beside(drill_shell.command(), self.sandbox.folder)
        if self.first_change is None and (self._check()[0] != 0) != self.drill.fault:
            self._note_change(self._now())

    def _beside(self, command: list[str], folder: Path) -> None:
        """Give the terminal to a program until it ends; Ctrl-C is its own meanwhile."""
        environ = drill_shell.environ(self.sandbox, self.trainee, self.values)
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            subprocess.run(command, cwd=folder, env=environ, check=False)
        except OSError as error:
            self.screen.text(f"it cannot be started: {error.strerror}")
        finally:
            signal.signal(signal.SIGINT, before)

    def _say(self, text: str) -> None:
        if not text:
            self.screen.text("say what? for example: say I look into the full disk")
            return
        self.trainee.note(SAY, text)
        self.screen.text("The team was told.")

    def _diagnose(self, text: str) -> None:
        known = _causes(self.book)
        if text not in known:
            self.screen.lines(view.causes(text, known, self.screen.width))
            return
        was = [one.text for one in self.trainee.said() if one.word == DIAGNOSE]
        self.trainee.note(DIAGNOSE, text)
        late = self.first_change is not None
        self.screen.text(view.diagnosed(was[-1] if was else "", late=late))

    def _hint(self, _rest: str) -> None:
        given = self._hints()
        if given == len(self.drill.hints):
            self.screen.text("There are no more hints.")
            return
        self.trainee.note(HINT)
        self.screen.lines(view.hint(self.drill.hints[given], given, self.screen.width))

    def _done(self) -> None:
        code, seen = self._check()
        if code:
            self.false_dones += 1
            self.screen.lines(view.not_done(seen, self.screen.width))
        elif not self.drill.fault and not any(one.word == DIAGNOSE for one in self.trainee.said()):
            self.screen.text("All is green. Say first what was wrong: `diagnose CAUSE`, or `diagnose nothing`.")
        else:
            self.over = "done"

    def _leave(self) -> None:
        self.over = STOPPED

    # --- facts

    @property
    def first_change(self) -> datetime | None:
        """When something was seen to be changed for the first time."""
        return next((one.time for one in self.trainee.said() if one.word == CHANGED), None)

    def _note_change(self, time: datetime) -> None:
        if self.first_change is None:
            self.trainee.note(CHANGED, time=time)

    def _changed_by_runs(self) -> datetime | None:
        return min((at for folder in self._journals() for at in changes(_records(folder))), default=None)

    def _now(self) -> datetime:
        return datetime.now(UTC)

    def _check(self) -> tuple[int, str]:
        told = self.sandbox.run(self.drill.check)
        return told.code, told.text

    def _hints(self) -> int:
        return sum(one.word == HINT for one in self.trainee.said())

    def facts(self) -> Facts:
        """Gather what the rubric asks for; restarts what has to survive that, and looks again."""
        ended = self._now()
        runs = [record for folder in self._journals() for record in _records(folder)]
        exact = self._changed_by_runs()
        if exact:
            self._note_change(exact)
        seen = [at for at in (exact, self.first_change) if at]
        first = min(seen, key=lambda at: int(at.timestamp()), default=None)  # what was noted is in whole seconds
        green = self._check()[0] == 0
        if green and self.drill.restart:
            self.sandbox.run(self.drill.restart)
            green = self._check()[0] == 0
        kept, safe = self.sandbox.run(self.drill.kept), self.sandbox.run(self.drill.safe)
        said = tuple(self.trainee.said())
        told = tuple(one.word for one in said)
        before = told.index(CHANGED) if CHANGED in told else len(told)
        looked = any(first is None or at < first for at, _, _ in runs)
        return Facts(
            began=self.began,
            ended=ended,
            within=self.drill.within,
            fault=self.drill.fault,
            causes=self.drill.causes,
            recovered=green,
            left=self.over == STOPPED,
            kept=kept.code == 0,
            lost=kept.text,
            safe=safe.code == 0,
            touched=safe.text,
            evidence=looked or any((self.sandbox.folder / "evidence").glob("*")),
            first_change=first,
            diagnoses=[
                Diagnosis(one.time, "" if one.text == NOTHING else one.text, late=at > before)
                for at, one in enumerate(said)
                if one.word == DIAGNOSE
            ],
            said=[one.time for one in said if one.word == SAY],
            false_dones=self.false_dones,
            hints=self._hints(),
        )

    def _journals(self) -> list[Path]:
        return sorted((self.sandbox.base / "state" / "runs").glob("*/journal.jsonl"))


def begin(world: World, name: str) -> int:
    """Put a fault into a sandbox and let the trainee repair it: 0 passed, 4 not passed, 3 left."""
    shelf = DrillShelf.of(repository(Path.cwd()))
    drill = shelf.load(name)
    book = world.library.load(drill.runbook)
    _may_begin(world, drill)
    may_mount(world, [drill])
    world.state.prepare()
    records = armed(world)
    heal_quietly(records)
    screen = Screen(world.out, plain=world.plain)
    screen.text("A sandbox is being made.")
    with _broken(records, drill, shelf.libraries(drill)) as sandbox:
        trainee = Trainee(sandbox.base)
        session = Session(world, drill, book, sandbox, trainee, screen, datetime.now(UTC))
        own = drill_shell.own_programs(sandbox, session.values)
        look = drill_shell.looking(sandbox, drill.check, fault=drill.fault)
        trainee.make(drill.hints, _causes(book), look, tuple(own))
        session.go()
        facts = session.facts()
        got = score(facts)
        folder = _kept(world, session, got)
        screen.lines(view.debrief(drill, facts, got, tuple(trainee.said()), str(folder), screen.width))
    if session.over == STOPPED:
        return Exit.STOPPED
    return Exit.OK if got.passed else Exit.FAILED


def history(world: World) -> int:
    """Every drill that was tried, with this person's best."""
    tried = [one for one in _attempts(world).all() if one.person == world.person]
    if world.json:
        print_json([view.attempt_data(one) for one in tried])
        return Exit.OK
    screen = Screen(world.out, plain=world.plain)
    screen.lines(view.history(tried, screen.width))
    return Exit.OK


def _may_begin(world: World, drill: Drill) -> None:
    why = lacking(world, drill)
    if why:
        raise HoldpointError(Problem("drill-needs", f"the drill `{drill.id}` cannot be made here: {why}"))
    if not world.interactive:
        hint = f"`inv drill.prove --only {drill.id}` tries it with nobody there"
        message = "a drill is for a person, and there is no terminal"
        raise HoldpointError(Problem("no-terminal", message, hint=hint), exit_code=Exit.NEEDS_PERSON)


@contextmanager
def _broken(records: Armed, drill: Drill, libraries: str) -> Iterator[Sandbox]:
    """A sandbox with the fault in it, given back afterwards."""
    trial = Trial(drill, libraries, records, lambda _: None)
    try:
        with trial.broken() as sandbox:
            yield sandbox
    except Unmet:
        stage = trial.stages[-1]
        if stage.name == GIVEN_BACK:
            problem = Problem(
                "drill-left", f"this could not be given back: {stage.note}", hint="`inv drill.heal` tries again"
            )
        else:
            message = f"the drill `{drill.id}` could not be set up: `{stage.name}` does not hold: {stage.note}"
            problem = Problem("drill-unfit", message, hint=f"`inv drill.prove --only {drill.id}` says more")
        raise HoldpointError(problem, exit_code=Exit.FAILED) from None


def _kept(world: World, session: Session, got: Score) -> Path:
    """Keep the record of the attempt: its runs, what was typed, its score. One that was left has no points."""
    drill, now = session.drill, datetime.now(UTC)
    attempts = _attempts(world)
    folder = attempts.folder(drill.id, now)
    for name in ("said", "log"):
        with suppress(FileNotFoundError):
            shutil.copy(session.sandbox.base / name, folder / name)
    with suppress(FileNotFoundError):
        shutil.copytree(session.sandbox.base / "state" / "runs", folder / "runs")
    left = session.over == STOPPED
    seconds = (now - session.began).total_seconds()
    hints = sum(one.word == HINT for one in session.trainee.said())
    points = 0 if left else got.total
    attempts.note(
        Attempt(drill.id, drill.runbook, world.person, now, seconds, points, got.passed, hints, str(folder), left)
    )
    return folder


def _causes(book: Runbook) -> dict[str, str]:
    """What can be stated, and what each means."""
    return {**{cause.id: cause.title for cause in book.causes}, NOTHING: "all is well, and the alert is wrong"}


def _attempts(world: World) -> Attempts:
    return Attempts(world.state.path / "drills" / "attempts.jsonl")


def changes(records: Iterable[tuple[datetime, str, Mapping[str, object]]]) -> Iterator[datetime]:
    """Give when a run changed something: a command once it is begun, what a person does once the person said `done`.

    What a person is to do is intended as soon as it is shown, which is no change.
    """
    asked = set[object]()
    for at, kind, data in records:
        step = (data.get("step"), data.get("host"), data.get("attempt"))
        if kind == "step.intent" and data.get("effect") != "read":
            if data.get("token"):
                yield at
            else:
                asked.add(step)
        elif kind == "step.result" and data.get("status") == "ok" and step in asked:
            yield at


def _records(journal: Path) -> Iterator[tuple[datetime, str, Mapping[str, object]]]:
    for line in journal.read_text(errors="replace").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            yield datetime.fromisoformat(record["time"]), str(record["kind"]), record["data"]
