"""An incident that is passed on to another machine: what both people see, and the page in the file itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

from holdpoint.incident.timeline import Row
from holdpoint.views import incidents as view
from holdpoint.views.lines import BLANK, Line, Tone, as_text, labelled, line
from holdpoint.views.times import full_time

WIDTH = 80
_SHOWN = 20
"""Rows that a message tells of."""


def handed(name: str, file: Path, to: str, unread: Sequence[tuple[str, str]], width: int) -> list[Line]:
    drawn = labelled("file", f"{file}  (no secrets are in it)", width, Tone.BOLD)
    drawn += labelled("to", to, width) if to else []
    drawn += labelled("there", f"inv incident.take {file.name}", width, Tone.BOLD)
    text = (
        f"{name} can be read as before. Leave the writing to them: where both write, the two records cannot be put "
        "together. They hand it back the same way"
    )
    drawn += labelled("here", text, width)
    for run, why in unread:
        drawn += labelled("WITHOUT", f"the record of run {run}: {why}", width, Tone.WARN)
    return drawn


def taken(page: view.Page, took: str, person: str, width: int, zone: tzinfo | None) -> list[Line]:
    text = {
        "new": f"Taken in, as {person} had it.",
        "longer": f"Taken in: what {person} wrote since is here now.",
    }.get(took, "Nothing is new in this file: all of it is here already.")
    drawn = view.page(page, width, zone)
    return [*drawn, BLANK, line(text, Tone.BOLD)]


def readme(page: view.Page, file: str, zone: tzinfo | None) -> str:
    """The whole incident as plain text, with what the next person does."""
    lines = [
        line("An incident that was handed over by Holdpoint. This page is for reading; nothing is read from it."),
        *labelled("type", f"inv incident.take {file}", WIDTH, Tone.BOLD),
        *view.page(page, WIDTH, zone),
    ]
    return "".join(f"{as_text(one).rstrip()}\n" for one in lines)


def only_there(rows: Sequence[Row], zone: tzinfo | None) -> str:
    """Name what a record holds, in one line."""
    told = [f"{full_time(row.happened, zone)} {row.person}: {row.mark}, {row.text}" for row in rows[:_SHOWN]]
    more = f" | and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return " | ".join(told) + more
