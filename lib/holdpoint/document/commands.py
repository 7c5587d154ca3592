"""Which programs the scripts of a runbook start, as far as their text tells.

Finds too few rather than too many: a name counts only where it surely stands as a command. What the shell itself has, what
the script defines, and what it asks for with `command -v` and can do without, are no needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdpoint.document import shelltext
from holdpoint.document.model import Check, Run, Runbook, Step, Where
from holdpoint.shell import Shell

_PROGRAM = re.compile(r"[A-Za-z_][\w.+-]*|/[\w./+-]*\w", re.ASCII)
_TOKEN = re.compile(r"(?:[ \t]|\\\n)*([\w./+:,=@%^-]+)(?=[\s;&|<>()`]|\Z)", re.ASCII)
_FUNCTION = re.compile(r"(?:^|[\s;&|{}])(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*\([ \t]*\)|\bfunction[ \t]+([\w-]+)")
_ASKED_FOR = re.compile(r"\b(?:command[ \t]+-[vV]|type|which|hash)[ \t]+(?:-\w+[ \t]+)*([\w./+-]+)")
_ASSIGNMENTS = re.compile(r"(?:^|[\s;&|(`{!])[A-Za-z_]\w*=(?:\"[^\"]*\"|'[^']*'|[^\s\"'();&|]*)\Z")
_NO_COMMANDS = re.compile(r"\[\[.*?\]\]|\(\(.*?\)\)|\w\+?=\([^()]*\)", re.DOTALL)
_PATTERNS = re.compile(r"(?:\bcase\b[^\n;]*?\bin\b|;;&?|;&)(?!\s*esac\b)\s*\(?[^()]*?\)")
_RESERVED = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "select"}
    | {"function", "time", "coproc"}
)
_LEADS_ON = frozenset({"if", "then", "else", "elif", "do", "while", "until", "time"})
"""Reserved words behind which a command begins."""
_BUILT_IN = frozenset(
    {"alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen", "complete", "continue", "declare"}
    | {"dirs", "disown", "echo", "enable", "eval", "exec", "exit", "export", "false", "fc", "fg", "getopts", "hash"}
    | {"help", "history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read"}
    | {"readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "test", "times", "trap", "true"}
    | {"type", "typeset", "ulimit", "umask", "unalias", "unset", "wait"}
)
_PREFIXES = {
    "command": "",
    "doas": "Cu",
    "env": "uCS",
    "exec": "a",
    "ionice": "cnpPu",
    "nice": "n",
    "nohup": "",
    "setsid": "",
    "stdbuf": "ioe",
    "sudo": "CDghpRrTtUu",
    "time": "fo",
    "timeout": "ks",
    "xargs": "adEILnPs",
}
"""Commands that start another one, with those of their options that take a word of its own."""


@dataclass(frozen=True, slots=True)
class Need:
    """A program that a runbook starts; `raised` where it does so as another user, whose `PATH` has more."""

    program: str
    runbook: str
    raised: bool = False


def needs(runbook: Runbook, where: Where = Where.TARGETS) -> frozenset[Need]:
    """Give the programs that the steps of a runbook start on its targets, or on the person's own machine."""
    found: set[Need] = set()
    for run, become in _runs(runbook, where):
        names = set(commands(run.script)) | ({run.shell.value} if run.shell is not Shell.SH else set())
        found |= {Need(name, runbook.id, raised=become is not None) for name in names}
    return frozenset(found)


def _runs(runbook: Runbook, where: Where) -> Iterator[tuple[Run, str | None]]:
    for step in runbook.steps():
        if step.where is where:
            yield from _runs_of(step)
    if runbook.recovered is not None and where is Where.TARGETS:
        yield runbook.recovered.run, None


def _runs_of(step: Step) -> Iterator[tuple[Run, str | None]]:
    if isinstance(step.action, Run):
        yield step.action, step.become
    if isinstance(step.verify, Check):
        yield step.verify.run, None  # a check looks as the one who is logged in
    if step.undo is not None and isinstance(step.undo.action, Run):
        yield step.undo.action, step.undo.become or step.become


def commands(script: str) -> frozenset[str]:
    """Give the names of the programs that a script starts."""
    own = {name for match in _FUNCTION.findall(script) for name in match if name} | set(_ASKED_FOR.findall(script))
    spans = [match.span() for match in _NO_COMMANDS.finditer(script)]
    patterns = [match.span() for match in _PATTERNS.finditer(script)]
    ends = {end for _, end in patterns}
    found: set[str] = set()
    for offset, _ in shelltext.scan(script).words:
        if not any(start <= offset < end for start, end in (*spans, *patterns)) and _begins(script, offset, ends):
            found.update(_programs(_plain_words(script, offset)))
    return frozenset(found - own)


def _begins(script: str, offset: int, patterns: set[int]) -> bool:
    """Whether what stands at an offset is surely a command's first word; `patterns` are the ends of those of `case`."""
    before = script[:offset].replace("\\\n", "  ").rstrip(" \t")
    if not before or before[-1] in "\n;&|(`" or len(before) in patterns:
        return True
    last = re.split(r"[\s;&|()`]", before)[-1]
    return last in _LEADS_ON or last in {"{", "!"} or _ASSIGNMENTS.search(before) is not None


def _plain_words(script: str, offset: int) -> list[str]:
    """The words from an offset on, up to the first that is quoted, substituted, or the command's end."""
    words = []
    while match := _TOKEN.match(script, offset):
        words.append(match[1])
        offset = match.end()
    return words


def _programs(words: list[str]) -> Iterator[str]:
    """The command, and the one that it starts where it is known to start another."""
    while words:
        name, *words = words
        if _PROGRAM.fullmatch(name) is None or name in _RESERVED:
            return
        if name not in _BUILT_IN:
            yield name
        if name not in _PREFIXES:
            return
        words = _behind_options(name, words)


def _behind_options(name: str, words: list[str]) -> list[str]:
    while words and (words[0].startswith("-") or (name == "env" and "=" in words[0])):
        option, *words = words
        if name == "command" and option in {"-v", "-V"}:
            return []
        if len(option) == 2 and option[1] in _PREFIXES[name]:  # noqa: PLR2004 - a dash and a letter
            words = words[1:]
    return words[1:] if name == "timeout" else words
