"""The shell text of a document, piece by piece, with the way back from a line of it to the document's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdpoint.document.build import Draft
from holdpoint.document.model import ValueType
from holdpoint.document.parse import examine
from holdpoint.document.scope import Text, all_texts, scope
from holdpoint.document.source import Source
from holdpoint.problem import Place
from holdpoint.shell import Shell


@dataclass(frozen=True, slots=True)
class Piece:
    """One script. `reads` gives the names that are assigned before it, with their types where these are known."""

    script: str
    shell: Shell
    reads: tuple[tuple[str, ValueType], ...]
    draft: Draft
    text: Text

    def at(self, line: int, column: int, length: int = 1) -> Place:
        """Point at a line and column of the script (from 1) in the document."""
        lines = self.script.rstrip().split("\n")
        number = max(0, min(line - 1, len(lines) - 1))
        offset = sum(len(one) + 1 for one in lines[:number]) + max(0, min(column - 1, len(lines[number])))
        rest = max(1, min(length, len(lines[number]) - column + 1))
        return self.draft.reader.inside(self.text.owner, self.text.key, offset, rest)


def pieces(source: Source, schema: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Give every script of a document, of its sound parts where it has errors; none where it cannot be read at all."""
    _, draft = examine(source, schema)
    if draft is None:
        return ()
    found = scope(draft)
    return tuple(
        Piece(text.text, text.shell, _typed(text.text, draft, found.type), draft, text)
        for text in all_texts(draft)
        if text.shell is not None
    )


def _typed(script: str, draft: Draft, kind: Callable[[str], ValueType | None]) -> tuple[tuple[str, ValueType], ...]:
    names = sorted(draft.reader.reads(script))
    return tuple((name, kind(name) or ValueType.STRING) for name in names)
