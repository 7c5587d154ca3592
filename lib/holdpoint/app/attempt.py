"""One attempt at a drill under way: its words, what they do, and the facts that it is graded by."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.proving import HOLDPOINT
from holdpoint.app.repository import repository
from holdpoint.document.model import Runbook
from holdpoint.drill.model import Drill
from holdpoint.drill.score import Diagnosis, Facts
from holdpoint.hosts import drill_shell
from holdpoint.hosts.sandbox import Sandbox, filled
from holdpoint.hosts.trainee import CHANGED, DIAGNOSE, HINT, NOTHING, SAY, Trainee
from holdpoint.problem import Exit, HoldpointError
from holdpoint.views import training as view
from holdpoint.views.console import Screen
from holdpoint.views.lines import Line, as_text

if TYPE_CHECKING:
    from holdpoint.app.world import World

STOPPED = "stopped"
HELP = ("help", "words", "?")


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
            "inv": self._inv,
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
            if word in HELP:
                self.screen.lines(view.words(self.screen.width))
            elif word in self._words:
                self._words[word](rest.strip())
            elif word:
                self.screen.lines(view.unknown(word, tuple(self._words), self.screen.width))

    @property
    def values(self) -> dict[str, str]:
        """The runbook's parameters in the sandbox."""
        return {**filled(self.drill.values, self.sandbox.folder), **self.sandbox.values()}

    def own_runbook(self) -> list[str]:
        """Give the command that runs the drill's runbook with its values."""
        return [*HOLDPOINT, "runbook", self.drill.runbook, *self.sandbox.params(self.drill.values)]

    def texts(self) -> dict[str, str]:
        """What the words `page` and `help` print in the shell."""
        page = view.page(self.drill, self.began, self.screen.width)
        words = view.words(self.screen.width)
        return {"page": _text(page), **dict.fromkeys(HELP, _text(words))}

    # --- words

    def _page(self) -> None:
        self.screen.lines(view.page(self.drill, self.began, self.screen.width))

    def _runbook(self, rest: str) -> None:
        """Run the runbook in the sandbox, in this terminal, with the values of the drill."""
        name, *more = rest.split() or [self.drill.runbook]
        command = self.own_runbook() if name == self.drill.runbook else [*HOLDPOINT, "runbook", name]
        self._beside([*command, *more], repository(Path.cwd()))

    def _inv(self, rest: str) -> None:
        """Whatever a run in the sandbox says that can be typed: `inv run.resume`, `run.show`, `run.rollback`."""
        self._beside([*HOLDPOINT, *rest.split()], repository(Path.cwd()))

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
        if first := self._changed_by_runs():
            self._note_change(first)

    def _say(self, text: str) -> None:
        if not text:
            self.screen.text("say what? for example: say I look into the full disk")
            return
        self.trainee.note(SAY, text)
        self.screen.text("The team was told.")

    def _diagnose(self, text: str) -> None:
        known = causes(self.book)
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


def _text(lines: Sequence[Line]) -> str:
    return "\n".join(as_text(one) for one in lines)


def causes(book: Runbook) -> dict[str, str]:
    """What can be stated, and what each means."""
    return {**{cause.id: cause.title for cause in book.causes}, NOTHING: "all is well, and the alert is wrong"}


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
