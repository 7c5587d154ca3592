"""Problems for people, drawn one after the other, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdpoint.problem import Level, Problem, draw
from holdpoint.views.inert import inert

if TYPE_CHECKING:
    from holdpoint.journal.record import Json


def as_text(problems: Sequence[Problem], width: int = 0) -> str:
    """Every problem with its line and caret, then how many there are; harmless to a terminal, and as wide as it."""
    if not problems:
        return ""
    drawn = [inert(draw(problem, width)) for problem in problems]
    return "\n\n".join([*drawn, summary(problems)]) + "\n"


def summary(problems: Sequence[Problem]) -> str:
    """Count errors and warnings."""
    errors = sum(problem.level is Level.ERROR for problem in problems)
    counts = ((errors, "error"), (len(problems) - errors, "warning"))
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count) or "no problems"


def as_data(problem: Problem) -> dict[str, Json]:
    """Everything a problem says, with the same names as its fields; `place` is null where there is none."""
    place = problem.place
    where: dict[str, Json] | None = None
    if place is not None:
        where = {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "length": place.length,
            "text": place.text,
        }
    return {
        "code": problem.code,
        "level": problem.level.value,
        "message": problem.message,
        "place": where,
        "found": problem.found,
        "expected": problem.expected,
        "hint": problem.hint,
    }
