"""A question, drawn for a person who is tired: where, what, why, what then, and which words can be typed.

Pure: a `Question` and a width in, lines out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TypeVar

from holdpoint.document.model import Effect
from holdpoint.engine.facts import executed_as
from holdpoint.engine.ports import Asked, Question
from holdpoint.engine.questions import SHOW
from holdpoint.views.answering import instruction, meanings, sentence, words
from holdpoint.views.inert import inert
from holdpoint.views.lines import (
    BLANK,
    LABEL,
    Line,
    Segment,
    Tone,
    as_text,
    assigned,
    cells,
    labelled,
    line,
    listed,
    verbatim,
    wrap,
)
from holdpoint.views.places import FEW, banner
from holdpoint.views.times import clock_time, span

_HEADS = {
    Asked.OPENING: "BEFORE ANYTHING",
    Asked.GATE: "HOLD",
    Asked.PROCEED: "HOLD",
    Asked.MANUAL: "YOUR TURN",
    Asked.VALUE: "QUESTION",
    Asked.DOUBT: "HOLD",
}
_PROMPTS = {
    Asked.OPENING: "note",
    Asked.GATE: "note",
    Asked.PROCEED: "note",
    Asked.MANUAL: "do this",
    Asked.VALUE: "question",
    Asked.DOUBT: "first",
}
_EFFECTS = {
    Effect.READ: ("READ", "it looks, and changes nothing", Tone.GOOD),
    Effect.CHANGE: ("CHANGE", "it changes something", Tone.WARN),
    Effect.DESTROY: ("DESTROY", "what it removes does not come back", Tone.BAD),
}
_VERDICT = re.compile(r": (found|ruled out|not known): ")
_VERDICTS = {
    "found": ("FOUND", Tone.BOLD),
    "ruled out": ("ruled out", Tone.DIM),
    "not known": ("not known", Tone.WARN),
}
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a question is drawn. `run` is named in what the second person types."""

    width: int
    run: str
    now: datetime
    zone: tzinfo | None = None
    asks: bool = True
    """Whether somebody can answer; a walk-through shows the words, and not how to type them."""
    height: int = 0
    """Lines of the screen; of a question that is longer, what it is stands once more above the words. 0: no end."""


def question(asked: Question, setting: Setting) -> list[Line]:
    """The whole question; the prompt follows it."""
    drawn, foot = _body(asked, setting), _foot(asked, setting)
    if _is_longer(drawn, foot, setting):
        drawn += _once_more(asked, setting, len(drawn), len(foot))
    return [*drawn, *foot]


def _body(asked: Question, setting: Setting) -> list[Line]:
    width = setting.width
    drawn = [BLANK, *banner(asked.targets, width), *_head(asked, width)]
    drawn += _effect(asked, width)
    drawn += _why(asked, width)
    drawn += _prompt(asked, width)
    drawn += labelled("batch", asked.batch, width) if asked.batch else []
    drawn += _commands(asked, width)
    drawn += _values(asked, width)
    drawn += _evidence(asked, width)
    drawn += _afterwards(asked, width)
    return [*drawn, *_people(asked, setting)]


def _foot(asked: Question, setting: Setting) -> list[Line]:
    foot = [BLANK, *meanings(asked, setting.width)] if asked.words else []
    return [*foot, *(instruction(asked, setting.width) if setting.asks else [])]


def _is_longer(body: list[Line], foot: list[Line], setting: Setting) -> bool:
    return 0 < setting.height <= len(body) + len(foot)


def _once_more(asked: Question, setting: Setting, above: int, below: int) -> list[Line]:
    """Say again what it is, what it would destroy, what it wants and how its command begins, as far as there is room."""
    width = setting.width
    drawn = [BLANK, *banner(asked.targets, width), *_head(asked, width), *_brief_effect(asked, width)]
    how = "`show` reads them, a screen at a time" if _can_show(asked, setting) else "scroll up, and read them first"
    said = [line(one, Tone.DIM) for one in wrap(f"{above} lines above say all of it{_counted(asked)}: {how}.", width)]
    room = setting.height - len(drawn) - below - len(said) - 1
    most = _chosen(asked, room, width)
    for part in (_prompt(asked, width), _commands(asked, width), _why(asked, width)):
        most += _begins(part, room - len(most), width)
    return [*drawn, *most, *said]


