"""What became of a post-mortem, for people and for programs: the file, what is still to be written, what is advised. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from holdpoint.incident.blame import Advice
from holdpoint.incident.sections import Kept
from holdpoint.incident.state import State
from holdpoint.journal.record import Json
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule, verbatim, whole, wrap
from holdpoint.views.times import full_time


@dataclass(frozen=True, slots=True)
class Told:
    """What a command made of a post-mortem. `empty` are sections that people have to write, with their lines."""

    path: str
    file: str
    state: State
    is_new: bool
    refreshed: tuple[str, ...]
    kept: tuple[Kept, ...]
    gone: tuple[str, ...]
    empty: tuple[tuple[str, int], ...]
    advice: tuple[Advice, ...]
    opened: tuple[str, ...]
    """The strategic escalations that it led to, as the last of several similar incidents."""


def postmortem(told: Told, width: int, zone: tzinfo | None) -> list[Line]:
    """The answer for people."""
    drawn = [line(piece, Tone.BOLD) for piece in wrap(_sentence(told, zone), width)]
    drawn += whole("file", told.file, width)
    for name in told.gone:
        text = f"the section `{name}` has its two marker lines no more, so it is yours, and is not brought up to date"
        drawn += labelled("yours", text, width)
    for one in told.kept:
        drawn += _offered(one, width)
    for item in told.opened:
        drawn += labelled("OPENED", f"the strategic escalation {item}: see `inv incident.review`", width, Tone.WARN)
    if told.empty:
        places = ", ".join(f"`{name}` (line {at})" if at else f"`{name}` (not there)" for name, at in told.empty)
        drawn += labelled("to write", places, width, Tone.WARN)
    drawn += _advised(told.advice, width)
    return [*drawn, *_next(told, width)]


def _sentence(told: Told, zone: tzinfo | None) -> str:
    incident, published = told.state.opening.incident, told.state.published
    if published is None:
        return f"The post-mortem of {incident} is a draft."
    when = full_time(published.happened, zone)
    if told.is_new:
        return f"The post-mortem of {incident} is published."
    return f"The post-mortem of {incident} was published {when} by {told.state.done['published'].person}."


def _offered(one: Kept, width: int) -> list[Line]:
    """A section that a person edited, with the text that the record has for it now."""
    text = f"you edited the section `{one.name}` (line {one.line}), so it stays. From the record it would be now:"
    rest = "to take that, remove all between the section's two marker lines, and type this again"
    return [*labelled("kept", text, width, Tone.WARN), *verbatim(one.newer, width), *labelled("", rest, width)]


def _advised(advice: Sequence[Advice], width: int) -> list[Line]:
    """Wording that blames. It is advice: nothing is refused for it."""
    if not advice:
        return []
    drawn: list[Line] = [BLANK, rule(width, text="wording that may sound like blame (advice only)")]
    for one in advice:
        drawn += labelled(f"line {one.line}", f"“{one.words}”: {one.why}", width)
        drawn += labelled("", f"better: {one.instead}", width, Tone.DIM)
    return drawn


def _next(told: Told, width: int) -> list[Line]:
    if told.state.published is not None:
        shown = "`inv action.list` shows its action items, which are chased until they are done"
        return [BLANK, *labelled("next", shown, width)]
    if told.state.is_open:
        return [BLANK, *labelled("next", "it can be published once the incident is resolved", width)]
    incident = told.state.opening.incident
    publish = f"`inv incident.postmortem --incident {incident} --publish`"
    return [BLANK, *labelled("next", f"write it, then {publish}" if told.empty else f"{publish} publishes it", width)]


def postmortem_data(told: Told) -> dict[str, Json]:
    """The same for programs."""
    return {
        "path": told.path,
        "file": told.file,
        "published": told.state.published is not None,
        "published_now": told.is_new,
        "refreshed": list(told.refreshed),
        "kept": [{"section": one.name, "line": one.line, "newer": one.newer} for one in told.kept],
        "gone": list(told.gone),
        "opened": list(told.opened),
        "to_write": [{"section": name, "line": at} for name, at in told.empty],
        "advice": [
            {"line": one.line, "words": one.words, "why": one.why, "instead": one.instead} for one in told.advice
        ],
    }
