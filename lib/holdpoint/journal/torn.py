"""Whether bytes can be the beginning of a record that was not written to its end. Knows JSON as `record` writes it."""

from __future__ import annotations

import codecs
import json
import re

_CHARS = r'(?:[^"\\\x00-\x1f]|\\(?:["\\bfnrt]|u00[0-9a-f]{2}))*'
_STRING = re.compile(f'"{_CHARS}"')
_OPEN_STRING = re.compile(rf'"{_CHARS}(\\(?:u[0-9a-f]{{0,3}})?)?')
_WORDS = ("true", "false", "null")
_MIDDLES = ("", "0", ":0", '"":0', *(word[n:] for word in _WORDS for n in range(1, len(word))))
"""What can be missing of the part that was being written, so that closing brackets can follow."""


def end_of_object(text: bytes) -> int | None:
    """Find where the object at the start ends, in bytes; None where it does not end."""
    decoded = text.decode(errors="surrogateescape")
    brackets, at = _open_brackets(decoded)
    if brackets or at == 0:
        return None
    return len(decoded[:at].encode(errors="surrogateescape"))


def could_continue(text: bytes) -> bool:
    """Tell whether an unfinished object can be continued: some ending makes it a whole one without spaces."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoded = decoder.decode(text)
    except UnicodeDecodeError:
        return False
    torn_character = bool(decoder.getstate()[0])
    brackets, at = _open_brackets(decoded)
    if at == len(decoded):
        return not torn_character and any(_is_json(decoded + middle + brackets) for middle in _MIDDLES)
    begun = _OPEN_STRING.match(decoded, at)
    if begun is None or begun.end() != len(decoded):
        return False
    rest = _rest_of_string(begun.group(1) or "", torn_character=torn_character)
    return rest is not None and any(_is_json(decoded + rest + after + brackets) for after in ("", ":0"))


def _open_brackets(text: str) -> tuple[str, int]:
    """Give the brackets that close what is open, and where the object ends or a string begins that has no end."""
    closing: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            whole = _STRING.match(text, at)
            if whole is None:
                break
            at = whole.end()
            continue
        at += 1
        if char in "{[":
            closing.append("}" if char == "{" else "]")
        elif char in "}]" and closing:
            closing.pop()
            if not closing:
                break
    return "".join(reversed(closing)), at


def _rest_of_string(escape: str, *, torn_character: bool) -> str | None:
    """Give what ends a string after the beginning of an escape; None where no string goes on like that."""
    if torn_character:
        return None if escape else '"'
    if escape.startswith("\\u"):
        digits = escape[2:]
        return "0" * (4 - len(digits)) + '"' if "00".startswith(digits[:2]) else None
    return '\\"' if escape else '"'


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not re.search(r"\s", _STRING.sub("", text))
