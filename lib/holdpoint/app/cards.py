"""The cards of all runbooks, from a cache where a document has not changed.

The cache is one JSON file, keyed by the digest of a document's bytes, so it is never wrong and can be deleted at any
time; where it cannot be read or written, everything still works, only slower.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from holdpoint import __version__
from holdpoint.document.search import Card
from holdpoint.problem import HoldpointError, Problem

if TYPE_CHECKING:
    from holdpoint.store.library import Library

_LISTS = frozenset({"services", "alerts", "matches", "symptoms", "texts"})
FEW = 8
"""More documents than this are read in one go."""
LARGEST = 1024 * 1024
MOST_KEPT = 4000
"""Cards that the cache holds; those of other libraries go first."""


class Shelved(NamedTuple):
    """A card, and the file that it was made from."""

    card: Card
    file: str


class Shelf(NamedTuple):
    """All that stands there; `problems` are those of the runbooks that cannot be read."""

    books: tuple[Shelved, ...]
    problems: tuple[Problem, ...]


def place(environ: Mapping[str, str]) -> Path | None:
    """Say where the cache is: in `$HOLDPOINT_STATE`, else in the user's folder for caches; None where that is not ours."""
    home = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME', '')}/.cache"
    folder = Path(environ.get("HOLDPOINT_STATE") or f"{home}/holdpoint")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return None
    ours = folder.is_absolute() and status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return folder / "cards.json" if ours else None


def shelf(library: Library, cache: Path | None) -> Shelf:
    """Look at every runbook. A runbook with errors is left out, and its errors come back."""
    known = _read(cache)
    files = {name: _file(library, name) for name in library.names()}
    digests = {name: _digest(file) for name, file in files.items()}
    valid = {name: card for name, digest in digests.items() if (card := known.get(digest)) and card.id == name}
    made, problems = _made(library, [name for name in files if name not in valid])
    cards = {**valid, **made}
    if cache is not None and made:
        _write(cache, {**{digests[name]: card for name, card in cards.items() if digests[name]}, **known})
    return Shelf(tuple(Shelved(cards[name], _shown(file)) for name, file in files.items() if name in cards), problems)


def _file(library: Library, name: str) -> Path:
    paths = [folder / f"{name}.yaml" for folder in library.folders]
    return next((path for path in paths if os.path.lexists(path)), paths[0])


def _digest(file: Path) -> str:
    """Digest a plain file; empty for whatever the library should look at with more care."""
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return ""
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _made(library: Library, names: Sequence[str]) -> tuple[dict[str, Card], tuple[Problem, ...]]:
    """Read documents and make their cards; many of them in one go."""
    if not names:
        return {}, ()
    from holdpoint.document.search import card_of  # noqa: PLC0415 - only for documents that are new

    if len(names) > FEW:
        runbooks, found = library.load_all()
        return {name: card_of(runbooks[name]) for name in names if name in runbooks}, found
    cards: dict[str, Card] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            cards[name] = card_of(library.load(name))
        except HoldpointError as error:
            problems += error.problems
    return cards, tuple(problems)


def _shown(file: Path) -> str:
    """Show a path as short as it can be written from here."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def _read(cache: Path | None) -> Mapping[str, Card]:
    if cache is None:
        return {}
    try:
        data = json.loads(cache.read_bytes())
        if data["of"] != __version__:
            return {}
        return {digest: _card(fields) for digest, fields in data["cards"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _card(fields: list[Any]) -> Card:
    """Read a card back; raises `ValueError` where it is of another shape."""
    values = [tuple(map(str, field)) if isinstance(field, list) else str(field) for field in fields]
    card = Card._make(values)
    if any(isinstance(value, tuple) is not (name in _LISTS) for name, value in card._asdict().items()):
        raise ValueError("a card of another shape")
    return card


def _write(cache: Path, cards: Mapping[str, Card]) -> None:
    kept = dict(list(cards.items())[:MOST_KEPT])
    fresh = cache.with_name(f".{cache.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            fresh.write_text(json.dumps({"of": __version__, "cards": kept}), encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(cache)
        finally:
            fresh.unlink(missing_ok=True)
