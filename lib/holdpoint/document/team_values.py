"""A team's own values, `values.yaml`: they take the place of the defaults of runbooks.

Owns the form of that document. What a run was planned with stands in its record, so a later change alters no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from holdpoint.document import values
from holdpoint.document.fitting import fitting
from holdpoint.document.model import Param, Runbook, ValueType
from holdpoint.document.source import Source
from holdpoint.document.yaml import Map, place
from holdpoint.problem import HoldpointError, Level, Place, Problem, by_place, did_you_mean
from holdpoint.shell import Plain


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where it stands."""

    value: Plain
    place: Place


@dataclass(frozen=True, slots=True)
class TeamValues:
    """The values for all runbooks, and for one each."""

    everywhere: Mapping[str, Given] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Given]] = field(default_factory=dict)

    def fill(self, runbook: Runbook) -> Runbook:
        """Give the runbook with these defaults. Raises `HoldpointError` with every value that does not fit."""
        own = self.own.get(runbook.id, {})
        known = {param.name for param in runbook.params}
        problems = [_unknown(runbook.id, name, one, known) for name, one in own.items() if name not in known]
        params = []
        for param in runbook.params:
            given = own.get(param.name) or self.everywhere.get(param.name)
            filled = param if given is None else _filled(param, given)
            params.append(param if isinstance(filled, Problem) else filled)
            problems += [filled] if isinstance(filled, Problem) else []
        if problems:
            raise HoldpointError(by_place(problems))
        return replace(runbook, params=tuple(params)) if own or self.everywhere else runbook

    def idle(self, runbooks: Mapping[str, Runbook], known: Iterable[str]) -> tuple[Problem, ...]:
        """Warn of what no runbook takes: most likely it is misspelt. `known` are the ids of all runbooks."""
        names = {param.name for book in runbooks.values() for param in book.params}
        ids = tuple(known)
        problems = [
            _idle(f"no runbook has a parameter `{name}`", one, name, names)
            for name, one in self.everywhere.items()
            if name not in names
        ]
        problems += [
            _idle(f"there is no runbook `{name}`", one, name, ids)
            for name, own in self.own.items()
            if name not in ids
            for one in list(own.values())[:1]
        ]
        return tuple(problems)


def parse(source: Source, schema: Mapping[str, Any]) -> TeamValues:
    """Read the values; raises `HoldpointError` with everything that is wrong."""
    tree, lines = fitting(source, schema)

    def given(owner: Map) -> dict[str, Given]:
        return {name: Given(cast("Plain", value), place(lines, owner.marks[name])) for name, value in owner.items()}

    books = tree.get("runbooks")
    own = {name: given(cast("Map", each)) for name, each in books.items()} if isinstance(books, Map) else {}
    everywhere = tree.get("values")
    return TeamValues(given(everywhere) if isinstance(everywhere, Map) else {}, own)


def _filled(param: Param, given: Given) -> Param | Problem:
    if param.type is ValueType.SECRET:
        message = f"parameter `{param.name}` is a secret, and a secret stands in no file"
        unseen = replace(given.place, text="")  # the line would show it
        return Problem("secret-value", message, unseen, hint="the runbook says where it comes from")
    typed = values.check(param, given.value)
    return replace(typed, place=given.place) if isinstance(typed, Problem) else replace(param, default=typed)


def _idle(message: str, given: Given, name: str, known: Iterable[str]) -> Problem:
    return Problem("idle-value", message, given.place, hint=did_you_mean(name, known), level=Level.WARNING)


def _unknown(runbook: str, name: str, given: Given, known: Iterable[str]) -> Problem:
    message = f"`{runbook}` has no parameter `{name}`"
    expected = ", ".join(f"`{one}`" for one in sorted(known))
    return Problem("unknown-param", message, given.place, expected=expected, hint=did_you_mean(name, known))