def _can_show(asked: Question, setting: Setting) -> bool:
    return setting.asks and SHOW in asked.words


def _counted(asked: Question) -> str:
    """How long the command is, where that is more than one sees at a glance."""
    longest = max((len(text.splitlines()) for _, text in asked.commands), default=0)
    return f", and the command has {longest} lines" if longest > FEW else ""


def _begins(drawn: list[Line], room: int, width: int) -> list[Line]:
    """How a part begins, in so many lines; none where not even a few fit."""
    if len(drawn) <= room:
        return drawn
    if room < FEW:
        return []
    return [*drawn[: room - 1], *labelled("", f"and {len(drawn) - room + 1} more lines, above", width, Tone.WARN)]


def again(asked: Question, width: int) -> list[Line]:
    """The short form, for a question that stands on the screen above."""
    return [
        BLANK,
        *banner(asked.targets, width),
        *_head(asked, width),
        *_brief_effect(asked, width),
        *(labelled("question", asked.prompt, width, Tone.BOLD) if asked.kind is Asked.VALUE else []),
        *(labelled("not taken", sentence(asked.problem), width, Tone.WARN) if asked.problem else []),
        *([BLANK] if asked.words else []),
        *words(asked, width),
    ]


def reading(asked: Question, setting: Setting) -> list[Line]:
    """What the word `show` prints: every text whole, unaltered but for control characters, without a frame.

    Of a question that is longer than the screen, all of it comes before them.
    """
    parts = [f"--- {inert(title)}\n{inert(text.rstrip())}" for title, text in asked.show if text.strip()]
    texts = "\n\n".join(parts) or "There is nothing more to show than what stands above."
    body, foot = _body(asked, setting), _foot(asked, setting)
    before = [*body, BLANK] if _is_longer(body, foot, setting) else []
    return [*before, *(line(one) for one in texts.split("\n"))]


# --- what -------------------------------------------------------------------------------------------------------


def _head(asked: Question, width: int) -> list[Line]:
    head = _HEADS[asked.kind]
    drawn = labelled(head, asked.title, width, Tone.BOLD, column=max(11, len(head) + 2))
    own = asked.kind in (Asked.GATE, Asked.MANUAL, Asked.VALUE, Asked.DOUBT)
    note = f"  ({asked.key})"
    if own and cells(as_text(drawn[-1]) + note) <= width:
        drawn[-1] = (*drawn[-1], Segment(note, Tone.DIM))
    elif own:
        drawn += labelled("", note.strip(), width, Tone.DIM)
    return drawn


def _effect(asked: Question, width: int) -> list[Line]:
    said_by_document = asked.kind is not Asked.MANUAL or asked.effect is not Effect.READ
    if asked.kind in (Asked.VALUE, Asked.PROCEED) or not said_by_document:
        return []
    name, means, tone = _EFFECTS[asked.effect]
    first = (Segment(f"{'effect':<11}", Tone.DIM), Segment(name, tone), Segment(f"  {means}"))
    return [first, *(labelled("", asked.reverts, width, Tone.BOLD) if asked.reverts else [])]


def _why(asked: Question, width: int) -> list[Line]:
    return labelled("why", asked.why, width) if asked.why else []


def _prompt(asked: Question, width: int) -> list[Line]:
    """What the person is told to do, or to mind."""
    return labelled(_PROMPTS[asked.kind], asked.prompt, width, Tone.BOLD) if asked.prompt else []


def _brief_effect(asked: Question, width: int) -> list[Line]:
    """The effect, and how the way back begins: it may be a long script."""
    name, *back = _effect(asked, width) or [BLANK]
    return [name, *_begins(back, FEW, width)] if name else []


