"""Which variables a script reads, as far as its text tells.

A scanner of quotes, substitutions, comments and here-documents, not a shell: it finds names, it decides nothing.
Known names are found generously (also in single quotes, since `trap '…"$mount"…'` reads them later): a value that
is assigned in vain does no harm. Unknown names are found strictly, outside of single quotes, since awk and Perl
have `$names` of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOWER = re.compile(r"[a-z][a-z0-9_]*")
_DOLLAR = re.compile(r"\$(?:\{[#!]?)?([a-z][a-z0-9_]*)")
_LOOSE = re.compile(r"(?<![$\w])([a-z][a-z0-9_]*)(?:\[[^]\n]*\])?[:+]?=")
_BEGIN = r"(?:^|[;&|({`]|\b(?:do|then|else|while|until|if)\b)[ \t]*"
_STRICT = re.compile(_BEGIN + r"([a-z][a-z0-9_]*)=", re.MULTILINE)
_DECLARED = re.compile(
    _BEGIN
    + r"(?:IFS=\S*[ \t]+)?(?:(?:for|select)[ \t]+([a-z]\w*)[ \t]|(?:read|local|export|readonly)[ \t]+([\w \t=-]*))",
    re.MULTILINE,
)
"""Cheap looks at a script, to save a scan: `_LOOSE` finds every assignment and more, the others only plain ones."""
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^]\n]*\])?\+?=")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?)(['\"]?)([A-Za-z0-9_.+-]+)\3")
_ARITHMETIC = re.compile(r"(?<![$\w.#])([a-z][a-z0-9_]*)\b(?![(\[])")
_DECLARING = frozenset(
    {"read", "local", "export", "readonly", "declare", "typeset", "mapfile", "readarray", "getopts", "unset"}
)
_WORD = re.compile(r"[^ \t\n;&|<>()'\"`$\\#}]+")
_QUOTED = re.compile(r"[^\"`$\\}]+")
MOST = 20
"""Unknown variables that are told of one script."""

_LONGEST = 1000
"""Characters that one arithmetic expression may have; also a bound, so that nothing is searched again and again."""

_ENDS = frozenset(" \t\n;&|<>()")


@dataclass(frozen=True, slots=True)
class Mention:
    """A variable that is read at an offset; `optional` where the script has its own answer for an unset one."""

    name: str
    offset: int
    optional: bool = False


@dataclass(slots=True)
class Findings:
    """What a scan found. `assigned` gives the offset from which on a name holds what the script put into it."""

    mentions: list[Mention] = field(default_factory=list)
    assigned: dict[str, int] = field(default_factory=dict)
    quoted: list[tuple[int, int]] = field(default_factory=list)
    """Spans that the shell itself does not look into: single quotes, quoted here-documents."""
    redirects: list[tuple[int, str]] = field(default_factory=list)
    """Offsets of `>` and what it writes to, as far as that is one plain word."""
    words: list[tuple[int, str]] = field(default_factory=list)
    """Every word that stands where a command's name may stand, with the rest of its command."""


def reads(script: str, known: frozenset[str]) -> frozenset[str]:
    """Give the known names that a script reads before it assigns them itself."""
    arithmetic = "((" in script
    if not known or ("$" not in script and not arithmetic):
        return frozenset()
    names = known.intersection(_DOLLAR.findall(script))
    if known.isdisjoint(_LOOSE.findall(script)) and not arithmetic and known.isdisjoint(_declared(script)):
        return names
    found = scan(script)
    end = len(script)
    names = frozenset(m.name for m in found.mentions if m.name in known and m.offset < found.assigned.get(m.name, end))
    for start, stop in found.quoted:
        inside = {match[1] for match in _DOLLAR.finditer(script, start, stop)}
        names |= {name for name in inside & known if start < found.assigned.get(name, end)}
    return frozenset(names)


def unknown(script: str, known: frozenset[str]) -> tuple[Mention, ...]:
    """Give the first mention of each lower-case variable that neither the script nor anything before it sets.

    At most `MOST` of them, since a person mends those first.
    """
    if "$((" not in script:
        rest = {*_DOLLAR.findall(script)} - known
        rest = rest and rest.difference(_STRICT.findall(script))
        if not rest or not rest.difference(_declared(script)):
            return ()
    found = scan(script)
    first: dict[str, Mention] = {}
    for mention in found.mentions:
        fits = _LOWER.fullmatch(mention.name) and not mention.optional
        if fits and mention.name not in known and mention.name not in found.assigned:
            first.setdefault(mention.name, mention)
    return tuple(first.values())[:MOST]


