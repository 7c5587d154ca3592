"""A document that the record and people write together: which of its sections are whose, and how one is made anew.

A line `<!-- generated: NAME DIGEST -->` begins a section from the record, and `<!-- end: NAME -->` ends it. The digest is
that of the text as it was generated, or offered, last: a section that does not have it any more was edited, and is a
person's from then on. `<!-- write: NAME -->` begins what only people write, and which may not stay empty; `<!-- write, if
needed: NAME -->` what may. Everything outside of generated sections is never touched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

_HEAD = re.compile(r"<!-- post-mortem of (\S+), in ([a-z]{2}) -->")
_BEGIN = re.compile(r"<!-- generated: ([a-z-]+)(?: ([0-9a-f]{12}))? -->")
_END = re.compile(r"<!-- end: ([a-z-]+) -->")
_WRITE = re.compile(r"<!-- write(, if needed)?: ([a-z-]+) -->")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_RULE = re.compile(r"-{3,}")
_NOTHING = frozenset({"", "-", "–", "—", "?", "…", "...", "tbd", "todo", "à faire", "à définir", "à compléter"})


@dataclass(frozen=True, slots=True)
class Generated:
    """A section from the record. `line` is that of its first marker, from 1; `digest` is empty before it was sealed."""

    name: str
    body: str
    digest: str = ""
    line: int = 0

    @property
    def is_edited(self) -> bool:
        """A person wrote into it since."""
        return bool(self.body.strip()) and self.digest != digest_of(self.body)


@dataclass(frozen=True, slots=True)
class Kept:
    """An edited section that stays, where the record has a newer text for it. `line` is where it stands now."""

    name: str
    line: int
    newer: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The document as it is to be, and what became of its sections. `gone` are those without their markers."""

    text: str
    refreshed: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A section that people write: the line of its marker, and what stands in it. `heading` is the line above it."""

    name: str
    line: int
    required: bool
    text: str
    heading: str

    @property
    def is_empty(self) -> bool:
        return is_nothing(self.text)


Part = str | Generated


def is_nothing(text: str) -> bool:
    """Nothing was written but a stand-in such as `TBD`; comments do not show, so they do not count."""
    return _COMMENT.sub("", text).strip().strip("*_.").strip().casefold() in _NOTHING


def digest_of(text: str) -> str:
    """Digest a section; blanks, blank lines and the widths of a table's columns do not count."""
    lines = (_RULE.sub("---", " ".join(line.split())) for line in text.splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line).encode()).hexdigest()[:12]


def said(text: str) -> str:
    """What a document says, without the digests of its markers."""
    return whole(replace(part, digest="") if isinstance(part, Generated) else part for part in parts(text))


def head(incident: str, language: str) -> str:
    """The first line of a document."""
    return f"<!-- post-mortem of {incident}, in {language} -->"


def belongs_to(text: str) -> tuple[str, str]:
    """The incident and the language of a document; both empty for one that is not ours."""
    lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines()  # a byte order mark
    match = next((found for line in lines[:5] if (found := _HEAD.fullmatch(line.strip()))), None)
    return (match[1], match[2]) if match else ("", "")


def parts(text: str) -> tuple[Part, ...]:
    """Take a document apart; joined by `whole`, it is the same again. What has no end, or comes twice, is text."""
    lines = text.splitlines(keepends=True)
    begun = [match[1] for line in lines if (match := _BEGIN.fullmatch(line.strip()))]
    found: list[Part] = []
    at = 0
    while at < len(lines):
        match = _BEGIN.fullmatch(lines[at].strip())
        end = _end_of(lines, at, match[1]) if match and begun.count(match[1]) == 1 else None
        if match is None or end is None:
            found.append(lines[at])
            at += 1
            continue
        body = "".join(lines[at + 1 : end])
        found.append(Generated(match[1], body, match[2] or "", at + 1))
        at = end + 1
    return tuple(found)


