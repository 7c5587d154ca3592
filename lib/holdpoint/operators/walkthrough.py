"""A walk-through or a check of a runbook: every question is shown, nobody is asked, and it says so each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from holdpoint.document.model import Effect
from holdpoint.engine.asked import Answer, Asked, By, Question, Silence, Word
from holdpoint.engine.ports import Operator, Watch
from holdpoint.engine.target import Target
from holdpoint.journal.record import Record
from holdpoint.operators.drawing import Drawing

REAL = frozenset({Asked.OPENING, Asked.VALUE})
"""What a check asks for real: it does look, on production too, and may need to know something."""


class WalkthroughOperator:
    """Goes on at every gate without an agreement; only for machines that execute nothing, or nothing that changes.

    `undone` is called for each piece of work that a person would have done. With `asks`, the operator for a check, the opening on production and values are put to that one for real.
    """

    def __init__(
        self, person: str, drawing: Drawing, *, asks: Operator | None = None, undone: Callable[[], None] = lambda: None
    ) -> None:
        self.person = person
        self._drawing = drawing
        self._asks = asks
        self._undone = undone
        self._words_shown = set[tuple[Word, ...]]()

    def ask(self, question: Question, until: datetime | None) -> Answer | Silence:
        """Answer for nobody: `run` at a gate, `not-run` for a person's work, nothing for a value."""
        if self._asks is not None and question.kind in REAL:
            return self._asks.ask(question, until)
        if question.kind is Asked.MANUAL:
            self._undone()
        self._drawing.show(question if self._asks is not None else self._in_brief(question))
        text, said = _stand_in(question) if self._asks is None else _unmade(question)
        self._drawing.note(f"{said} Going on.")
        return Answer(text, self.person, By.NOBODY)

    def _in_brief(self, question: Question) -> Question:
        """Leave out what nobody can know before a run, and what the words do where that was shown before."""
        words = () if question.words in self._words_shown else question.words
        self._words_shown.add(question.words)
        return replace(question, evidence=(), remains=(), words=words)

    def tell(self, record: Record) -> None:
        self._drawing.tell(record)

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> Watch:
        return self._drawing.watch(key, targets, effect)


def _unmade(question: Question) -> tuple[str, str]:
    """A check: what was read is real, and only what would change something is left out."""
    match question.kind:
        case Asked.MANUAL:
            return "not-run", "Check: nobody is asked to do this, and nothing was done."
        case Asked.PROCEED:
            return "run", "Check: nobody is asked whether to go on."
        case _:
            return "run", "Check: nobody is asked here, and this change is not made."


def _stand_in(question: Question) -> tuple[str, str]:
    match question.kind:
        case Asked.MANUAL:
            return "not-run", "Walk-through: nobody is asked to do this, and nothing was done."
        case Asked.VALUE:
            return "", "Walk-through: nobody is asked, so the answer stays unknown."
        case Asked.OPENING:
            return "run", "Walk-through: nobody is asked, and nothing is read."
        case _:
            return "run", "Walk-through: nobody is asked here, and nothing is executed."
