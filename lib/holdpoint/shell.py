"""Shell text: a script made of bits, with a rendering to execute and a masked one to show and keep.

Values reach a script as shell variables that are assigned before its text, so no template language stands inside
shell and nothing can be injected. Owns quoting and the two renderings. Knows nothing of processes.
"""

from __future__ import annotations

import base64
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


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of a file. A script gets them in base64; people are told how many there are, and their SHA-256."""

    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def encoded(self) -> str:
        return base64.b64encode(self.data).decode()

    def __str__(self) -> str:
        return f"{len(self.data)} bytes, sha256 {self.digest}"


Plain = bool | int | float | str
Value = Plain | Secret


def is_bytes(name: str) -> bool:
    """Whether a value is the bytes of a file in base64, which nobody wants to read; no document can give this name."""
    return name.startswith("_")


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
    """Shell text with the values that it reads. `raw()` is executed, `masked()` is shown and kept.

    A text that was generated has what it needs in `given`, and in `says` what people read in its place.
    """

    text: str
    values: tuple[tuple[str, Value], ...] = ()
    shell: Shell = Shell.SH
    given: tuple[tuple[str, str | Blob], ...] = ()
    says: str = ""

    def raw(self) -> str:
        """Assignments, one a line, then the text. Contains secrets: only for the interpreter's input."""
        given = [f"{name}={quote(v.encoded() if isinstance(v, Blob) else v)}\n" for name, v in self.given]
        lines = [f"{name}={quote(v.reveal() if isinstance(v, Secret) else as_text(v))}\n" for name, v in self.values]
        return "".join((*given, *lines)) + self.text

    def masked(self) -> str:
        lines = [
            f"{name}={MASK if isinstance(v, Secret) else quote(as_text(v))}\n"
            for name, v in self.values
            if not is_bytes(name)
        ]
        return "".join(lines) + (self.says or self.text)

    def secrets(self) -> tuple[Secret, ...]:
        return tuple(value for _, value in self.values if isinstance(value, Secret))

    def digest(self, key: bytes) -> str:
        """Digest of interpreter, text and values; secrets enter keyed, so that they cannot be guessed from it."""
        hasher = hashlib.sha256()
        given = (f"{name} {v.digest if isinstance(v, Blob) else v}" for name, v in self.given)
        for part in (self.shell.value, self.text, *(f"{n}={value_digest(v, key)}" for n, v in self.values), *given):
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
