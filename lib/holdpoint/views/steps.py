"""What a step is, in words: one phrase for each kind of action, for every view of a runbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from holdpoint.document.duration import show
from holdpoint.document.model import (
    Action,
    All,
    Any,
    Ask,
    Compare,
    Condition,
    Fetch,
    Manual,
    Not,
    Notify,
    Put,
    Run,
    Step,
    Todo,
    Use,
    ValueRef,
    Wait,
    Where,
)
from holdpoint.engine.facts import executed_as
from holdpoint.shell import Plain, as_text


@dataclass(frozen=True, slots=True)
class Deed:
    """What a step does: a phrase, and a text that is shown as it is (`code` says whether it is a command)."""

    phrase: str
    text: str = ""
    code: bool = False


def deed(action: Action, become: str | None = None) -> Deed:
    """Say what an action does, and as whom a command of it is executed."""
    match action:
        case Run(script=script, shell=shell):
            return Deed(executed_as(f"Runs ({shell})", become), script.rstrip("\n"), code=True)
        case Manual(text):
            return Deed("A person does it", text)
        case Ask(text):
            return Deed("A person is asked", text)
        case Wait(duration):
            return Deed(f"Waits {show(duration)}")
        case Use(runbook=name, args=args):
            given = ", ".join(f"{arg.name} = {operand(arg.value)}" for arg in args)
            return Deed(f"Uses the runbook {name}" + (f" with {given}" if given else ""))
        case Notify(to, say):
            return Deed(f"Tells {to}", say)
        case Put(source=source, to=to, mode=mode):
            return Deed(executed_as(f"Puts the file {source} to {to}" + (f", mode {mode}" if mode else ""), become))
        case Fetch(source=source, name=name):
            return Deed(executed_as(f"Fetches the file {source} as {name}", become))
        case Todo(owner, due):
            return Deed(f"An action for {owner}, due in {show(due)}")
        case _:
            assert_never(action)


def operand(value: Plain | ValueRef) -> str:
    """A value in text; one that would not be seen, or could be taken for several words, stands in quotes."""
    if isinstance(value, ValueRef):
        return value.name
    text = as_text(value)
    return f'"{text}"' if not text or text != text.strip() or (" " in text and isinstance(value, str)) else text


CONDITION = "only when"
"""The label of a step's condition, which is no prose."""
_OPS = {
    "eq": "is",
    "ne": "is not",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "contains": "contains",
    "matches": "matches",
}


def condition(of: Condition) -> str:
    """A condition in one line."""
    match of:
        case Compare(value=value, op=op, than=than):
            return f"{value} {_OPS[op]} {operand(than)}"
        case All(conditions):
            return "(" + " and ".join(condition(one) for one in conditions) + ")"
        case Any(conditions):
            return "(" + " or ".join(condition(one) for one in conditions) + ")"
        case Not(inner):
            inside = condition(inner)
            return f"not {inside}" if inside.startswith("(") else f"not ({inside})"
        case _:
            assert_never(of)


def details(step: Step) -> list[tuple[str, str]]:
    """What else is worth knowing of a step: labels and texts, only where they say something."""
    found = [
        ("why", step.why),
        ("only for", ", ".join(step.causes)),
        (CONDITION, condition(step.when) if step.when else ""),
        ("where", "on the machine of the person" if step.where is Where.LOCAL else ""),
        ("gives", ", ".join(one.name for one in step.register)),
        ("cannot be taken back", step.irreversible or ""),
        ("retries", _retry(step)),
        ("on failure", f"{step.on_failure}{f' {step.goto}' if step.goto else ''}" if step.on_failure != "stop" else ""),
        ("approvers", str(step.gate.approvers) if step.gate.approvers > 1 else ""),
    ]
    return [(label, text) for label, text in found if text]


def _retry(step: Step) -> str:
    return f"{step.retry.max}, {show(step.retry.backoff)} apart and doubling" if step.retry else ""
