"""The person at a terminal: draws questions, reads words, shows what happens.

Owns the conversation. How things look is in `views`, how a line is read in `terminal`, Ctrl-C in `interrupts`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TextIO

from holdpoint.document.model import Effect, Runbook
from holdpoint.engine.events import Escalated, GateOpened, RunFinished, RunOpened, RunStopped, StepEnded
from holdpoint.engine.loop import Ended
from holdpoint.engine.ports import Answer, Asked, By, Question, Silence, Target, Tier
from holdpoint.engine.questions import SHOW
from holdpoint.engine.session import Session
from holdpoint.journal.record import Record
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.terminal import Terminal
from holdpoint.operators.watching import ConsoleWatch
from holdpoint.planning.plan import Mode, Plan
from holdpoint.shell import Secret, as_text
from holdpoint.views import answering, bounds, questions
from holdpoint.views.background import background
from holdpoint.views.console import Screen
from holdpoint.views.lines import BLANK, Line, Tone, assigned, line, screens, wrap
from holdpoint.views.outline import outline
from holdpoint.views.timeline import Timeline


class ConsoleOperator:
    """An `Operator` at a terminal; where there is none, it still draws, and every question is `NO_TERMINAL`.

    `out` gets everything for people. `also` is handed each record first, for a second form of it (`--json`).
    """

    def __init__(
        self,
        person: str,
        *,
        out: TextIO | None = None,
        stdin: TextIO | None = None,
        plain: bool = False,
        interrupts: Interrupts | None = None,
        environ: Mapping[str, str] | None = None,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        also: Callable[[Record], None] | None = None,
        drill: bool = False,
    ) -> None:
        self.person = person
        self.screen = Screen(sys.stdout if out is None else out, plain=plain, environ=environ)
        self.interrupts = interrupts or Interrupts()
        self.terminal = Terminal(sys.stdin if stdin is None else stdin, self.interrupts, now)
        self._zone, self._now, self._also, self._drill = zone, now, also, drill
        self._timeline = Timeline(zone=zone)
        self._run = ""
        self._earlier: tuple[Record, ...] = ()
        self._head: bounds.Head | None = None
        self._outlined: Runbook | None = None
        self._standing: Question | None = None
        self._watch: ConsoleWatch | None = None

    # --- the run as a whole

    def opening(self, plan: Plan, run: str, kind: str, targets: Iterable[Target] | None = None) -> None:
        """Begin a run: `kind` is a key of `bounds.KINDS`.

        Without `targets` the head is drawn with the first record, which names them, as one that was recalled does.
        """
        self._run = "RUN" if kind == bounds.WALKTHROUGH else run  # what is not recorded has no name to type
        self._timeline = Timeline(background(plan), self._zone)
        self._timeline.take(self._earlier)
        book, known = plan.runbook, tuple(targets or (_targets(self._earlier[0]) if self._earlier else ()))
        params = plan.scopes[""].params
        values = tuple(
            assigned(name, value if isinstance(value, Secret) else as_text(value)) for name, value in params.items()
        )
        self._head = bounds.Head(run, book.id, book.title, book.severity, kind, known, plan.of_run, values, self._drill)
        self._outlined = book if kind == bounds.WALKTHROUGH else None
        if targets is not None:
            self._draw_head(known)

    def recall(self, records: Iterable[Record]) -> None:
        """Take in the records of an earlier process, without showing them; before `opening`."""
        self._earlier = tuple(records)

    def closing(self, session: Session, ended: Ended, journal: str = "") -> None:
        """Show how it ended and what can be done now; `journal` is where the record is kept."""
        self._close_watch()
        state = session.state
        names = background(session.plan)
        end = bounds.End(
            run=session.run,
            exit=ended.exit,
            why=ended.why,
            over=isinstance(state.end, RunFinished),
            real=state.opened is None or state.opened.mode == "real",
            journal=journal,
            rolls_back=session.plan.mode is Mode.ROLLBACK,
            found=bounds.left(state, names, session.plan.not_undone),
        )
        self.screen.lines(bounds.closing(end, self.screen.width))

    # --- the port

    def ask(self, question: Question, until: datetime | None) -> Answer | Silence:
        """Show the question and read until a word of it was typed whole, the time is up, or nobody is there."""
        drawn = self._drawn(question)
        if not self.terminal.present:
            self.screen.lines(drawn)
            return Silence.NO_TERMINAL
        while True:
            self.terminal.forget()
            self.screen.lines(drawn, prompt=answering.prompt(question))
            typed = self.terminal.line(until, echo=not question.hidden)
            if isinstance(typed, Silence):
                self.screen.newline()
                return typed
            word = answering.accept(question, typed)
            if word is None:
                drawn = self._refused(question, typed)
            elif word == SHOW.word and question.kind is not Asked.VALUE:
                silence = self._read_out(questions.reading(question, self._setting()), until)
                if silence is not None:
                    return silence
                drawn = questions.again(question, self.screen.width)
            else:
                self._answered(question, word)
                return Answer(word, self.person)

    def tell(self, record: Record) -> None:
        """Show a record. A gate's question, and the end, have drawings of their own."""
        if self._also is not None:
            self._also(record)
        if record.kind not in {GateOpened.kind, Escalated.kind}:
            self._standing = None  # what follows pushes the question away
        watch = self._watch
        if watch is None or not watch.goes_on(record):
            self._close_watch()
        else:
            self.screen.clear()
        quiet = {GateOpened.kind, RunStopped.kind, RunFinished.kind}
        if self._head is not None:
            quiet.add(RunOpened.kind)
            self._draw_head(_targets(record))
        output = not (watch is not None and watch.shows_output and record.kind == StepEnded.kind)
        drawn = self._timeline.lines(
            record, self.screen.width, output=output, quiet=record.kind in quiet or record.data.get("by") == By.NOBODY
        )
        self.screen.lines(drawn)

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> ConsoleWatch:
        """Watch an execution; its output is shown until the next record, on several targets until all have answered."""
        self._close_watch()
        self.screen.lines(self._timeline.rest(self.screen.width))
        self._watch = ConsoleWatch(
            screen=self.screen,
            terminal=self.terminal,
            interrupts=self.interrupts,
            key=key,
            what=self._timeline.background.title(key),
            targets=targets,
            effect=effect,
            run=self._run,
        )
        return self._watch

    # --- for operators that draw and do not ask

    def show(self, question: Question) -> None:
        """Draw a question that nobody is asked."""
        self.screen.lines(self._drawn(question, asks=False))

    def note(self, text: str) -> None:
        """Say something beside a question."""
        self.screen.lines([BLANK, *(line(piece, Tone.BOLD) for piece in wrap(text, self.screen.width)), BLANK])

    # --- parts

    def _drawn(self, question: Question, *, asks: bool = True) -> list[Line]:
        """The question; its short form where it stands on the screen and is asked again."""
        self._close_watch()
        before, self._standing = self._standing, replace(question, problem="")
        if before == self._standing:
            return questions.again(question, self.screen.width)
        return questions.question(question, self._setting(asks=asks))

    def _setting(self, *, asks: bool = True) -> questions.Setting:
        screen = self.screen
        return questions.Setting(screen.width, self._run, self._now(), self._zone, asks, screen.height)

    def _refused(self, question: Question, typed: str) -> list[Line]:
        said = wrap(answering.refusal(question, "" if question.hidden else typed), self.screen.width)
        return [*(line(piece) for piece in said), *answering.words(question, self.screen.width)[-2:]]

    def _read_out(self, lines: Sequence[Line], until: datetime | None) -> Silence | None:
        """Print what is longer than the screen one screen at a time, until it was read or somebody had enough; else why not."""
        pages = screens(lines, self.screen.width, self.screen.height)
        left = len(lines)
        for page in pages:
            left -= len(page)
            self.screen.lines(page, prompt=f"{left} more lines: Enter goes on, q ends > " if left else "")
            if not left:
                break
            self.terminal.forget()
            typed = self.terminal.line(until)
            if isinstance(typed, Silence):
                self.screen.newline()
                return typed
            if typed:
                break
        return None

    def _answered(self, question: Question, word: str) -> None:
        if word == "run" and question.approvers > 1:
            text = f"Waiting for the second person to type: inv run.approve {self._run}   (Ctrl-C stops waiting)"
            self.screen.lines([BLANK, *(line(piece, Tone.BOLD) for piece in wrap(text, self.screen.width))])

    def _draw_head(self, targets: tuple[Target, ...]) -> None:
        head, self._head = self._head, None
        if head is not None:
            known = replace(head, targets=targets or head.targets)
            self.screen.lines(bounds.opening(known, self.screen.width))
            self.screen.lines(outline(self._outlined, self.screen.width) if self._outlined else [])

    def _close_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


def _targets(record: Record) -> tuple[Target, ...]:
    hosts = record.data.get("hosts")
    if record.kind != RunOpened.kind or not isinstance(hosts, dict):
        return ()
    return tuple(Target(name, Tier(str(tier))) for name, tier in hosts.items())
