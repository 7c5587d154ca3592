"""Lengths of time as people write them: `45s`, `1h30m`, `14d`."""

from __future__ import annotations

import functools
import re
from datetime import timedelta

from holdpoint.problem import HoldpointError, Problem

_FORM = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
_LONGEST = timedelta(days=3660)
_MOST_DIGITS = 9
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
FORM = "a length of time such as `45s`, `5m`, `1h30m` or `14d`"


@functools.lru_cache(maxsize=1000)
def parse(text: str) -> timedelta:
    """Read a length of time; units go from the largest to the smallest. Raises `HoldpointError` for anything else."""
    match = _FORM.fullmatch(text)
    if match is None or not text or any(len(part or "") > _MOST_DIGITS for part in match.groups()):
        hint = f"write `{text}s` for seconds" if text.isascii() and text.isdigit() else ""
        raise HoldpointError(Problem("duration", f"`{text[:60]}` is no length of time", expected=FORM, hint=hint))
    parts = [int(part or 0) for part in match.groups()]
    length = timedelta(milliseconds=sum(part * unit for part, (_, unit) in zip(parts, _UNITS, strict=True)))
    if length > _LONGEST:
        raise HoldpointError(Problem("duration", f"`{text}` is too long", expected=f"{_LONGEST.days}d at most"))
    return length


def show(length: timedelta) -> str:
    """Write a length of time so that `parse` reads it back; fractions of a millisecond are cut off."""
    rest = length // timedelta(milliseconds=1)
    sign, rest = ("-", -rest) if rest < 0 else ("", rest)
    parts = []
    for name, unit in _UNITS:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{name}")
    return sign + ("".join(parts) or "0s")
