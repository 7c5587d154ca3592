"""An alert that came, for people and for programs: what it says, the incident it belongs to, what to type. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never
from zoneinfo import ZoneInfo

from holdpoint.incident.alert import Notification, Status
from holdpoint.incident.alert_joining import Became, Graded
from holdpoint.incident.alert_runbook import Command, Found
from holdpoint.incident.events import MessageRendered
from holdpoint.incident.state import State
from holdpoint.journal.record import Json, Record, as_json
from holdpoint.oncall.moments import local
from holdpoint.views import incident_data
from holdpoint.views.incidents import Listed, clock_lines
from holdpoint.views.lines import Line, Segment, Tone, labelled, line, listed
from holdpoint.views.times import full_time

_FEW = 8
"""So many labels and alerts are shown."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A runbook that fits, and the command that runs it."""

    found: Found
    command: Command


@dataclass(frozen=True, slots=True)
class Told:
    """What came, what it came to, and what to type."""

    notification: Notification
    became: Became
    graded: Graded
    proposals: tuple[Proposal, ...]


def page(told: Told, incident: Listed | None, width: int, zone: ZoneInfo) -> list[Line]:
    """Everything on one screen; the command stands on a line of its own, whole, to be copied."""
    drawn = _alert(told.notification, width, zone)
    drawn += _incident(told, incident, width, zone)
    if incident is not None and told.became is not Became.AFTER:
        drawn += clock_lines(incident.clocks, width, zone)
    if told.notification.status is Status.FIRING:
        drawn += _runbooks(told, width)
    elif incident is not None and told.became is not Became.AFTER:
        drawn += labelled("next", "an alert that is over closes nothing; look yourself, then type:", width)
        drawn.append(line(f"  {_restored(told.notification, incident.incident, zone)}", Tone.BOLD))
    return drawn


def again(told: Told, state: State, width: int) -> list[Line]:
    """One that says nothing new, in a sentence; for a screen that shows many."""
    times = state.alerts[told.notification.group].times
    text = f"{told.notification.title}: the same, {times} times by now; {state.opening.incident}"
    return labelled("again", text, width)


def _restored(notification: Notification, incident: str, zone: ZoneInfo) -> str:
    """The command that ticks the item, with the time at which the last alert ended, where that is said."""
    ended = max((alert.ended for alert in notification.alerts if alert.ended), default=None)
    at = f' --at "{local(ended, zone)}"' if ended else ""
    return f"inv incident.done restored{at} --incident {incident}"


def _alert(notification: Notification, width: int, zone: ZoneInfo) -> list[Line]:
    fires = notification.status is Status.FIRING
    head = Segment(f"{'ALERT' if fires else 'over':<11}", Tone.BAD if fires else Tone.GOOD)
    first, *rest = labelled("", notification.title, width, Tone.BOLD)
    drawn: list[Line] = [(head, *first[1:]), *rest]
    counts = [f"{len(notification.firing)} firing"] if fires else []
    over = len(notification.alerts) - len(notification.firing)
    counts += [f"{over} resolved"] if over else []
    counts += [f"{notification.truncated} more that the sender left out"] if notification.truncated else []
    times = sorted(alert.started for alert in notification.firing if alert.started)
    since = f", since {full_time(times[0], zone)}" if times else ""
    drawn += labelled("from", f"{notification.source}: {', '.join(counts)}{since}", width)
    drawn += labelled("group", notification.group, width)
    drawn += listed("labels", _labels(notification), width)
    drawn += listed("odd", notification.odd[:_FEW], width, [Tone.WARN] * len(notification.odd[:_FEW]))
    return drawn


def _labels(notification: Notification) -> list[str]:
    """The labels that all alerts have alike on one line, and below it what tells each of them apart."""
    alerts = notification.told
    common = {name: value for name, value in alerts[0].labels.items() if notification.common(name) == value}
    lines = [_pairs({name: value for name, value in common.items() if name != "alertname"})]
    if len(alerts) > 1:
        lines += [_pairs({name: value for name, value in one.labels.items() if name not in common}) for one in alerts]
    shown = [one for one in dict.fromkeys(lines) if one]
    return [*shown[:_FEW], f"and {len(shown) - _FEW} more"] if len(shown) > _FEW else shown


