"""From bytes to a runbook, or to everything that is wrong with them.

The stages are text, tree, schema, model, sense; each says all that it finds, and what can still be looked at is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdpoint.document import check, yaml
from holdpoint.document import source as sources
from holdpoint.document.build import Draft, draft
from holdpoint.document.model import Runbook
from holdpoint.document.schema import misfits
from holdpoint.document.source import Source
from holdpoint.problem import HoldpointError, Level, Place, Problem, by_place

MOST = 100
"""Problems of one document that are told; a person mends those first."""


def parse(source: Source, schema: Mapping[str, Any]) -> Runbook:
    """Read a runbook. Raises `HoldpointError` with every error in it, by line; warnings are left to `problems`."""
    found, read = examine(source, schema)
    if read is not None:
        found += check.errors(read)
    errors = [problem for problem in found if problem.level is Level.ERROR]
    if errors or read is None:
        raise HoldpointError(_told(source, errors))
    return read.runbook


def problems(source: Source, schema: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Say everything about a document, errors and warnings, by line."""
    found, read = examine(source, schema)
    if read is not None:
        found += check.errors(read)
        found += check.warnings(read)
    return _told(source, found)


def examine(source: Source, schema: Mapping[str, Any]) -> tuple[list[Problem], Draft | None]:
    """Go through the stages up to the model; the draft is None where the text cannot be parsed."""
    text, lines, said = sources.read(source)
    found = list(said)
    if text is None:
        return found, None
    tree, said = yaml.load(text, lines)
    found += said
    if tree is None:
        return found, None
    wrong = misfits(tree, lines, schema)
    found += [misfit.problem for misfit in wrong]
    read = draft(tree, lines, wrong, source.digest())
    return found + read.reader.problems, read


def _told(source: Source, found: list[Problem]) -> tuple[Problem, ...]:
    """Sort, say nothing twice, and stop at `MOST`."""
    told = tuple(dict.fromkeys(by_place(found)))
    if len(told) <= MOST:
        return told
    rest = f"{len(told) - MOST} more problems in this document"
    return (*told[:MOST], Problem("more", rest, Place(source.name, 0, 0), hint="mend those above first"))
