"""The recap for the weekly handoff: on the screen, as Markdown for a wiki, and as data. Pure.

The three say the same, in the same order: what is open, what is late, what is in doubt, what is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from holdpoint.incident.actions import ActionItem
from holdpoint.incident.messages import lasted
from holdpoint.journal.record import Json
from holdpoint.oncall.model import Team
from holdpoint.oncall.recap import Hands, PostMortem, Proof, Run
from holdpoint.oncall.rota import Role
from holdpoint.views.incidents import RESOLVED, Listed, told_clock
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule, wrap
from holdpoint.views.oncall import NOBODY, moment, named

__all__ = ["MARK", "NEVER_BEGAN", "RESOLVED", "Listed", "Recap", "as_data", "markdown", "page"]
MARK = "# On-call handoff"
NEVER_BEGAN = "never began"
_SPECIAL = frozenset("\\`*_{}[]<>()#+-.!|~&")


@dataclass(frozen=True, slots=True)
class Recap:
    """All that is handed on. `incidents` are open, or cannot be read; `resolved` and the rest are since a week."""

    now: datetime
    since: datetime
    zone: ZoneInfo
    hands: Hands | None
    incidents: tuple[Listed, ...] = ()
    actions: tuple[ActionItem, ...] = ()
    runs: tuple[Run, ...] = ()
    proofs: tuple[Proof, ...] = ()
    unproven: tuple[str, ...] = ()
    postmortems: tuple[PostMortem, ...] = ()
    resolved: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of it: each entry a text, with more below it. `nothing` is what is said where there is none."""

    head: str
    nothing: str
    entries: tuple[tuple[str, tuple[str, ...]], ...]
    late: bool = False


def _parts(of: Recap) -> tuple[_Part, ...]:
    return (
        _Part("Open incidents", "none", tuple(_incident(one, of.zone) for one in of.incidents), late=True),
        _Part("Overdue actions", "none", tuple(_action(one) for one in of.actions), late=True),
        _Part("Runs that are not over", "none", tuple(_run(one) for one in of.runs), late=True),
        _Part("Post-mortems to publish", "none", tuple(_postmortem(one, of) for one in of.postmortems)),
        _Part("Drills that prove nothing any more", "none", (*map(_proof, of.proofs), *_unproven(of.unproven))),
        _Part(f"Resolved since {moment(of.since, of.zone)}", "none", tuple(_over(one, of.zone) for one in of.resolved)),
    )


def _incident(one: Listed, zone: ZoneInfo) -> tuple[str, tuple[str, ...]]:
    if one.state is None:
        return f"{one.incident}: cannot be read ({one.status})", (f"`inv incident.show --incident {one.incident}`",)
    state = one.state
    clocks = tuple(f"{clock.kind}: {told_clock(clock, zone)[0]}" for clock in one.clocks)
    waiting = tuple(f"message {message.rendered.message} has NOT gone out" for message in state.waiting())
    phase = f"phase: {state.phase}" if state.phase else "nothing is left to do"
    return f"{state.severity} {state.opening.title} ({one.incident})", (phase, *waiting, *clocks)


def _action(one: ActionItem) -> tuple[str, tuple[str, ...]]:
    return f"{one.title} ({one.owner})", (f"OVERDUE since {one.due}: {one.id}, `inv action.done {one.id}`",)


def _run(one: Run) -> tuple[str, tuple[str, ...]]:
    where = f" on {', '.join(one.hosts)}" if one.hosts else ""
    doubts = tuple(f"IN DOUBT: {text}" for text in one.doubts)
    locked = tuple(f"still locked: {text}" for text in one.locked)
    title = f"{one.title}{where}: {one.status}" if one.title else one.status
    return title, (*doubts, *locked, f"`inv run.show {one.run}`")


def _postmortem(one: PostMortem, of: Recap) -> tuple[str, tuple[str, ...]]:
    late = "OVERDUE since" if one.due < of.now else "due"
    return f"{one.title} ({one.incident})", (f"{late} {moment(one.due, of.zone)}",)


def _proof(one: Proof) -> tuple[str, tuple[str, ...]]:
    return f"{one.drill}, of {one.runbook}: {one.why}", (f"`inv drill.prove --only {one.drill}`",)


