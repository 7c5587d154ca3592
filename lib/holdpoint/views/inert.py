"""Making text from anywhere harmless to a terminal: what would move, colour, hide or reorder is shown as an escape.

Owns which characters are dangerous. Knows nothing of layout: the result has the same lines as the text.
"""

from __future__ import annotations

import re
import unicodedata

_SUSPECT = re.compile(r"[^\n\x20-\x7e]")


def inert(text: str) -> str:
    r"""Show every control, format, surrogate and unassigned character as `\x1b`, `\u202e` and the like.

    A newline stays, a tab becomes spaces, everything printable stays as it is. Done twice, it changes nothing more.
    """
    return _SUSPECT.sub(_escape, text.expandtabs(8) if "\t" in text else text)


def output_lines(text: str) -> list[str]:
    """Split a command's output into inert lines; a carriage return, as progress bars use it, ends a line too."""
    lines = [inert(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines


def typed(text: str) -> str:
    """Take what a person typed without the control characters that an arrow key or a paste leaves in it."""
    return "".join(c for c in text if not _dangerous(c)).strip()


def _dangerous(character: str) -> bool:
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if not _dangerous(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
