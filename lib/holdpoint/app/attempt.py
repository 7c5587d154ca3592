"""One attempt at a drill under way: its words, what they do, and the facts that it is graded by."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app.drilled_runs import DrilledRuns, calls
from holdpoint.app.proving import HOLDPOINT
from holdpoint.app.repository import repository
from holdpoint.app.trapped import shown
from holdpoint.document.model import Runbook
from holdpoint.drill.model import Drill
from holdpoint.drill.records import CHANGED, DIAGNOSE, FOUND, HINT, NOTHING, SAY, TELLING, TRAPPED
from holdpoint.drill.score import Diagnosis, Facts
from holdpoint.hosts import drill_shell
from holdpoint.hosts.sandbox import Sandbox, filled
from holdpoint.hosts.trainee import Trainee
from holdpoint.problem import Exit, HoldpointError
from holdpoint.shell import as_text as as_plain
from holdpoint.views import training as view
from holdpoint.views.console import Screen
from holdpoint.views.lines import Line, as_text
from holdpoint.views.times import stopwatch

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
            FOUND: self._found,
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
                typed = self.world.prompt(f"drill {stopwatch(self._now() - self.began)}>")
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
                self.screen.lines(view.unknown(word, [one for one in self._words if one != "leave"], self.screen.width))

    @property
    def values(self) -> dict[str, str]:
        """The runbook's parameters in the sandbox."""
        return {**filled(self.drill.values, self.sandbox.folder), **self.sandbox.values()}

    @property
    def known(self) -> dict[str, str]:
        """The same, and what the runbook takes where it is told nothing."""
        usual = {one.name: as_plain(one.default) for one in self.book.params if one.default is not None}
        return {**usual, **self.values}

    def own_runbook(self) -> list[str]:
        """Give the command that runs the drill's runbook with its values."""
        return [*HOLDPOINT, "runbook", self.drill.runbook, *self.sandbox.params(self.drill.values)]

    def texts(self) -> dict[str, str]:
        """What the words `page` and `help` print in the shell."""
        page = view.page(self.drill, self.began, self.screen.width)
        words = view.words(self.screen.width)
        return {"page": _text(page), **dict.fromkeys(HELP, _text(words))}

    def meanings(self) -> str:
        """What `diagnose` prints in the shell: what can be stated, and what it means."""
        return _text(view.meanings(causes(self.book), self.screen.width))

    # --- words

    def _page(self) -> None:
        self.screen.lines(view.page(self.drill, self.began, self.screen.width))

    def _runbook(self, rest: str) -> None:
        """Run the runbook in the sandbox, in this terminal, with the values of the drill."""
        name, *more = _parts(rest) or [self.drill.runbook]
        command = self.own_runbook() if name == self.drill.runbook else [*HOLDPOINT, "runbook", name]
        self._beside([*command, *more], repository(Path.cwd()))

    def _inv(self, rest: str) -> None:
        """Whatever a run in the sandbox says that can be typed: `inv run.resume`, `run.show`, `run.rollback`."""
        self._beside([*HOLDPOINT, *_parts(rest)], repository(Path.cwd()))

    def _shell(self, _rest: str) -> None:
        self.screen.lines(view.shell(self.values, self.screen.width))
        self._beside(drill_shell.command(), self.sandbox.folder)
        if self.first_change is None and (self._check()[0] != 0) != self.drill.fault:
            self._note_change(self._now())
        self._note_traps()

    def _beside(self, command: list[str], folder: Path) -> None:
        """Give the terminal to a program until it ends; Ctrl-C is its own meanwhile."""
        environ = drill_shell.environ(self.sandbox, self.trainee, self.known)
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            ended = subprocess.run(command, cwd=folder, env=environ, check=False)
            if ended.returncode < 0:
                self.screen.text(view.killed(signal.strsignal(-ended.returncode) or f"{-ended.returncode}"))
        except OSError as error:
            self.screen.text(f"it cannot be started: {error.strerror}")
        finally:
            signal.signal(signal.SIGINT, before)
        if first := self._runs.first_change():
            self._note_change(first)
            self._note_traps()

    def _say(self, text: str) -> None:
        if not text:
            self.screen.text("say what? for example: say I look into the full disk")
            return
        self.trainee.note(SAY, text)
        self.screen.text("The team was told.")

    def _found(self, text: str) -> None:
        if not text:
            self.screen.text("found what? for example: found df says 100 %, and du finds 2 GB")
            return
        self.trainee.note(FOUND, text)
        self.screen.text(view.kept(late=self.first_change is not None))

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
            self._note_traps()
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

    @property
    def trapped(self) -> tuple[str, ...]:
        """The known wrong repairs that were seen to be done, in the order in which they were."""
        return tuple(one.text for one in self.trainee.said() if one.word == TRAPPED)

    def _note_traps(self) -> None:
        """Look for known wrong repairs; one that is mended again was done all the same.

        It is a change, also where the check does not see it.
        """
        known = self.trapped
        for trap in shown(self.sandbox, [trap for trap in self.drill.traps if trap.id not in known]):
            self._note_change(self._now())
            self.trainee.note(TRAPPED, trap)

    @property
    def _runs(self) -> DrilledRuns:
        return DrilledRuns(self.sandbox.base / "state" / "runs")

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
        runs = self._runs.records()
        exact = self._runs.first_change()
        if exact:
            self._note_change(exact)
        seen = [at for at in (exact, self.first_change) if at]
        first = min(seen, key=_second, default=None)  # what was noted is in whole seconds
        self._note_traps()
        green = self._check()[0] == 0
        if green and self.drill.restart:
            self.sandbox.run(self.drill.restart)
            green = self._check()[0] == 0
        kept, safe = self.sandbox.run(self.drill.kept), self.sandbox.run(self.drill.safe)
        said = tuple(self.trainee.said())
        words = tuple(one.word for one in said)
        before = words.index(CHANGED) if CHANGED in words else len(words)
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
            evidence=looked or FOUND in words[:before] or self._has_files_of_before(first),
            first_change=first,
            diagnoses=[
                Diagnosis(one.time, "" if one.text == NOTHING else one.text, late=at > before)
                for at, one in enumerate(said)
                if one.word == DIAGNOSE
            ],
            said=sorted([*(one.time for one in said if one.word in TELLING), *calls(runs)]),
            false_dones=self.false_dones,
            trapped=len(self.trapped),
            hints=self._hints(),
        )

    def _has_files_of_before(self, first: datetime | None) -> bool:
        """Whether something was put into `evidence` before the first change, and left as it was since."""
        times = [int(file.lstat().st_ctime) for file in (self.sandbox.folder / "evidence").glob("*")]
        return any(first is None or time <= _second(first) for time in times)


def _second(moment: datetime) -> int:
    return int(moment.timestamp())


def _text(lines: Sequence[Line]) -> str:
    return "\n".join(as_text(one) for one in lines)


def causes(book: Runbook) -> dict[str, str]:
    """What can be stated, and what each means."""
    return {**{cause.id: cause.title for cause in book.causes}, NOTHING: "all is well, and the alert is wrong"}


def _parts(text: str) -> list[str]:
    """Split what was typed as a shell does; where a quote is never closed, at spaces."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
