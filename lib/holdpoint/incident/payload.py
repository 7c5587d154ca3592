"""From the bytes that a monitor sent to plain JSON values, read strictly; what is no such thing is a problem with its place."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from holdpoint.journal.record import Json
from holdpoint.problem import HoldpointError, Place, Problem

LARGEST = 4 * 1024 * 1024
"""Bytes of a payload; a thousand alerts fit."""
NAME = "payload"
"""What a payload is called in a problem, where it comes from no file."""
_DIGITS = 40
_SHOWN = 60


def read(data: bytes, name: str = NAME) -> dict[str, Json]:
    """Read one JSON object. Raises `HoldpointError` with exit code 2.

    Refused: more than `LARGEST` bytes, anything but UTF-8 and JSON, a key given twice, a number that JSON does not have
    or that no number can hold, and nesting that a reader's stack does not suffice for.
    """
    if len(data) > LARGEST:
        raise HoldpointError(too_large(f"{len(data):,} bytes"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(name, f"it is not UTF-8 (byte {error.start + 1})") from None
    if not text.strip():
        raise _refused(name, "it is empty", hint="`inv alert < payload.json`")
    try:
        tree = json.loads(
            text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_float, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise HoldpointError(_not_json(name, text, error)) from None
    except RecursionError:
        raise _refused(name, "it is nested too deep") from None
    except _NotPlainError as error:
        raise _refused(name, str(error)) from None
    if not isinstance(tree, dict):
        raise _refused(name, "it is not an object", found=f"{_kind(tree)}", expected="`{...}`, as a webhook sends it")
    return tree


def too_large(found: str) -> Problem:
    hint = "`max_alerts: 100` in the `webhook_configs` of Alertmanager bounds what it sends"
    return Problem("payload-size", "the payload is too large", found=found, expected=f"at most {LARGEST:,}", hint=hint)


def _refused(
    name: str, why: str, *, found: str = "", expected: str = "a JSON object", hint: str = ""
) -> HoldpointError:
    place = None if name == NAME else Place(name, 0, 0)
    return HoldpointError(
        Problem("payload", f"this is no payload of an alert: {why}", place, found=found, expected=expected, hint=hint)
    )


class _NotPlainError(Exception):
    """JSON that means nothing sure."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _NotPlainError(f"the key `{_shown(twice)}` is given twice in one object")
    return made


def _constant(word: str) -> NoReturn:
    raise _NotPlainError(f"`{word}` is no number of JSON")


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _NotPlainError(f"a number has {len(digits):,} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")) or len(digits) > 2 * _DIGITS:
        raise _NotPlainError(f"the number `{_shown(digits)}` is too large")
    return value


def _not_json(name: str, text: str, error: json.JSONDecodeError) -> Problem:
    cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
    why = "it ends in the middle" if cut else f"it is no JSON here: {error.msg[:1].lower()}{error.msg[1:]}"
    whole = text.split("\n")[error.lineno - 1]
    place = Place(name, error.lineno, error.colno, 1, whole)
    return Problem("payload", f"this is no payload of an alert: {why}", place, expected="a JSON object")


def _shown(text: str) -> str:
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_SHOWN])
    return shown if len(text) <= _SHOWN else f"{shown}…"


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
