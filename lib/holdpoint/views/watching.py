"""An incident that is watched: one screen of it as it stands, or lines on what changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from holdpoint.incident.clocks import Clock
from holdpoint.incident.phases import OUTPUTS, Phase
from holdpoint.incident.state import Message, State
from holdpoint.incident.timeline import Row
from holdpoint.views import incidents as view
from holdpoint.views.lines import BLANK, Line, Segment, Tone, clip, labelled, line, rule
from holdpoint.views.times import clock_time, span

FEWEST_ROWS = 3
"""Of the timeline, however low the window is."""
_MESSAGES, _RUNS = 3, 4
_MARK = 10


@dataclass(frozen=True, slots=True)
class Going:
    """A linked run. `lasts` says that a process goes on with it, or that it waits for somebody."""

    run: str
    says: str
    lasts: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is shown. `trouble` is why the record cannot be read any more; the rest is then as it was before."""

    page: view.Page
    runs: tuple[Going, ...] = ()
    trouble: str = ""

    @property
    def state(self) -> State:
        return self.page.state


# --- the screen -------------------------------------------------------------------------------------------------


def frame(of: Watched, now: datetime, width: int, height: int, zone: tzinfo | None) -> list[Line]:
    """Draw it for a window of so many lines: how it stands always, then as much of the timeline's end as fits."""
    top = [*_head(of, now, width, zone), *_standing(of, width, zone)]
    left = max(0, height - 1) - len(top)
    parts = [
        part
        for part in (_runs(of, width), _messages(of.state, width, zone), view.proposed(of.page.proposals, width))
        if part
    ]
    middle: list[Line] = []
    for part in parts:
        if len(middle) + len(part) + FEWEST_ROWS + 1 <= left:
            middle += part
    room = max(FEWEST_ROWS, left - len(middle) - 1)
    tail = of.page.rows[-room:]
    drawn = [*top, *middle, rule(width, text="timeline"), *(_row(row, width, zone) for row in tail)]
    drawn = drawn[: max(1, height - 1)]
    drawn += [BLANK] * (height - 1 - len(drawn))
    return [*drawn, line(clip("q or Ctrl-C leaves; nothing is changed from here", width), Tone.DIM)]


def _head(of: Watched, now: datetime, width: int, zone: tzinfo | None) -> list[Line]:
    state, at = of.state, clock_time(now, zone)
    title = clip(state.opening.title, max(10, width - 8 - len(at)))
    drawn = [rule(width, "═", f"{at}  {title}")]
    if of.trouble:
        drawn += labelled("DAMAGED", of.trouble, width, Tone.BAD)
    ended = state.resolved
    stands = f"resolved at {clock_time(ended.happened, zone)}" if ended else "open"
    lasts = span((ended.restored if ended else now) - state.began)
    services = f", {', '.join(state.opening.services)}" if state.opening.services else ""
    text = f"{state.severity} {stands}{services}; {'down for' if ended else 'since'} {lasts}; {of.page.listed.incident}"
    return [*drawn, *labelled("stands", text, width, Tone.BOLD)]


def _standing(of: Watched, width: int, zone: tzinfo | None) -> list[Line]:
    state = of.state
    drawn = view.clock_lines(of.page.listed.clocks, width, zone)
    drawn += labelled("phase", _phase(state), width, Tone.BOLD)
    missing = [item.id for item in state.missing(state.phase)] if state.phase else []
    drawn += labelled("missing", ", ".join(missing), width, Tone.WARN) if missing else []
    for message in state.waiting():
        why = f": {message.failed}" if message.failed else ""
        text = f"message {message.rendered.message} ({message.rendered.purpose}) has not gone out{why}"
        drawn += labelled("NOT SENT", text, width, Tone.BAD)
    return drawn


def _phase(state: State) -> str:
    if state.phase is None:
        return "nothing is left to do"
    number = list(Phase).index(state.phase) + 1
    return f"{state.phase.upper()} ({number} of {len(Phase)}): {OUTPUTS[state.phase]}"


def _runs(of: Watched, width: int) -> list[Line]:
    """The runs that go on, and then the last ones, by the ends of their names."""
    drawn: list[Line] = []
    for one in sorted(of.runs, key=lambda run: not run.lasts)[:_RUNS]:
        tone = Tone.WARN if one.lasts else Tone.DIM
        drawn.append((Segment(clip(f"{one.run[-4:]}  {view.runbook_of(one.run)}: {one.says}", width), tone),))
    return [rule(width, text="runs"), *drawn] if drawn else []


def _messages(state: State, width: int, zone: tzinfo | None) -> list[Line]:
    last = list(state.messages.values())[-_MESSAGES:]
    drawn = [_message(one, width, zone) for one in last]
    return [rule(width, text="messages"), *drawn] if drawn else []


def _message(one: Message, width: int, zone: tzinfo | None) -> Line:
    said = f"{one.rendered.message} {one.rendered.purpose}, for {one.rendered.channel}"
    if one.sent is not None:
        return line(clip(f"{clock_time(one.sent, zone)}  sent      {said}", width))
    return line(clip(f"--:--:--  NOT SENT  {said}", width), Tone.BAD)


def _row(row: Row, width: int, zone: tzinfo | None) -> Line:
    mark = f"{row.mark:<{_MARK}}"
    late = " (written later)" if row.is_late else ""
    text = clip(f"{row.text}{late}  {row.person}", max(2, width - 10 - len(mark)))
    tone = view.tone_of(row.mark)
    return (Segment(f"{clock_time(row.happened, zone)}  ", Tone.DIM), Segment(mark, tone), Segment(text))


# --- lines ------------------------------------------------------------------------------------------------------


def changed(before: Watched | None, after: Watched, now: datetime, width: int, zone: tzinfo | None) -> list[Line]:
    """Say what is new since the last look; everything, where there was none."""
    if before is None:
        drawn = [*_head(after, now, width, zone), *_standing(after, width, zone), *_runs(after, width)]
        return [*drawn, *(_row(row, width, zone) for row in after.page.rows)]
    if after.trouble:
        return labelled("DAMAGED", after.trouble, width, Tone.BAD) if after.trouble != before.trouble else []
    drawn = labelled("again", "the record can be read", width, Tone.GOOD) if before.trouble else []
    known = {(row.source, row.seq) for row in before.page.rows}
    drawn += [_row(row, width, zone) for row in after.page.rows if (row.source, row.seq) not in known]
    if before.state.phase is not after.state.phase:
        drawn += labelled("phase", _phase(after.state), width, Tone.BOLD)
    drawn += _of_clocks(before.page.listed.clocks, after.page.listed.clocks, now, width, zone)
    fresh = tuple(one for one in after.runs if one not in before.runs)
    return [*drawn, *_runs(replace(after, runs=fresh), width)[1:]]


def _of_clocks(
    before: Sequence[Clock], after: Sequence[Clock], now: datetime, width: int, zone: tzinfo | None
) -> list[Line]:
    """The clocks that stand otherwise than before; that one runs on is nothing new."""
    stood = {clock.kind: (clock.standing, clock.due) for clock in before}
    drawn: list[Line] = []
    for clock in after:
        if stood.get(clock.kind) != (clock.standing, clock.due):
            text, tone = view.told_clock(clock, zone)
            drawn += labelled(clock_time(now, zone), f"clock     {text}", width, tone)
    return drawn
