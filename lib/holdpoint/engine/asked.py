"""What a person is asked, and what they answer, as values; who puts it to them is the `Operator` of `ports`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from holdpoint.document.model import Effect
from holdpoint.engine.target import Target


class Asked(StrEnum):
    """What kind of answer is wanted."""

    OPENING = "opening"
    GATE = "gate"
    PROCEED = "proceed"
    MANUAL = "manual"
    VALUE = "value"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be typed, and what it does."""

    word: str
    does: str


FOR_PEOPLE = frozenset({"show", "escalate"})
"""Words that leave a question open: a file that gave them would be asked again for ever."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that a person is shown before they answer. Texts are plain and masked; nothing here is markup.

    `agree` is what must be typed, whole, to let it happen: `run`, or the names of the hosts, in order.
    """

    kind: Asked
    key: str
    title: str
    targets: tuple[Target, ...]
    words: tuple[Word, ...]
    agree: tuple[str, ...] = ()
    digest: str = ""
    effect: Effect = Effect.READ
    why: str = ""
    prompt: str = ""
    batch: str = ""
    """Which of the hosts these are, where a step goes over them in batches."""
    commands: tuple[tuple[str, str], ...] = ()
    """Host and the masked script that it would execute."""
    become: str = ""
    """The user that the script is executed as; empty for the one who is logged in."""
    values: tuple[tuple[str, str, str], ...] = ()
    """Host, name and masked value."""
    chosen: tuple[tuple[str, str, str], ...] = ()
    """Of what destroys: what it is about, as the document names it; host, name and masked value."""
    evidence: tuple[str, ...] = ()
    reverts: str = ""
    """How it can be taken back, or why it cannot."""
    proof: str = ""
    """The check that must be green afterwards."""
    remains: tuple[str, ...] = ()
    """What has been changed and what stays undone if one stops now."""
    attempts: int = 1
    approvers: int = 1
    expires: datetime | None = None
    show: tuple[tuple[str, str], ...] = ()
    """Title and text of what the word `show` prints."""
    hidden: bool = False
    """What is typed is a secret, and does not appear on the screen."""
    problem: str = ""
    """Why the last answer did not fit; the same question is put again."""


class By(StrEnum):
    HAND = "hand"
    SCRIPT = "script"
    NOBODY = "nobody"
    """A walk-through: nobody was asked, since nothing is done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A word of the question, or free text for a value; `person` gave it, by hand or by a file of answers."""

    text: str
    person: str
    by: By = By.HAND


class Silence(StrEnum):
    """Why there is no answer."""

    NO_TERMINAL = "no terminal"
    CLOSED = "the input was closed"
    NOT_IN_FILE = "the file of answers does not name it"
    ELAPSED = "the time was up"
    INTERRUPTED = "interrupted"
