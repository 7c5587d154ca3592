"""From a tree that fits the schema to the model.

Parts in which the schema found something wrong are left out, and remembered as `Ghosts`, so that what names them
is not called unknown as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from holdpoint.document import model, steps
from holdpoint.document.reading import Reader
from holdpoint.document.schema import Misfit, Path
from holdpoint.document.source import Lines
from holdpoint.document.yaml import Map, Seq

SECTIONS = tuple(section.value for section in model.Section)
_NO_DATE = date(1, 1, 1)


@dataclass(slots=True)
class Ghosts:
    """What parts with errors in them define and use; nothing is said about these names."""

    steps: set[str] = field(default_factory=set)
    causes: set[str] = field(default_factory=set)
    treated: set[str] = field(default_factory=set)
    any: bool = False
    """Whether something was left out, so that nothing can be called unused."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A runbook as far as it could be built; whole only where neither the schema nor the reader has a problem."""

    runbook: model.Runbook
    tree: Map
    reader: Reader
    ghosts: Ghosts
    by_place: dict[tuple[int, int], Map] = field(default_factory=dict)
    """The trees of the steps, by the places of their ids; filled when it is first asked for."""


def draft(tree: Map, lines: Lines, misfits: Iterable[Misfit], digest: str) -> Draft:
    """Build what can be built. What is wrong in values goes to `reader.problems`."""
    sound = _Sound(tree, _broken(misfits), Ghosts())
    sound.ghosts.any = bool(sound.broken)
    reader = Reader(lines, frozenset(_names(tree)))
    sections = {
        name: tuple(steps.step(reader, entry, section) for entry in sound.entries(name))
        for name, section in zip(SECTIONS, map(model.Section, SECTIONS), strict=True)
    }
    runbook = model.Runbook(
        id=sound.text("id"),
        title=sound.text("title"),
        owner=sound.text("owner"),
        severity=model.Severity(sound.text("severity", "SEV1")),
        services=sound.texts("services"),
        alerts=sound.texts("alerts"),
        matches=sound.texts("matches"),
        reviewed=_date(reader, tree) if sound.has("reviewed") else _NO_DATE,
        lock=sound.text("lock", "host"),
        params=tuple(_param(reader, *given) for given in sound.params()),
        causes=tuple(_cause(reader, entry) for entry in sound.entries("causes")),
        recovered=steps.check(reader, tree, "recovered") if sound.has("recovered") else None,
        escalation=steps.escalations(reader, tree, "escalation") if sound.has("escalation") else (),
        digest=digest,
        file=lines.name,
        **sections,
    )
    return Draft(runbook, tree, reader, sound.ghosts)


def _broken(misfits: Iterable[Misfit]) -> frozenset[Path]:
    """The parts that cannot be built: an entry of a section, a parameter, or a key at the top."""
    return frozenset(
        misfit.path[: 2 if misfit.path[:1] and misfit.path[0] in (*SECTIONS, "causes", "params") else 1]
        or (misfit.missing,)
        for misfit in misfits
    )


def _names(tree: Map) -> Iterator[str]:
    """Every name that a document gives to a value, wherever that can be seen."""
    params = tree.get("params")
    if isinstance(params, Map):
        yield from params
    for section in SECTIONS:
        entries = tree.get(section)
        for entry in entries if isinstance(entries, Seq) else ():
            register = entry.get("register") if isinstance(entry, Map) else None
            if isinstance(register, Map):
                yield from register


@dataclass(frozen=True, slots=True)
class _Sound:
    """The parts of a tree in which nothing is broken."""

    tree: Map
    broken: frozenset[Path]
    ghosts: Ghosts

    def has(self, key: str) -> bool:
        return (key,) not in self.broken and key in self.tree

    def text(self, key: str, default: str = "") -> str:
        return str(self.tree[key]) if self.has(key) else default

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", self.tree[key])) if self.has(key) else ()

    def params(self) -> Iterator[tuple[Map, str, Map]]:
        given = self.tree.get("params") if self.has("params") else None
        if isinstance(given, Map):
            for name, spec in given.items():
                if ("params", name) not in self.broken and isinstance(spec, Map):
                    yield given, name, spec

    def entries(self, key: str) -> Iterator[Map]:
        """The sound entries of a list; the others become ghosts."""
        if not self.has(key):
            return
        for number, entry in enumerate(cast("Seq", self.tree[key])):
            if isinstance(entry, Map) and (key, number) in self.broken:
                self._ghost(key, entry)
            elif isinstance(entry, Map):
                yield entry

    def _ghost(self, key: str, entry: Map) -> None:
        name, treated = entry.get("id"), entry.get("for")
        if isinstance(name, str):
            (self.ghosts.causes if key == "causes" else self.ghosts.steps).add(name)
        if isinstance(treated, list):
            self.ghosts.treated.update(cause for cause in treated if isinstance(cause, str))


def _date(reader: Reader, tree: Map) -> date:
    text = str(tree["reviewed"])
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"`reviewed` cannot be `{text}`"
        reader.say("date", message, reader.at(tree, "reviewed"), expected="a date that the calendar has")
        return _NO_DATE


def _param(reader: Reader, params: Map, name: str, spec: Map) -> model.Param:
    return model.Param(
        name=name,
        place=reader.at_key(params, name),
        **reader.rules(spec),
        default=reader.literal(spec, "default"),
        prompt=reader.text(spec, "prompt"),
        allow_dash=reader.flag(spec, "allow_dash"),
        source=_source(reader, reader.map(spec, "from")),
    )


def _source(reader: Reader, tree: Map | None) -> model.SecretSource | None:
    if tree is None:
        return None
    if "command" in tree:
        return model.FromCommand(reader.texts(tree, "command"))
    return model.FromEnv(reader.text(tree, "env")) if "env" in tree else model.FromPrompt()


def _cause(reader: Reader, entry: Map) -> model.Cause:
    return model.Cause(
        id=reader.text(entry, "id"),
        title=reader.text(entry, "title"),
        when=steps.condition(reader, reader.map(entry, "when") or Map(entry.mark)),
        evidence=reader.text(entry, "evidence"),
        place=reader.at(entry, "id"),
    )