def _unproven(names: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not names:
        return ()
    count = "1 drill was" if len(names) == 1 else f"{len(names)} drills were"
    return ((f"{count} never proven here", ("`inv drill.list`",)),)


def _over(one: Listed, zone: ZoneInfo) -> tuple[str, tuple[str, ...]]:
    state = one.state
    if state is None or state.resolved is None:
        return one.incident, ()
    end = state.resolved
    lost = "data was lost" if state.loses_data else "no data was lost"
    down = f"down for {lasted(end.restored - end.began)}, resolved {moment(end.happened, zone)}; {lost}"
    return f"{state.severity} {state.opening.title} ({one.incident})", (down, f"cause: {end.cause}")


def _people(people: dict[Role, str], team: Team) -> str:
    principal, backup = people[Role.PRINCIPAL], people[Role.BACKUP]
    told = named(team, principal) if principal else NOBODY
    return f"{told}; backup {named(team, backup)}" if backup else told


# --- the screen -------------------------------------------------------------------------------------------------


def page(of: Recap, team: Team, width: int) -> list[Line]:
    """Draw the recap for people."""
    drawn: list[Line] = [rule(width, "═", f"on-call handoff, {moment(of.now, of.zone)}")]
    if of.hands is None:
        drawn += labelled("rota", "there is none, or it begins later; `inv oncall.rota` shows how to begin one", width)
    else:
        drawn += labelled("from", _people(of.hands.givers, team), width, Tone.BOLD)
        drawn += labelled("to", _people(of.hands.takers, team), width, Tone.BOLD)
        drawn += labelled("at", moment(of.hands.at, of.zone), width)
    for part in _parts(of):
        drawn += [BLANK, line(f"{part.head}: {len(part.entries) or part.nothing}", Tone.BOLD)]
        for text, below in part.entries:
            drawn += _entry(text, width, 2, Tone.WARN if part.late else Tone.PLAIN)
            for more in below:
                drawn += _entry(more, width, 4, Tone.BAD if more.startswith(("IN DOUBT", "OVERDUE")) else Tone.PLAIN)
    return drawn


def _entry(text: str, width: int, indent: int, tone: Tone) -> list[Line]:
    pieces = wrap(text.replace("\n", " "), width - indent - 2)
    return [line(f"{' ' * (indent if index == 0 else indent + 2)}{one}", tone) for index, one in enumerate(pieces)]


# --- Markdown ---------------------------------------------------------------------------------------------------


def markdown(of: Recap, team: Team) -> str:
    """Write the recap for a wiki; whatever was typed is text there too."""
    lines = [f"{MARK}, {of.now.astimezone(of.zone):%Y-%m-%d}", ""]
    if of.hands is not None:
        lines += [
            f"- From: {_text(_people(of.hands.givers, team))}",
            f"- To: {_text(_people(of.hands.takers, team))}",
            f"- At: {_text(moment(of.hands.at, of.zone))}",
        ]
    lines += [f"- Written: {_text(moment(of.now, of.zone))}"]
    for part in _parts(of):
        lines += ["", f"## {_text(part.head)}", ""]
        for text, below in part.entries:
            lines += [f"- {_text(text)}", *(f"  - {_text(more)}" for more in below)]
        lines += [] if part.entries else [f"{part.nothing.capitalize()}."]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Text that no Markdown reader takes for anything else; a command between backquotes stays one."""
    parts = inert(text).replace("\n", " ").split("`")
    if len(parts) == 3 and parts[1].startswith("inv ") and not parts[0] and not parts[2]:  # noqa: PLR2004 - one pair
        return f"`{parts[1]}`"
    return "".join(f"\\{c}" if c in _SPECIAL and c not in "-.()+" else c for c in "`".join(parts))


# --- data -------------------------------------------------------------------------------------------------------


def as_data(of: Recap) -> dict[str, Json]:
    """Give the recap for programs; times in UTC."""
    return {
        "at": _utc(of.now),
        "since": _utc(of.since),
        "handover": _hands(of.hands) if of.hands else None,
        "incidents": [_incident_data(one) for one in of.incidents],
        "overdue_actions": [
            {"action": one.name, "title": one.title, "owner": one.owner, "due": one.due.isoformat()}
            for one in of.actions
        ],
        "runs": [
            {
                "run": one.run,
                "title": one.title,
                "status": one.status,
                "hosts": list(one.hosts),
                "in_doubt": list(one.doubts),
                "locked": list(one.locked),
            }
            for one in of.runs
        ],
        "postmortems": [
            {"incident": one.incident, "title": one.title, "due": _utc(one.due), "overdue": one.due < of.now}
            for one in of.postmortems
        ],
        "drills": [{"drill": one.drill, "runbook": one.runbook, "why": one.why} for one in of.proofs],
        "never_proven": list(of.unproven),
        "resolved": [_incident_data(one) for one in of.resolved],
    }


def _hands(hands: Hands) -> dict[str, Json]:
    def people(of: dict[Role, str]) -> dict[str, Json]:
        return {role.value: person or None for role, person in of.items()}

    return {"at": _utc(hands.at), "from": people(hands.givers), "to": people(hands.takers)}


def _incident_data(one: Listed) -> dict[str, Json]:
    state = one.state
    ended = state.resolved if state else None
    return {
        "incident": one.incident,
        "status": one.status,
        "title": state.opening.title if state else None,
        "severity": state.severity.value if state else None,
        "phase": state.phase.value if state and state.phase else None,
        "clocks": [
            {"clock": clock.kind.value, "standing": clock.standing.value, "due": _utc(clock.due)}
            for clock in one.clocks
        ],
        "down_seconds": int((ended.restored - ended.began).total_seconds()) if ended else None,
        "cause": ended.cause if ended else None,
    }


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
