"""A document as it was found: its bytes, its text, its lines, and places in them.

Owns what is decided before YAML is looked at: size, encoding, line ends and characters that nobody sees.
Knows nothing of where bytes come from.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from holdpoint.problem import Place, Problem

LARGEST = 1024 * 1024
"""Bytes that a document may have."""

_MOST = 20
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))


@cache
def _forbidden_characters() -> re.Pattern[str]:
    """Compile it for the first document: that takes longer than a listing, which reads none, should."""
    return re.compile(
        "[^\t\n\r\x20-\x7e\u00a0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    )


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one document, under the name that messages show."""

    name: str
    data: bytes = field(repr=False)

    def digest(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Lines:
    """The text of a document, cut into lines, to point at."""

    name: str
    lines: tuple[str, ...]

    def at(self, line: int, column: int, length: int = 1) -> Place:
        """Make a place from a line and a column that count from 0."""
        text = self.lines[line] if 0 <= line < len(self.lines) else ""
        return Place(self.name, line + 1, column + 1, max(1, length), text)


def read(source: Source) -> tuple[str | None, Lines, tuple[Problem, ...]]:
    """Decode a document. The text is None where nothing can be made of it; problems may come beside a text too."""
    if len(source.data) > LARGEST:
        problem = Problem(
            "too-large",
            "the document is too large",
            Place(source.name, 0, 0),
            found=f"{len(source.data):,} bytes",
            expected=f"{LARGEST:,} bytes at most",
        )
        return None, Lines(source.name, ()), (problem,)
    text, problem_ = _decode(source)
    if text is None:
        return None, Lines(source.name, ()), (problem_,) if problem_ else ()
    problems = [problem_] if problem_ else []
    crlf = text.find("\r")
    text, ends = text.replace("\r\n", "\n").replace("\r", "\n"), text.count("\r")
    lines = Lines(source.name, tuple(text.split("\n")))
    if crlf >= 0:
        problems.append(_carriage_return(lines, text.count("\n", 0, crlf), ends))
    bad = list(islice(_forbidden_characters().finditer(text), _MOST))
    problems += [_forbidden(lines, text, match) for match in bad]
    fatal = any(not _HIDDEN.match(match.group()) for match in bad)
    return None if fatal else text, lines, tuple(problems)


def _decode(source: Source) -> tuple[str | None, Problem | None]:
    start = Place(source.name, 1, 1)
    for mark, encoding in _MARKS:
        if source.data.startswith(mark):
            return None, Problem(
                "encoding",
                "the document is not UTF-8",
                start,
                found=encoding,
                expected="UTF-8 without a byte order mark",
                hint="save it as UTF-8 in your editor",
            )
    problem = None
    data = source.data
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        problem = Problem(
            "byte-order-mark",
            "the document begins with a byte order mark",
            start,
            expected="UTF-8 without a byte order mark",
            hint="`sed -i '1s/^\\xEF\\xBB\\xBF//' FILE` removes it; so does \N{LEFT DOUBLE QUOTATION MARK}UTF-8 without BOM\N{RIGHT DOUBLE QUOTATION MARK} in your editor",
        )
    try:
        return data.decode("utf-8"), problem
    except UnicodeDecodeError as error:
        return None, _not_utf8(source.name, data, error.start)


def _not_utf8(name: str, data: bytes, at: int) -> Problem:
    before = data[:at]
    line_start = before.rfind(b"\n") + 1
    line_end = data.find(b"\n", at)
    shown = data[line_start : line_end if line_end >= 0 else len(data)].decode("utf-8", "replace").rstrip("\r")
    column = len(before[line_start:].decode("utf-8", "replace"))
    return Problem(
        "encoding",
        "the document is not UTF-8",
        Place(name, before.count(b"\n") + 1, column + 1, 1, shown),
        found=f"the byte 0x{data[at]:02X}, which UTF-8 does not have here",
        expected="UTF-8 without a byte order mark",
        hint="the file may be Latin-1; `iconv -f latin1 -t utf-8` converts it",
    )


def _carriage_return(lines: Lines, line: int, count: int) -> Problem:
    return Problem(
        "line-end",
        "lines end in carriage returns",
        lines.at(line, len(lines.lines[line])),
        found=f"{count} carriage {'return' if count == 1 else 'returns'}, the first one here",
        expected="lines that end in a line feed alone",
        hint="a shell would read the carriage return as part of a command; `sed -i 's/\\r$//' FILE` removes them",
    )


def _forbidden(lines: Lines, text: str, match: re.Match[str]) -> Problem:
    line = text.count("\n", 0, match.start())
    column = match.start() - (text.rfind("\n", 0, match.start()) + 1)
    hidden = _HIDDEN.match(match.group())
    return Problem(
        "hidden-character" if hidden else "control-character",
        "a character that hides what the text says" if hidden else "a control character stands in the document",
        lines.at(line, column),
        found=f"U+{ord(match.group()):04X}",
        expected="text that shows all it holds",
        hint="remove it"
        if hidden or match.group() == "\x00"
        else "remove it, or let the command make it with `printf`",
    )
