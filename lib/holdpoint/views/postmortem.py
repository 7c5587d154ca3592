"""The values of a post-mortem's template, all of them harmless as Markdown and HTML, with times in the team's zone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from holdpoint.incident.actions import ActionItem, in_order, urgency
from holdpoint.incident.clocks import Clock, Kind
from holdpoint.incident.messages import lasted, moment
from holdpoint.incident.phases import ITEMS
from holdpoint.incident.postmortem import PostMortem, Proposal, Runs, lost
from holdpoint.incident.state import State
from holdpoint.incident.telling import Mark
from holdpoint.incident.timeline import Row
from holdpoint.journal.record import Record
from holdpoint.views import french
from holdpoint.views.markdown import escape
from holdpoint.views.times import span

_APART = frozenset({Mark.MESSAGE, Mark.SENDING, Mark.POSTMORTEM, Mark.ACTION})
"""Rows that tell how it was written up, and not how it went."""
_TEST = {
    "en": ("Write a regression test that fails with the bug: {}", "tester"),
    "fr": ("Écrire un test de non-régression qui échoue avec le défaut : {}", "testeur"),
}
"""What is proposed after a code bug, and the role that does it."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a post-mortem is made of."""

    state: State
    records: Sequence[Record]
    runs: Runs
    unread: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    clocks: Sequence[Clock]
    found: PostMortem
    language: str
    zone: ZoneInfo
    today: date


def words(of: Material) -> Mapping[str, object]:
    """Every value that a template can read; texts are on one line each."""
    state, found = of.state, of.found
    opening, resolved = state.opening, state.resolved
    at: Callable[[datetime], str] = lambda when: moment(when, of.zone)  # noqa: E731 - short, as it is used everywhere
    return {
        "incident": escape(opening.incident),
        "title": escape(opening.title),
        "severity": state.severity.value,
        "services": escape(", ".join(opening.services)),
        "trigger": opening.trigger.value,
        "zone": of.zone.key,
        "noticed": at(opening.happened),
        "began": at(resolved.began if resolved else state.began),
        "restored": at(resolved.restored) if resolved else "",
        "resolved": at(resolved.happened) if resolved else "",
        "due": next((at(clock.due) for clock in of.clocks if clock.kind is Kind.POSTMORTEM), ""),
        "published": at(state.published.happened) if state.published else "",
        "published_by": escape(state.done["published"].person) if state.published else "",
        "on_call": escape(", ".join(one for one in (opening.principal, opening.backup) if one)),
        "people": escape(", ".join(state.people)),
        "down": lasted(resolved.restored - resolved.began) if resolved else "",
        "impact": escape(resolved.impact) if resolved else "",
        "scope": escape(state.done["scope"].say) if "scope" in state.done else "",
        "users_see": state.users_see,
        "data_loss": state.loses_data,
        "loss_settled": state.resolved is not None or "lost" in state.done,
        "lost": [escape(text) for text in lost(state)],
        "aware": at(state.aware) if state.aware else "",
        "notified": at(state.notified) if state.notified else "",
        "late": span(found.late) if found.late else "",
        "alerted_late": found.alerted_late,
        "code_bug": found.code_bug,
        "milestones": [
            {"key": one.value, "at": at(when), "after": span(when - state.began) if when > state.began else ""}
            for one, when in sorted(found.milestones.items(), key=lambda pair: pair[1])
        ],
        "targets": [
            {"key": clock.kind.value, "standing": clock.standing.value, "due": at(clock.due)} for clock in of.clocks
        ],
        "causes": [
            {"text": escape(one.text), "evidence": escape(one.evidence), "record": _record(one.source, one.seq)}
            for one in found.causes
        ],
        "factors": [
            {"key": one.factor.name, "detail": escape(one.detail), "record": _record(one.source, one.seq)}
            for one in found.factors
        ],
        "timeline": _timeline(of),
        "runs": [escape(run) for run in state.runs],
        "unread": [{"run": escape(run), "why": escape(why)} for run, why in of.unread],
        "actions": [*_recorded(of), *_proposed(of)],
    }


def _record(source: str, seq: int) -> Mapping[str, object]:
    """Where it is recorded: the run, empty for the incident's own journal, and the record's number."""
    return {"run": escape(source), "seq": seq}


def _timeline(of: Material) -> list[Mapping[str, object]]:
    in_french = _in_french(of) if of.language == "fr" else {}
    return [_row(row, in_french, of) for row in of.rows if row.mark not in _APART]


def _row(row: Row, in_french: Mapping[tuple[str, int], str], of: Material) -> Mapping[str, object]:
    mark = french.MARKS.get(row.mark, row.mark.value) if of.language == "fr" else row.mark.value
    return {
        "at": f"{row.happened.astimezone(of.zone):%Y-%m-%d %H:%M:%S %Z}",
        "mark": mark,
        "text": escape(in_french.get((row.source, row.seq)) or row.text),
        "person": escape(row.person),
        "evidence": escape(row.evidence),
        "written": _written(row, of.zone),
        "set_back": span(row.set_back) if row.set_back else "",
        "record": _record(row.source, row.seq),
    }


def _written(row: Row, zone: ZoneInfo) -> str:
    """When it was written, where that was later than it happened."""
    return moment(row.written, zone) if row.is_late else ""


def _in_french(of: Material) -> Mapping[tuple[str, int], str]:
    """The French text of each record, by its run and number."""
    items = {item.id: item.title for item in ITEMS}
    told = {("", record.seq): french.told(record, items) for record in of.records}
    for run, records in of.runs.items():
        titles = french.titles_of(records)
        told |= {(run, record.seq): french.told_of_run(record, titles) for record in records}
    return told


# --- action items -----------------------------------------------------------------------------------------------


def _recorded(of: Material) -> list[Mapping[str, object]]:
    return [_action(item, of.today) for item in in_order(of.state.actions.values())]


def _action(item: ActionItem, today: date) -> Mapping[str, object]:
    closed = item.closed
    return {
        "id": item.id,
        "title": escape(item.title),
        "owner": escape(item.owner),
        "due": item.due.isoformat(),
        "state": "open" if item.is_open else urgency(item, today).value,
        "evidence": escape(closed.evidence or closed.dropped) if closed else "",
        "run": "",
    }


def _proposed(of: Material) -> list[Mapping[str, object]]:
    """What is proposed; nothing once it is published, since people decided on it then."""
    if of.state.published is not None:
        return []
    known = {item.title for item in of.state.actions.values()}
    drafts = [(title_of(one, of), one) for one in of.found.proposals]
    return [
        {
            "id": "",
            "title": escape(title),
            "owner": escape(one.owner or _TEST[of.language][1]),
            "due": one.due.isoformat(),
            "state": "proposed",
            "evidence": "",
            "run": one.source,
        }
        for title, one in drafts
        if title not in known
    ]


def title_of(proposal: Proposal, of: Material) -> str:
    """What is to be done, in the language of the document."""
    cause = of.found.causes[0].text if of.found.causes else of.state.opening.title
    return _TEST[of.language][0].format(cause)[:200] if proposal.is_test else proposal.title
