"""A debrief for people: the score by the rubric, what happened when, what was wrong to do, what an expert would have looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from holdpoint.drill.debrief import Debrief, Moment, Wrong
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, rule, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import stopwatch

_CALLED = {"changed": "the first change, or when it was first seen", "trapped": "a known wrong repair was seen:"}
"""What is no word that was typed."""


def debrief(one: Debrief, folder: str, width: int) -> list[Line]:
    """All of it; `folder` is where the record of the attempt lies. It ends as it begins: most screens show only its end."""
    drawn: list[Line] = [BLANK, rule(width, "═", one.title), *labelled("drill", one.drill, width)]
    drawn += [*_result(one, width), BLANK, *_rubric(one, width)]
    drawn += _seen("What was found of the data", one.lost, width)
    drawn += _seen("What was found of everything else", one.touched, width)
    drawn += _traps("You did what is known to be wrong", [wrong for wrong in one.wrong if wrong.done], Tone.BAD, width)
    drawn += [BLANK, line("What happened", Tone.BOLD)]
    drawn += labelled("00:00", "the page came", width)
    for moment in one.moments:
        drawn += labelled(stopwatch(timedelta(seconds=moment.seconds)), inert(_told(moment)), width)
    drawn += labelled(stopwatch(timedelta(seconds=one.seconds)), "the end", width)
    drawn += [BLANK, line("What an expert would have looked at", Tone.BOLD)]
    drawn += [line(piece) for text in one.expert.strip().splitlines() for piece in wrap(text, width)]
    rest = [wrong for wrong in one.wrong if not wrong.done]
    drawn += _traps("What would have been wrong", rest, Tone.BOLD, width)
    drawn += [BLANK, *_result(one, width), *labelled("again", "inv drill.show last", width)]
    return [*drawn, *labelled("record", folder, width, Tone.DIM)]


def _result(one: Debrief, width: int) -> list[Line]:
    mark, tone = ("PASSED", Tone.GOOD) if one.passed else ("NOT PASSED", Tone.BAD)
    total = "no points: it was left" if one.left else f"{one.total} of 100 points"
    why = [line(piece) for piece in wrap(one.verdict, width)] if one.verdict else []
    return [(Segment(mark, tone), Segment(f"   {total}", Tone.BOLD)), *why]


def _rubric(one: Debrief, width: int) -> list[Line]:
    if one.left:
        return table(("what", "seen"), [(part.name, part.why) for part in one.parts], width)
    rows = [(part.name, f"{part.points} of {part.of}", part.why) for part in one.parts]
    rows += [("hints", f"-{one.cost}", f"{one.hints} taken")] if one.hints else []
    return table(("what", "points", "why"), rows, width)


def _told(moment: Moment) -> str:
    return f"{_CALLED.get(moment.word, moment.word)} {moment.text}".strip()


def _seen(title: str, text: str, width: int) -> list[Line]:
    if not text:
        return []
    pieces = [line(piece) for one in text.splitlines() for piece in wrap(inert(one), width)]
    return [BLANK, line(title, Tone.BOLD), *pieces]


def _traps(title: str, traps: Sequence[Wrong], tone: Tone, width: int) -> list[Line]:
    if not traps:
        return []
    each = [line(piece) for trap in traps for piece in wrap(f"- {trap.title}: {trap.why}", width)]
    return [BLANK, line(title, tone), *each]
