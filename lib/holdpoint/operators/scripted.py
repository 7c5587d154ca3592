"""Answers from a file: a word for a gate, a value for a question, by step id. What it does not name, nobody answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from holdpoint.document import values
from holdpoint.document.model import Ask, Effect, Manual
from holdpoint.engine.asked import FOR_PEOPLE, Answer, Asked, By, Question, Silence
from holdpoint.engine.facts import is_changing
from holdpoint.engine.next import OPENING, PROCEED
from holdpoint.engine.ports import Watch
from holdpoint.engine.target import Target
from holdpoint.journal.record import Record
from holdpoint.operators.drawing import Drawing
from holdpoint.planning.plan import Mode, Plan, StepItem
from holdpoint.problem import HoldpointError, Problem, did_you_mean

_WHOLE = ("run", "stop")
_GATE = ("run", "skip", "stop", "rollback")
_MANUAL = ("done", "failed", "skip", "stop", "rollback")
_DOUBT = ("happened", "again")


class ScriptedOperator:
    """Answers from a mapping of step ids. `check_answers` finds beforehand what can be; a run never breaks off for one."""

    def __init__(self, answers: Mapping[str, str], person: str, drawing: Drawing) -> None:
        self.person = person
        self._answers = answers
        self._drawing = drawing

    def ask(self, question: Question, until: datetime | None) -> Answer | Silence:
        """Show the question and give the file's answer; `NOT_IN_FILE` where it has none that fits this question."""
        del until
        self._drawing.show(question)
        text = self._answers.get(question.key)
        if text is None:
            return Silence.NOT_IN_FILE
        if question.kind is not Asked.VALUE:
            words = {word.word for word in question.words} - FOR_PEOPLE
            if text not in words:
                return Silence.NOT_IN_FILE
        return Answer(text, self.person, By.SCRIPT)

    def tell(self, record: Record) -> None:
        self._drawing.tell(record)

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> Watch:
        return self._drawing.watch(key, targets, effect)


def check_answers(answers: Mapping[str, str], plan: Plan) -> None:
    """Look at every answer before anything runs; raises `HoldpointError` with all that no question can take."""
    steps = {item.key: item for item in plan.items if isinstance(item, StepItem)}
    problems = []
    for key, text in answers.items():
        if key in (OPENING, PROCEED):
            problems += [_unfit(key, text, _WHOLE)] if text not in _WHOLE else []
        elif key not in steps:
            if key in _elsewhere(plan):
                continue
            hint = did_you_mean(key, steps)
            known = [OPENING, PROCEED, *(one.key for one in steps.values() if _asks(one))]
            message = f"the file of answers names `{key}`, which is no step of `{plan.runbook.id}`"
            problems.append(Problem("unknown-answer", message, expected=_few(known), hint=hint))
        else:
            problem = _check(steps[key], text, plan.mode)
            problems += [problem] if problem else []
    if problems:
        raise HoldpointError(problems)


def _asks(item: StepItem) -> bool:
    return is_changing(item) or isinstance(item.step.action, Ask | Manual)


def _few(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more: `--dry-run` shows every question"


def _elsewhere(plan: Plan) -> frozenset[str]:
    """Steps that only a rollback of this plan, or what it takes back, has: one file may answer both."""
    ids = [step.id for scope in plan.scopes.values() for step in scope.runbook.steps()]
    prefixes = tuple(plan.scopes)
    return frozenset(f"{prefix}{undo}{one}" for prefix in prefixes for undo in ("", "undo-") for one in ids)


def _check(item: StepItem, text: str, mode: Mode) -> Problem | None:
    words: tuple[str, ...]
    match item.step.action:
        case Ask():
            checked = values.check(item.step.register[0], text)
            return checked if isinstance(checked, Problem) else None
        case Manual():
            words = _MANUAL
        case _ if is_changing(item):
            words = (*_GATE, *_DOUBT)
        case _:
            message = f"the file of answers names `{item.key}`, a step that asks nothing"
            return Problem("needless-answer", message, hint="leave it out of the file")
    if mode is Mode.ROLLBACK:
        words = tuple(word for word in words if word != "rollback")
    return None if text in words else _unfit(item.key, text, words)


def _unfit(key: str, text: str, words: tuple[str, ...]) -> Problem:
    message = f"`{text}` is no answer to `{key}`"
    expected = ", ".join(f"`{word}`" for word in words)
    return Problem("unfit-answer", message, found=f"`{text}`", expected=expected, hint=did_you_mean(text, words))
