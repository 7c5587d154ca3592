"""The cards of all runbooks, from a cache where a document has not changed.

The cache is one JSON file, keyed by the digest of a document's bytes, so it is never wrong and can be deleted at any
time; where it cannot be read or written, everything still works, only slower.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from holdpoint import __version__
from holdpoint.document.search import Card
from holdpoint.problem import HoldpointError, Problem

if TYPE_CHECKING:
    from holdpoint.store.library import Library

_LISTS = frozenset({"services", "alerts", "matches", "symptoms", "texts"})
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
    used: dict[str, Card] = {}
    books: list[Shelved] = []
    problems: list[Problem] = []
    for name in library.names():
        try:
            source = library.source(name)
            digest = source.digest()
            card = known.get(digest) or _made(library, name)
        except HoldpointError as error:
            problems += error.problems
        else:
            used[digest] = card
            books.append(Shelved(card, source.name))
    if cache is not None and not used.keys() <= known.keys():
        _write(cache, {**used, **known})
    return Shelf(tuple(books), tuple(problems))


def _made(library: Library, name: str) -> Card:
    from holdpoint.document.search import card_of  # noqa: PLC0415 - only for a document that is new

    return card_of(library.load(name))


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
