"""Passing an incident on: the file with which people at another machine go on with it, and taking such a file in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from holdpoint.app import linked
from holdpoint.app.desk import Desk, one_line, something_left, state_of
from holdpoint.app.world import Kind, World
from holdpoint.engine.events import RunOpened
from holdpoint.incident.events import Declared, HandedOver, TakenOver, event_of
from holdpoint.incident.fold import replay
from holdpoint.incident.state import State
from holdpoint.incident.timeline import timeline
from holdpoint.journal.chain import Chain, Damaged
from holdpoint.journal.chain import read as read_chain
from holdpoint.journal.record import Record, encode
from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store import disk, handover_file
from holdpoint.store.handover_file import INCIDENTS, README, RUNS, Member
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.taking_in import Took, take_in
from holdpoint.views import incidents as view
from holdpoint.views import passing_on as passing_view

JOURNAL = "journal.jsonl"

# --- giving -----------------------------------------------------------------------------------------------------


def hand_over(world: World, file: str, to: str, incident: str | None) -> int:
    """Write an incident into a file, with the records of its runs, and record that; notes can be made here still.

    Raises `HoldpointError` where the file is there already or cannot be made. Typed again, with nothing written
    meanwhile, it makes the same file.
    """
    desk = Desk(world)
    receiver = one_line(to, "`--to`") if to.strip() else ""
    folder, path = desk.chosen(incident, something_left), Path(file)
    with handover_file.reserved(path):
        with desk.writing(folder, open_only=False) as book:
            runs, unread = linked.records_of(world, tuple(book.state.runs), folder)
            members = {f"{RUNS}/{run}/{JOURNAL}": b"".join(map(encode, of_run)) for run, of_run in runs.items()}
            _fits(members)
            files = {one: handover_file.digest(member) for one, member in members.items()}
            name = f"{INCIDENTS}/{folder.name}/{JOURNAL}"
            event = HandedOver(receiver, world.local.name, files)
            if book.state.handed != event or not isinstance(event_of(book.journal.records[-1]), HandedOver):
                _has_room(path, {**members, name: b"".join(map(encode, book.journal.records))})
                book.note(event)
            records, state = tuple(book.journal.records), book.state
        page = view.Page(desk.listed(folder, state), state, timeline(records, runs), unread)
        readme = passing_view.readme(page, path.name, desk.zone)
        journal = b"".join(map(encode, records))
        whole: dict[str, Member] = {README: readme.encode("utf-8", "replace"), **members}
        whole[name] = journal
        try:
            handover_file.write(path, whole)
        except (OSError, ValueError) as error:
            raise HoldpointError(_unwritten(error), exit_code=Exit.UNKNOWN) from error
    if world.json:
        desk.print_json({"incident": folder.name, "file": str(path), "to": receiver, "runs": list(runs)})
    else:
        desk.screen.lines(passing_view.handed(folder.name, path, receiver, unread, desk.screen.width))
    return Exit.OK


def _has_room(path: Path, members: Mapping[str, Member]) -> None:
    """Write the file as it is so far: that it was handed over is recorded only where there is room for it."""
    try:
        handover_file.write(path, members)
        os.truncate(path, 0)
    except (OSError, ValueError) as error:
        raise HoldpointError(_unwritten(error), exit_code=Exit.USAGE) from error


def _unwritten(error: Exception) -> Problem:
    why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
    return Problem("not-handed-over", f"the file could not be written: {why}", hint="make room, and type it again")


def _fits(members: Mapping[str, bytes]) -> None:
    """Refuse what the one who gets the file would have to refuse."""
    for name in members:
        if not handover_file.may_hold(name):
            raise HoldpointError(Problem("not-to-hand-over", f"`{name[:120]}` is no name for a file of it"))
    size = sum(map(len, members.values()))
    if size > handover_file.LARGEST or len(members) > handover_file.MOST // 2:
        found = f"{len(members):,} runs with {size:,} bytes"
        raise HoldpointError(Problem("not-to-hand-over", "its runs are too large for one file", found=found))


# --- taking in --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Came:
    """An incident of a file, whose chain is whole and whose records are known."""

    name: str
    chain: Chain
    state: State
    handed: HandedOver
    person: str


def take(world: World, file: str) -> int:
    """Take an incident in, with the records of its runs as evidence: nothing of them can be run from here.

    Raises `HoldpointError`: code 10 where the file was altered, 2 where it is none, or where both sides wrote since;
    then what is here stands as it was.
    """
    path = Path(file)
    desk = Desk(world.ready(Kind.REAL))
    with _unpacked(desk.world, path) as (place, names):
        came = _came(path, place, names)
        runs = _unaltered(path, place, names, came)
        folder = desk.world.state.incident(came.name)
        took, here = take_in(folder, came.chain)
        if took is Took.PARTED:
            raise HoldpointError(_parted(desk, path, came, here))
        _keep_evidence(desk.world, folder, runs)
    if took is not Took.NOTHING:
        with replace(desk, quiet=True).writing(folder, open_only=False) as book:
            if book.state.handed is not None:
                book.note(TakenOver(came.person, came.handed.machine, world.local.name))
    records, state = state_of(folder)
    read, unread = linked.records_of(desk.world, tuple(state.runs), folder)
    if world.json:
        rows = len(timeline(records, read))
        desk.print_json({"incident": came.name, "took": took.value, "records": len(records), "rows": rows})
    else:
        named = desk.named(folder.name, state)
        page = view.Page(desk.listed(folder, state), state, timeline(records, read), unread, named=named)
        desk.screen.lines(passing_view.taken(page, took, came.person, desk.screen.width, desk.zone))
    return Exit.OK


@contextmanager
def _unpacked(world: World, file: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    world.state.prepare(INCIDENTS)
    place = Path(tempfile.mkdtemp(prefix=".handover-", dir=world.state.path / INCIDENTS))
    try:
        yield place, handover_file.unpack(file, place)
    finally:
        with suppress(OSError):
            shutil.rmtree(place)


def _chain(file: Path, place: Path, name: str) -> Chain:
    """Read a journal of the file: a torn end has no place in one that was written whole."""
    chain = read_chain((place / name).read_bytes(), f"{file}: {name}")
    if isinstance(chain, Damaged):
        raise chain.error()
    if chain.torn or not chain.records:
        raise handover_file.altered(file, f"`{name}` ends in the middle of a record")
    return chain


def _came(file: Path, place: Path, names: tuple[str, ...]) -> Came:
    """Read the incident; its last record is that it was handed over."""
    own = [name for name in names if name.startswith(f"{INCIDENTS}/")]
    if len(own) != 1:
        raise _unfit(file, "it holds no incident" if not own else "it holds several incidents")
    chain = _chain(file, place, own[0])
    name = own[0].split("/")[1]
    try:
        state = replay(chain.records)
        first, last = event_of(chain.records[0]), event_of(chain.records[-1])
    except (ValueError, TypeError, AttributeError) as error:  # whoever made it chose what stands in its records
        raise _unfit(file, f"it was written by another version of Holdpoint: {error}") from error
    if not isinstance(first, Declared) or first.incident != name:
        raise handover_file.altered(file, f"the record of `{name}` is that of another incident")
    if not isinstance(last, HandedOver):
        raise handover_file.altered(file, "its last record is not that it was handed over")
    for run in state.runs:
        if not handover_file.may_hold(f"{RUNS}/{run}/{JOURNAL}"):
            raise _unfit(file, f"it holds a name that Holdpoint does not give: {run!r:.60}")
    return Came(name, chain, state, last, chain.records[-1].person)


def _unaltered(file: Path, place: Path, names: tuple[str, ...], came: Came) -> dict[str, Chain]:
    """Compare everything beside the record with what it says of it, and read the runs that belong to it."""
    beside = [name for name in names if name != README and not name.startswith(f"{INCIDENTS}/")]
    found = {name: handover_file.digest(place / name) for name in beside}
    if found != dict(came.handed.files):
        differing = sorted(set(found.items()) ^ set(came.handed.files.items()))
        raise handover_file.altered(file, f"`{differing[0][0]}` is not what the record says that it is")
    runs: dict[str, Chain] = {}
    for name in beside:
        run = name.split("/")[1]
        if name != f"{RUNS}/{run}/{JOURNAL}" or run not in came.state.runs:
            raise _unfit(file, f"`{name}` does not belong to the incident")
        runs[run] = _chain(file, place, name)
        opened = runs[run].records[0]
        if opened.kind != RunOpened.kind or opened.data.get("run") != run:
            raise handover_file.altered(file, f"the record of `{run}` is that of another run")
    return runs


def _keep_evidence(world: World, folder: IncidentFolder, runs: Mapping[str, Chain]) -> None:
    """Keep the records of runs that were made elsewhere; one that is longer here stays."""
    ours = {one.name for one in world.state.runs()}
    for run, chain in runs.items():
        kept = folder.evidence_of(run)
        data = b"".join(map(encode, chain.records))
        if run in ours or (kept.journal.exists() and len(kept.journal.read_bytes()) >= len(data)):
            continue
        kept.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.write_whole(kept.journal, data)


def _parted(desk: Desk, file: Path, came: Came, here: tuple[Record, ...]) -> Problem:
    """Say where the two parted, with both ends, and what the file holds that is not here: a person notes it."""
    common = next((n for n, (a, b) in enumerate(zip(here, came.chain.records, strict=False)) if a != b), 0)
    ends = [f"{_end(one[-1])} {where}" for where, one in (("here", here), ("in the file", came.chain.records))]
    rows = [row for row in timeline(came.chain.records, {}) if row.seq >= common]
    return Problem(
        "incident-parted",
        f"incident `{came.name}` went on in two places: they are one up to record {common - 1}, and differ from there",
        Place(str(file), 0, 0),
        found="; ".join(ends),
        hint=(
            "nothing was taken and nothing is lost. Go on with one of the two, and note there what only the other has: "
            f"{passing_view.only_there(rows, desk.zone)}"
        ),
    )


def _end(record: Record) -> str:
    return f"record {record.seq} ({record.hash[:12]}…, by {record.person}, {record.time:%Y-%m-%d %H:%M:%S} UTC)"


def _unfit(file: Path, why: str) -> HoldpointError:
    hint = "have it made anew with `incident.handover`"
    return HoldpointError(
        Problem("handover-file", f"this file cannot be taken in: {why}", Place(str(file), 0, 0), hint=hint)
    )
