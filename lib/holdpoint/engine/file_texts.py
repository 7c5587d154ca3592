"""What `show` prints of a file that is put: the file, what differs from the one that stands there, and the whole script."""

from __future__ import annotations

import base64
import difflib

from holdpoint.engine.facts import Facts
from holdpoint.planning.plan import FileRun, StepItem
from holdpoint.shell import Blob, is_bytes

LINES = 2000
"""Above it, two files are not compared line by line: that could take a minute."""
_CONTROLS = frozenset(range(32)) - {9, 10, 13}

Shown = tuple[tuple[str, str], ...]


def file_texts(facts: Facts, item: StepItem, host: str) -> Shown:
    """Give titles and texts; none for a command that was not made from a file step."""
    action = item.step.action
    if not isinstance(action, FileRun):
        return ()
    new = next((value.data for _, value in action.given if isinstance(value, Blob)), None)
    old = _old(facts, item, host)
    shows = [] if new is None or old is None else [("what differs", _difference(facts, old, new))]
    shows += [] if new is None else [("the file", _text(facts, new))]
    shows += [] if old is None or new is not None else [("the file that is put back", _text(facts, old))]
    return (*shows, ("the whole script", f"{_variables(action)}{action.script}"))


def _old(facts: Facts, item: StepItem, host: str) -> bytes | None:
    """The bytes that stand at the place, as they were registered; None where that is not known."""
    name = next((name for name in sorted(item.step.reads) if is_bytes(name)), "")
    value = facts.value(item.scope, host, name) if name else None
    return base64.b64decode(value) if isinstance(value, str) else None


def _text(facts: Facts, data: bytes) -> str:
    lines = _lines(facts, data)
    return lines if isinstance(lines, str) else "\n".join(lines) or "(it is empty)"


def _difference(facts: Facts, old: bytes, new: bytes) -> str:
    if old == new:
        return "the same bytes"
    before, after = _lines(facts, old), _lines(facts, new)
    if isinstance(before, str) or isinstance(after, str):
        return "cannot be shown line by line: one of the two is no text to show"
    if max(len(before), len(after)) > LINES:
        return f"more than {LINES} lines are not compared"
    found = difflib.unified_diff(before, after, "as it stands there", "as it will be", lineterm="")
    return "\n".join(found) or "only the newline at the end differs"


def _lines(facts: Facts, data: bytes) -> list[str] | str:
    """The lines of a text, or why they are not shown."""
    if any(secret.reveal().encode() in data for secret in facts.plan.secrets()):
        return "(it holds a secret of this run, so it is not shown)"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if _CONTROLS & set(data) or "\0" in text:
        return f"({len(data)} bytes that are no text)"
    return text.removesuffix("\n").split("\n") if text else []


def _variables(action: FileRun) -> str:
    return "".join(f"# {name}: {value}\n" for name, value in action.given)
