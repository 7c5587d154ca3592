"""What an operator that is no person needs of a screen."""

from __future__ import annotations

from typing import Protocol

from holdpoint.document.model import Effect
from holdpoint.engine.asked import Question
from holdpoint.engine.ports import Watch
from holdpoint.engine.target import Target
from holdpoint.journal.record import Record


class Drawing(Protocol):
    """Shows questions that nobody is asked, and everything that happens."""

    def show(self, question: Question) -> None: ...

    def note(self, text: str) -> None: ...

    def tell(self, record: Record) -> None: ...

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> Watch: ...
