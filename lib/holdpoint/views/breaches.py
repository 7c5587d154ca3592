"""The register of data breaches for people, for programs, and as values for its page of Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdpoint.incident.actions import in_order
from holdpoint.incident.clocks import BREACH
from holdpoint.incident.messages import lasted, moment
from holdpoint.incident.postmortem import lost
from holdpoint.incident.state import Done, State
from holdpoint.journal.record import Json
from holdpoint.views.incidents import Listed
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule, wrap
from holdpoint.views.markdown import escape


@dataclass(frozen=True, slots=True)
class Entry:
    """An incident in the register. `state` is None for one whose record cannot be read: it may be a breach."""

    incident: str
    status: str
    state: State | None
    overdue: bool = False
    """The 72 hours are over, and the authority was told nothing."""

    @property
    def is_ruled_out(self) -> bool:
        return self.state is not None and self.state.ruled_out is not None

    @property
    def due(self) -> datetime | None:
        return self.state.aware + BREACH if self.state and self.state.aware else None

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(one.late for one in self.state.notices if one.late) if self.state else ()

    @property
    def is_late(self) -> bool:
        """It was told after the 72 hours."""
        return bool(self.state and self.due and self.state.notified and self.state.notified > self.due)


def entries(known: Iterable[Listed], now: datetime) -> tuple[Entry, ...]:
    """Every incident in which data is or was thought to be lost, open or not; and those that cannot be read."""
    found: list[Entry] = []
    for one in known:
        state = one.state
        if state is None:
            found.append(Entry(one.incident, one.status, None))
        elif state.aware is not None:
            over = state.loses_data and state.notified is None and now > state.aware + BREACH
            found.append(Entry(one.incident, one.status, state, overdue=over))
    return tuple(found)


# --- on the screen ----------------------------------------------------------------------------------------------


def listing(of: Sequence[Entry], width: int, zone: tzinfo | None) -> list[Line]:
    """The register for people."""
    if not of:
        return [line("No incident with loss of data is on record.")]
    drawn: list[Line] = []
    for one in of:
        drawn += [BLANK, rule(width, text=one.incident), *_entry(one, width, zone)]
    return drawn


def _entry(one: Entry, width: int, zone: tzinfo | None) -> list[Line]:
    state = one.state
    if state is None:
        text = f"{one.status}: whether data was lost is not known"
        return labelled("NOT READ", text, width, Tone.BAD)
    drawn = labelled("what", f"{state.severity}: {state.opening.title} ({one.status})", width, Tone.BOLD)
    if state.ruled_out is not None:
        drawn += labelled("ruled out", f"{_at(state.ruled_out.happened, zone)} by {_ruled_out(state.ruled_out)}", width)
    for text in lost(state):
        drawn += labelled("lost", text, width)
    drawn += labelled("aware", _at(state.aware, zone), width)
    if state.notified is not None or not one.is_ruled_out:
        drawn += labelled("due", f"{_at(one.due, zone)} (72 hours)", width)
        tone = Tone.BAD if one.overdue or one.is_late else Tone.PLAIN
        drawn += labelled("told", _told(one, zone), width, tone)
    for notice in state.notices:
        drawn += labelled("", f"{_at(notice.happened, zone)}: {notice.what}", width)
    if (final := state.done.get("authority")) is not None:
        drawn += labelled("last", f"{_at(final.happened, zone)}: {final.say}", width)
    elif not one.is_ruled_out:
        drawn += labelled("last", "not yet: `inv incident.done authority`", width, Tone.WARN)
    return drawn


def _ruled_out(by: Done) -> str:
    return f"{by.person}: {by.say}"


def _told(one: Entry, zone: tzinfo | None) -> str:
    if one.state is None or one.state.notified is None:
        return "NOT YET, AND OVERDUE" if one.overdue else "not yet"
    first = f"first {_at(one.state.notified, zone)}"
    if not one.is_late:
        return first
    late = lasted(one.state.notified - one.due) if one.due else ""
    reasons = "; ".join(one.reasons) or 'NOT GIVEN: `inv incident.authority "..." --late "..."`'
    return f"{first}, LATE by {late}; reasons: {reasons}"


def _at(at: datetime | None, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}" if at else ""


def reminder(incidents: Sequence[str]) -> str:
    """One line on the last notice to the authority that is not recorded."""
    more = f" (and {len(incidents) - 1} more)" if len(incidents) > 1 else ""
    which = f"`inv incident.done authority --incident {incidents[0]}`"
    return f"incident {incidents[0]}: the last notice to the authority is not on record; {which}{more}"


def written(path: str, count: int, width: int) -> list[Line]:
    return [line(piece) for piece in wrap(f"The register, with {count} incidents, is written to {path}", width)]


# --- for programs, and for the page -----------------------------------------------------------------------------


def as_data(one: Entry) -> dict[str, Json]:
    """An entry for programs; times in UTC. One that cannot be read has its name and status alone."""
    state = one.state
    named: dict[str, Json] = {"incident": one.incident, "status": one.status}
    if state is None:
        return named
    final, out = state.done.get("authority"), state.ruled_out
    return {
        **named,
        "title": state.opening.title,
        "severity": state.severity.value,
        "services": list(state.opening.services),
        "ruled_out": {"why": out.say, "person": out.person, "happened": _utc(out.happened)} if out else None,
        "lost": list(lost(state)),
        "aware": _utc(state.aware),
        "due": _utc(one.due),
        "first_told": _utc(state.notified),
        "overdue": one.overdue,
        "late": one.is_late,
        "reasons": list(one.reasons),
        "phases": [{"what": each.what, "happened": _utc(each.happened), "late": each.late} for each in state.notices],
        "final": {"what": final.say, "happened": _utc(final.happened)} if final else None,
    }


def _utc(at: datetime | None) -> str | None:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z") if at else None


def words(of: Sequence[Entry], now: datetime, zone: tzinfo) -> Mapping[str, object]:
    """The values of the page; texts are harmless as Markdown, and on one line."""
    return {"now": moment(now, zone), "entries": [_words(one, zone) for one in of]}


def _words(one: Entry, zone: tzinfo) -> Mapping[str, object]:
    state = one.state
    if state is None:
        return {"incident": escape(one.incident), "status": one.status, "read": False}
    final, management = state.done.get("authority"), state.done.get("management")
    out = state.ruled_out
    return {
        "incident": escape(one.incident),
        "status": one.status,
        "read": True,
        "title": escape(state.opening.title),
        "severity": state.severity.value,
        "services": escape(", ".join(state.opening.services)),
        "ruled_out": {"at": _at(out.happened, zone), "person": escape(out.person), "why": escape(out.say)}
        if out
        else None,
        "lost": [escape(text) for text in lost(state)],
        "impact": escape(state.resolved.impact) if state.resolved else "",
        "cause": escape(state.resolved.cause) if state.resolved else "",
        "aware": _at(state.aware, zone),
        "due": _at(one.due, zone),
        "told": _at(state.notified, zone),
        "overdue": one.overdue,
        "late": lasted(state.notified - one.due) if one.is_late and state.notified and one.due else "",
        "reasons": [escape(text) for text in one.reasons],
        "phases": [{"at": _at(each.happened, zone), "what": escape(each.what)} for each in state.notices],
        "final": {"at": _at(final.happened, zone), "what": escape(final.say)} if final else None,
        "management": _at(management.happened, zone) if management else "",
        "measures": [
            {
                "title": escape(item.title),
                "owner": escape(item.owner),
                "due": item.due.isoformat(),
                "open": item.is_open,
            }
            for item in in_order(state.actions.values())
        ],
        "document": escape(state.document) if state.published else "",
    }