def _end_of(lines: Sequence[str], start: int, name: str) -> int | None:
    for at in range(start + 1, len(lines)):
        line = lines[at].strip()
        if _BEGIN.fullmatch(line):
            return None
        if (match := _END.fullmatch(line)) is not None:
            return at if match[1] == name else None
    return None


def whole(of: Iterable[Part], newline: str = "\n") -> str:
    """Put a document together."""
    return "".join(part if isinstance(part, str) else _drawn(part, newline) for part in of)


def _drawn(part: Generated, newline: str) -> str:
    digest = f" {part.digest}" if part.digest else ""
    body = part.body if not part.body or part.body.endswith("\n") else f"{part.body}{newline}"
    return f"<!-- generated: {part.name}{digest} -->{newline}{body}<!-- end: {part.name} -->{newline}"


def generated(text: str) -> Mapping[str, Generated]:
    """The sections from the record, by name."""
    return {part.name: part for part in parts(text) if isinstance(part, Generated)}


def sealed(text: str) -> str:
    """Give each generated section of a new document its digest."""
    return whole(
        replace(part, digest=digest_of(part.body)) if isinstance(part, Generated) else part for part in parts(text)
    )


def merged(document: str, fresh: str, replaced: Mapping[str, str] | None = None) -> Merged:
    """Bring a document up to date with what the record says now, and leave alone whatever a person wrote.

    An edited section stays; what the record says now is offered once, and again when that changes. `replaced` are texts
    that take the place of a section, since all of what people wrote there stands in them; they count as edited as far
    as they differ from what the record says.
    """
    newline = "\r\n" if "\r\n" in document else "\n"
    newer = {name: part.body.replace("\n", newline) for name, part in generated(fresh).items()}
    own = parts(document)
    refreshed: list[str] = []
    kept: list[Kept] = []
    result: list[Part] = []
    for part in own:
        if isinstance(part, str) or part.name not in newer:
            result.append(part)
            continue
        now, text = newer[part.name], (replaced or {}).get(part.name)
        digest = digest_of(now)
        if text is None and part.is_edited:
            if digest != part.digest:
                kept.append(Kept(part.name, part.line, now))
            result.append(replace(part, digest=digest))
            continue
        body = now if text is None else text
        same = digest_of(part.body) == digest_of(body)
        refreshed += [] if same else [part.name]
        result.append(replace(part, body=part.body if same else body, digest=digest))
    there = {part.name for part in own if isinstance(part, Generated)}
    gone = tuple(name for name in newer if name not in there)
    text = whole(result, newline)
    lines = {name: part.line for name, part in generated(text).items()}
    return Merged(text, tuple(refreshed), tuple(replace(one, line=lines[one.name]) for one in kept), gone)


def written(text: str) -> tuple[Written, ...]:
    """The sections that people write, in the order of the document."""
    lines = text.splitlines()
    found: list[Written] = []
    heading = ""
    for at, line in enumerate(lines):
        if _HEADING.match(line):
            heading = line.strip()
        if match := _WRITE.fullmatch(line.strip()):
            found.append(Written(match[2], at + 1, match[1] is None, _below(lines, at), heading))
    return tuple(found)


def under_heading(text: str, heading: str) -> tuple[int, str] | None:
    """The line of a heading, and the text below it without generated sections; None where it is not there."""
    lines = text.splitlines()
    at = next((at for at, line in enumerate(lines) if line.strip() == heading), None)
    return None if at is None else (at + 1, _below(lines, at))


def _below(lines: Sequence[str], at: int) -> str:
    """What people wrote from a line on, up to the next heading or marker; generated sections are left out."""
    found: list[str] = []
    inside = ""
    for line in lines[at + 1 :]:
        bare = line.strip()
        if inside:
            inside = "" if (end := _END.fullmatch(bare)) and end[1] == inside else inside
        elif match := _BEGIN.fullmatch(bare):
            inside = match[1]
        elif _HEADING.match(line) or _WRITE.fullmatch(bare):
            break
        else:
            found.append(line)
    return "\n".join(found)
