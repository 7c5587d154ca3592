"""What was typed, where Invoke would take it for something else or drop it.

Invoke eats an option as a positional name, drops a repeatable option that stands bare, and hands nothing of what
stands behind `--`. So this reads the command line of the process; each check is local to one token and the next.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from holdpoint.problem import HoldpointError, Problem

VALUED = (
    *("answers", "incident", "out", "html", "to", "at", "weeks", "from_", "person"),
    *("severity", "trigger", "channel", "lang", "say", "estimate", "reason", "evidence", "undo", "message", "failed"),
    *("cause", "impact", "data_loss", "without_verify", "ruled_out"),
    *("owner", "due", "dropped", "late", "days"),
    *("file", "map_", "port", "token_from"),
)
"""Options whose value can be any text but an empty one or another option."""


def refuse(
    task: str, given: Mapping[str, object], *, named: str, lists: tuple[str, ...], rest: bool, dry: bool
) -> None:
    """Raise for everything typed that Invoke would have dropped or taken for something else.

    `given` are the task's arguments, `named` its positional one, `lists` the options that can be repeated; `rest` says
    that something takes what stands behind `--`, `dry` that a dry run was asked of a task that has none.
    """
    problems = [bare(option, task) for option in lists if _stands_bare(f"--{option}", _tokens())]
    problems += [bare(option, task, str(given[option])) for option in VALUED if _is_no_value(given.get(option))]
    if named and _is_no_value(given.get(named)):
        problems.append(_bad_name(task, named, str(given[named])))
    if _behind() and not rest:
        found = " ".join(f"`{word}`" for word in _behind())
        problems.append(Problem("extra-words", "nothing takes what stands behind `--`", found=found))
    if dry:
        hint = "`runbook NAME --dry-run` is a walk-through"
        problems.append(Problem("no-dry-run", f"`{task}` has no dry run", found="`--dry`", hint=hint))
    if problems:
        raise HoldpointError(problems)


def _is_no_value(value: object) -> bool:
    return isinstance(value, str) and (not value.strip() or value.startswith("-"))


_POSITIONALS = {
    "name": "the name of a runbook",
    "run": "the name of a run",
    "text": "a text",
    "title": "a title in quotes",
    "severity": "a severity",
    "item": "an item of the checklist",
    "action": "the id of an action item",
    "what": "a text",
    "file": "the name of a file",
}


def _bad_name(task: str, named: str, found: str) -> Problem:
    what = "the name of a drill" if task in {"drill.begin", "drill.show"} else _POSITIONALS[named]
    return Problem(
        "bad-name",
        f"`{task}` needs {what} before its options",
        found=f"`{found}`" if found.strip() else "an empty text",
        hint=f"`inv --help {task}` shows what it takes",
    )


def one_of(options: Mapping[str, bool], default: str) -> str:
    """Give the one option that is on; raises where more than one is."""
    given = [option for option, on in options.items() if on]
    if len(given) > 1:
        raise HoldpointError(Problem("both-options", f"{' and '.join(f'`{o}`' for o in given)} exclude each other"))
    return given[0] if given else default


def just_one_of(options: Mapping[str, bool]) -> str:
    """Give the one option that is on; raises where none is, or more than one."""
    if not any(options.values()):
        raise HoldpointError(
            Problem("no-option", "this needs an option", expected=" or ".join(f"`{o}`" for o in options))
        )
    return one_of(options, default="")


def answers(file: str | None) -> Mapping[str, str] | None:
    """Read a file of answers; None where none is given."""
    if file is None:
        return None
    from holdpoint.operators.answers import read  # noqa: PLC0415 - only where it is asked for

    return read(Path(file))


def rest() -> tuple[str, ...]:
    """Give what stands behind `--`."""
    return tuple(_behind())


def keep_compiled() -> None:
    """Undo Invoke's default of not keeping compiled modules: it makes every start slower, and was meant for tasks."""
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))


def _tokens() -> list[str]:
    return sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]


def _behind() -> list[str]:
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def _stands_bare(option: str, tokens: list[str]) -> bool:
    """Whether an occurrence has no value: nothing, or another option, comes next."""
    values = [token.removeprefix(f"{option}=") for token in tokens if token.startswith(f"{option}=")]
    values += [after for token, after in pairwise([*tokens, ""]) if token == option]
    return any(_is_no_value(value) for value in values)


def bare(option: str, task: str = "", value: str = "") -> Problem:
    """An option that needs a value, and has none; `_` behind it is of a word that Python keeps for itself.

    `value` is what stands in its place: another option that was swallowed, or what looks like one.
    """
    option = option.rstrip("_-").replace("_", "-")
    examples = {
        "param": "mount=/var/log",
        "host": "web1",
        "name": "disk-full",
        "answers": "answers.yaml",
        "out": "pages",
        "to": "bob",
        "at": '"14:05"',
        "from": "2026-11-01",
        "rota.to": "2026-11-30",
        "calendar.out": "oncall.ics",
        "incident.check.name": "health",
        "oncall.handoff.out": "handoff.md",
        "html": "incident.html",
        "weeks": "4",
        "person": "ada",
        "severity": "1",
        "trigger": "monitor",
        "lang": "fr",
        "message": "1",
        "data-loss": "no",
        "file": "payload.json",
        "map": "uptimerobot",
        "port": "9095",
        "token-from": "env:NAME",
        **dict.fromkeys(("channel", "say", "estimate", "reason", "evidence", "undo", "failed"), '"..."'),
        **dict.fromkeys(("cause", "impact", "without-verify", "ruled-out", "late", "dropped"), '"..."'),
        "owner": "ada",
        "due": "14d",
        "days": "90",
        "incident.breaches.out": "docs/breaches.md",
    }
    example = f"--{option} {examples.get(f'{task}.{option}') or examples.get(option, 'ID')}"
    if value.strip():
        message, found = f"`--{option}` has a value that begins like an option", f"`{value[:40]}`"
        return Problem("bare-option", message, found=found, expected=f"`{example}`")
    return Problem("bare-option", f"`--{option}` stands without a value", expected=f"`{example}`")
