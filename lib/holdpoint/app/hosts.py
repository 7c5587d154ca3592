"""The use cases of hosts: list what there is, check whether they can be worked on. Neither leaves anything anywhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app import machines
from holdpoint.app.repository import repository
from holdpoint.document.commands import Need, needs
from holdpoint.document.model import Runbook, Use, Where
from holdpoint.engine.ports import HeldBy, Standing, T, Unwatched, Watch
from holdpoint.hosts.agent import KeyRefused, LinkFailed, WrongMachine
from holdpoint.hosts.crew import ThreadCrew
from holdpoint.hosts.lock import Survey
from holdpoint.hosts.look import SUDO_WORKS, Seen, look
from holdpoint.hosts.machine import AgentMachine
from holdpoint.views import hosts as view
from holdpoint.views.console import Screen, print_json
from holdpoint.views.hosts import Checked, Finding, Held, Listed, State, Weight
from holdpoint.views.times import full_time, size

if TYPE_CHECKING:
    from holdpoint.app.world import World

AT_ONCE = 32
"""Hosts that are looked at at once: so many dead ones, each waited for, delay no other."""
NO_RUN = "host-check"
"""In the place of a run's folder, which is not made."""
_STATES: Mapping[str, str] = {
    "running": "runs still",
    "orphan": "was cut off, and something of it lives still",
    "claimed": "was sent, and not seen to start",
    "lost": "was ended from outside; how is not known",
    "rebooted": "was cut off by a restart of the machine",
    "elsewhere": "was started on another machine, whose disk this is a copy of",
    "done": "ended; nobody has fetched its end",
    "theirs": "belongs to another account",
}


# --- list -------------------------------------------------------------------------------------------------------


def list_all(world: World) -> int:
    """Every host of the inventory and this machine, with the way to each; nothing is connected to."""
    names = list(dict.fromkeys([*([world.local.name]), *(host.name for host in world.fleet.hosts)]))
    listed = _all_at_once([partial(_listed, world, name) for name in names])
    if world.json:
        print_json([view.listed_data(one) for one in listed])
        return 0
    screen = _screen(world)
    screen.lines(view.listing(listed, screen.width))
    if not world.fleet.hosts:
        screen.lines(view.beginning(str(repository(Path.cwd())), screen.width))
    return 0


def _listed(world: World, name: str, _watch: Watch) -> Listed:
    from holdpoint.hosts.ssh.config import resolve  # noqa: PLC0415 - this machine needs no SSH

    return _with_way(world, name, lambda: resolve(name, environ=world.environ).way())


def _with_way(world: World, name: str, ask: Callable[[], tuple[str, ...]]) -> Listed:
    """What is known of a host without looking at it; `ask` tells the way to it."""
    listed = Listed(world.fleet.target(name), world.fleet.entry(name))
    if name == world.local.name:
        return listed
    try:
        return replace(listed, way=ask())
    except LinkFailed as failed:
        return replace(listed, wrong=str(failed))


# --- check ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the runbooks of the library want of a host."""

    needs: Mapping[str, frozenset[str]]
    """The runbooks that start each program."""
    raised: Mapping[str, frozenset[str]]
    """The same of what they start as another user."""
    become: bool


def check(world: World, hosts: Sequence[str] = ()) -> int:
    """Look at hosts, all of the inventory where none are named: 0 all well, 8 one not reached or wrong, 4 one lacks something."""
    names = world.fleet.select(hosts) if hosts else tuple(host.name for host in world.fleet.hosts)
    names = names or (world.local.name,)
    books, problems = world.library.load_all()
    if problems:
        sys.stderr.write("Some runbooks cannot be read, and what they need was not looked for: inv runbook.lint\n")
    counted = _counted(books, world.library.own())
    wanted = {here: _wanted(counted, here=here) for here in (False, True)}
    targets = [world.fleet.target(name) for name in names]
    waiting = _Waiting(_screen(world), names, world.prompt_secret)
    each = machines.each(
        world, world.state.run(NO_RUN).path, targets, changes=False, prompt=waiting.asks if world.interactive else None
    )
    jobs = [  # each closes its own machine, so that a person who leaves early waits for none of them
        partial(_checked, world, machine, wanted[name == world.local.name])
        for name, machine in zip(names, each, strict=True)
    ]
    checked = _all_at_once(jobs, waiting.hears)
    if world.json:
        print_json([view.checked_data(one) for one in checked])
    else:
        screen = _screen(world)
        screen.lines(view.results(checked, screen.width))
    return view.exit_of(checked)


def _counted(books: Mapping[str, Runbook], own: Iterable[str]) -> list[Runbook]:
    """Where a repository has runbooks of its own, give those and what they use; else all."""
    found: dict[str, Runbook] = {}
    left = [name for name in own if name in books]
    while left:
        name = left.pop()
        found[name] = books[name]
        left += [
            step.action.runbook
            for step in books[name].steps()
            if isinstance(step.action, Use) and step.action.runbook in books.keys() - found.keys()
        ]
    return list((found or books).values())


