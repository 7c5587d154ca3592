"""A drill for its trainee: the page, the words, and the history of attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from holdpoint.drill.model import Drill
from holdpoint.drill.records import Attempt
from holdpoint.drill.score import HINTS
from holdpoint.problem import did_you_mean
from holdpoint.views.inert import inert
from holdpoint.views.lines import BLANK, Line, Segment, Tone, line, rule, wrap
from holdpoint.views.tables import table
from holdpoint.views.times import stopwatch

_WORDS = (
    ("help", "show these words again"),
    ("runbook", "run the runbook in the sandbox; it stops before every change"),
    ("inv TASK", "what a run in the sandbox says can be typed, such as `inv run.resume last`"),
    ("shell", "a shell in the sandbox, to work by hand; `exit` leads back"),
    ("say TEXT", "tell the team; early, often enough, and at the end"),
    ("found TEXT", "tell the team what you saw; before you change anything, it counts as evidence"),
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
    drawn += table(("parameter", "its value here"), list(values.items()), width) if values else []
    return [*drawn, BLANK]


def killed(name: str) -> str:
    return f"\nIt was ended by a signal ({name}). What a run was doing: `inv run.show last`; `inv run.resume last` goes on."


def causes(stated: str, known: Mapping[str, str], width: int) -> list[Line]:
    """Refuse what is no cause, with those that can be stated."""
    text = f"NOT noted: `{stated}` is no cause. Type one of:" if stated else "diagnose what? Type one of:"
    drawn = [line(piece, Tone.BOLD) for piece in wrap(inert(text), width)]
    return [*drawn, *meanings(known, width)]


def meanings(known: Mapping[str, str], width: int) -> list[Line]:
    return table(("type", "which means"), [(f"diagnose {name}", means) for name, means in known.items()], width)


def diagnosed(was: str, *, late: bool) -> str:
    if late:
        return "Noted; but something was changed before, so it gives no points."
    return f"Noted. It replaces `{was}`." if was else "Noted."


def kept(*, late: bool) -> str:
    if late:
        return "The team was told. Something was changed before, so it is no evidence of how it was."
    return "Kept as evidence, and the team was told."


def hint(text: str, given: int, width: int) -> list[Line]:
    return [line(piece) for piece in wrap(f"{text.strip()}  (-{HINTS[given]} points)", width)]


def not_done(seen: str, width: int) -> list[Line]:
    drawn = [line("Not yet.", Tone.WARN)]
    return drawn + [line(piece) for text in seen.splitlines() for piece in wrap(inert(text), width)]


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
        rows.append((name, points, stopwatch(timedelta(seconds=best.seconds)), str(best.hints), *tries))
    drawn = table(("drill", "your best", "took", "hints", "tries", "left", "last"), rows, width)
    return [*drawn, BLANK, line("inv drill.show NAME shows the last debrief of a drill again.", Tone.DIM)]


def attempt_data(one: Attempt) -> dict[str, Any]:
    return {
        "attempt": one.name,
        "drill": one.drill,
        "time": one.time.isoformat(),
        "seconds": round(one.seconds, 1),
        "points": one.points,
        "passed": one.passed,
        "left": one.left,
        "hints": one.hints,
    }
