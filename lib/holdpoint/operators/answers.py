"""Reading a file of answers: a YAML mapping from step id to a word or a value, read as strictly as a runbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from holdpoint.document import source as sources
from holdpoint.document import yaml
from holdpoint.document.source import LARGEST, Source
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.shell import as_text


def read(path: Path) -> Mapping[str, str]:
    """Give the answers as text. Raises `HoldpointError` with everything that is wrong with the file."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise HoldpointError(
            Problem("answers-file", f"the file of answers cannot be read: {why}", _whole(path))
        ) from error
    text, lines, found = sources.read(Source(str(path), data))
    problems = list(found)
    if text is not None and not problems and not text.strip():
        return {}
    tree, said = yaml.load(text, lines) if text is not None else (None, ())
    problems += said
    answers: dict[str, str] = {}
    for key, value in (tree or {}).items():
        if isinstance(value, bool | int | float | str):
            answers[key] = as_text(value)
        else:
            at = yaml.place(lines, tree.marks[key]) if tree is not None else _whole(path)
            message = f"the answer for `{key}` is not one word or value"
            problems.append(Problem("answer-type", message, at, expected="a text, a number, or true or false"))
    if problems:
        raise HoldpointError(problems)
    return answers


def _whole(path: Path) -> Place:
    return Place(str(path), 0, 0)
