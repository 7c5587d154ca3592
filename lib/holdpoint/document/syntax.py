"""What the YAML parser complains about, in words that say what to do."""

from __future__ import annotations

import yaml

from holdpoint.document.source import Lines
from holdpoint.problem import Place, Problem

DEEPEST = 24
"""Levels of nesting that a document may have; the schema needs ten, a condition may take some more. The parser has a
bound of its own, which some reach first."""

_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a colon makes a key of this, where no key can stand",
        "put a text that holds `: ` in quotes, or check the indentation",
    ),
    (
        "cannot start any token",
        "a text without quotes cannot begin with this character",
        "put the text in quotes",
    ),
    (
        "did not find expected key",
        "this does not fit what stands before it",
        "check the indentation, and that a text in quotes ends where it should; a text that begins with `{`, `[` or a quote needs quotes as a whole",
    ),
    (
        "could not find expected ':'",
        "a key without a colon",
        "write `key: value`; a text of several lines begins with `|`",
    ),
    (
        "did not find expected '-' indicator",
        "this is neither an item of the list nor outside it",
        "begin an item with `- `, and check the indentation",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin the list on a line of its own",
    ),
    (
        "found unexpected end of stream",
        "a text in quotes is never closed",
        "close it where it should end",
    ),
    (
        "did not find expected ',' or",
        "a list or mapping in brackets is not closed",
        "close the bracket, or put a text that begins with `{` or `[` in quotes",
    ),
    (
        "found unknown escape character",
        "a backslash in double quotes begins an escape that YAML does not have",
        "use single quotes, or double the backslash",
    ),
    (
        "found undefined tag handle",
        "tags are not read",
        "a text that begins with `!` needs quotes",
    ),
)


_FROM_ITS_BEGINNING = ("could not find expected ':'", "found unexpected end of stream", "did not find expected ',' or")
"""Complaints that are better placed where the thing began than where the parser gave up."""


def explained(lines: Lines, error: yaml.MarkedYAMLError) -> Problem:
    """Say in plain words what the parser did not like."""
    said = str(error.problem or "it cannot be read")
    began = any(part in said for part in _FROM_ITS_BEGINNING)
    mark = (error.context_mark if began else None) or error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if line >= len(lines.lines) or (line and not lines.lines[line].strip()):
        line = max((n for n, text in enumerate(lines.lines[: line + 1]) if text.strip()), default=0)
        column = len(lines.lines[line].rstrip()) if lines.lines else 0
    text = lines.lines[line] if lines.lines else ""
    indentation = text[: len(text) - len(text.lstrip())]
    if "\t" in indentation:
        at = lines.at(line, indentation.index("\t"))
        return Problem("tab", "a tab stands in the indentation", at, hint="YAML is indented with spaces")
    if "maximum nesting depth" in said:
        return too_deep(lines.at(line, column))
    for begin, message, hint in _MEANINGS:
        if begin in said:
            return Problem("yaml", message, lines.at(line, column), found=_noticed(error, line), hint=hint)
    return Problem("yaml", "this is not YAML", lines.at(line, column), found=said)


def too_deep(at: Place) -> Problem:
    return Problem("too-deep", "the document is nested too deeply", at, expected=f"at most {DEEPEST} levels")


def _noticed(error: yaml.MarkedYAMLError, line: int) -> str:
    """Say on which line the parser saw that something had not been closed, if that is another one."""
    end = error.problem_mark if "expected ':'" not in str(error.problem) else None
    return f"on line {end.line + 1} it is still open" if end is not None and end.line > line else ""