def _pairs(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items())


def _incident(told: Told, incident: Listed | None, width: int, zone: ZoneInfo) -> list[Line]:
    if incident is None or incident.state is None:
        return labelled("incident", "none is about it, and it is over: nothing is recorded", width)
    state, name = incident.state, incident.incident
    group = state.alerts.get(told.notification.group)
    times = group.times if group else 1
    match told.became:
        case Became.DECLARED:
            text, tone = f"{name}: DECLARED, {state.severity} ({told.graded.because})", Tone.BOLD
        case Became.JOINED:
            text, tone = f"{name}: joined, {state.severity}; phase: {state.phase or 'everything is done'}", Tone.BOLD
        case Became.AGAIN:
            text, tone = f"{name}: it came again, {times} times by now; {state.severity}", Tone.PLAIN
        case Became.AFTER:
            ended = full_time(state.resolved.happened, zone) if state.resolved else ""
            text, tone = f"{name}: was resolved {ended}, and is told of it all the same", Tone.PLAIN
            if told.notification.firing:
                text, tone = f"{name}: WAS RESOLVED {ended}, AND IT STILL FIRES", Tone.BAD
        case Became.NOTHING:
            text, tone = name, Tone.PLAIN
        case _:
            assert_never(told.became)
    drawn = labelled("incident", text, width, tone)
    if told.became is Became.DECLARED and told.graded.unsure:
        less = f'when unsure, the graver; `inv incident.severity 2 --reason "..." --incident {name}` makes it less'
        drawn += labelled("", less, width)
    if told.became is Became.AFTER and told.notification.firing:
        drawn += labelled("next", f'`inv incident.reopen --incident {name} --reason "..."`, if it is not over', width)
    return drawn


def _runbooks(told: Told, width: int) -> list[Line]:
    if not told.proposals:
        text = 'no runbook names this alert, or a text of it; `inv runbook.find "..."` looks for words'
        return labelled("runbook", text, width, Tone.WARN)
    drawn: list[Line] = []
    if len(told.proposals) > 1:
        drawn += labelled("runbook", f"{len(told.proposals)} fit; begin with what you see", width, Tone.WARN)
    for one in told.proposals:
        card = one.found.card
        text = f"{card.id}: {card.title} (by {one.found.way}: {one.found.because})"
        drawn += labelled("runbook", text, width)
        drawn += [line(f"  {one.command.text}", Tone.BOLD)]
        drawn += listed("note", one.command.left_out, width, [Tone.WARN] * len(one.command.left_out))
    return drawn


# --- for programs -----------------------------------------------------------------------------------------------


def as_data(told: Told) -> dict[str, Json]:
    """What came, what it came to, and what to type."""
    notification = told.notification
    return {
        "became": told.became.value,
        "alert": {
            "source": notification.source,
            "group": notification.group,
            "status": notification.status.value,
            "name": notification.name,
            "text": notification.text,
            "firing": len(notification.firing),
            "resolved": len(notification.alerts) - len(notification.firing),
            "truncated": notification.truncated,
            "severity": told.graded.severity.value,
            "severity_because": told.graded.because,
            "odd": list(notification.odd),
        },
        "runbooks": [
            {
                "runbook": one.found.card.id,
                "way": one.found.way.name.lower(),
                "because": one.found.because,
                "command": one.command.text,
                "left_out": list(one.command.left_out),
            }
            for one in told.proposals
        ],
    }


def with_incident(
    data: dict[str, Json],
    incident: Listed,
    state: State,
    written: Sequence[Record],
    messages: Sequence[MessageRendered],
) -> dict[str, Json]:
    """Add the incident as it stands now, with what was recorded."""
    return {
        **incident_data.as_data(incident, state),
        **data,
        "recorded": [as_json(record) for record in written],
        "messages_written": [one.message for one in messages],
    }
