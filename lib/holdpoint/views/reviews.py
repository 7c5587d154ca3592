"""The review of incidents for people and for programs: each one's times, medians, what came back, what follows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from holdpoint.incident.actions import ActionItem
from holdpoint.incident.clocks import Kind, Standing
from holdpoint.incident.review import Median, Pattern, Seen, median
from holdpoint.journal.record import Json
from holdpoint.views.actions import due, item_data
from holdpoint.views.incidents import Listed
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import rounded

_TARGETS = {
    Standing.KEPT: "kept",
    Standing.MISSED: "MISSED",
    Standing.OVER: "OVERDUE",
    Standing.RUNS: "runs",
    Standing.SOON: "runs",
}


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook that was used in a pattern; an empty name where none was. `reviewed` is None where it cannot be read."""

    name: str
    count: int
    shared: str
    reviewed: date | None
    is_current: bool
    """It was reviewed since the last of them."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was looked at and found. `opened` are the ids of the strategic escalations that it led to just now."""

    start: datetime
    now: datetime
    today: date
    incidents: tuple[Seen, ...]
    unread: tuple[Listed, ...]
    patterns: tuple[tuple[Pattern, ActionItem | None], ...]
    opened: tuple[str, ...]
    runbooks: tuple[Runbook, ...]


def page(of: Reviewed, width: int, zone: tzinfo | None) -> list[Line]:
    """The review for people."""
    start, end = (f"{at.astimezone(zone):%Y-%m-%d}" for at in (of.start, of.now))
    drawn = [BLANK, rule(width, "═", f"Incidents from {start} to {end}")]
    drawn += labelled("incidents", _counted(of.incidents), width)
    for one in of.unread:
        text = f"{one.incident}: {one.status}, so it is not counted"
        drawn += labelled("NOT READ", text, width, Tone.BAD)
    if of.incidents:
        drawn += [BLANK, line("Times", Tone.BOLD), *_times(of.incidents, width, zone)]
        drawn += [BLANK, line("Came back", Tone.BOLD), *_patterns(of, width)]
    if of.runbooks:
        drawn += [BLANK, line("Runbooks to update", Tone.BOLD)]
        for runbook in of.runbooks:
            drawn += labelled(f"{runbook.count}x", _runbook(runbook), width, Tone.PLAIN)
    return drawn


def _counted(incidents: Sequence[Seen]) -> str:
    if not incidents:
        return "none"
    by = Counter(one.state.severity.value for one in incidents)
    still = sum(one.state.is_open for one in incidents)
    parts = [f"{severity}: {by[severity]}" for severity in sorted(by)]
    return f"{len(incidents)} ({', '.join(parts)})" + (f", {still} still open" if still else "")


def _times(incidents: Sequence[Seen], width: int, zone: tzinfo | None) -> list[Line]:
    """Each incident in a row, then the medians."""
    heads = ("noticed", "sev", "message", "restored", "down", "target", "title")
    rows: list[tuple[str, ...]] = [
        (
            f"{one.state.opening.happened.astimezone(zone):%m-%d %H:%M}",
            one.state.severity.value[-1],
            _length(one.times.message),
            _length(one.times.restored),
            _length(one.times.down),
            _target(one),
            one.state.opening.title,
        )
        for one in incidents
    ]
    found = _medians(incidents)
    rows.append(("median (n)", "", *(_middle(one) for one in found.values()), _kept(incidents), ""))
    drawn = table(heads, rows, width)
    note = (
        "message, restored: from when it was noticed; down: from its beginning. No mean: one long one would decide it"
    )
    return [*drawn, *(line(piece, Tone.DIM) for piece in wrap(note, width))]


def _medians(incidents: Sequence[Seen]) -> dict[str, Median]:
    return {
        "message": median(one.times.message for one in incidents),
        "restored": median(one.times.restored for one in incidents),
        "down": median(one.times.down for one in incidents),
    }


