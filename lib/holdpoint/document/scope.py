"""Which values a draft has, where each comes from, and from where on it can be read.

Order is that of a run: parameters, symptoms, diagnostic steps, then the causes and the proof of recovery, then the
other sections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from holdpoint.document import steps
from holdpoint.document.build import SECTIONS, Draft
from holdpoint.document.model import Param, Registered, ValueType
from holdpoint.document.yaml import Map, Seq
from holdpoint.problem import did_you_mean
from holdpoint.shell import Shell

_ALWAYS = -1


@dataclass(frozen=True, slots=True)
class Scope:
    """The values of one document. `since` gives the number of the step that first registers a value."""

    params: dict[str, Param]
    registered: dict[str, Registered]
    since: dict[str, int]
    numbers: dict[str, int]
    """Where each step stands in the order of a run, by its id."""
    decided: int
    """The number of steps before the causes are decided."""

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
    return Scope(params, registered, since, numbers, decided)


def _keys(value: object) -> Iterable[str]:
    return value if isinstance(value, Map) else ()


def entries(tree: Map) -> Iterator[tuple[str, Map]]:
    """Give every entry of the sections, whether sound or not, in the order of a run."""
    for section in SECTIONS:
        listed = tree.get(section)
        for entry in listed if isinstance(listed, Seq) else ():
            if isinstance(entry, Map):
                yield section, entry


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the document in which names are read: its owner and key, and the step's number that it belongs to.

    `own` are the names that its own step registers, where the text is used only after that step.
    """

    owner: Map
    key: str
    text: str
    step: int
    own: frozenset[str] = frozenset()
    shell: Shell | None = None
    """The interpreter, for shell text; None for a text for people."""


def all_texts(draft: Draft) -> Iterator[Text]:
    """Give every text of the sound parts, scripts and texts for people alike."""
    tree = draft.tree
    names = {step.id for step in draft.runbook.steps()} - draft.ghosts.steps
    number = -1
    for number, (_, entry) in enumerate(entries(tree)):
        if entry.get("id") in names:
            yield from _step_texts(entry, number)
    decided = sum(1 for section, _ in entries(tree) if section in SECTIONS[:2])
    if draft.runbook.recovered is not None:
        yield from _scripts(tree, "recovered", decided)
    causes = tree.get("causes")
    whole = {cause.id for cause in draft.runbook.causes} - draft.ghosts.causes
    for cause in causes if isinstance(causes, Seq) else ():
        if isinstance(cause, Map) and cause.get("id") in whole:
            yield Text(cause, "evidence", str(cause["evidence"]), decided)
    if draft.runbook.escalation:
        yield from _says(tree, "escalation", number + 1)


def _step_texts(entry: Map, number: int) -> Iterator[Text]:
    own = frozenset(_keys(entry.get("register")))
    for path, text in steps.people_texts(entry).items():
        owner = entry[path[0]] if len(path) > 1 else entry
        if isinstance(owner, Map):
            yield Text(owner, path[-1], text, number, own if path[0] == "undo" else frozenset())
    if "run" in entry:
        yield Text(entry, "run", str(entry["run"]), number, shell=Shell(str(entry.get("shell", "sh"))))
    for key in ("verify", "undo"):
        yield from _scripts(entry, key, number, own)
    yield from _says(entry, "escalate", number, own)


def _scripts(owner: Map, key: str, number: int, own: frozenset[str] = frozenset()) -> Iterator[Text]:
    tree = owner.get(key)
    if isinstance(tree, Map) and "run" in tree:
        yield Text(tree, "run", str(tree["run"]), number, own, Shell(str(tree.get("shell", "sh"))))


def _says(owner: Map, key: str, number: int, own: frozenset[str] = frozenset()) -> Iterator[Text]:
    listed = owner.get(key)
    for entry in listed if isinstance(listed, Seq) else ():
        if isinstance(entry, Map):
            yield Text(entry, "say", str(entry["say"]), number, own)


def close(name: str, found: Scope) -> str:
    """Suggest a value's name, or list those there are, where they are few."""
    known = sorted(found.since)
    listed = ", ".join(f"`{one}`" for one in known)
    few = 8
    return did_you_mean(name, known) or (f"there are {listed}" if 0 < len(known) <= few else "")
