"""Incidents for people and for programs: the list, one on a page, its clocks and its checklist. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING, assert_never

from holdpoint.incident.actions import in_order
from holdpoint.incident.clocks import Clock, Kind, Standing
from holdpoint.incident.phases import OUTPUTS, Item, Phase, answered
from holdpoint.incident.severity import RULES
from holdpoint.incident.state import Jump, State
from holdpoint.incident.telling import Mark
from holdpoint.incident.timeline import Row
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, rule, wrap
from holdpoint.views.sending import Loud
from holdpoint.views.tables import table
from holdpoint.views.times import clock_time, full_time, span

if TYPE_CHECKING:
    from holdpoint.incident.proposing import Proposal

OPEN, RESOLVED = "open", "resolved"
_CLOCKS = {
    Kind.RESPONSE: "response",
    Kind.UPDATE: "message",
    Kind.BREACH: "authority",
    Kind.POSTMORTEM: "write-up",
}
_WAITS = {
    Kind.RESPONSE: "the first message",
    Kind.UPDATE: "the next message",
    Kind.BREACH: "the notice to the data protection authority",
    Kind.POSTMORTEM: "the post-mortem",
}
_COLUMN = 20
"""Cells before the text of a checklist's item or a timeline's row."""
_ID = 12
_JUMPS = 3
"""Stretches of records with a clock that stood behind, that are named."""
_LEAST_TITLE = 22
"""Cells that the list wants for a title and the gaps before it; below that, each incident has lines of its own."""
_COMMAND = re.compile(r"(`inv incident\.[^`]*)`")
_MARKS = {
    Mark.NOT_SENT: Tone.BAD,
    Mark.LOSS: Tone.BAD,
    Mark.UNDONE: Tone.WARN,
    Mark.CAUSE: Tone.BAD,
    Mark.CHANGE: Tone.WARN,
    Mark.CALLED: Tone.WARN,
    Mark.REOPENED: Tone.WARN,
    Mark.RESOLVED: Tone.GOOD,
    Mark.NOTE: Tone.PLAIN,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list. `state` is None for one that cannot be read, and `status` says so."""

    incident: str
    journal: str
    status: str
    state: State | None
    clocks: tuple[Clock, ...] = ()
    loud: tuple[Loud, ...] = ()
    """What went wrong outside, or waits to go there."""
    was: str = ""
    """The incident that its record is of, where its folder has another name."""


@dataclass(frozen=True, slots=True)
class Page:
    """One incident whole. `unread` names linked runs whose record cannot be read here, and why.

    `named` is the option that a command needs so that it means this incident; empty where it would be meant anyway.
    """

    listed: Listed
    state: State
    rows: tuple[Row, ...]
    unread: tuple[tuple[str, str], ...] = ()
    proposals: tuple[Proposal, ...] = ()
    named: str = ""


# --- the list ---------------------------------------------------------------------------------------------------


def listing(incidents: Sequence[Listed], width: int, zone: tzinfo | None) -> list[Line]:
    """The list for people, in the order given."""
    if not incidents:
        return [line("There are no incidents yet.")]
    rows = [
        (
            one.incident,
            f"{one.state.severity}: {one.status}" if one.state else one.status,
            full_time(one.state.opening.happened, zone) if one.state else "",
            f"{one.state.opening.title}{_unwritten(one)}{_doubted(one.state, one.clocks)}"
            if one.state
            else _moved(one),
        )
        for one in incidents
    ]
    if max(len(name) + len(status) + len(noticed) for name, status, noticed, _ in rows) + _LEAST_TITLE <= width:
        return table(("incident", "status", "noticed", "title"), rows, width)
    drawn: list[Line] = []
    for name, status, noticed, title in rows:
        drawn.append(line(name, Tone.BOLD))
        drawn += labelled("", ", ".join(part for part in (status, noticed, title) if part), width)
    return drawn


def _moved(one: Listed) -> str:
    return f"its record is that of {one.was}: rename the folder back" if one.was else ""


