"""Find wording that blames, and advise another. It only advises: a person decides what is written.

Code, quoted commands and comments are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from holdpoint.incident.blaming import RULES, WHO, Rule

_CODE = re.compile(r"`[^`]*`|\]\([^)]*\)|https?://\S+")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE = re.compile(r" {0,3}(```|~~~)")


@dataclass(frozen=True, slots=True)
class Advice:
    """Words that blame, on a line from 1; why they do, and what to write in their place."""

    line: int
    words: str
    why: str
    instead: str


def advice(text: str, people: Iterable[str] = ()) -> tuple[Advice, ...]:
    """Look through a text in both languages; `people` are names of the team. Each place is told once."""
    forms = _forms(tuple(sorted({name.casefold() for name in people if name.strip()})))
    found: list[Advice] = []
    for number, line in _prose(text):
        told: list[tuple[int, int]] = []
        for form, rule in forms:
            for match in form.finditer(line):
                if any(match.start() < end and start < match.end() for start, end in told):
                    continue
                told.append(match.span())
                found.append(Advice(number, match[0], rule.why, rule.instead))
    return tuple(sorted(found, key=lambda one: one.line))


def _prose(text: str) -> list[tuple[int, str]]:
    """The lines that people read as prose, with their numbers."""
    bare = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text.replace("’", "'"))
    lines: list[tuple[int, str]] = []
    fenced = False
    for number, line in enumerate(bare.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            lines.append((number, _CODE.sub(" ", line)))
    return lines


@cache
def _forms(people: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], Rule], ...]:
    who = "|".join((*WHO.values(), *(re.escape(name) for name in people)))
    return tuple(
        (re.compile(rf"(?<!\w)(?:{form.replace('{who}', f'(?:{who})')})(?!\w)", re.IGNORECASE), rule)
        for rule in RULES
        for form in rule.forms
    )
