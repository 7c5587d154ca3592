"""Shell text: a script made of bits, with a rendering to execute and a masked one to show and keep.

Values reach a script as shell variables that are assigned before its text, so no template language stands inside
shell and nothing can be injected. Owns quoting and the two renderings. Knows nothing of processes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MASK = "[masked]"
NAME = re.compile(r"[a-z][a-z0-9_]*")


class Shell(StrEnum):
    """The interpreter that a script asks for; `sh` is whatever POSIX shell the target has."""

    SH = "sh"
    BASH = "bash"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown: `repr` and `str` give the mask; `reveal()` is the only way to the text."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"


Plain = bool | int | float | str
Value = Plain | Secret


def as_text(value: Plain) -> str:
    """Give the text that a shell variable holds for a value: `true` and `false` for booleans, decimal numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quote(text: str) -> str:
    """Quote any text without NUL for a POSIX shell, byte for byte."""
    return "'" + text.replace("'", "'\\''") + "'"


@dataclass(frozen=True, slots=True)
class Script:
    """Shell text with the values that it reads. `raw()` is executed, `masked()` is shown and kept."""

    text: str
    values: tuple[tuple[str, Value], ...] = ()
    shell: Shell = Shell.SH

    def raw(self) -> str:
        """Assignments, one a line, then the text. Contains secrets: only for the interpreter's input."""
        lines = [f"{name}={quote(v.reveal() if isinstance(v, Secret) else as_text(v))}\n" for name, v in self.values]
        return "".join(lines) + self.text

    def masked(self) -> str:
        lines = [f"{name}={MASK if isinstance(v, Secret) else quote(as_text(v))}\n" for name, v in self.values]
        return "".join(lines) + self.text

    def secrets(self) -> tuple[Secret, ...]:
        return tuple(value for _, value in self.values if isinstance(value, Secret))

    def digest(self, key: bytes) -> str:
        """Digest of interpreter, text and values; secrets enter keyed, so that they cannot be guessed from it."""
        hasher = hashlib.sha256()
        for part in (self.shell.value, self.text, *(f"{n}={value_digest(v, key)}" for n, v in self.values)):
            data = part.encode()
            hasher.update(f"{len(data)}:".encode() + data)
        return hasher.hexdigest()


def value_digest(value: Value, key: bytes) -> str:
    """Digest one value; of a secret, an HMAC under `key`."""
    if isinstance(value, Secret):
        return "hmac:" + hmac.new(key, value.reveal().encode(), hashlib.sha256).hexdigest()
    return f"{type(value).__name__}:" + hashlib.sha256(as_text(value).encode()).hexdigest()


def script(text: str, values: Mapping[str, Value], reads: frozenset[str], shell: Shell = Shell.SH) -> Script:
    """Bind to `text` exactly the values that it reads, in the order of their names."""
    return Script(text, tuple((name, values[name]) for name in sorted(reads) if name in values), shell)