def _length(length: timedelta | None) -> str:
    if length is None:
        return "-"
    return rounded(length) if length >= timedelta(minutes=1) else "< 1 min"


def _middle(of: Median) -> str:
    return f"{_length(of.value)} ({of.count})"


def _target(one: Seen) -> str:
    clock = next((clock for clock in one.clocks if clock.kind is Kind.RESPONSE), None)
    return _TARGETS[clock.standing] if clock else "-"


def _kept(incidents: Sequence[Seen]) -> str:
    targets = [_target(one) for one in incidents]
    ended = [target for target in targets if target not in ("-", "runs")]
    return f"{ended.count('kept')}/{len(ended)} kept"


def _patterns(of: Reviewed, width: int) -> list[Line]:
    if not of.patterns:
        return [line("  nothing that can be told by service and cause, runbook or checks")]
    drawn: list[Line] = []
    for pattern, item in of.patterns:
        drawn += labelled(f"{len(pattern.incidents)}x", pattern.shared or "similar two by two", width, Tone.BOLD)
        drawn += [row for name in pattern.names for row in labelled("", name, width)]
        if item is not None:
            new = "opened just now" if item.id in of.opened else "opened before"
            text = f"strategic escalation {item.id}, {new}: {item.owner}, {due(item, of.today)}"
            drawn += labelled("", text, width, Tone.WARN)
        for one in pattern.incidents:
            if one.state.asked and one.state.published is None:
                text = f"a post-mortem is asked for: `inv incident.postmortem --incident {one.name}`"
                drawn += labelled("", text, width, Tone.WARN)
    return drawn


def _runbook(of: Runbook) -> str:
    if not of.name:
        return f"no runbook was used for {of.shared}: `inv runbook.new NAME` begins one"
    if of.reviewed is None:
        return f"{of.name}: it cannot be read here any more"
    how = "since the last of them" if of.is_current else "BEFORE the last of them: what would have prevented it?"
    return f"{of.name}, reviewed {of.reviewed}, {how}"


# --- for programs -----------------------------------------------------------------------------------------------


def as_data(of: Reviewed) -> dict[str, Json]:
    """The review for programs: times in UTC, lengths in seconds."""
    return {
        "from": _utc(of.start),
        "to": _utc(of.now),
        "incidents": [_incident(one) for one in of.incidents],
        "unread": [{"incident": one.incident, "status": one.status} for one in of.unread],
        "medians": {
            name: {"seconds": _seconds(one.value), "n": one.count} for name, one in _medians(of.incidents).items()
        },
        "patterns": [_pattern(pattern, item, of.today) for pattern, item in of.patterns],
        "opened": list(of.opened),
        "runbooks": [
            {
                "runbook": one.name or None,
                "incidents": one.count,
                "reviewed": one.reviewed.isoformat() if one.reviewed else None,
                "current": one.is_current,
            }
            for one in of.runbooks
        ],
    }


def _incident(one: Seen) -> dict[str, Json]:
    return {
        "incident": one.name,
        "severity": one.state.severity.value,
        "title": one.state.opening.title,
        "noticed": _utc(one.state.opening.happened),
        "message_seconds": _seconds(one.times.message),
        "restored_seconds": _seconds(one.times.restored),
        "down_seconds": _seconds(one.times.down),
        "target": _target(one).lower(),
        "services": [*sorted(one.signature.services)],
        "causes": [*sorted(one.signature.causes)],
        "runbooks": [*sorted(one.signature.runbooks)],
        "checks": [*sorted(one.signature.checks)],
    }


def _pattern(pattern: Pattern, item: ActionItem | None, today: date) -> dict[str, Json]:
    asked = [one.name for one in pattern.incidents if one.state.asked and one.state.published is None]
    return {
        "incidents": [*pattern.names],
        "services": [*pattern.services],
        "causes": [*pattern.causes],
        "runbooks": [*pattern.runbooks],
        "checks": [*pattern.checks],
        "escalation": item_data(item, today) if item else None,
        "post_mortem_asked": [*asked],
    }


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
