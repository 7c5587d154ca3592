"""From the bytes of a drill's document to a `Drill`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

from holdpoint.document.fitting import fitting
from holdpoint.document.reading import Reader
from holdpoint.document.source import Source
from holdpoint.document.yaml import Map
from holdpoint.drill.model import Drill, Leaves, Trap
from holdpoint.problem import HoldpointError, by_place, did_you_mean
from holdpoint.shell import Plain

MINUTES = 30


def parse(source: Source, schema: Mapping[str, Any], name: str, runbooks: Collection[str] | None = None) -> Drill:
    """Read a drill that lies in a file of this name. Raises `HoldpointError` with everything that is wrong.

    `runbooks` are those that there are, where that is to be looked at.
    """
    tree, lines = fitting(source, schema)
    reader = Reader(lines, frozenset())
    _consistent(reader, tree, name)
    if runbooks is not None and (wanted := reader.text(tree, "runbook")) not in runbooks:
        hint = did_you_mean(wanted, runbooks) or "`inv runbook.list` shows those there are"
        reader.say("unknown-runbook", f"there is no runbook `{wanted}`", reader.at(tree, "runbook"), hint=hint)
    if reader.problems:
        raise HoldpointError(by_place(reader.problems))
    return _drill(reader, tree, source.digest())


def _consistent(reader: Reader, tree: Map, name: str) -> None:
    """Say what a schema cannot see."""
    if reader.text(tree, "id") != name:
        reader.say("drill-id", "the id is not the name of the file", reader.at(tree, "id"), expected=f"`{name}`")
    truth = cast("Map", tree["truth"])
    if reader.flag(truth, "fault") != ("break" in tree):
        at = reader.at(truth, "fault")
        reader.say("drill-fault", "there is a fault exactly where there is a `break`", at)
    if reader.texts(truth, "causes") and not reader.flag(truth, "fault"):
        reader.say("drill-fault", "where nothing is wrong there is no cause", reader.at(truth, "causes"))
    seen: set[str] = set()
    for trap in reader.maps(tree, "traps"):
        own = reader.text(trap, "id")
        if own in seen:
            reader.say("duplicate-id", f"there are two traps `{own}`", reader.at(trap, "id"))
        seen.add(own)
        if reader.text(trap, "leaves") == Leaves.UNSAFE and "safe" not in tree:
            hint = "give the drill a script `safe` that sees what was touched"
            reader.say("drill-safe", "nothing would refuse this trap", reader.at(trap, "leaves"), hint=hint)


def _drill(reader: Reader, tree: Map, digest: str) -> Drill:
    needs, truth = reader.map(tree, "needs"), cast("Map", tree["truth"])
    text = partial(reader.text, tree)
    return Drill(
        id=text("id"),
        title=text("title"),
        runbook=text("runbook"),
        level=reader.whole(tree, "level", 1),
        teaches=text("teaches"),
        page=text("page"),
        within=timedelta(minutes=reader.whole(tree, "minutes", MINUTES)),
        programs=cast("Mapping[str, str]", needs.get("programs", {}) if needs is not None else {}),
        room=reader.whole(needs, "room", 0) if needs is not None else 0,
        mounts=needs is not None and reader.flag(needs, "mounts"),
        root=needs is not None and reader.flag(needs, "root"),
        uses=reader.texts(tree, "uses"),
        values=cast("Mapping[str, Plain]", tree.get("values", {})),
        make=text("make"),
        breaks=text("break"),
        check=text("check"),
        kept=text("kept"),
        safe=text("safe"),
        restart=text("restart"),
        heal=text("heal"),
        answers=cast("Mapping[str, Plain]", tree.get("answers", {})),
        fault=reader.flag(truth, "fault"),
        causes=frozenset(reader.texts(truth, "causes")),
        traps=tuple(_traps(reader, tree)),
        hints=reader.texts(tree, "hints"),
        expert=text("expert"),
        digest=digest,
    )


def _traps(reader: Reader, tree: Map) -> Iterator[Trap]:
    for trap in reader.maps(tree, "traps"):
        read = reader.text
        leaves = Leaves(read(trap, "leaves"))
        yield Trap(
            read(trap, "id"), read(trap, "title"), read(trap, "run"), leaves, read(trap, "why"), read(trap, "seen")
        )
