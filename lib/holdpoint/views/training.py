"""A drill for its trainee: the page, the words, and the debrief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from holdpoint.drill.model import Drill
from holdpoint.drill.records import Attempt, Said
from holdpoint.drill.score import HINTS, Facts, Score, verdict
from holdpoint.problem import did_you_mean
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, rule, wrap
from holdpoint.views.tables import table

_CALLED = {"changed": "the first change, or when it was first seen"}
_WORDS = (
    ("help", "show these words again"),
    ("runbook", "run the runbook in the sandbox; it stops before every change"),
    ("inv TASK", "what a run in the sandbox says can be typed, such as `inv run.resume last`"),
    ("shell", "a shell in the sandbox, to work by hand; `exit` leads back"),
    ("say TEXT", "tell the team; early, often enough, and at the end"),
    ("diagnose CAUSE", "state what is wrong, or `nothing`, before you change anything"),
    ("hint", f"a hint; the three cost {HINTS[0]}, {HINTS[1]} and {HINTS[2]} points"),
    ("page", "show the page again"),
    ("done", "have it checked"),
    ("leave", "give up; everything is given back"),
)


def page(drill: Drill, began: datetime, width: int) -> list[Line]:
    """The page, as it would come at night."""
    drawn = [BLANK, rule(width, "═", f"PAGE  {began.astimezone():%H:%M}"), BLANK]
    drawn += [line(piece, Tone.BOLD) for text in drill.page.strip().splitlines() for piece in wrap(text, width)]
    minutes = int(drill.within.total_seconds() // 60)
    return [*drawn, BLANK, line(f"You are on call. It should be over in {minutes} minutes.", Tone.DIM)]


def words(width: int) -> list[Line]:
    """What can be typed."""
    drawn: list[Line] = [BLANK]
    for word, does in _WORDS:
        first, *rest = wrap(does, width - 18)
        drawn.append((Segment(f"  {word:<16}", Tone.BOLD), Segment(first)))
        drawn += [line(" " * 18 + piece) for piece in rest]
    return [*drawn, BLANK]


def unknown(word: str, known: Sequence[str], width: int) -> list[Line]:
    close = did_you_mean(word, known)
    text = f"`{word}` is none of the words. {close[:1].upper()}{close[1:]}".strip()
    return [line(piece) for piece in wrap(inert(text), width)] + words(width)


def shell(values: Mapping[str, str], width: int) -> list[Line]:
    """What is told on entering the sandbox's shell."""
    text = "The sandbox's shell, without your own rc files: what it finds by name is the sandbox's. The words work here too, but for `done` and `leave`: `exit` leads back to those."
    drawn = [BLANK, *(line(piece) for piece in wrap(text, width)), BLANK]
    drawn += table(("the runbook's", "is here"), list(values.items()), width) if values else []
    return [*drawn, BLANK]


def causes(stated: str, known: Mapping[str, str], width: int) -> list[Line]:
    """Refuse what is no cause, with those that can be stated."""
    text = f"NOT noted: `{stated}` is no cause. Type one of:" if stated else "diagnose what? Type one of:"
    drawn = [line(piece, Tone.BOLD) for piece in wrap(inert(text), width)]
    rows = [(f"diagnose {name}", means) for name, means in known.items()]
    return [*drawn, *table(("type", "which means"), rows, width)]


def diagnosed(was: str, *, late: bool) -> str:
    if late:
        return "Noted; but something was changed before, so it gives no points."
    return f"Noted. It replaces `{was}`." if was else "Noted."


def hint(text: str, given: int, width: int) -> list[Line]:
    return [line(piece) for piece in wrap(f"{text.strip()}  (-{HINTS[given]} points)", width)]


def not_done(seen: str, width: int) -> list[Line]:
    drawn = [line("Not yet.", Tone.WARN)]
    return drawn + [line(piece) for text in seen.splitlines() for piece in wrap(inert(text), width)]


def clock(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


def debrief(drill: Drill, facts: Facts, got: Score, said: Sequence[Said], folder: str, width: int) -> list[Line]:
    """The score by the rubric, what happened when, what an expert would have looked at, and the traps."""
    mark, tone = ("PASSED", Tone.GOOD) if got.passed else ("NOT PASSED", Tone.BAD)
    total = "no points: it was left" if facts.left else f"{got.total} of 100 points"
    drawn: list[Line] = [BLANK, rule(width, "═", drill.title)]
    drawn.append((Segment(mark, tone), Segment(f"   {total}", Tone.BOLD)))
    drawn += [line(piece) for piece in wrap(verdict(facts, got), width)] if not got.passed else []
    drawn.append(BLANK)
    if facts.left:
        drawn += table(("what", "seen"), [(part.name, part.why) for part in got.parts], width)
    else:
        rows = [(part.name, f"{part.points} of {part.of}", part.why) for part in got.parts]
        rows += [("hints", f"-{got.cost}", f"{facts.hints} taken")] if facts.hints else []
        drawn += table(("what", "points", "why"), rows, width)
    drawn += _seen("What was found of the data", "" if facts.kept else facts.lost, width)
    drawn += _seen("What was found of everything else", "" if facts.safe else facts.touched, width)
    drawn += [BLANK, line("What happened", Tone.BOLD)]
    drawn += labelled("00:00", "the page came", width)
    moments = [(one.time, _CALLED.get(one.word) or f"{one.word} {one.text}".strip()) for one in said]
    for time, text in sorted(moments, key=lambda pair: pair[0]):
        drawn += labelled(clock(max(timedelta(0), time - facts.began)), inert(text), width)
    drawn += labelled(clock(facts.ended - facts.began), "the end", width)
    drawn += [BLANK, line("What an expert would have looked at", Tone.BOLD)]
    drawn += [line(piece) for text in drill.expert.strip().splitlines() for piece in wrap(text, width)]
    if drill.traps:
        drawn += [BLANK, line("What would have been wrong", Tone.BOLD)]
        for trap in drill.traps:
            drawn += [line(piece) for piece in wrap(f"- {trap.title}: {trap.why}", width)]
    return [*drawn, BLANK, *labelled("record", folder, width, Tone.DIM)]


def _seen(title: str, text: str, width: int) -> list[Line]:
    if not text:
        return []
    pieces = [line(piece) for one in text.splitlines() for piece in wrap(inert(one), width)]
    return [BLANK, line(title, Tone.BOLD), *pieces]


def history(tried: Sequence[Attempt], width: int) -> list[Line]:
    """For each drill the best, the last, and how often."""
    if not tried:
        return [line("No drill was done yet; `inv drill.list` shows which there are.")]
    rows = []
    for name in dict.fromkeys(one.drill for one in tried):
        own = [one for one in tried if one.drill == name]
        ended = [one for one in own if not one.left]
        tries = (str(len(own)), str(len(own) - len(ended)), f"{own[-1].time:%Y-%m-%d}")
        if not ended:
            rows.append((name, "left", "", "", *tries))
            continue
        best = max(ended, key=lambda one: (one.passed, one.points, -one.seconds))
        points = f"{best.points}" if best.passed else "not passed"
        rows.append((name, points, clock(timedelta(seconds=best.seconds)), str(best.hints), *tries))
    return table(("drill", "your best", "took", "hints", "tries", "left", "last"), rows, width)


def attempt_data(one: Attempt) -> dict[str, Any]:
    return {
        "drill": one.drill,
        "time": one.time.isoformat(),
        "seconds": round(one.seconds, 1),
        "points": one.points,
        "passed": one.passed,
        "left": one.left,
        "hints": one.hints,
    }
