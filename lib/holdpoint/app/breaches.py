"""The register of data breaches: every incident with loss of data, and what the authority was told of it, and when."""

from __future__ import annotations

from pathlib import Path

from holdpoint.app.desk import Desk, one_line, some_text
from holdpoint.app.world import World
from holdpoint.incident.clocks import BREACH
from holdpoint.incident.learning_events import AuthorityTold
from holdpoint.incident.messages import lasted
from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store import repository_file
from holdpoint.store.texts import LONGEST
from holdpoint.views import breaches as view

MARK = "<!-- register of data breaches, written by `inv incident.breaches`: what is written in here by hand is lost -->"


def register(world: World, *, out: str | None, language: str | None) -> int:
    """Show the register, or write it as Markdown to a file; a record that cannot be read stands in it as such."""
    desk = Desk(world)
    speaks = desk.language(language)
    entries = view.entries(desk.all(), desk.now)
    if world.json:
        desk.print_json([view.as_data(one) for one in entries])
    elif out is None:
        desk.screen.lines(view.listing(entries, desk.screen.width, desk.zone))
    if out is not None:
        rendered = desk.texts.render("breaches.md", speaks, view.words(entries, desk.now, desk.zone), LONGEST)
        if rendered.warning:
            desk.warn(rendered.warning)
        _write(Path(out), f"{MARK}\n{rendered.text}\n")
        if not world.json:
            desk.screen.lines(view.written(out, len(entries), desk.screen.width))
    return Exit.OK


def _write(path: Path, text: str) -> None:
    """Write over nothing but an earlier register."""

    def change(old: str | None) -> str:
        if old is not None and not old.removeprefix(repository_file.MARK).startswith(MARK):
            problem = Problem("file-there", "this file is no register of breaches", Place(str(path), 0, 0))
            raise HoldpointError(problem)
        return text

    repository_file.rewrite(path, change)


def authority(world: World, what: str, *, late: str | None, at: str | None, incident: str | None) -> int:
    """Record what the authority was told, in one of several phases; after 72 hours the first one needs its reasons."""
    desk = Desk(world)
    said, happened = some_text(what, "what the authority was told"), desk.at(at)
    why = one_line(late, "the reasons") if late is not None else ""
    with desk.writing(desk.chosen(incident, lambda state: state.loses_data), open_only=False) as book:
        state = book.state
        if state.aware is None:
            hint = '`inv incident.note "what is lost" --data-loss` says that it is'
            raise HoldpointError(Problem("no-breach", f"incident `{book.folder.name}` has no loss of data", hint=hint))
        over = happened - (state.aware + BREACH)
        if over.total_seconds() > 0 and not why and state.notified is None and not any(n.late for n in state.notices):
            found = f"the 72 hours were over {lasted(over)} before"
            hint = 'add `--late "the reasons for the delay"`, which the notice has to carry as well'
            raise HoldpointError(Problem("late-notice", "a late notice needs its reasons", found=found, hint=hint))
        book.note(AuthorityTold(said, why, happened))
    text = (
        f"On record for {book.folder.name}: the authority was told. `inv incident.done authority` is the last notice."
    )
    return desk.told(book, text)