def _unwritten(one: Listed) -> str:
    """What is said in the list of a post-mortem that is not published yet."""
    clock = next((clock for clock in one.clocks if clock.kind is Kind.POSTMORTEM and clock.stopped is None), None)
    if clock is None:
        return ""
    late = f"OVERDUE by {span(-clock.left)}" if clock.standing is Standing.OVER else f"due in {span(clock.left)}"
    return f" (post-mortem {late})"


def _doubted(state: State, clocks: Sequence[Clock]) -> str:
    """What is said in the list where a clock was set back: since then, or in the record."""
    if not state.jumps and not any(clock.jumped for clock in clocks):
        return ""
    return " (a clock was set back: its times are not to be trusted)"


# --- clocks -----------------------------------------------------------------------------------------------------


def told_clock(clock: Clock, zone: tzinfo | None) -> tuple[str, Tone]:
    """Say in words how a clock stands."""
    due = clock.due.astimezone(zone)
    until = f"{due:%H:%M %Z}" if abs(clock.left) < timedelta(hours=12) else f"{due:%Y-%m-%d %H:%M %Z}"
    match clock.standing:
        case Standing.RUNS | Standing.SOON:
            text, tone = f"{_rounded(clock.left)} left for {_WAITS[clock.kind]}, until {until}", Tone.PLAIN
            tone = Tone.WARN if clock.standing is Standing.SOON else tone
        case Standing.OVER:
            text, tone = f"OVERDUE by {_rounded(-clock.left)}: {_WAITS[clock.kind]} was due {until}", Tone.BAD
        case Standing.KEPT:
            text, tone = f"kept, with {_rounded(clock.left)} to spare (due {until})", Tone.GOOD
        case Standing.MISSED:
            text, tone = f"missed by {_rounded(-clock.left)} (was due {until})", Tone.BAD
        case _:
            assert_never(clock.standing)
    if clock.jumped:
        text, tone = f"{text}; a clock was set back meanwhile, so this is not to be trusted", Tone.WARN
    return text, tone


