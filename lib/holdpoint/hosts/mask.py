"""Hides secrets in a stream of bytes, in every encoding that tools commonly give them.

Owns what counts as an occurrence: raw, quoted for a shell, JSON-escaped, percent-encoded (also mixed), hexadecimal and
base64 (any alignment, either alphabet), the latter two also wrapped over lines; each longer line of a secret as well.
An occurrence that is cut by a chunk is found too: as little as possible is held back. Knows nothing of files.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, quote_plus

from holdpoint.shell import MASK, Secret

MASKED = MASK.encode()
LINE_LEAST = 8
LINES_MOST = 4
"""Of a secret with more lines than that, single lines are found raw and escaped, but not encoded each by itself."""
CORE_LEAST = 4
BLANKS = b" \t\r\n"
GAPS = (b"", b"\n", b"\r\n", *(b"\n" + b" " * n for n in range(1, 17)), b"\n\t", b"\\n", b"\\r\\n")
GAP = rb"(?:\r?\n[ \t]*|\\n|\\r\\n)?"
"""What may match more than `GAPS`: a place that is found by it is looked at closely."""
BACKSLASHES = 4
ANCHOR_LEAST = 3
START_UNITS = 4
NAMED = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 27: b"e"}

Unit = tuple[bytes, ...]
Span = tuple[int, int]


@dataclass(frozen=True)
class _Pattern:
    """A sequence of units, each of which can be written in several ways.

    `start` finds where one may begin, with one of the bytes `first`. Every occurrence has `anchor` in it; where `loose`,
    once blanks are taken out.
    """

    units: tuple[Unit, ...]
    start: re.Pattern[bytes]
    first: frozenset[int]
    anchor: bytes
    loose: bool
    longest: int

    def starts(self, data: bytes, floor: int = 0) -> Iterator[int]:
        """Give the places at which an occurrence may begin, by its first units, overlapping ones too."""
        match = self.start.search(data, floor)
        while match:
            yield match.start()
            match = self.start.search(data, match.start() + 1)

    def cut_from(self, data: bytes) -> int:
        """Give the first place from which the data could be the beginning of an occurrence; its length if none."""
        floor = max(0, len(data) - self.longest)
        for place in self.starts(data, floor):
            if self.ends(data, place)[1]:
                return place
        short = sum(max(map(len, unit)) for unit in self.units[:START_UNITS])
        for place in range(max(floor, len(data) - short), len(data)):
            if data[place] in self.first and self.ends(data, place)[1]:
                return place
        return len(data)

    def ends(self, data: bytes, start: int) -> tuple[int, bool]:
        """Give the furthest end of a match that starts here (or -1), and whether the data's end cuts one off."""
        places = {start}
        cut = False
        for unit in self.units:
            following: set[int] = set()
            for place in places:
                rest = len(data) - place
                for way in unit:
                    if data.startswith(way, place):
                        following.add(place + len(way))
                    elif len(way) > rest and way.startswith(data[place:]):
                        cut = True
            places = following
            if not places:
                return -1, cut
        return max(places), cut


