"""How runs and incidents are named, by the minute in which they began, and how a person names one of them, or an attempt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from holdpoint.problem import HoldpointError, Problem, did_you_mean

NAME = re.compile(r"[0-9]{8}-[0-9]{4}-.+-[0-9a-f]{4}", re.DOTALL)
_SUFFIXES = 0x10000
_SHOWN = 8
"""How many candidates are listed."""


class Named(Protocol):
    """What a person names: a folder `YYYYMMDD-HHMM-<what>-<4 hex>`, or an attempt at a drill."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def candidates(what: str, now: datetime) -> Iterator[str]:
    """Give names in the order in which they are tried.

    The four digits start as the milliseconds within the minute, so that names sort by time within a minute.
    """
    moment = now.astimezone(UTC)
    first = moment.second * 1000 + moment.microsecond // 1000
    for step in range(_SUFFIXES):
        yield f"{moment:%Y%m%d-%H%M}-{what}-{(first + step) % _SUFFIXES:04x}"


def in_order(named: Named) -> tuple[str, str, str]:
    """Sort by the minute, and within it by the last four digits, which are the milliseconds within the minute."""
    return named.name[:13], named.name[-4:], named.name


def choose(text: str, found: Sequence[N], noun: str = "run") -> N:
    """Find the one that `text` names; raises `HoldpointError` for none and for several."""
    if not text or text.startswith("-") or "/" in text or "\0" in text:
        what = f"this is not the name of {'an' if noun[0] in 'aeiou' else 'a'} {noun}"
        raise HoldpointError(
            Problem(f"{noun}-name", what, found=f"`{text[:200]}`", expected="a name, its end, or `last`")
        )
    if not found:
        raise HoldpointError(Problem(f"{noun}-unknown", f"there is no {noun} `{text}`: no {noun} is recorded here yet"))
    if text == "last":
        return found[-1]
    for fits in (str.__eq__, str.startswith, str.endswith):
        fitting = [one for one in found if fits(one.name, text)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            message = f"`{text}` could be {len(fitting)} {noun}s"
            raise HoldpointError(Problem(f"{noun}-ambiguous", message, found=listed(fitting), hint="type more of it"))
    raise HoldpointError(_unknown(text, found, noun))


def _unknown(text: str, found: Sequence[Named], noun: str) -> Problem:
    close = did_you_mean(text, [one.name for one in found])
    containing = [one for one in found if text in one.name]
    with_it = f"{noun}s with it in their name: {listed(containing)}" if containing else ""
    hint = close or with_it or f"the last {noun}s: {listed(found)}"
    return Problem(f"{noun}-unknown", f"there is no {noun} `{text}`", hint=hint)


def listed(found: Sequence[Named]) -> str:
    """Name them in one line, the last ones of many."""
    shown = ", ".join(f"`{one.name}`" for one in found[-_SHOWN:])
    return f"{shown} (the last {_SHOWN} of {len(found)})" if len(found) > _SHOWN else shown
