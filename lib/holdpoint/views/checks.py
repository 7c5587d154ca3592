"""What the team's own checks answered: on the screen and as data. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from holdpoint.incident.events import CheckAnswered
from holdpoint.incident.phases import ITEMS, Phase
from holdpoint.incident.state import State
from holdpoint.journal.record import Json
from holdpoint.views.lines import BLANK, Line, Segment, Tone, labelled, line, rule, wrap

_COLOURS = {True: ("GREEN", Tone.GOOD), False: ("RED", Tone.BAD), None: ("NOT KNOWN", Tone.WARN)}
_COLUMN = 20
COMMAND = "inv incident.check"


def answered(answers: Sequence[CheckAnswered], state: State, width: int) -> list[Line]:
    """One answer below the other, and what a green one does not prove yet."""
    drawn: list[Line] = [BLANK, rule(width, text="checks")]
    for one in answers:
        word, tone = _COLOURS[one.green]
        first, *rest = wrap(f"{named(one)}{f': {one.said}' if one.said else ''}", width - _COLUMN // 2)
        drawn.append((Segment(f"{word:<9} ", tone), Segment(first)))
        drawn += [line(" " * 10 + piece) for piece in rest]
    for run in dict.fromkeys(one.run for one in answers if one.run):
        drawn += labelled("shown by", f"inv run.show {run}", width, Tone.DIM, column=_COLUMN // 2)
    early = [one.check for one in answers if one.green and one.check in _VERIFY and one.check not in state.done]
    if early:
        text = (
            "Green, and before `restored`: it proves nothing of a repair. "
            f"`inv incident.done restored --at 14:05`, then `{COMMAND}` once more"
        )
        drawn += [line(piece, Tone.WARN) for piece in wrap(text, width)]
    return drawn


_VERIFY = frozenset(item.check for item in ITEMS if item.check and item.phase is Phase.VERIFY)


def named(one: CheckAnswered) -> str:
    """A check by its name; a version by its service."""
    return f"the version of {one.service} before" if one.service else one.check


def summary(answers: Sequence[CheckAnswered]) -> str:
    """All of it in a sentence, the red ones first."""
    if not answers:
        return "Nothing was read."
    red = [f"`{named(one)}`" for one in answers if one.green is False]
    unknown = [f"`{named(one)}`" for one in answers if one.green is None]
    if red:
        return f"{', '.join(red)} {'is' if len(red) == 1 else 'are'} RED. It is on record."
    if unknown:
        return f"{', '.join(unknown)} could not be asked. It is on record."
    return f"Read and on record: {', '.join(f'`{named(one)}`' for one in answers)}."


def as_data(one: CheckAnswered) -> dict[str, Json]:
    return {"check": one.check, "service": one.service or None, "green": one.green, "said": one.said, "run": one.run}
