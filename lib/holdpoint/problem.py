"""What is wrong with something a user wrote, and where: values only, and the caret drawing of one problem.

Owns the shape of an error. Knows nothing of YAML, files or screens.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """The exit codes of every command; `docs/on-call.md` says what to do after each."""

    OK = 0
    DEFECT = 1
    USAGE = 2
    STOPPED = 3
    FAILED = 4
    ROLLED_BACK = 5
    ROLLBACK_FAILED = 6
    NEEDS_PERSON = 7
    UNKNOWN = 8
    LOCKED = 9
    DAMAGED = 10


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A span in a text: `line` and `column` count from 1, columns in characters; `length` is at least 1."""

    file: str
    line: int
    column: int
    length: int = 1
    text: str = ""
    """The whole line, for the drawing; empty where there is none (a missing file)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `message` is lower case with names in backticks; the rest is optional detail."""

    code: str
    message: str
    place: Place | None = None
    found: str = ""
    expected: str = ""
    hint: str = ""
    level: Level = Level.ERROR


class HoldpointError(Exception):
    """Something a user can cause. Carries every problem that was found, and the exit code of the contract."""

    def __init__(self, problems: Problem | Sequence[Problem], *, exit_code: Exit = Exit.USAGE) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.exit_code = exit_code
        super().__init__("; ".join(problem.message for problem in self.problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "did you mean `x`?" for the closest known word, or an empty text where none is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""


def by_place(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file and line; problems without a place come first."""
    return tuple(
        sorted(
            problems, key=lambda p: ((p.place.file, p.place.line, p.place.column) if p.place else ("", 0, 0), p.code)
        )
    )


def draw(problem: Problem, width: int = 0) -> str:
    """Draw one problem as text without colour: head line, source line, caret, details.

    Where a `width` is given, prose is broken at spaces to fit into it; a path that is longer stays in one piece.
    """
    place = problem.place
    where = (
        f"{place.file}:{place.line}:{place.column}: " if place and place.line else f"{place.file}: " if place else ""
    )
    lines = _broken(f"{where}{problem.level}[{problem.code}]: {problem.message}", width)
    if place and place.text:
        lines += _caret(place, min(_WINDOW, (width or 2 * _WINDOW) - len(f"  {place.line} | ")))
    details = (("found", problem.found), ("expected", problem.expected), ("hint", problem.hint))
    lines += [piece for name, text in details if text for piece in _broken(f"  {name}: {text}", width)]
    return "\n".join(lines)


_WINDOW = 100
"""Characters of a source line that are shown at most."""


def _broken(text: str, width: int) -> list[str]:
    if not width:
        return [text]
    breaking = textwrap.TextWrapper(width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [piece for one in text.split("\n") for piece in breaking.wrap(one) or [""]]


def _caret(place: Place, width: int) -> list[str]:
    """The source line with a caret below; a long line is cut to a window around the column."""
    start = max(0, place.column - 1 - width // 2) if len(place.text) > width else 0
    shown = "".join(
        c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}"
        for c in place.text[start : start + width]
    )
    column = place.column - 1 - start
    carets = "^" * max(1, min(place.length, max(1, len(shown) - column)))
    number = str(place.line)
    return [f"  {number} | {shown}", f"  {' ' * len(number)} | {' ' * column}{carets}"]