def _commands(asked: Question, width: int) -> list[Line]:
    drawn: list[Line] = []
    for text, hosts in _grouped((text, host) for host, text in asked.commands if text.strip()):
        label = "it was" if asked.kind is Asked.DOUBT else "command"
        where = executed_as(f"on {', '.join(hosts)}", asked.become)
        drawn += [*labelled(label, where, width), *verbatim(text, width)]
    return drawn


def _values(asked: Question, width: int) -> list[Line]:
    return _assigned(asked.values, len(asked.targets), "values", width)


def _assigned(values: Iterable[tuple[str, str, str]], every: int, title: str, width: int) -> list[Line]:
    """Values beside a label, each with the hosts that have it where these are not all."""
    drawn = list[Line]()
    for (name, value), hosts in _grouped(((name, value), host) for host, name, value in values):
        where = "" if len(hosts) == every else f"  ({', '.join(hosts)})"
        label = "" if drawn else title
        if "\n" in value.strip():  # a table keeps its columns
            drawn += [*labelled(label, f"{name} ={where}", width), *verbatim(value, width)]
        else:
            drawn += labelled(label, f"{assigned(name, value)}{where}", width)
    return drawn


def _chosen(asked: Question, room: int, width: int) -> list[Line]:
    """What would be destroyed, once more where it is agreed to; of many lines those that there is room for."""
    drawn = _assigned(asked.chosen, len(asked.targets), "destroys", width)
    most = max(FEW, room)
    if len(drawn) <= most:
        return drawn
    return [*drawn[: most - 1], *labelled("", f"and {len(drawn) - most + 1} more lines, above", width, Tone.WARN)]


def _evidence(asked: Question, width: int) -> list[Line]:
    """Found causes stand out, ruled out ones step back; the words say it as well."""
    drawn: list[Line] = []
    for index, text in enumerate(asked.evidence):
        verdict = _VERDICT.search(text)
        label = "" if index else "evidence"
        if verdict is None:
            drawn += labelled(label, text, width)
            continue
        word, tone = _VERDICTS[verdict[1]]
        said = f"{text[: verdict.start()]}: {text[verdict.end() :]}".removesuffix(": ")
        first, *rest = labelled("", said, width, tone, column=LABEL + 11)
        drawn.append((Segment(f"{label:<{LABEL}}", Tone.DIM), Segment(f"{word:<11}", tone), *first[1:]))
        drawn += rest
    return drawn


def _afterwards(asked: Question, width: int) -> list[Line]:
    drawn: list[Line] = []
    if asked.proof:
        doubt = asked.kind is Asked.DOUBT
        label, said = ("its check", "green where it was done:") if doubt else ("afterwards", "this must be green:")
        drawn += [*labelled(label, said, width), *verbatim(asked.proof, width)]
    if asked.remains:
        drawn += listed("if stopped", asked.remains, width)
    if asked.attempts > 1:
        drawn += labelled("attempts", f"up to {asked.attempts}: your word covers all of them", width)
    return drawn


def _people(asked: Question, setting: Setting) -> list[Line]:
    drawn: list[Line] = []
    if asked.approvers > 1:
        count = "a second person" if asked.approvers == 2 else f"{asked.approvers - 1} more people"  # noqa: PLR2004
        text = f"{asked.approvers} must agree: after your word, {count} must type in a terminal of their own:"
        drawn += labelled("people", text, setting.width)
        drawn += labelled("", f"inv run.approve {setting.run}", setting.width, Tone.BOLD)
        there = f"from another account or machine: --host {asked.targets[0].name} with it"
        drawn += labelled("", there, setting.width, Tone.DIM)
    if asked.expires is not None:
        left = asked.expires - setting.now
        at = clock_time(asked.expires, setting.zone)
        text = f"at {at}, in {span(left)}; then it is refused" if left.total_seconds() > 0 else f"at {at}: it is over"
        drawn += labelled("expires", text, setting.width)
    return drawn


def _grouped(pairs: Iterable[tuple[K, str]]) -> list[tuple[K, list[str]]]:
    """Group hosts by what is equal, in the order in which it came."""
    groups: dict[K, list[str]] = {}
    for same, host in pairs:
        groups.setdefault(same, []).append(host)
    return list(groups.items())
