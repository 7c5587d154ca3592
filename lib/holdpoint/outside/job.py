"""A piece of work that reaches outside, done by a process of its own, which can be ended when its time is over.

A library that sends gives no way to end a server that stalls, and logs what it likes. So it works in a child: the job,
with its secrets, goes in by standard input, and what comes back is lines of JSON. The child says that it has BEGUN
before the first byte that could have an effect. One that ends before that has done nothing, for sure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from holdpoint.hosts.mask import mask
from holdpoint.shell import Secret
from holdpoint.store.bounded import Cut, run_bounded

Job: TypeAlias = Mapping[str, Any]
_LIMIT = 256 * 1024
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Done:
    """It is done. `data` is what the job gives back."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """It came to nothing, as far as is known; where there is `doubt`, it may have had its effect. `why` is masked."""

    why: str
    doubt: bool


def carry_out(
    kind: str, job: Job, *, environ: Mapping[str, str], within: timedelta, secrets: Iterable[str]
) -> Done | Failed:
    """Do a job of a kind that `child` knows, within a time. Never raises for what happens outside."""
    given = json.dumps({"kind": kind, "seconds": within.total_seconds(), **job}).encode()
    command = (sys.executable, "-P", "-m", "holdpoint.outside.child")
    hidden = [Secret(text) for text in secrets]
    try:
        ended = run_bounded(command, environ=environ, seconds=within.total_seconds(), limit=_LIMIT, given=given)
    except OSError as error:
        return Failed(f"no process can be started for it: {(error.strerror or str(error)).lower()}", doubt=False)
    began, said = _read(ended.stdout)
    if said is not None and said.get("done"):
        return Done({name: _masked(value, hidden) for name, value in said.items()})
    if said is not None:
        return Failed(_shown(str(said.get("why", "")), hidden), doubt=bool(said.get("doubt")))
    if ended.cut is Cut.TIME:
        return Failed(f"no answer within {within.total_seconds():g}s", doubt=began)
    why = f"the process that does it {ended.failure or 'gave no answer'}"
    last = (ended.stderr.splitlines() or [""])[-1]
    return Failed(_shown(f"{why}: {last}" if last else why, hidden), doubt=began)


def _read(output: bytes) -> tuple[bool, Mapping[str, Any] | None]:
    """Read whether it began, and its answer, where there is one."""
    began, answer = False, None
    for line in output.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            began = began or bool(said.get("began"))
            answer = said if "done" in said else answer
    return began, answer


def _masked(value: Any, hidden: list[Secret]) -> Any:
    return mask(value.encode(), hidden).decode(errors="replace") if isinstance(value, str) else value


def _shown(text: str, hidden: list[Secret]) -> str:
    """One line, without secrets."""
    return " ".join(str(_masked(text, hidden)).split())[:_SHOWN]
