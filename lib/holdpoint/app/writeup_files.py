"""Which file of the repository an incident's post-mortem is: one of its own, on record before anything is written to it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from holdpoint.app.desk import Book, Desk
from holdpoint.incident import sections
from holdpoint.incident.learning_events import PostMortemNamed
from holdpoint.incident.messages import post_mortem
from holdpoint.incident.postmortem import named, variants
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import repository_file

_PATH = re.compile(r"docs/post-mortems/[A-Za-z0-9-]+\.md")


def file_of(desk: Desk, book: Book) -> Path:
    """The file, on record from now on. Raises `HoldpointError` where the record names one that no post-mortem has."""
    if not book.state.document:
        book.note(PostMortemNamed(_free(desk, book)))
    if not _PATH.fullmatch(book.state.document):
        found = f"`{book.state.document[:200]}`"
        raise HoldpointError(Problem("document", "the record names no file of a post-mortem", found=found))
    path = desk.root / book.state.document
    if out := repository_file.leads_out(desk.root, path):
        hint = "put a folder of the repository in the place of the symbolic link"
        problem = Problem(
            "document", "the file leads out of the repository", Place(str(path), 0, 0), f"`{out}`", "", hint
        )
        raise HoldpointError(problem)
    return path


def reserve(desk: Desk, book: Book) -> None:
    """Record the name where it is not the usual one, as that is taken: so that a message can tell it. Never a failure."""
    usual = post_mortem(book.state, desk.zone)
    if usual and not book.state.document:
        with suppress(HoldpointError, OSError):
            free = _free(desk, book)
            if free != usual:
                book.note(PostMortemNamed(free))


def _free(desk: Desk, book: Book) -> str:
    """The first name that is neither another incident's nor that of a file which is not this one's post-mortem."""
    state, incident = book.state, book.state.opening.incident
    others = [one.state for one in desk.all() if one.state is not None and one.incident != incident]
    states = sorted([*others, state], key=lambda one: one.opening.incident)
    taken = {one.document for one in others}
    wanted = variants(named(states, desk.zone)[incident])
    return next(one for one in wanted if one not in taken and _is_ours(desk.root / one, incident))


def _is_ours(path: Path, incident: str) -> bool:
    """Whether a file is not there, nor a link to one that is not, or is the post-mortem of this very incident."""
    text = repository_file.read(path) if path.is_file() else None
    return not os.path.lexists(path) if text is None else sections.belongs_to(text)[0] == incident