def _wanted(books: Iterable[Runbook], *, here: bool) -> _Wanted:
    """Gather what runbooks start; on the person's own machine also what is not meant for the targets."""
    told = list(books)
    found = {need for book in told for need in needs(book)}
    found |= {need for book in told for need in needs(book, Where.LOCAL)} if here else set()
    become = any(step.become is not None for book in told for step in book.steps())
    return _Wanted(_by_program(found, raised=False), _by_program(found, raised=True), become)


def _by_program(found: Iterable[Need], *, raised: bool) -> dict[str, frozenset[str]]:
    by: dict[str, frozenset[str]] = {}
    for need in found:
        if need.raised is raised:
            by[need.program] = by.get(need.program, frozenset()) | {need.runbook}
    return by


def _checked(world: World, machine: AgentMachine, wanted: _Wanted, watch: Watch) -> Checked:
    """Look at one host; whatever it does is told and never raised."""
    listed = _with_way(world, machine.target.name, machine.way)
    if listed.wrong:
        return _unreached(listed, State.UNREACHED, listed.wrong)
    began = time.monotonic()
    try:
        machine.connect()
        seconds = time.monotonic() - began
        seen = look(machine, wanted.needs, wanted.raised, watch)
        if isinstance(seen, str):
            return _unreached(listed, State.UNREACHED, seen)
        return _judged(world, Checked(listed, State.WELL, (), seconds), seen, _survey(machine), wanted)
    except WrongMachine as failed:
        return replace(_unreached(listed, State.WRONG, str(failed)), found=failed.found)
    except KeyRefused as failed:
        return _unreached(listed, State.KEY, str(failed))
    except LinkFailed as failed:
        return _unreached(listed, State.UNREACHED, str(failed))
    finally:
        machine.close()


def _unreached(listed: Listed, state: State, why: str) -> Checked:
    return Checked(listed, state, (Finding(state.value, why, Weight.FAILS),))


def _survey(machine: AgentMachine) -> Survey | str:
    try:
        return machine.survey()
    except (WrongMachine, KeyRefused):
        raise
    except LinkFailed as failed:
        return str(failed)


def _judged(world: World, one: Checked, seen: Seen, survey: Survey | str, wanted: _Wanted) -> Checked:
    lacking = [(tool, wanted.needs[tool]) for tool in sorted(seen.missing & wanted.needs.keys())]
    lacking += [(tool, wanted.raised[tool]) for tool in sorted(seen.missing_raised & wanted.raised.keys())]
    missing: dict[str, frozenset[str]] = {}
    for tool, books in lacking:
        missing[tool] = missing.get(tool, frozenset()) | books
    judged = replace(
        one,
        found=seen.identity,
        user=seen.user,
        sh=seen.sh,
        sudo=seen.sudo,
        missing=tuple(
            view.Missing(tool, tuple(sorted(books)), dict(seen.beyond).get(tool, ""))
            for tool, books in sorted(missing.items())
        ),
    )
    findings = [*_lacks(judged, wanted), *_foreign(seen.foreign)]
    if isinstance(survey, str):
        return replace(judged, findings=(*findings, Finding("agent", survey, Weight.LACKS)))
    held = _held(world, survey.held)
    spools = _left(seen, survey)
    judged = replace(judged, room=survey.room, held=held, spools=spools)
    findings += [*_no_room(survey.room), *_lock(world, judged), *(_spool(world, *spool) for spool in spools)]
    return replace(judged, findings=tuple(findings))


def _lacks(one: Checked, wanted: _Wanted) -> Iterable[Finding]:
    if one.as_expected is False and one.listed.entry is not None and one.listed.entry.expect is not None:
        expected = view.identity(one.listed.entry.expect)
        yield Finding(State.WRONG, f"hosts.yaml expects {expected}; this is another machine", Weight.FAILS)
    absent = "; ".join(f"{each.tool} ({', '.join(each.runbooks)})" for each in one.missing if not each.at)
    if absent:
        yield Finding("missing", f"{absent}: these runbooks start what is not installed there", Weight.LACKS)
    beyond = [each for each in one.missing if each.at]
    if beyond:
        tools = "; ".join(f"{each.tool} at {each.at} ({', '.join(each.runbooks)})" for each in beyond)
        folders = ":".join(dict.fromkeys(each.at.rpartition("/")[0] for each in beyond))
        why = f"installed, but `{one.user}` does not find it: add {folders} to its PATH, or log in as root"
        yield Finding("missing", f"{tools}: {why}", Weight.LACKS)
    if one.sudo != SUDO_WORKS and wanted.become:
        hint = "allow it with NOPASSWD in sudoers, or log in as the user that the runbooks become"
        yield Finding("sudo -n", f"{one.sudo}, and runbooks have `become`: {hint}", Weight.LACKS)


