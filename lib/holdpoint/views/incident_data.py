"""Incidents for programs: plain JSON values, times in UTC. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from holdpoint.incident.clocks import Clock
from holdpoint.incident.effects import Banner, Effect, Issue
from holdpoint.incident.phases import Item
from holdpoint.incident.state import AlertGroup, Message, State
from holdpoint.incident.timeline import Row
from holdpoint.journal.record import Json
from holdpoint.views.incidents import Listed

if TYPE_CHECKING:
    from holdpoint.incident.proposing import Proposal


def as_data(listed: Listed, state: State | None) -> dict[str, Json]:
    """An incident for programs; times in UTC. One that cannot be read has its name, journal and status alone."""
    named: dict[str, Json] = {"incident": listed.incident, "journal": listed.journal, "status": listed.status}
    if state is None or state.declared is None:
        return named
    opening, resolved = state.declared, state.resolved
    return {
        **named,
        "title": opening.title,
        "severity": state.severity.value,
        "services": list(opening.services),
        "trigger": opening.trigger.value,
        "noticed": _utc(opening.happened),
        "began": _utc(resolved.began if resolved else state.began),
        "restored": _utc(resolved.restored) if resolved else None,
        "resolved": _utc(resolved.happened) if resolved else None,
        "down_seconds": int((resolved.restored - resolved.began).total_seconds()) if resolved else None,
        "cause": resolved.cause if resolved else None,
        "impact": resolved.impact if resolved else None,
        "data_loss": state.loses_data,
        "aware": _utc(state.aware) if state.aware else None,
        "users_see": state.users_see,
        "on_call": {"principal": opening.principal, "backup": opening.backup},
        "people": list(state.people),
        "phase": state.phase.value if state.phase else None,
        "clocks": [_clock(clock) for clock in listed.clocks],
        "checklist": [_item_data(item, state) for item in state.items],
        "messages": [_message_data(message) for message in state.messages.values()],
        "banner": _banner(state.banner) if state.banner else None,
        "issue": _issue(state.issue) if state.issue else None,
        "loud": [{"label": one.label, "text": one.text, "command": one.command} for one in listed.loud],
        "runs": list(state.runs),
        "alerts": [_group_data(key, group) for key, group in state.alerts.items()],
        "post_mortem": {
            "path": state.document,
            "published": _utc(state.published.happened) if state.published else None,
        },
        "actions": [item.id for item in state.actions.values()],
        "authority": {
            "told": [{"what": one.what, "late": one.late, "happened": _utc(one.happened)} for one in state.notices],
            "first": _utc(state.notified) if state.notified else None,
        },
        "set_back": [{"seq": jump.seq, "last": jump.last, "seconds": jump.by.total_seconds()} for jump in state.jumps],
    }


def proposal_data(proposal: Proposal) -> dict[str, Json]:
    return {"command": proposal.command, "why": proposal.why}


def row_data(row: Row) -> dict[str, Json]:
    """A row of the timeline; `journal` is null for the incident's own, else the run."""
    return {
        "happened": _utc(row.happened),
        "written": _utc(row.written),
        "person": row.person,
        "mark": row.mark.value,
        "text": row.text,
        "evidence": row.evidence,
        "run": row.source or None,
        "seq": row.seq,
    }


def _clock(clock: Clock) -> dict[str, Json]:
    return {
        "clock": clock.kind.value,
        "start": _utc(clock.start),
        "due": _utc(clock.due),
        "stopped": _utc(clock.stopped) if clock.stopped else None,
        "left_seconds": int(clock.left.total_seconds()),
        "standing": clock.standing.value,
        "set_back": clock.jumped,
    }


def _item_data(item: Item, state: State) -> dict[str, Json]:
    done = state.done.get(item.id)
    told: dict[str, Json] = {"done": done is not None, "say": "", "evidence": "", "happened": None, "person": ""}
    if done is not None:
        told |= {"say": done.say, "evidence": done.evidence, "happened": _utc(done.happened), "person": done.person}
    return {"item": item.id, "phase": item.phase.value, "title": item.title, "required": item.required, **told}


def _group_data(key: str, group: AlertGroup) -> dict[str, Json]:
    last = group.last
    return {
        "group": key,
        "source": last.source,
        "name": last.name,
        "status": last.status.value,
        "firing": last.firing,
        "fingerprints": list(last.fingerprints),
        "times": group.times,
        "gravest": group.gravest.value,
    }


def _message_data(message: Message) -> dict[str, Json]:
    rendered = message.rendered
    return {
        "message": rendered.message,
        "purpose": rendered.purpose.value,
        "language": rendered.language,
        "channel": rendered.channel,
        "text": rendered.text,
        "sent": _utc(message.sent) if message.sent else None,
        "failed": message.failed,
        "deliveries": [_delivery(name, effect) for name, effect in message.deliveries.items()],
    }


def _delivery(name: str, effect: Effect) -> dict[str, Json]:
    """`standing` is `begun` also where the one who began it was killed since."""
    return {"destination": name, "standing": effect.standing.value, "why": effect.why, "at": _utc(effect.at)}


def _banner(banner: Banner) -> dict[str, Json]:
    effect = banner.effect
    return {"up": banner.up, "text": banner.text, "standing": effect.standing.value, "why": effect.why}


def _issue(issue: Issue) -> dict[str, Json]:
    effect = issue.effect
    return {"where": issue.where, "url": issue.url or None, "standing": effect.standing.value, "why": effect.why}


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
