"""The timeline of an incident as a drawing: when it was down, what ran, what was told and what was written. Pure.

Time goes from left to right. A long while in which nothing happened is drawn short, behind a break that says how long
it was, so that an hour of work is not a dot beside a week. Colours and letters are those of the page around it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from itertools import pairwise

from holdpoint.incident.state import State
from holdpoint.incident.telling import Mark
from holdpoint.incident.timeline import Row
from holdpoint.views.inert import inert
from holdpoint.views.times import span

WIDTH, LEFT, RIGHT = 1000, 92, 24
LANE, TOP, AXIS = 46, 40, 34
"""Heights, in the drawing's own units."""
_LONGEST_GAP = timedelta(minutes=45)
"""A gap that is drawn as long as it is; of a longer one so much is left, and a break."""
_BREAK = timedelta(minutes=12)
_APART = 150
"""What follows another thing stands at least so small a part of the whole behind it, so that a busy minute can be read."""
_DOT = 6.5
_STEPS = tuple(timedelta(minutes=n) for n in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))
_MOST_TICKS = 9
_TEXT = 64
"""The width of a time below."""
_DRAWN = 400
"""Marks in a drawing; beyond, the rows below it say more than dots would."""


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    marks: frozenset[Mark]
    tone: str


_LANES = (
    _Lane("incident", frozenset({Mark.DECLARED, Mark.SEVERITY, Mark.LOSS, Mark.RESOLVED, Mark.REOPENED}), "bad"),
    _Lane("messages", frozenset({Mark.MESSAGE, Mark.SENT, Mark.NOT_SENT, Mark.CALLED}), "told"),
    _Lane("runs", frozenset({Mark.RUN, Mark.GATE, Mark.CAUSE, Mark.CHANGE, Mark.PROOF, Mark.CHECK}), "run"),
)
_NOTES = "people"


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a moment stands: `moments` and `places` belong together, and are in order."""

    moments: tuple[datetime, ...]
    places: tuple[float, ...]
    breaks: tuple[tuple[datetime, datetime], ...]
    """Gaps that are drawn short."""

    def x(self, at: datetime) -> float:
        index = bisect_right(self.moments, at)
        if index == 0:
            return self.places[0]
        if index == len(self.moments):
            return self.places[-1]
        begin, end = self.moments[index - 1], self.moments[index]
        share = (at - begin) / (end - begin) if end > begin else 0.0
        return self.places[index - 1] + share * (self.places[index] - self.places[index - 1])


def _scale(moments: Iterable[datetime]) -> _Scale:
    """Lay moments out over the width."""
    known = sorted({moment.replace(microsecond=0) for moment in moments})
    if len(known) == 1:
        known = [known[0] - timedelta(minutes=5), known[0], known[0] + timedelta(minutes=5)]
    gaps = [end - begin for begin, end in pairwise(known)]
    kept = [gap if gap <= _LONGEST_GAP else _BREAK for gap in gaps]
    apart = (sum(kept, timedelta()) or timedelta(minutes=1)) / _APART
    lengths = [max(one, apart) for one in kept]
    whole = sum(lengths, timedelta())
    places, at = [float(LEFT)], float(LEFT)
    for length in lengths:
        at += length / whole * (WIDTH - LEFT - RIGHT)
        places.append(at)
    breaks = tuple(pair for pair in pairwise(known) if pair[1] - pair[0] > _LONGEST_GAP)
    return _Scale(tuple(known), tuple(places), breaks)


def drawing(state: State, rows: Sequence[Row], now: datetime, zone: tzinfo | None) -> str:
    """Draw it; `now` is where an incident that is open goes to."""
    shown = rows[-_DRAWN:]
    end = restored(state)
    last = max([row.happened for row in shown] + ([] if end else [now]), default=now)
    scale = _scale([state.began, last, *([end] if end else []), *(row.happened for row in shown)])
    names = [lane.name for lane in _LANES] + [_NOTES]
    height = TOP + LANE * len(names) + AXIS
    parts = [
        (
            f'<svg class="drawn" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="The timeline, drawn: '
            f'every mark is a row of the table below it">'
        )
    ]
    parts += _down(scale, state, end or last, height, zone)
    parts += _axis(scale, height, zone)
    for index, name in enumerate(names):
        y = TOP + LANE * index + LANE / 2
        parts.append(f'<line class="lane" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text class="name" x="{LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    parts += _bars(scale, shown, TOP + LANE * 2 + LANE / 2)
    parts += _dots(scale, shown, zone)
    return "".join([*parts, "</svg>"])


def restored(state: State) -> datetime | None:
    """Say when the service was back; None as long as it is not."""
    if state.resolved is not None:
        return state.resolved.restored
    done = state.done.get("restored")
    return done.happened if done is not None else None


def _down(scale: _Scale, state: State, end: datetime, height: int, zone: tzinfo | None) -> list[str]:
    """The time in which it was down, behind everything else."""
    begin, until = scale.x(state.began), scale.x(end)
    wide = max(2.0, until - begin)
    over = restored(state) is not None
    text = f"down for {span(end - state.began)}{'' if over else ' so far'}"
    middle = min(max(begin + wide / 2, LEFT + 90), WIDTH - RIGHT - 90)
    kind = "down" if over else "down open"
    told = f"{state.began.astimezone(zone):%H:%M} to {end.astimezone(zone):%H:%M %Z}"
    return [
        (
            f'<rect class="{kind}" x="{begin:.1f}" y="{TOP - 12}" width="{wide:.1f}" height="{height - TOP - AXIS + 12}" rx="4">'
            f"<title>{escape(told)}</title></rect>"
        ),
        f'<text class="lasted" x="{middle:.1f}" y="{TOP - 20}" text-anchor="middle">{escape(text)}</text>',
    ]


def _axis(scale: _Scale, height: int, zone: tzinfo | None) -> list[str]:
    base = height - AXIS
    parts = [f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>']
    for x, text in _ticks(scale, zone):
        parts.append(f'<line class="tick" x1="{x:.1f}" y1="{TOP - 12}" x2="{x:.1f}" y2="{base + 5}"/>')
        parts.append(f'<text class="hour" x="{x:.1f}" y="{base + 21}" text-anchor="middle">{escape(text)}</text>')
    for before, after in scale.breaks:
        begin, end = scale.x(before), scale.x(after)
        parts.append(
            f'<rect class="gap" x="{begin:.1f}" y="{TOP - 12}" width="{end - begin:.1f}" height="{base - TOP + 12}"/>'
        )
        parts.append(
            f'<text class="broken" transform="translate({(begin + end) / 2 + 4:.1f} {(TOP + base) / 2:.1f}) rotate(-90)" '
            f'text-anchor="middle">{escape(span(after - before))}</text>'
        )
    return parts


def _ticks(scale: _Scale, zone: tzinfo | None) -> list[tuple[float, str]]:
    """Times to be read below: where something goes on after a break, and round ones, as far as they stand apart."""
    first, last = scale.moments[0], scale.moments[-1]
    resumed = [after for _, after in scale.breaks]
    begins, ends = [first, *resumed], [*(before for before, _ in scale.breaks), last]
    drawn = sum((end - begin for begin, end in zip(begins, ends, strict=True)), timedelta())
    step = next((one for one in _STEPS if drawn / one <= _MOST_TICKS), _STEPS[-1])
    midnight = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    chosen = list(resumed)
    for begin, end in zip(begins, ends, strict=True):
        at = midnight - (midnight - begin) // step * step
        while at <= end:
            if all(abs(scale.x(at) - scale.x(other)) > _TEXT for other in chosen):
                chosen.append(at)
            at += step
    told: list[tuple[float, str]] = []
    day = ""
    for at in sorted(chosen):
        here = at.astimezone(zone)
        on = f"{here:%d %b}"
        told.append((scale.x(at), f"{here:%H:%M}" if on == day else f"{here:%H:%M, %d %b}"))
        day = on
    return told


def _bars(scale: _Scale, rows: Sequence[Row], y: float) -> list[str]:
    """Each run from its first record to its last."""
    runs: dict[str, list[Row]] = {}
    for row in rows:
        if row.source:
            runs.setdefault(row.source, []).append(row)
    parts = []
    for name, of_run in runs.items():
        begin, end = scale.x(of_run[0].happened), scale.x(of_run[-1].happened)
        wide = max(3.0, end - begin)
        parts.append(
            f'<rect class="bar" x="{begin:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="18" rx="9">'
            f"<title>{escape(inert(name))}</title></rect>"
        )
    return parts


def _lane_of(row: Row) -> tuple[int, str]:
    for index, lane in enumerate(_LANES):
        if row.mark in lane.marks:
            return index, lane.tone
    return len(_LANES), "note"


_TONES = {
    Mark.NOT_SENT: "bad",
    Mark.LOSS: "bad",
    Mark.CAUSE: "bad",
    Mark.SENT: "good",
    Mark.RESOLVED: "good",
    Mark.DONE: "good",
    Mark.UNDONE: "warn",
    Mark.REOPENED: "warn",
    Mark.CHANGE: "warn",
}


def tone_of(row: Row) -> str:
    """The class of a mark, on the drawing and in the table."""
    if row.mark in (Mark.CHECK, Mark.PROOF):
        return "good" if "GREEN" in row.text else "bad" if "RED" in row.text else "warn"
    return _TONES.get(row.mark, _lane_of(row)[1])


def _dots(scale: _Scale, rows: Sequence[Row], zone: tzinfo | None) -> list[str]:
    """A dot for each row, which leads to it; where they would lie on each other they are moved apart, up and down."""
    parts: list[str] = []
    taken: dict[int, list[tuple[float, int]]] = {}
    for row in rows:
        lane, _ = _lane_of(row)
        x = scale.x(row.happened)
        near = [level for at, level in taken.get(lane, []) if abs(at - x) < _DOT * 1.8]
        level = next((one for one in (0, 1, -1, 2, -2) if one not in near), 0)
        taken.setdefault(lane, []).append((x, level))
        y = TOP + LANE * lane + LANE / 2 + level * 8
        text = inert(f"{row.happened.astimezone(zone):%H:%M:%S} {row.mark}: {row.text}").replace("\n", " ")
        parts.append(
            f'<a href="#row-{row.source or "own"}-{row.seq}"><circle class="dot {tone_of(row)}" cx="{x:.1f}" cy="{y:.1f}" '
            f'r="{_DOT}"><title>{escape(text[:300])}</title></circle></a>'
        )
    return parts