class Masker:
    """Masks one stream. `feed` gives what is surely clean, `finish` the rest."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._patterns = _patterns(tuple(sorted({secret.reveal() for secret in secrets} - {""})))
        self._held = b""
        self._covered = 0  # so many of the held bytes were already given out as a mask

    def feed(self, data: bytes) -> bytes:
        if not self._patterns:
            return data
        data = self._held + data
        return self._give(data, self._safe_end(data))

    def finish(self) -> bytes:
        data, self._held = self._held, b""
        return self._give(data, len(data))

    def _give(self, data: bytes, end: int) -> bytes:
        spans = self._spans(data)
        parts: list[bytes] = []
        place = 0
        if self._covered:
            spans = _merged([(0, self._covered), *spans])
            place = spans.pop(0)[1]
        for start, stop in spans:
            if start >= end:
                break
            parts += data[place:start], MASKED
            place = stop
        if place < end:
            parts.append(data[place:end])
        self._held = data[end:]
        self._covered = max(0, min(place, len(data)) - end)
        return b"".join(parts)

    def _spans(self, data: bytes) -> list[Span]:
        """Give every occurrence, those that overlap joined, in order."""
        found: list[Span] = []
        joined: tuple[bytes, ...] | None = None
        for pattern in self._patterns:
            if pattern.loose and joined is None:
                joined = _without_gaps(data)
            if not any(pattern.anchor in text for text in (joined or () if pattern.loose else (data,))):
                continue
            for start in pattern.starts(data):
                stop, _ = pattern.ends(data, start)
                if stop >= 0:
                    found.append((start, stop))
        return _merged(found)

    def _safe_end(self, data: bytes) -> int:
        """Give where the earliest occurrence may begin that more data could complete."""
        return min(pattern.cut_from(data) for pattern in self._patterns)


def mask(data: bytes, secrets: Sequence[Secret]) -> bytes:
    """Mask a whole text at once."""
    masker = Masker(secrets)
    return masker.feed(data) + masker.finish()


def _without_gaps(data: bytes) -> tuple[bytes, ...]:
    plain = data.translate(None, BLANKS)
    if b"\\n" not in plain:
        return (plain,)
    return plain, plain.replace(b"\\r\\n", b"").replace(b"\\n", b"")


def _merged(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


@lru_cache(maxsize=64)
def _patterns(texts: tuple[str, ...]) -> tuple[_Pattern, ...]:
    made: dict[tuple[Unit, ...], _Pattern] = {}
    for text in texts:
        lines = [line for line in text.splitlines() if len(line) >= LINE_LEAST] if "\n" in text or "\r" in text else []
        for part in dict.fromkeys((text, text.strip("\r\n"))):
            for pattern in _patterns_of(part) if part else ():
                made.setdefault(pattern.units, pattern)
        for line in dict.fromkeys(lines):
            for pattern in _patterns_of(line) if len(lines) <= LINES_MOST else [_mixture(line)]:
                made.setdefault(pattern.units, pattern)
    return tuple(made.values())


def _patterns_of(text: str) -> Iterable[_Pattern]:
    raw = text.encode("utf-8", "surrogateescape")
    yield _mixture(text)
    for form in {quote(raw, safe=""), quote_plus(raw), quote(raw)} - {text}:
        yield _literal(form.encode())
    for template in ("%{:02x}", "%{:02X}", "\\x{:02x}", "\\x{:02X}", "\\{:03o}"):
        yield _literal("".join(template.format(byte) for byte in raw).encode())
    if len(raw) >= 2:  # noqa: PLR2004 - one byte in hexadecimal is any two digits
        yield _wrapped(raw.hex().encode())
        yield _wrapped(raw.hex().upper().encode())
    for core in _base64_forms(raw):
        yield _wrapped(core)


def _base64_forms(raw: bytes) -> set[bytes]:
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        first = -(-shift * 8 // 6)
        core = encoded[first : (shift + len(raw)) * 8 // 6]
        if len(core) >= CORE_LEAST:
            forms |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms


def _mixture(text: str) -> _Pattern:
    """Match the text with each character raw or escaped in any of the usual ways, also mixed."""
    units = tuple(_ways(character) for character in text)
    plain = max(re.findall(r"[A-Za-z0-9]+", text), key=len, default="")
    anchor = plain.encode() if len(plain) >= ANCHOR_LEAST else b""
    return _Pattern(units, *_starts_of(units), anchor, loose=False, longest=_longest(units))


@lru_cache(maxsize=4096)
def _ways(character: str) -> Unit:
    raw = character.encode("utf-8", "surrogateescape")
    code = ord(character)
    ways: dict[bytes, None] = {}
    if character.isascii() and character.isalnum():
        return (raw,)
    for count in (0, 1, 3) if character == "\\" else range(BACKSLASHES + 1):  # a backslash doubles
        ways[b"\\" * count + raw] = None
    if raw == b"\n":
        ways[b"\r\n"] = None
    for lead in (b"\\", b"\\\\"):
        if code in NAMED:
            ways[lead + NAMED[code]] = None
        if code == 27:  # noqa: PLR2004 - escape
            ways[lead + b"E"] = None
        wide = character.encode("utf-16-be", "surrogatepass").hex()
        for form in {wide, wide.upper()}:
            ways[b"".join(lead + b"u" + form[at : at + 4].encode() for at in range(0, len(form), 4))] = None
        for template in ("x{:02x}", "x{:02X}", "{:03o}"):
            ways[b"".join(lead + template.format(byte).encode() for byte in raw)] = None
    for template in ("%{:02x}", "%{:02X}", "%25{:02x}", "%25{:02X}"):
        ways["".join(template.format(byte) for byte in raw).encode()] = None
    for way in {
        "'": (b"'\\''", b"'\"'\"'", b"&#39;", b"&#x27;"),
        '"': (b"&quot;", b"&#34;"),
        "&": (b"&amp;",),
        "<": (b"&lt;",),
        ">": (b"&gt;",),
        " ": (b"+",),
    }.get(character, ()):
        ways[way] = None
    return tuple(ways)


def _literal(form: bytes) -> _Pattern:
    units = tuple((form[at : at + 1],) for at in range(len(form)))
    return _Pattern(units, *_starts_of(units), form, loose=False, longest=len(form))


def _wrapped(form: bytes) -> _Pattern:
    """Match the form also where line breaks, with or without an indent, stand between its bytes."""
    bytes_of = [form[at : at + 1] for at in range(len(form))]
    units: tuple[Unit, ...] = ((bytes_of[0],), *(tuple(gap + byte for gap in GAPS) for byte in bytes_of[1:]))
    start = re.compile(GAP.join(re.escape(byte) for byte in bytes_of[:START_UNITS]))
    return _Pattern(units, start, frozenset(form[:1]), form, loose=True, longest=_longest(units))


def _starts_of(units: tuple[Unit, ...]) -> tuple[re.Pattern[bytes], frozenset[int]]:
    """Match how an occurrence starts. No more than that: a whole one could take a backtracking search for ever."""
    start = re.compile(b"".join(_any_of(unit) for unit in units[:START_UNITS]))
    return start, frozenset(way[0] for way in units[0])


def _any_of(unit: Unit) -> bytes:
    return b"(?:" + b"|".join(re.escape(way) for way in unit) + b")"


def _longest(units: tuple[Unit, ...]) -> int:
    return sum(max(len(way) for way in unit) for unit in units)