def _declared(script: str) -> frozenset[str]:
    """Names that `for`, `read` and their like set, as far as a regular expression can tell."""
    return frozenset(name for groups in _DECLARED.findall(script) for name in _LOWER.findall(" ".join(groups)))


@lru_cache(maxsize=64)
def scan(script: str) -> Findings:
    """Scan a script. Never raises: what cannot be understood is passed over.

    The findings of the last scripts are kept, since several checks ask for them; nobody may change them.
    """
    scanner = _Scanner(script)
    while scanner.at < len(script):
        scanner.step()
    scanner.finish()
    return scanner.found


class _Scanner:
    """Walks over the text; `open` holds the quotes and brackets that are not closed yet."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: list[str] = []
        self.found = Findings()
        self.pending: list[tuple[int, str]] = []
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.word_start = True
        self.command: list[tuple[int, list[str]]] = [(0, [])]

    def step(self) -> None:
        """Take one piece of the text."""
        char = self.text[self.at]
        if char == "\\":
            self.at += 2
            self.word_start = False
        elif self.open and self.open[-1] == '"':
            self._in_double_quotes(char)
        elif char == "'":
            self._single_quotes()
        elif char in ('"', "`"):
            self._toggle(char)
        elif char == "$":
            self._dollar()
        elif char == "#" and self.word_start and "${" not in self.open[-1:]:
            self._to_line_end()
        elif char == "}" and self.open and self.open[-1] == "${":
            self.open.pop()
            self.at += 1
        elif char == "<" and self.text.startswith("<<", self.at) and not self.text.startswith("<<<", self.at):
            self._heredoc()
        elif self.text.startswith("<<<", self.at):
            self.at += 3
        elif char in _ENDS:
            self._word_end(char)
        else:
            self._word(char)

    def finish(self) -> None:
        for _, name in self.pending:
            self.found.assigned.setdefault(name, len(self.text))
        self._end_command()

    def _in_double_quotes(self, char: str) -> None:
        if char in ('"', "`"):
            self._toggle(char)
        elif char == "$":
            self._dollar()
        else:
            self._skip(_QUOTED)

    def _skip(self, run: re.Pattern[str]) -> None:
        """Pass over a run of characters that mean nothing here; over one at least."""
        match = run.match(self.text, self.at)
        self.at = match.end() if match else self.at + 1

    def _toggle(self, char: str) -> None:
        closes = bool(self.open) and self.open[-1] == char
        if char == "`" and closes:
            self._substituted()
        elif char == "`":
            self._substitute(self.at)
            self.open[-1] = char
        elif closes:
            self.open.pop()
        else:
            self.open.append(char)
        self.at += 1
        self.word_start = char == "`" and not closes

    def _single_quotes(self) -> None:
        if self.open and self.open[-1] == "${" and '"' in self.open:
            self.at += 1
            return
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        self.found.quoted.append((self.at, end))
        self.at = end + 1
        self.word_start = False

    def _dollar(self) -> None:
        rest = self.at + 1
        if self.text.startswith("((", rest):
            self._arithmetic(rest + 2)
        elif self.text.startswith("(", rest):
            self._substitute(rest + 1)
            return
        elif self.text.startswith("{", rest):
            self._braces(rest + 1)
        elif self.text.startswith("'", rest) and '"' not in self.open:
            self.at = rest
        elif match := _NAME.match(self.text, rest):
            self.found.mentions.append(Mention(match.group(), self.at))
            self.at = match.end()
        else:
            self.at = (
                min(rest + 1, len(self.text))
                if self.text[rest : rest + 1] in ("#", "?", "$", "!", "@", "*", "-")
                else rest
            )
        self.word_start = False

    def _substitute(self, start: int) -> None:
        """`$(…)` holds commands of its own."""
        self.open.append("$(")
        self.command.append((0, []))
        self.at = start
        self.word_start = True

    def _substituted(self) -> None:
        self._settle()
        self._end_command()
        if len(self.command) > 1:
            self.command.pop()
        self.open.pop()
        self.word_start = False

    def _braces(self, start: int) -> None:
        """`${name…}`: the name is read; what follows is scanned like any text until the brace is closed."""
        begin = start + 1 if self.text[start : start + 1] in ("#", "!") else start
        match = _NAME.match(self.text, begin)
        self.open.append("${")
        if match is None:
            self.at = begin
            return
        after = self.text[match.end() : match.end() + 2].lstrip(":")[:1]
        self.found.mentions.append(
            Mention(match.group(), self.at, optional=after in ("-", "=", "+", "?") and bool(after))
        )
        if after == "=":
            self.found.assigned.setdefault(match.group(), match.end())
        self.at = match.end()

    def _arithmetic(self, start: int) -> None:
        """`$((…))`: names need no dollar there. What turns out to be `$( (…) )` is scanned as such."""
        end = self.text.find("))", start, start + _LONGEST)
        inside = self.text[start:end] if end >= 0 else ""
        if end < 0 or "\n" in inside or '"' in inside or "'" in inside or "$(" in inside:
            self._substitute(start - 1)
            return
        for match in _ARITHMETIC.finditer(inside):
            self.found.mentions.append(Mention(match[1], start + match.start()))
        for match in re.finditer(r"\$\{?([A-Za-z_]\w*)", inside):
            self.found.mentions.append(Mention(match[1], start + match.start()))
        for match in re.finditer(r"([a-z]\w*)\s*(?:[-+*/%]?=(?!=))", inside):
            self.found.assigned.setdefault(match[1], start + match.end())
        self.at = end + 2

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _heredoc(self) -> None:
        match = _HEREDOC.match(self.text, self.at)
        if match is None:
            self.at += 2
            return
        self.heredocs.append((match[4], bool(match[2] or match[3]), bool(match[1])))
        self.at = match.end()

    def _heredoc_bodies(self) -> None:
        """After a line that announces here-documents: mark the quoted ones, find names in the others."""
        for word, quoted, tabs in self.heredocs:
            start = self.at
            end = start
            while end < len(self.text):
                stop = self.text.find("\n", end)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[end:stop]
                if (line.lstrip("\t") if tabs else line) == word:
                    break
                end = stop + 1
            end = min(end, len(self.text))
            if quoted:
                self.found.quoted.append((start, end))
            else:
                for match in re.finditer(r"(?<!\\)\$\{?([A-Za-z_]\w*)", self.text[start:end]):
                    self.found.mentions.append(Mention(match[1], start + match.start()))
            stop = self.text.find("\n", end)
            self.at = len(self.text) if stop < 0 else stop
        self.heredocs.clear()

    def _word_end(self, char: str) -> None:
        self.at += 1
        if char == ">":
            self._redirect()
        if char == ")" and self.open and self.open[-1] == "$(":
            self._substituted()
            return
        self._settle()
        if char in "\n;&|()":
            self._end_command()
        if char == "\n" and self.heredocs:
            self._heredoc_bodies()
        self.word_start = True

    def _redirect(self) -> None:
        match = re.compile(r"[>|]?&?[ \t]*(\"[^\"\n]*\"|[^\s;&|<>()]*)").match(self.text, self.at)
        if match:
            self.found.redirects.append((self.at - 1, self.text[self.at : match.end()].lstrip(">| \t").strip('"')))
            if self.text[self.at : self.at + 1] in (">", "|", "&"):
                self.at += 1

    def _word(self, char: str) -> None:
        if not self.word_start:
            self._skip(_WORD)
            return
        self.word_start = False
        match = _ASSIGN.match(self.text, self.at)
        if match:
            self.pending.append((len(self.open), match[1]))
            self.at = match.end()
            self.word_start = False
            return
        run = _WORD.match(self.text, self.at)
        end = run.end() if run else self.at
        word = self.text[self.at : end] or char
        self._take_word(self.at, word)
        self.at = max(end, self.at + 1)

    def _take_word(self, offset: int, word: str) -> None:
        """Words of one command are kept, so that `for name in` and `read -r name` are seen."""
        _, words = self.command[-1]
        before = words[-1] if words else ""
        if not words and word in ("then", "do", "else", "elif", "if", "while", "until", "!", "{", "time"):
            self._end_command()
            return
        if _NAME.fullmatch(word):
            declares = bool(words) and (words[0] in _DECLARING or (words[0] == "printf" and before == "-v"))
            if declares or before in ("for", "select"):
                self.found.assigned.setdefault(word, offset)
        if not words:
            self.command[-1] = (offset, words)
        words.append(word)

    def _end_command(self) -> None:
        offset, words = self.command[-1]
        if words:
            self.found.words.append((offset, " ".join(words)))
        self.command[-1] = (0, [])

    def _settle(self) -> None:
        """Assignments whose word ends here hold from here on."""
        while self.pending and self.pending[-1][0] >= len(self.open):
            self.found.assigned.setdefault(self.pending.pop()[1], self.at)
