"""The team's own checks: each is a run that reads, belongs to the incident, and is the evidence for the checklist."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace

from holdpoint.app import running
from holdpoint.app.desk import Desk, something_left
from holdpoint.app.world import Kind, World
from holdpoint.app.zone import TEAM
from holdpoint.engine.events import Status, StepEnded, event_of
from holdpoint.engine.loop import Ended
from holdpoint.incident.events import CheckAnswered
from holdpoint.incident.state import State
from holdpoint.journal.record import Record
from holdpoint.oncall import documents
from holdpoint.oncall.model import CHECKS, Team
from holdpoint.problem import Exit, HoldpointError, Problem, did_you_mean
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.views import checks as view

VERSION = "version"
"""What reads which version ran before."""
LONGEST = 200
"""Characters that are kept of an answer beside its run, which has the whole of it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One run to be made: a document of the team's, where, and the check that each of its steps answers."""

    document: str
    host: str
    steps: dict[str, tuple[str, str]]
    """The name of the check, and its service, by step."""


def check(world: World, names: Sequence[str], incident: str | None) -> int:
    """Run the checks that are named, else all there are, and record what they answer.

    Gives 0 where all are green, 4 where one is red, 8 where one could not be asked, and else how a run ended that was
    stopped. Raises `HoldpointError` for a check that is not set up.
    """
    desk = Desk(world)
    folder = desk.chosen(incident, something_left)
    with desk.writing(folder, open_only=False) as book:
        state = book.state
    readings = _readings(desk.team, tuple(dict.fromkeys(names)), state)
    answers: list[CheckAnswered] = []
    written: list[Record] = []
    code: int = Exit.OK
    for one in readings:
        ended, found = _read(world, desk, one, folder)
        answers += found
        with desk.writing(folder, open_only=False) as book:  # at once: what comes after it can fail, or be killed
            for answer in found:
                book.note(answer)
            written += book.written
        code = code or (ended.exit if len(found) < len(one.steps) else Exit.OK)
        if code:
            break
    with desk.writing(folder, open_only=False) as book:
        book.written += written
    if not world.json:
        desk.screen.lines(view.answered(answers, book.state, desk.screen.width))
    desk.told(book, view.summary(answers), {"checks": [view.as_data(one) for one in answers]})
    return code or _exit(answers)


def _exit(answers: Sequence[CheckAnswered]) -> Exit:
    if any(one.green is False for one in answers):
        return Exit.FAILED
    return Exit.UNKNOWN if any(one.green is None for one in answers) else Exit.OK


# --- which ------------------------------------------------------------------------------------------------------


def _readings(team: Team, names: Sequence[str], state: State) -> list[Reading]:
    """Put checks of one host into one run."""
    known = (*CHECKS, VERSION)
    for name in names:
        if name not in known:
            expected = ", ".join(f"`{one}`" for one in known)
            hint = did_you_mean(name, known)
            raise HoldpointError(Problem("check", f"there is no check `{name[:40]}`", expected=expected, hint=hint))
        if name != VERSION and name not in team.checks:
            raise HoldpointError(_not_set_up(name))
    wanted = [one for one in CHECKS if (one in names or not names) and one in team.checks]
    if not wanted and VERSION not in names:
        raise HoldpointError(_not_set_up("health"))
    by_host: dict[str, list[str]] = {}
    for one in wanted:
        by_host.setdefault(team.checks[one].host, []).append(one)
    readings = [
        Reading(documents.checks(ones), host, {one: (one, "") for one in ones}) for host, ones in by_host.items()
    ]
    return [*readings, *(_versions(team, state) if VERSION in names else ())]


def _versions(team: Team, state: State) -> list[Reading]:
    """Those of the incident's services; of all, where it names none that has one."""
    ways = {name: way.before for name, way in team.rollbacks.items() if way.before is not None}
    if not ways:
        hint = "`inv --help incident.check`; docs/incident.md shows how `rollbacks` of team.yaml are written"
        message = f"no service of `rollbacks` in {TEAM} says how to read the version that ran before"
        raise HoldpointError(Problem("no-check", message, expected="`before: {run: ...}`", hint=hint))
    hit = [name for name in ways if name in state.opening.services] or list(ways)
    return [Reading(documents.before(name), ways[name].host, {documents.READ: (VERSION, name)}) for name in hit]


def _not_set_up(name: str) -> Problem:
    return Problem(
        "no-check",
        f"the check `{name}` is not set up",
        expected=f'in {TEAM}: `checks: {{{name}: {{run: "curl -fsS https://wiki.example.org/health", timeout: 30s}}}}`',
        hint=f"by hand it is ticked with `inv incident.done {name}`; `host: ALIAS` runs it over SSH",
    )


# --- running ----------------------------------------------------------------------------------------------------


def _read(world: World, desk: Desk, one: Reading, folder: IncidentFolder) -> tuple[Ended, list[CheckAnswered]]:
    with _for_people(world) as shown:
        hosts = [one.host] if one.host else []
        ended = running.begin(shown, one.document, {}, Kind.REAL, incident=folder.name, hosts=hosts)
    results: dict[str, StepEnded] = {}
    for record in world.state.find(ended.run).records() if ended.run else ():
        event = event_of(record)
        if isinstance(event, StepEnded):
            results[event.step] = event
    found: list[CheckAnswered] = []
    for step, (name, service) in one.steps.items():
        result = results.get(step)
        if result is None and ended.exit is not Exit.UNKNOWN:
            continue  # it was not asked: a person stopped it, or is needed
        green, said = _colour(result, ended)
        found.append(CheckAnswered(name, service, green, said[:LONGEST], ended.run, desk.now))
    return ended, found


@contextmanager
def _for_people(world: World) -> Iterator[World]:
    """A run among commands that give one document as JSON is drawn where people look."""
    if not world.json:
        yield replace(world, brief=True)
        return
    with redirect_stdout(sys.stderr):
        yield replace(world, json=False, brief=True)


def _colour(result: StepEnded | None, ended: Ended) -> tuple[bool | None, str]:
    """What an answer says; one that came to no end is red, as whoever waits for it has none."""
    if result is None:
        return None, ended.why
    lines = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    match result.status:
        case Status.OK:
            value = result.values.get(documents.VERSION)
            return True, str(value) if value is not None else last
        case Status.UNREACHABLE | Status.SKIPPED | Status.IN_DOUBT:
            return None, result.note or last
        case Status.TIMED_OUT:
            return False, f"no answer in time{f': {last}' if last else ''}"
        case Status.FAILED:
            how = f"exit {result.exit}" if result.exit is not None else result.note
            return False, f"{how}: {last}" if last else how
