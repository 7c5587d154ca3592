"""Whether a value fits a parameter, or what a step registers: type, pattern, choice, limits.

Values arrive as text (from `--param`, from a command's output, from a person) or as a document's literal; they
leave typed. Any text is data: quotes, newlines, `$(…)` and 100 kB of it are fine.
"""

from __future__ import annotations

import math
import re
from typing import assert_never

from holdpoint.document.model import Param, Registered, ValueType
from holdpoint.problem import Problem, did_you_mean
from holdpoint.shell import Plain, as_text

_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LARGEST = 2**63 - 1
_SHOWN = 60

WORDS = {
    ValueType.STRING: "a text",
    ValueType.INTEGER: "a whole number",
    ValueType.NUMBER: "a number",
    ValueType.BOOLEAN: "`true` or `false`",
    ValueType.PATH: "a path",
    ValueType.SECRET: "a text that is kept secret",
}


def check(spec: Param | Registered, given: Plain) -> Plain | Problem:
    """Give the typed value, or the first thing that is wrong with it. A secret's text is never shown."""
    text = as_text(given)
    unfit = _unfit_text(who(spec), text, spec)
    if unfit is not None:
        return unfit
    typed = _typed(spec.type, given)
    if typed is None:
        return Problem(
            "value-type", f"{who(spec)} is not {WORDS[spec.type]}", found=shown(given), expected=WORDS[spec.type]
        )
    return _rules(who(spec), spec, typed) or typed


def who(spec: Param | Registered) -> str:
    """Name a value in a message."""
    return f"parameter `{spec.name}`" if isinstance(spec, Param) else f"value `{spec.name}`"


def shown(value: object) -> str:
    """Show a value in a message: what kind it is, and its beginning."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{as_text(value)}`"
    if isinstance(value, int | float):
        return f"the number `{value}`"
    if isinstance(value, str):
        if not value:
            return "an empty text"
        line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[: _SHOWN + 1])
        return f"`{line}`" if len(line) <= _SHOWN else f"`{line[:_SHOWN]}…`"
    return "a mapping" if isinstance(value, dict) else "a list"


def _unfit_text(who: str, text: str, spec: Param | Registered) -> Problem | None:
    """What no value of any type may hold."""
    if "\x00" in text:
        return Problem("value-nul", f"{who} holds a NUL character", hint="no shell variable can hold one")
    try:
        text.encode()
    except UnicodeEncodeError:
        return Problem("value-encoding", f"{who} is not UTF-8", expected="text in UTF-8")
    dash_allowed = spec.allow_dash if isinstance(spec, Param) else spec.type is not ValueType.PATH
    if text.startswith("-") and not dash_allowed and spec.type is not ValueType.SECRET:
        return Problem(
            "value-dash",
            f"{who} begins with `-`",
            found=shown(text),
            expected="a value that no command can take for an option",
            hint="`allow_dash: true` in the runbook permits it" if isinstance(spec, Param) else "",
        )
    return None


def _typed(kind: ValueType, given: Plain) -> Plain | None:
    """Turn a value into its type; None where it is not of that type."""
    match kind:
        case ValueType.STRING | ValueType.SECRET:
            return given if isinstance(given, str) else None
        case ValueType.PATH:
            return given if isinstance(given, str) and given else None
        case ValueType.BOOLEAN:
            words = {"true": True, "false": False}
            return given if isinstance(given, bool) else words.get(given.strip()) if isinstance(given, str) else None
        case ValueType.INTEGER:
            return _integer(given)
        case ValueType.NUMBER:
            return _number(given)
        case _:
            assert_never(kind)


def _integer(given: Plain) -> int | None:
    if isinstance(given, bool | float):
        return None
    if isinstance(given, str):
        text = given.strip()
        if not _INTEGER.fullmatch(text) or len(text.lstrip("+-0")) > len(str(_LARGEST)):
            return None
        digits = text.lstrip("+-").lstrip("0") or "0"  # Python refuses to read thousands of digits, zeros too
        given = -int(digits) if text.startswith("-") else int(digits)
    return given if abs(given) <= _LARGEST else None


def _number(given: Plain) -> int | float | None:
    if isinstance(given, str):
        text = given.strip()
        whole = _integer(text)
        if whole is not None or not _NUMBER.fullmatch(text):
            return whole
        given = float(text)
    return given if not isinstance(given, bool) and math.isfinite(given) else None


def _rules(who: str, param: Param | Registered, value: Plain) -> Problem | None:
    if param.pattern is not None and not re.fullmatch(param.pattern, as_text(value)):
        expected = f"a text that matches `{param.pattern}` as a whole"
        return Problem("value-pattern", f"{who} does not match its pattern", found=shown(value), expected=expected)
    if param.enum and value not in param.enum:
        choices = [as_text(choice) for choice in param.enum]
        return Problem(
            "value-enum",
            f"{who} is not one of its choices",
            found=shown(value),
            expected=", ".join(f"`{choice}`" for choice in choices),
            hint=did_you_mean(as_text(value), choices),
        )
    if isinstance(param, Param) and param.type is ValueType.PATH and value and not as_text(value).startswith("/"):
        hint = "a command starts in the home folder, here and over SSH, so a relative path leads somewhere else"
        return Problem("value-path", f"{who} is not absolute", found=shown(value), expected="`/…`", hint=hint)
    if isinstance(value, str | bool):
        return None
    if param.min is not None and value < param.min:
        return Problem("value-min", f"{who} is too small", found=shown(value), expected=f"at least {param.min:g}")
    if param.max is not None and value > param.max:
        return Problem("value-max", f"{who} is too large", found=shown(value), expected=f"at most {param.max:g}")
    return None
