"""What several incidents have in common, and how long they took: recurrence by signature, medians, targets.

Two incidents are similar where they hit a service in common and were of one cause; where a cause was found of only one of
them, a runbook that both used or a check that failed in both stands for it. A pattern is a group in which each is
similar to each.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdpoint.document.model import Severity
from holdpoint.engine import events as run
from holdpoint.incident.actions import ActionItem
from holdpoint.incident.clocks import Clock
from holdpoint.incident.events import CheckAnswered, Purpose, event_of
from holdpoint.incident.postmortem import Runs, repairs
from holdpoint.incident.state import State
from holdpoint.journal.record import Record

SIMILAR = 3
"""So many similar incidents within the time open the strategic escalation."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What an incident can be known by. `causes` were found by runs, `said` is the cause in people's words."""

    services: frozenset[str]
    causes: frozenset[str]
    said: str
    runbooks: frozenset[str]
    checks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Times:
    """How long it took, from when it was noticed; `down` from its beginning. None where that did not happen (yet)."""

    message: timedelta | None
    restored: timedelta | None
    down: timedelta | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One incident of the time that is looked at."""

    state: State
    signature: Signature
    times: Times
    clocks: tuple[Clock, ...]

    @property
    def name(self) -> str:
        return self.state.opening.incident


@dataclass(frozen=True, slots=True)
class Pattern:
    """Similar incidents, the oldest first, and what all of them share."""

    incidents: tuple[Seen, ...]
    services: tuple[str, ...]
    causes: tuple[str, ...]
    runbooks: tuple[str, ...]
    checks: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.incidents)

    @property
    def shared(self) -> str:
        """What they share, in a line."""
        parts = [", ".join(self.services)]
        parts += [f"cause {', '.join(self.causes)}"] if self.causes else []
        parts += [f"runbook {', '.join(self.runbooks)}"] if self.runbooks else []
        parts += [f"check {', '.join(self.checks)}"] if self.checks and not self.causes else []
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Median:
    """The middle one of several lengths of time, and of how many; a mean of such figures misleads."""

    value: timedelta | None
    count: int


def seen(state: State, records: Sequence[Record], runs: Runs, clocks: tuple[Clock, ...]) -> Seen:
    return Seen(state, signature(state, records, runs), times(state), clocks)


def signature(state: State, records: Sequence[Record], runs: Runs) -> Signature:
    """Read what an incident can be known by from its record and its runs; a check counts that failed once in it."""
    causes: set[str] = set()
    runbooks: set[str] = set()
    answers = (event_of(record) for record in records)
    checks = {event.check for event in answers if isinstance(event, CheckAnswered) and event.green is False}
    for of_run in repairs(records, runs).values():
        events = [run.event_of(record) for record in of_run]
        opened = next((event for event in events if isinstance(event, run.RunOpened)), None)
        if opened is None or opened.mode == "dry-run" or opened.of_run:
            continue
        runbooks.add(opened.runbook)
        for event in events:
            if isinstance(event, run.CauseDecided) and event.holds:
                causes.add(f"{opened.runbook}/{event.cause}")
            elif isinstance(event, run.StepEnded) and event.present:
                checks.add(f"{opened.runbook}/{event.step}")
    said = state.resolved.cause if state.resolved else state.done["cause"].say if "cause" in state.done else ""
    services = frozenset(name.casefold() for name in state.opening.services)
    words = " ".join(said.casefold().split()).strip(".")
    return Signature(services, frozenset(causes), words, frozenset(runbooks), frozenset(checks))


def are_similar(one: Signature, other: Signature) -> bool:
    if one.services and other.services and not one.services & other.services:
        return False
    if one.said and one.said == other.said:
        return True
    if one.causes and other.causes:
        return bool(one.causes & other.causes)
    return bool(one.runbooks & other.runbooks or one.checks & other.checks)


def patterns(incidents: Sequence[Seen]) -> tuple[Pattern, ...]:
    """Every group of two or more in which each is similar to each, and to which no other could be added; the largest first."""
    near: dict[int, set[int]] = {at: set() for at in range(len(incidents))}
    for at, one in enumerate(incidents):
        for other in range(at):
            if are_similar(one.signature, incidents[other].signature):
                near[at].add(other)
                near[other].add(at)
    groups = [sorted(group) for group in _groups(set(), set(near), set(), near) if len(group) > 1]
    groups.sort(key=lambda group: (-len(group), group))
    return tuple(_pattern([incidents[at] for at in group]) for group in groups)


def _groups(group: set[int], possible: set[int], left: set[int], near: Mapping[int, set[int]]) -> Iterator[set[int]]:
    """The maximal groups of a graph, after Bron and Kerbosch, with a pivot."""
    if not possible and not left:
        yield group
        return
    pivot = max(possible | left, key=lambda at: len(near[at] & possible))
    for at in sorted(possible - near[pivot]):
        yield from _groups(group | {at}, possible & near[at], left & near[at], near)
        possible = possible - {at}
        left = left | {at}


def _pattern(group: Sequence[Seen]) -> Pattern:
    def common(of: Callable[[Signature], frozenset[str]]) -> tuple[str, ...]:
        values = [of(one.signature) for one in group]
        return tuple(sorted(frozenset.intersection(*values)))

    said = common(lambda one: frozenset({one.said} if one.said else ()))
    causes = common(lambda one: one.causes)
    return Pattern(
        incidents=tuple(group),
        services=common(lambda one: one.services),
        causes=causes or said,
        runbooks=common(lambda one: one.runbooks),
        checks=common(lambda one: one.checks),
    )


# --- times ------------------------------------------------------------------------------------------------------


def times(state: State) -> Times:
    noticed, resolved = state.opening.happened, state.resolved
    sent = [one.sent for one in state.messages.values() if one.sent and one.rendered.purpose is not Purpose.DATA_LOSS]
    return Times(
        message=_after(noticed, min(sent, default=None)),
        restored=_after(noticed, resolved.restored) if resolved else None,
        down=resolved.restored - resolved.began if resolved else None,
    )


def _after(start: datetime, end: datetime | None) -> timedelta | None:
    return None if end is None else max(timedelta(0), end - start)


def median(lengths: Iterable[timedelta | None]) -> Median:
    known = [one.total_seconds() for one in lengths if one is not None]
    return Median(timedelta(seconds=statistics.median(known)) if known else None, len(known))


# --- what follows -----------------------------------------------------------------------------------------------


def strategic(pattern: Pattern, known: Iterable[ActionItem]) -> ActionItem | None:
    """The strategic escalation that a pattern has led to: one that is open, or that was about nearly all of it."""
    about = [item for item in known if set(item.about) & set(pattern.names)]
    still = next((item for item in about if item.is_open), None)
    covered = {name for item in about for name in item.about}
    if still is not None or not about or len(set(pattern.names) - covered) >= SIMILAR:
        return still
    return about[-1]


def opens_escalation(pattern: Pattern, known: Sequence[ActionItem]) -> bool:
    return len(pattern.incidents) >= SIMILAR and strategic(pattern, known) is None


def wants_post_mortem(pattern: Pattern) -> Seen | None:
    """The last incident of a pattern, where all of it are of the least severity and none has a post-mortem or was asked for one."""
    of_pattern = [one.state for one in pattern.incidents]
    if any(state.severity is not Severity.SEV3 or state.asked or state.published for state in of_pattern):
        return None
    return writable(pattern)


def writable(pattern: Pattern) -> Seen | None:
    """The last incident of a pattern whose record goes on here; None where all were handed over."""
    return next((one for one in reversed(pattern.incidents) if one.state.handed is None), None)
