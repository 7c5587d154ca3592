"""From the bytes of a document to a tree that fits its schema, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdpoint.document import source as sources
from holdpoint.document import yaml
from holdpoint.document.schema import misfits
from holdpoint.document.source import Lines, Source
from holdpoint.document.yaml import Map
from holdpoint.problem import HoldpointError, by_place


def fitting(source: Source, schema: Mapping[str, Any]) -> tuple[Map, Lines]:
    """Read a document; raises `HoldpointError` with everything that is no YAML, or does not fit."""
    text, lines, problems = sources.read(source)
    found, tree = list(problems), None
    if text is not None:
        tree, said = yaml.load(text, lines)
        found += said
    if tree is not None:
        found += [misfit.problem for misfit in misfits(tree, lines, schema)]
    if found or tree is None:
        raise HoldpointError(by_place(found))
    return tree, lines
