"""The words that can be typed at a question, what each does, and which of them a typed text is.

What must be typed is decided by `accept`, beside the words that are shown.
"""

from __future__ import annotations

from holdpoint.engine.ports import Asked, Question
from holdpoint.problem import did_you_mean
from holdpoint.views.lines import BLANK, Line, Segment, Tone, cells, line, wrap
from holdpoint.views.places import FEW, place


def words(asked: Question, width: int) -> list[Line]:
    """Each word and what it does, then one line that says what to type."""
    return [*meanings(asked, width), *instruction(asked, width)]


def meanings(asked: Question, width: int) -> list[Line]:
    names = [(_agreeing(asked) if word.word == "run" else word.word, word.does) for word in asked.words]
    column = min(22, max((len(name) for name, _ in names), default=0)) + 4
    drawn: list[Line] = []
    for name, does in names:
        tone = Tone.BOLD
        if cells(name) > column - 4:
            drawn += [(Segment("  "), Segment(piece, tone)) for piece in wrap(name, width - 2)]
            name = ""  # noqa: PLW2901 - it stands on a line of its own
        pieces = wrap(does, width - column)
        drawn.append((Segment("  "), Segment(f"{name:<{column - 2}}", tone), Segment(pieces[0])))
        drawn += [line(" " * column + piece) for piece in pieces[1:]]
    return drawn


def instruction(asked: Question, width: int) -> list[Line]:
    if asked.kind is Asked.VALUE:
        text = "Type the answer, on one line, and Enter. Ctrl-C stops here."
        text += " It is not shown while you type." if asked.hidden else ""
    elif by_name(asked):
        names = _agreeing(asked) if len(asked.agree) <= FEW else f"all {len(asked.agree)} names, on one line,"
        text = f"Type {names} to let it happen; or {_listed(asked, but='run')}."
    else:
        text = f"Type {_listed(asked)}. Enter alone does nothing."
    return [BLANK, *(line(piece, Tone.BOLD) for piece in wrap(text, width))]


def _listed(asked: Question, but: str = "") -> str:
    *most, last = [word.word for word in asked.words if word.word != but]
    return f"{', '.join(most)} or {last}" if most else last


def prompt(asked: Question) -> str:
    """What stands before the cursor: the place, so that it is read last."""
    return f"{place(asked.targets)}> "


def by_name(asked: Question) -> bool:
    """Whether the names of the hosts take the place of `run`."""
    return bool(asked.agree) and asked.agree != ("run",)


def accept(asked: Question, text: str) -> str | None:
    """Give the word that a typed text stands for; `run` where everything was typed that agrees; None for no word."""
    if asked.kind is Asked.VALUE:
        return text or None
    known = {word.word for word in asked.words}
    if not by_name(asked):
        return text if text in known else None
    if text in known - {"run"}:
        return text
    return "run" if set(text.replace(",", " ").split()) == set(asked.agree) else None


def refusal(asked: Question, text: str) -> str:
    """Say why a typed text is no answer, and what is."""
    if asked.kind is Asked.VALUE:
        return "An empty answer is none. Nothing was answered."
    if not text:
        return "Enter alone does nothing. Nothing was agreed to."
    if by_name(asked):
        given = set(text.replace(",", " ").split())
        missing = [name for name in asked.agree if name not in given]
        if text == "run":
            return f"Here `run` does not suffice: type {_agreeing(asked)}. Nothing was agreed to."
        if given < set(asked.agree):
            return f"Still missing: {', '.join(missing)}. All names go on one line. Nothing was agreed to."
    known = [*(word.word for word in asked.words if not (by_name(asked) and word.word == "run"))]
    close = did_you_mean(text.lower(), [*known, *(asked.agree if by_name(asked) else ())])
    return " ".join(
        part for part in (f"`{text}` is none of the words.", sentence(close), "Nothing was agreed to.") if part
    )


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _agreeing(asked: Question) -> str:
    return " ".join(asked.agree) if by_name(asked) else "run"
