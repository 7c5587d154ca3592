"""Texts for people: `{name}` stands for a value, `{{` and `}}` for braces.

Never used for shell text, where values arrive as variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from holdpoint.shell import Plain, Secret, as_text

_PART = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}|[{}]")


def names(text: str) -> frozenset[str]:
    """Give the names of the values that a text shows."""
    return frozenset(match[1] for match in _PART.finditer(text) if match[1])


def strays(text: str) -> tuple[int, ...]:
    """Give the offsets of braces that neither are doubled nor enclose a name."""
    return tuple(match.start() for match in _PART.finditer(text) if match.group() in ("{", "}"))


def fill(text: str, lookup: Callable[[str], Plain | Secret | None]) -> str:
    """Put the values in. One that is not known shows as such; a secret shows its mask; a stray brace stays."""

    def part(match: re.Match[str]) -> str:
        if not match[1]:
            return match.group()[0]
        value = lookup(match[1])
        if value is None:
            return f"({match[1]} not known)"
        return str(value) if isinstance(value, Secret) else as_text(value)

    return _PART.sub(part, text)