def _foreign(folders: tuple[str, ...]) -> Iterable[Finding]:
    if folders:
        text = "belongs to another ordinary user, who could undo any lock in it, so no change of yours starts there"
        yield Finding("shared", f"{folders[0]} {text}; as root: chown root {' '.join(folders)}", Weight.LACKS)


def _no_room(room: int | None) -> Iterable[Finding]:
    if room is None:
        yield Finding("room", "how much is free for lock and spools is not known: `df` gave no answer", Weight.TOLD)
    elif room < view.ROOM_NEEDED:
        free, needed = size(room * 1024), size(view.ROOM_NEEDED * 1024)
        text = (
            f"{free} are free for lock and spools, {needed} are wanted; a change there would ask to use memory instead"
        )
        yield Finding("room", text, Weight.LACKS)


def _held(world: World, held: HeldBy | None) -> Held | None:
    if held is None:
        return None
    claim = held.claim
    since = f"{claim.since:%Y-%m-%dT%H:%M:%SZ}"
    return Held(claim.person, claim.run, claim.title, since, held.epoch, world.state.standing(claim.run).value)


def _lock(world: World, one: Checked) -> Iterable[Finding]:
    held = one.held
    if held is None:
        return
    since = full_time(datetime.fromisoformat(held.since), world.zone)
    text = f"held by {held.person} since {since}, run {held.run} ({held.title})"
    over = world.state.standing(held.run) is Standing.OVER
    match world.state.standing(held.run):
        case Standing.GOES_ON:
            text += f": a process of this machine goes on with it; `inv run.follow {held.run}` shows it"
        case Standing.LEFT:
            text += f": no process goes on with it; `inv run.resume {held.run}` takes it up, and gives the lock back when it ends"
        case Standing.OVER:
            text += (
                ": that run is over and could not give it back; begin your own run there, it stops at the lock, then"
                " `inv run.resume last --take-over`"
            )
        case Standing.UNKNOWN:
            text += f": it is not recorded here, so talk to {held.person}; only they know whether somebody works in it"
    yield Finding("lock", text, Weight.LACKS if over else Weight.TOLD)


def _left(seen: Seen, survey: Survey) -> tuple[tuple[str, str], ...]:
    """What lies or lives there of executions; a tombstone, which every finished change leaves, is no left-over."""
    states = dict(survey.steps)
    left = {token: states.get(token, "claimed") for token in seen.spools}
    left |= {token: states.get(token, "theirs") for token in seen.others}
    left |= {token: state for token, state in states.items() if state not in {"done", "tombstone"}}
    return tuple(sorted(left.items()))


def _spool(world: World, token: str, state: str) -> Finding:
    run = token.rpartition(".")[0] or token
    text = f"{token}: {_STATES.get(state, state)}"
    match world.state.standing(run):
        case Standing.LEFT:
            text += f"; `inv run.resume {run}` finds out what became of it"
        case Standing.GOES_ON:
            text += "; a process of this machine goes on with its run"
        case Standing.OVER:
            text += "; its run is over"
        case Standing.UNKNOWN:
            text += "; its run is not recorded here: whoever began it resumes it"
    return Finding("left over", text, Weight.TOLD)


# --- parts ------------------------------------------------------------------------------------------------------


def _all_at_once(jobs: Sequence[Callable[[Watch], T]], told: Callable[[set[int]], None] | None = None) -> list[T]:
    """Do jobs at once, and give their answers in the order of the jobs; `told` hears which are done."""
    answers: dict[int, T] = {}
    if told is not None:
        told(set())
    for number, answer in ThreadCrew(AT_ONCE).carry_out(jobs, Unwatched()):
        answers[number] = answer
        if told is not None:
            told(set(answers))
    return [answers[number] for number in range(len(jobs))]


class _Waiting:
    """Says on a live screen who is waited for; not while a person is asked for a pass-phrase, which takes its place."""

    def __init__(self, screen: Screen, names: Sequence[str], ask: Callable[[str], str] | None) -> None:
        self._screen = screen
        self._names = names
        self._ask = ask
        self._asked = threading.Lock()

    def hears(self, done: set[int]) -> None:
        if not self._asked.acquire(blocking=False):
            return
        try:
            self._tell(done)
        finally:
            self._asked.release()

    def asks(self, text: str) -> str:
        with self._asked:
            self._screen.clear()
            return self._ask(text) if self._ask is not None else ""

    def _tell(self, done: set[int]) -> None:
        if len(done) == len(self._names):
            self._screen.clear()
            return
        rest = ", ".join(name for number, name in enumerate(self._names) if number not in done)
        self._screen.progress(f"{len(done)} of {len(self._names)}; waiting for {rest}")


def _screen(world: World) -> Screen:
    return Screen(world.out, plain=world.plain, environ=world.environ)
