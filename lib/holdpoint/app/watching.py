"""Watching an incident: a screen with all clocks that shows what others write, or lines where there is no screen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdpoint.app import linked
from holdpoint.app.desk import Desk, something_left, state_of
from holdpoint.app.world import World
from holdpoint.engine.events import GateOpened, RunFinished, RunStopped, StepEnded, StepIntended, event_of
from holdpoint.engine.state import replay
from holdpoint.incident.timeline import timeline
from holdpoint.journal.record import Record
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.live import live
from holdpoint.problem import Exit, HoldpointError
from holdpoint.store import journal_reader
from holdpoint.store.glance import Glance, glance
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.run_folder import RunFolder
from holdpoint.views import handing, incident_data
from holdpoint.views import incidents as view
from holdpoint.views import watching as screen_view
from holdpoint.views.watching import Going, Watched

LOOK = 0.25
"""Seconds between two looks at the files, and at the keys."""
AS_IT_WAS = 4
"""Looks after which everything is read again although no file changed: a run may have lost its process."""


def watch(world: World, incident: str | None, pause: Callable[[float], bool] = journal_reader.go_on) -> int:
    """Show an incident until the person leaves; where nobody looks at a screen, in lines until it is resolved.

    Gives 0, or 10 where the record cannot be believed any more when it ends.
    """
    desk = Desk(world)
    folder = desk.chosen(incident, something_left)
    desk.clocks(state_of(folder)[1])  # what is wrong with the team's settings is said before the screen is taken
    watcher = Watcher(replace(desk, quiet=True), folder)
    if desk.screen.live and world.interactive and not world.json:
        _on_screen(desk, watcher)
    else:
        _in_lines(desk, watcher, pause)
    return Exit.DAMAGED if watcher.seen is not None and watcher.seen.trouble else Exit.OK


def _on_screen(desk: Desk, watcher: Watcher) -> None:
    out, screen = desk.world.out, desk.screen
    with live(out, sys.stdin, screen) as window:
        while True:
            columns, height = window.size
            width = max(2, min(columns, screen.width)) if columns else screen.width
            window.draw(screen_view.frame(watcher.look(), desk.now, width, height or 24, desk.zone))
            if set(window.key(LOOK)) & {"q", "Q", "\x03", "\x04"}:
                return


def _in_lines(desk: Desk, watcher: Watcher, pause: Callable[[float], bool]) -> None:
    before: Watched | None = None
    with Interrupts() as interrupts:
        while True:
            after = watcher.look()
            lines = screen_view.changed(before, after, desk.now, desk.screen.width, desk.zone)
            if desk.world.json and (lines or before is None):
                _as_json(desk, after)
            elif lines:
                desk.screen.lines(lines)
            before = after
            if interrupts.take() is not None or not after.state.is_open or pause(LOOK):
                return


def _as_json(desk: Desk, of: Watched) -> None:
    runs = [{"run": one.run, "says": one.says, "goes_on": one.lasts} for one in of.runs]
    data = {**incident_data.as_data(of.page.listed, of.state), "going": runs, "trouble": of.trouble or None}
    desk.print_json({**data, "timeline": [incident_data.row_data(row) for row in of.page.rows[-1:]]})
    sys.stdout.flush()


# --- looking ----------------------------------------------------------------------------------------------------


def _gone(last: Record | None, records: Sequence[Record]) -> str:
    """Say that a record which was read once is no more there: a journal cut between two records is whole by itself."""
    if last is None or (last.seq < len(records) and records[last.seq].hash == last.hash):
        return ""
    return f"record {last.seq}, which was read from it, is not in the record any more"


@dataclass
class Watcher:
    """Looks at the record of an incident and at those of its runs, and reads them again when they changed."""

    desk: Desk
    folder: IncidentFolder
    seen: Watched | None = None
    _last: Record | None = None
    """The last record that was read."""
    _glance: Glance = ()
    _looks: int = 0

    def look(self) -> Watched:
        """Give it as it is now; clocks always, the rest where a file changed. One that was damaged stays as it was."""
        now = glance(self._files())
        self._looks += 1
        if self.seen is None or now != self._glance or self._looks >= AS_IT_WAS:
            self._looks = 0
            self.seen = self._read()
            self._glance = glance(self._files())
        listed = self.desk.listed(self.folder, self.seen.state)
        self.seen = replace(self.seen, page=replace(self.seen.page, listed=listed))
        return self.seen

    def _files(self) -> Iterator[Path]:
        yield self.folder.journal
        if self.seen is not None:
            for run in self.seen.state.runs:
                yield self.desk.world.state.run(run).journal

    def _read(self) -> Watched:
        """Read it; where it is damaged, or lost what was read from it before, it stays as it was, with the trouble."""
        try:
            records, state = state_of(self.folder)
        except (HoldpointError, OSError) as error:
            if self.seen is None:
                raise
            return replace(self.seen, trouble=str(error))
        if self.seen is not None and (gone := _gone(self._last, records)):
            return replace(self.seen, trouble=gone)
        self._last = records[-1]
        world = self.desk.world
        runs, unread = linked.records_of(world, tuple(state.runs), self.folder)
        page = view.Page(
            self.desk.listed(self.folder, state),
            state,
            timeline(records, runs),
            unread,
            self.desk.proposals(state, records),
        )
        folders = {folder.name: folder for folder in world.state.runs()} if runs else {}
        going = [_going(folders[name], of_run) for name, of_run in runs.items() if name in folders]
        going += [Going(name, f"cannot be read here: {why}", lasts=False) for name, why in unread]
        return Watched(page, tuple(going))


def _going(folder: RunFolder, records: tuple[Record, ...]) -> Going:
    """How a run stands: what it does or waits for, or how it ended."""
    end = replay(records).end
    if isinstance(end, RunFinished):
        return Going(folder.name, f"finished, exit {end.exit}: {end.why}", lasts=False)
    if not folder.is_written():
        why = f"stopped, exit {end.exit}" if isinstance(end, RunStopped) else "was cut off"
        return Going(folder.name, f"{why}; `inv run.resume` goes on with it", lasts=False)
    gate = handing.open_gate(records)
    if gate is not None:
        return Going(folder.name, f"WAITS at a gate: {gate.title}", lasts=True)
    return Going(folder.name, f"goes on: {_doing(records)}", lasts=True)


def _doing(records: tuple[Record, ...]) -> str:
    """The change that was begun and has not ended; else it reads, which leaves no record before its result."""
    titles: dict[str, str] = {}
    doing = ""
    for event in map(event_of, records):
        match event:
            case GateOpened():
                titles[event.item] = event.title
            case StepIntended():
                doing = titles.get(event.step, event.step)
            case StepEnded():
                doing = ""
            case _:
                pass
    return doing or "it reads"