def _rounded(duration: timedelta) -> str:
    """Whole minutes from one minute on."""
    minute = timedelta(minutes=1)
    return span(duration // minute * minute) if minute <= duration < timedelta(hours=1) else span(duration)


def name_of(clock: Clock) -> str:
    """What a clock is called."""
    return _CLOCKS[clock.kind]


def reminder(one: Listed, pressing: Sequence[Clock], zone: tzinfo | None) -> str:
    """One line on the most urgent clock, with what to type."""
    clock = pressing[0]
    waiting = one.state.waiting() if one.state else ()
    match clock.kind:
        case Kind.BREACH:
            command = "incident.done authority"
        case Kind.POSTMORTEM:
            command = f"incident.postmortem --incident {one.incident}"
        case Kind.RESPONSE | Kind.UPDATE:
            command = "incident.sent" if waiting else "incident.update"
        case _:
            assert_never(clock.kind)
    return f"incident {one.incident}: {told_clock(clock, zone)[0]}; `inv {command}`"


def outcry(one: Listed, loud: Loud) -> str:
    """One line on something outside that went wrong, with what to type."""
    closed = "" if one.state and one.state.is_open else f" --incident {one.incident}"
    return f"incident {one.incident}: {loud.label}: {loud.text}; `inv {loud.command}{closed}`"


def how_to_link(incidents: Sequence[str]) -> str:
    """What to type so that a run belongs to an incident."""
    which = f"incident {incidents[0]} is" if len(incidents) == 1 else f"{len(incidents)} incidents are"
    named = "" if len(incidents) == 1 else " --incident ID"
    return f"{which} open, and this run is not linked to it; `inv incident.link last{named}` links it"


def clock_lines(clocks: Iterable[Clock], width: int, zone: tzinfo | None) -> list[Line]:
    drawn: list[Line] = []
    for clock in clocks:
        text, tone = told_clock(clock, zone)
        drawn += labelled(name_of(clock), text, width, tone)
    return drawn


# --- the checklist ----------------------------------------------------------------------------------------------


def checklist(state: State, width: int, zone: tzinfo | None) -> list[Line]:
    """Every phase with its items; the one where people are is marked."""
    drawn: list[Line] = []
    for phase in Phase:
        items = [item for item in state.items if item.phase is phase]
        if not items:
            continue
        here = phase is state.phase
        head = f"{phase.upper()}: {OUTPUTS[phase]}"
        drawn.append((Segment("> " if here else "  ", Tone.WARN), Segment(head, Tone.BOLD if here else Tone.PLAIN)))
        for item in items:
            drawn += _item(item, state, width, zone)
    return drawn


def _item(item: Item, state: State, width: int, zone: tzinfo | None) -> list[Line]:
    done = state.done.get(item.id)
    box, tone = ("[x]", Tone.GOOD) if done else ("[ ]", Tone.WARN) if item.required else ("[.]", Tone.DIM)
    text = f"{item.title}{_check(item, state, zone)}"
    if done is not None:
        at = f"{done.happened.astimezone(zone):%Y-%m-%d %H:%M %Z} " if item.dated else ""
        text = answered(item.id, f"{at}{done.say}".strip()) + (f" ({done.evidence})" if done.evidence else "")
    first, *rest = wrap(text, width - _COLUMN)
    head = (
        Segment(f"    {box} ", tone),
        Segment(f"{item.id:<{_ID}}"),
        Segment(first, Tone.DIM if done else Tone.PLAIN),
    )
    return [head, *(line(" " * _COLUMN + piece, Tone.DIM if done else Tone.PLAIN) for piece in rest)]


def _check(item: Item, state: State, zone: tzinfo | None) -> str:
    """What answers an item that is open, and what it answered last."""
    if not item.check:
        return ""
    command = "; `inv incident.check`"
    last = state.checks.get(item.check)
    if last is None or last.green or item.phase is not Phase.VERIFY:
        return command
    colour = "not to be asked" if last.green is None else f"RED: {last.said}"
    return f"; {clock_time(last.happened, zone)} {colour}{command}"


LEGEND = "[x] done   [ ] still to be done   [.] advised"


# --- one on a page ----------------------------------------------------------------------------------------------


def page(of: Page, width: int, zone: tzinfo | None) -> list[Line]:
    """One incident whole: how it stands, clocks, checklist, timeline, runs."""
    state = of.state
    drawn = head(of.listed, state, width, zone)
    drawn += [BLANK, line("Clocks", Tone.BOLD), *clock_lines(of.listed.clocks, width, zone)]
    drawn += [BLANK, line(f"Checklist   {LEGEND}", Tone.BOLD), *checklist(state, width, zone)]
    drawn += [BLANK, line("Timeline", Tone.BOLD), *timeline(of.rows, width, zone)]
    drawn += [BLANK, line("Action items", Tone.BOLD)] if state.actions else []
    for item in in_order(state.actions.values()):
        how = "" if item.closed is None else " (given up)" if item.closed.dropped else " (done)"
        drawn += labelled(f"  {item.id}", f"{item.title}, for {item.owner}, due {item.due}{how}", width)
    if state.runs:
        drawn += [BLANK, line("Runs", Tone.BOLD)]
        why = dict(of.unread)
        for run in state.runs:
            told = f"{run}: its record cannot be read here: {why[run]}" if run in why else run
            drawn += [line(f"  {piece}") for piece in wrap(told, width - 2)]
    return [*drawn, BLANK, *proposed(of.proposals, width), *next_steps(state, width, of.named)]


def declaration(listed: Listed, state: State, width: int, zone: tzinfo | None) -> list[Line]:
    """What was just declared: how it stands, its clocks and its checklist."""
    drawn = [*head(listed, state, width, zone), BLANK, *clock_lines(listed.clocks, width, zone)]
    return [*drawn, BLANK, line(LEGEND), *checklist(state, width, zone), BLANK]


def head(listed: Listed, state: State, width: int, zone: tzinfo | None) -> list[Line]:
    """What it is and how it stands."""
    opening = state.opening
    drawn = [BLANK, rule(width, "═", opening.title)]
    drawn += labelled("incident", listed.incident, width)
    drawn += labelled("severity", f"{state.severity}, {RULES[state.severity].meaning}", width, Tone.BOLD)
    drawn += labelled("status", _status(state, zone), width, Tone.BOLD)
    drawn += labelled("noticed", f"{full_time(opening.happened, zone)}, by {opening.trigger}", width)
    if state.began != opening.happened:
        drawn += labelled("since", full_time(state.began, zone), width)
    if opening.services:
        drawn += labelled("services", ", ".join(opening.services), width)
    if opening.principal:
        backup = f"; backup {opening.backup}" if opening.backup else ""
        drawn += labelled("on call", f"{opening.principal}{backup}", width)
    drawn += labelled("people", ", ".join(state.people), width)
    seen = {True: "see it", False: "do not see it", None: "not known whether they see it"}[state.users_see]
    drawn += labelled("users", seen, width)
    if state.banner is not None and state.banner.may_stand:
        drawn += labelled("banner", f"up: {state.banner.text}", width, Tone.WARN)
    if state.issue is not None and state.issue.url:
        drawn += labelled("issue", state.issue.url, width)
    drawn += labelled("data", _loss(state, zone), width, Tone.BAD if state.loses_data else Tone.PLAIN)
    if state.jumps:
        drawn += labelled("clock", set_back(state.jumps), width, Tone.WARN)
    for one in listed.loud:
        drawn += labelled(one.label, one.text, width, Tone.BAD if one.urgent else Tone.WARN)
    if state.handed is not None:
        text = f"to {state.handed.receiver or 'somebody else'}, who goes on with it; this is as it was then"
        drawn += labelled("HANDED", text, width, Tone.WARN)
    return drawn


def set_back(jumps: Sequence[Jump]) -> str:
    """Say where a clock stood behind, in one sentence however often that was."""
    shown = ", ".join(jump.where for jump in jumps[:_JUMPS])
    more = f" and {len(jumps) - _JUMPS} more" if len(jumps) > _JUMPS else ""
    one = len(jumps) == 1 and jumps[0].seq == jumps[0].last
    most = f"{'' if one else 'up to '}{span(max(jump.by for jump in jumps))}"
    where = f"record {shown}" if one else f"records {shown}{more}"
    return f"at {where} a clock stood {most} behind an earlier record; the order is that of writing"


def _status(state: State, zone: tzinfo | None) -> str:
    again = f", reopened {state.times_reopened}x" if state.times_reopened else ""
    if state.resolved is not None:
        down = span(state.resolved.restored - state.resolved.began)
        rest = f"; left: {state.phase}" if state.phase else "; nothing is left to do"
        return f"{RESOLVED} {full_time(state.resolved.happened, zone)}{again}, down for {down}{rest}"
    return f"{OPEN}{again}; phase: {state.phase or 'everything is done, resolve it'}"


def _loss(state: State, zone: tzinfo | None) -> str:
    if state.aware is None:
        return "no loss" if state.resolved else "no loss is known"
    aware = f"known since {full_time(state.aware, zone)}"
    return f"LOST, {aware}" if state.loses_data else f"thought to be lost ({aware}), ruled out since"


def next_steps(state: State, width: int, named: str = "") -> list[Line]:
    """What can be typed now; each command with `named`, the option that tells this incident from others."""
    steps: list[str] = []
    waiting = state.waiting()
    if any(message.deliveries for message in waiting):
        steps.append("`inv incident.send` sends again what did not go out")
    elif waiting:
        first = waiting[0].rendered
        one = f" --message {first.message}" if len(waiting) > 1 else ""
        steps.append(f"`inv incident.sent{one}` once message {first.message} ({first.purpose}) has gone out")
    if state.is_open:
        missing = state.missing(state.phase) if state.phase else ()
        before_end = state.phase not in (Phase.COMMUNICATE, Phase.POSTMORTEM, None)
        if missing and before_end:
            item = missing[0]
            say = ' --say "..."' if item.asks else " --at 14:05" if item.dated else ""
            asks = "`inv incident.check` asks the team's own checks; " if item.check else ""
            steps.append(f"{asks}`inv incident.done {item.id}{say}` ticks the next item")
        elif not before_end:
            lost = "yes" if state.loses_data else "no"
            steps.append(f'`inv incident.resolve --cause "..." --impact "..." --data-loss {lost}` ends it')
        steps.append("`inv incident.update` writes the next message; `inv incident.note` keeps what you see")
    elif state.phase is Phase.POSTMORTEM:
        steps.append("`inv incident.postmortem` writes the post-mortem; with `--publish` it is published")
    elif state.phase is not None and (missing := state.missing(state.phase)):
        steps.append(f"`inv incident.done {missing[0].id}` ticks what is left")
    drawn: list[Line] = []
    for index, step in enumerate(steps):
        drawn += labelled("" if index else "next", _COMMAND.sub(rf"\1{named}`", step), width)
    return drawn


def proposed(proposals: Sequence[Proposal], width: int) -> list[Line]:
    """What could be run now, the best first, each with why."""
    drawn: list[Line] = []
    for index, one in enumerate(proposals):
        drawn += labelled("" if index else "propose", one.command, width, Tone.BOLD)
        drawn += labelled("", f"  {one.why}", width)
    return drawn


def also_open(other: Listed, width: int) -> list[Line]:
    """Another incident that is open: the new one may be the same."""
    title = other.state.opening.title if other.state else ""
    text = f"{other.incident} is open too: {title}. From now on every command needs `--incident ID`"
    return labelled("NOTE", text, width, Tone.WARN)


def runbook_of(run: str) -> str:
    """The runbook that the name of a run tells."""
    return run[14:-5]


def tone_of(mark: Mark) -> Tone:
    return _MARKS.get(mark, Tone.BOLD)


def timeline(rows: Iterable[Row], width: int, zone: tzinfo | None) -> list[Line]:
    """When it happened, what, and where it is recorded; when it was written too, where that was later."""
    drawn: list[Line] = []
    day = ""
    for row in rows:
        on = f"{row.happened.astimezone(zone):%Y-%m-%d %Z}"
        if on != day:
            day = on
            drawn.append(line(f"  {on}", Tone.DIM))
        first, *rest = wrap(row.text, width - _COLUMN - 2)
        mark = Segment(f"{row.mark:<10}", tone_of(row.mark))
        drawn.append((Segment(f"  {clock_time(row.happened, zone)}  ", Tone.DIM), mark, Segment(first)))
        detail = wrap(source_of(row, zone), width - _COLUMN - 2)
        below = [*((piece, Tone.PLAIN) for piece in rest), *((piece, Tone.DIM) for piece in detail)]
        drawn += [line(" " * (_COLUMN + 2) + piece, tone) for piece, tone in below]
    return drawn


def source_of(row: Row, zone: tzinfo | None) -> str:
    """Who said it, when that was written, and the record that holds it."""
    of = f"run {row.source}, record {row.seq}" if row.source else f"record {row.seq}"
    parts = [row.person, of]
    if row.evidence:
        parts.append(f"evidence: {row.evidence}")
    if row.is_late:
        parts.append(f"written {full_time(row.written, zone)}")
    if row.set_back:
        parts.append(f"its clock was {span(row.set_back)} behind")
    return "; ".join(parts)


def recorded(text: str, of: Page, width: int, zone: tzinfo | None) -> list[Line]:
    """A short answer to something that was written down: what, the clocks, what could be run, and what is next."""
    drawn = [*settled([text], width), *clock_lines(of.listed.clocks, width, zone)]
    return [*drawn, *proposed(of.proposals, width), *next_steps(of.state, width, of.named)]


def settled(texts: Sequence[str], width: int) -> list[Line]:
    """What became of messages that were shown."""
    return [line(piece, Tone.BOLD) for text in texts for piece in wrap(text, width)]


def message(text: str, number: int, channel: str, width: int) -> list[Line]:
    """A message between two rules, whole and unbroken, for pasting."""
    body = [line(one) for one in text.split("\n")]
    return [rule(width, text=f"message {number}, for {channel}"), *body, rule(width)]
