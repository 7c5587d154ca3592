"""The banner of a status page: put up for an incident and taken down, in the file and by the command of `team.yaml`.

Both can be done again: what comes out is the same. So what is in doubt is simply done once more; but by one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from holdpoint.app.desk import Book, Desk, some_text, something_left
from holdpoint.app.sending import Settled, busy, note_again
from holdpoint.app.world import World
from holdpoint.incident.effects import Standing
from holdpoint.incident.messages import Asked, words
from holdpoint.incident.outside_events import BannerFailed, BannerSet, BannerSetting
from holdpoint.incident.state import State
from holdpoint.oncall.outside import BannerPlace
from holdpoint.outside import banner
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import repository_file
from holdpoint.store.alert_door import alone
from holdpoint.store.crash import crash_point
from holdpoint.store.state_folder import StateFolder
from holdpoint.store.texts import HTML, TEXT
from holdpoint.views import incidents as view


def put(world: World, *, up: bool, say: str, incident: str | None) -> int:
    """Put the banner up, or take it down; while another incident's banner is up, taking down leaves that one."""
    desk = Desk(world)
    said = some_text(say, "`--say`") if say.strip() else ""
    place = desk.team.outside.banner
    if place is None:
        hint = "`banner: {file: PATH}` or `banner: {run: [COMMAND]}` in `team.yaml`; else do it by hand, and `inv incident.done banner`"
        raise HoldpointError(Problem("no-banner", "`team.yaml` says nothing of a banner", hint=hint))
    folder = desk.chosen(incident, _left)
    where = StateFolder(folder.path.parent.parent, volatile=folder.volatile)
    with alone(where), desk.writing(folder, open_only=False) as book:
        known = desk.all()
        _refuse_at_once(desk, known)
        other = None if up else _other(known, folder.name)
        text = _rendered(desk, book.state, said, TEXT) if up else ""
        book.note(BannerSetting(up, said if up else "", text, ceil(place.within.total_seconds()), desk.now))
        content = _content(desk, place, book.state, said) if up else ""
    crash_point("banner:begun")
    stays = other.state if other is not None else None
    if stays is not None and stays.banner is not None:
        content = _content(desk, place, stays, stays.banner.say)
        text = stays.banner.text
    settled = _set(desk, book, place, up=up, shown=up or stays is not None, content=content, text=text)
    if other is not None:
        desk.warn(f"the banner of {other.incident} is up again in its place")
    return desk.told(book, settled.text) or settled.exit


def _left(state: State) -> bool:
    """Of a resolved incident, whether it may be the one that is meant."""
    return something_left(state) or bool(state.banner and state.banner.may_stand)


def _refuse_at_once(desk: Desk, known: Sequence[view.Listed]) -> None:
    """Raise while somebody sets it, for any incident: what the page shows last has to be what is on record last."""
    for one in known:
        banner_ = one.state.banner if one.state else None
        if banner_ is not None and banner_.effect.now(desk.now) is Standing.BEGUN:
            what = f"the banner is being {'put up' if banner_.up else 'taken down'} by {banner_.effect.person} for {one.incident}"
            raise busy(desk, what, banner_.effect)


def _other(known: Sequence[view.Listed], name: str) -> view.Listed | None:
    """Another open incident whose banner is up: there is one place for all of them."""
    up = (
        one
        for one in known
        if one.incident != name and one.state and one.state.is_open and one.state.banner and one.state.banner.up
    )
    return next(up, None)


def _content(desk: Desk, place: BannerPlace, state: State, said: str) -> str:
    """What stands in the file: HTML where its name says so."""
    suffix = HTML if Path(place.file).suffix in {HTML, ".htm"} else TEXT
    return _rendered(desk, state, said, suffix) + "\n"


def _rendered(desk: Desk, state: State, said: str, suffix: str) -> str:
    language = state.opening.language
    rendered = desk.texts.render(f"banner{suffix}", language, words(state, "banner", Asked(said), desk.now, desk.zone))
    if rendered.warning:
        desk.warn(rendered.warning)
    return rendered.text


def _set(desk: Desk, book: Book, place: BannerPlace, *, up: bool, shown: bool, content: str, text: str) -> Settled:
    """Write the file, then tell the command; what fails of the two does not keep the other from being done."""
    failed: list[str] = []
    done: list[str] = []
    if place.file:
        path = desk.root / Path(place.file).expanduser()
        out = repository_file.leads_out(desk.root, path)
        why = f"`{path}` leads out of the repository, to `{out}`; name that place in `team.yaml`" if out else ""
        why = why or banner.put(path, content)
        failed += [why] if why else []
        done += [] if why else [f"file {path}"]
    if place.run:
        hidden = desk.team.outside.secret_names
        environ = {name: value for name, value in desk.world.environ.items() if name not in hidden}
        environ |= {"HOLDPOINT_BANNER": "up" if shown else "down", "HOLDPOINT_INCIDENT": book.folder.name}
        why = banner.tell(_command(desk, place.run), environ, f"{text}\n" if text else "\n", place.within)
        failed += [why] if why else []
        done += [] if why else [f"command {place.run[0]}"]
    crash_point("banner:done")
    put_up = "up" if up else "down"
    if failed:
        why = "; ".join(failed)
        note_again(desk, book, BannerFailed(up, why, desk.now))
        again = f"`inv incident.banner --{put_up}` does it again"
        return Settled(
            f"The banner is NOT {'put up' if up else 'taken down'}: {why}. It is on record; {again}.", Exit.FAILED
        )
    note_again(desk, book, BannerSet(up, ", ".join(done), desk.now))
    return Settled(f"The banner is {put_up}: {', '.join(done)}.")


def _command(desk: Desk, run: tuple[str, ...]) -> tuple[str, ...]:
    """The command, found from the repository where it names a file there."""
    program = run[0]
    inside = "/" in program and not program.startswith("/")
    return (str(desk.root / program), *run[1:]) if inside else run
