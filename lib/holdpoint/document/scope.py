"""Which values a draft has, where each comes from, and from where on it can be read.

Order is that of a run: parameters, symptoms, diagnostic steps, then the causes and the proof of recovery, then the
other sections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from holdpoint.document import steps
from holdpoint.document.build import SECTIONS, Draft
from holdpoint.document.model import Param, Registered, Step, ValueType
from holdpoint.document.yaml import Map, Seq, place, span
from holdpoint.problem import Place, did_you_mean
from holdpoint.shell import Shell

_ALWAYS = -1
_BETWEEN = 0.5


@dataclass(frozen=True, slots=True)
class Scope:
    """The values of one document. `since` gives the number of the step that first registers a value."""

    params: dict[str, Param]
    registered: dict[str, Registered]
    since: dict[str, int]
    numbers: dict[str, int]
    """Where each step stands in the order of a run, by its id."""
    decided: float
    """Where causes and `recovered` stand in that order: between two steps."""

    def type(self, name: str) -> ValueType | None:
        """Give a value's type; None where it is not known or its definition is broken."""
        found = self.params.get(name) or self.registered.get(name)
        return found.type if found else None


def scope(draft: Draft) -> Scope:
    """Collect the values of a draft."""
    params = {param.name: param for param in draft.runbook.params}
    registered: dict[str, Registered] = {}
    for step in draft.runbook.steps():
        for value in step.register:
            registered.setdefault(value.name, value)
    since = dict.fromkeys(_keys(draft.tree.get("params")), _ALWAYS)
    numbers: dict[str, int] = {}
    decided = 0
    for number, (section, entry) in enumerate(entries(draft.tree)):
        numbers.setdefault(str(entry.get("id")), number)
        decided += section in SECTIONS[:2]
        for name in _keys(entry.get("register")):
            since.setdefault(name, number)
    return Scope(params, registered, since, numbers, decided - _BETWEEN)


def _keys(value: object) -> Iterable[str]:
    return value if isinstance(value, Map) else ()


def entries(tree: Map) -> Iterator[tuple[str, Map]]:
    """Give every entry of the sections, whether sound or not, in the order of a run."""
    for section in SECTIONS:
        listed = tree.get(section)
        for entry in listed if isinstance(listed, Seq) else ():
            if isinstance(entry, Map):
                yield section, entry


def entry_of(draft: Draft, step: Step) -> Map | None:
    """Find the tree of a step again, to point into it."""
    if not draft.by_place:
        draft.by_place.update({span(e.marks["id"])[:2]: e for _, e in entries(draft.tree) if "id" in e.marks})
    return draft.by_place.get((step.place.line - 1, step.place.column - 1))


def at_key(draft: Draft, step: Step, key: str, item: int | None = None) -> Place:
    """Point at the value of a step's key, or at one item of its list."""
    entry = entry_of(draft, step)
    if entry is None or key not in entry:
        return step.place
    listed = entry[key]
    if item is not None and isinstance(listed, Seq):
        return place(draft.reader.lines, listed.marks[item])
    return draft.reader.at(entry, key)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the document in which names are read: its owner and key, and the step's number that it belongs to.

    `own` are the names that its own step registers, where the text is used only after that step.
    """

    owner: Map
    key: str
    text: str
    step: float
    own: frozenset[str] = frozenset()
    shell: Shell | None = None
    """The interpreter, for shell text; None for a text for people."""


_NONE: frozenset[str] = frozenset()


def all_texts(draft: Draft) -> Iterator[Text]:
    """Give every text of the document, scripts and texts for people alike, of its broken parts too."""
    tree = draft.tree
    number = -1
    decided = -_BETWEEN
    for number, (section, entry) in enumerate(entries(tree)):
        decided += section in SECTIONS[:2]
        yield from _step_texts(entry, number)
    yield from _scripts(tree, "recovered", decided)
    causes = tree.get("causes")
    for cause in causes if isinstance(causes, Seq) else ():
        if isinstance(cause, Map):
            yield from _text(cause, "evidence", decided)
    yield from _says(tree, "escalation", number + 1)


def _step_texts(entry: Map, number: float) -> Iterator[Text]:
    own = frozenset(_keys(entry.get("register")))
    for path in steps.people_texts(entry):
        owner = entry[path[0]] if len(path) > 1 else entry
        if isinstance(owner, Map):
            yield from _text(owner, path[-1], number, own if path[0] == "undo" else _NONE)
    if "run" in entry:
        yield from _text(entry, "run", number, shell=_shell(entry))
    for key in ("verify", "undo"):
        if key in entry:
            yield from _scripts(entry, key, number, own)
    if "escalate" in entry:
        yield from _says(entry, "escalate", number, own)


def _text(
    owner: Map, key: str, number: float, own: frozenset[str] = _NONE, shell: Shell | None = None
) -> Iterator[Text]:
    text = owner.get(key)
    if isinstance(text, str):
        yield Text(owner, key, text, number, own, shell)


def _shell(owner: Map) -> Shell:
    return Shell.BASH if owner.get("shell") == "bash" else Shell.SH


def _scripts(owner: Map, key: str, number: float, own: frozenset[str] = _NONE) -> Iterator[Text]:
    tree = owner.get(key)
    if isinstance(tree, Map):
        yield from _text(tree, "run", number, own, _shell(tree))


def _says(owner: Map, key: str, number: float, own: frozenset[str] = _NONE) -> Iterator[Text]:
    listed = owner.get(key)
    for entry in listed if isinstance(listed, Seq) else ():
        if isinstance(entry, Map):
            yield from _text(entry, "say", number, own)


def close(name: str, found: Scope) -> str:
    """Suggest a value's name, or list those there are, where they are few."""
    known = sorted(found.since)
    listed = ", ".join(f"`{one}`" for one in known)
    few = 8
    if not known:
        return "the document has no parameters and registers nothing"
    return did_you_mean(name, known) or (f"there are {listed}" if len(known) <= few else "")
