"""Hosts on the screen and as JSON: what there is, and what a look at each of them found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, assert_never

from holdpoint.document.inventory import Host, Identity
from holdpoint.engine.target import Target, Tier
from holdpoint.problem import Exit
from holdpoint.views.lines import BLANK, Line, Tone, labelled, line, rule
from holdpoint.views.tables import narrow, table
from holdpoint.views.times import size, span

HERE = "this machine"
ROOM_NEEDED = 2048
"""Kilobytes that lock, spools and their reserve want."""
_COLUMN = 12
NO_INVENTORY = (
    "There is no hosts.yaml in {folder}, so every host that `--host` names by its SSH alias counts as production. To name"
    " them, their tiers and who they must be, begin one there:"
)
BEGINNING = """\
schema: holdpoint/hosts/1
hosts:
  web1: {tier: staging, roles: [web], groups: [eu], expect: {hostname: web1}}
"""


# --- what there is ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """One host: what the inventory says of it, and the way to it as OpenSSH is configured; `wrong` where that fails."""

    target: Target
    entry: Host | None
    way: tuple[str, ...] = ()
    """`user@host:port` of each hop in the order in which they are dialled; empty for this machine."""
    wrong: str = ""


def listing(hosts: Sequence[Listed], width: int) -> list[Line]:
    """A row for each host, as its names are typed behind `--host`."""
    rows = [
        (one.target.name, one.target.tier.value, _names(one.entry), _expected(one.entry), one.wrong or way(one.way))
        for one in hosts
    ]
    return table(("host", "tier", "also as", "must be", "way"), rows, width)


def beginning(folder: str, width: int) -> list[Line]:
    """How to begin an inventory."""
    drawn = [BLANK, *labelled("", NO_INVENTORY.format(folder=folder), width, column=1)]
    return [*drawn, BLANK, *(line(f"  {one}") for one in BEGINNING.splitlines())]


def way(hops: Sequence[str]) -> str:
    """The last hop, and the jump hosts before it."""
    if not hops:
        return HERE
    *jumps, host = hops
    return f"{host} via {', '.join(jumps)}" if jumps else host


def _names(entry: Host | None) -> str:
    if entry is None:
        return ""
    return ", ".join([*(f"role:{name}" for name in entry.roles), *(f"group:{name}" for name in entry.groups)])


def _expected(entry: Host | None) -> str:
    return "" if entry is None or entry.expect is None else identity(entry.expect)


def identity(of: Identity) -> str:
    """A machine's identity, as far as it is given."""
    parts = [of.hostname or "", f"machine id {of.machine_id}" if of.machine_id else ""]
    return ", ".join(part for part in parts if part) or "unknown"


def listed_data(one: Listed) -> dict[str, Any]:
    """One host for programs."""
    entry = one.entry
    return {
        "host": one.target.name,
        "tier": one.target.tier.value,
        "here": not one.way and not one.wrong,
        "roles": list(entry.roles) if entry else [],
        "groups": list(entry.groups) if entry else [],
        "expect": identity_data(entry.expect) if entry else None,
        "way": list(one.way),
        "wrong": one.wrong or None,
    }


def identity_data(of: Identity | None) -> dict[str, str | None] | None:
    return None if of is None else {"hostname": of.hostname, "machine_id": of.machine_id}


# --- what a look at them found ----------------------------------------------------------------------------------


class Weight(StrEnum):
    """What a finding means for who wants to work on the host."""

    TOLD = "told"
    """Worth knowing; nothing is wrong."""
    LACKS = "lacks"
    """Something is missing there."""
    FAILS = "fails"
    """It cannot be worked on, or must not be."""


class State(StrEnum):
    """How a host stands, in a word or two."""

    WELL = "well"
    TOLD = "see below"
    LACKS = "lacking"
    UNREACHED = "NOT REACHED"
    KEY = "KEY REFUSED"
    WRONG = "WRONG HOST"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know of a host; `what` is a word to look for."""

    what: str
    text: str
    weight: Weight


@dataclass(frozen=True, slots=True)
class Held:
    """The lock of a host: who has it, and what is known of their run from here."""

    person: str
    run: str
    title: str
    since: str
    epoch: int
    standing: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A tool that is not found there, and the runbooks that start it. `at` is where root would find it."""

    tool: str
    runbooks: tuple[str, ...]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at one host found. Where it was not reached, most of it is not known: empty or None."""

    listed: Listed
    reached: State
    """`WELL`, or how it could not be reached."""
    findings: tuple[Finding, ...]
    seconds: float | None = None
    found: Identity | None = None
    user: str = ""
    sh: str = ""
    sudo: str = ""
    missing: tuple[Missing, ...] = ()
    room: int | None = None
    """Kilobytes that are free for spools."""
    held: Held | None = None
    spools: tuple[tuple[str, str], ...] = ()
    """Tokens and their states."""

    @property
    def state(self) -> State:
        if self.reached is not State.WELL:
            return self.reached
        if self.as_expected is False:
            return State.WRONG
        weights = {finding.weight for finding in self.findings}
        if weights & {Weight.LACKS, Weight.FAILS}:
            return State.LACKS
        return State.TOLD if weights else State.WELL

    @property
    def exit(self) -> Exit:
        weights = {finding.weight for finding in self.findings}
        if Weight.FAILS in weights:
            return Exit.UNKNOWN
        return Exit.FAILED if Weight.LACKS in weights else Exit.OK

    @property
    def as_expected(self) -> bool | None:
        """Whether it is the machine that the inventory expects; None where that was not said, or not seen."""
        entry = self.listed.entry
        if self.reached is State.WRONG:
            return False
        if entry is None or entry.expect is None or self.found is None:
            return None
        return entry.is_at(self.found)


def exit_of(hosts: Iterable[Checked]) -> Exit:
    """The exit code for all of them: what could not be reached weighs more than what is missing."""
    return max((one.exit for one in hosts), default=Exit.OK)


def results(hosts: Sequence[Checked], width: int) -> list[Line]:
    """A row for each host, then a block for each of which there is more to say, and a line that counts them."""
    drawn = narrow(
        ("host", "tier", "state", "is it", "user", "sudo -n", "free", "took"), [_row(one) for one in hosts], width
    )
    for one in hosts:
        if one.findings:
            drawn += _block(one, width)
    return [*drawn, BLANK, _count(hosts), *_unsaid(hosts, width)]


def _row(one: Checked) -> tuple[str, ...]:
    target = one.listed.target
    free = "" if one.room is None else size(one.room * 1024)
    took = "" if one.seconds is None else span(timedelta(seconds=one.seconds))
    sudo = {"works": "works", "asks for a password": "password", "not installed": "none", "": ""}.get(
        one.sudo, "refused"
    )
    return target.name, target.tier.value, one.state.value, _is_it(one), one.user, sudo, free, took


def _is_it(one: Checked) -> str:
    match one.as_expected:
        case True:
            return "yes"
        case False:
            return "NO"
        case None:
            return "" if one.found is None else "?"


def _block(one: Checked, width: int) -> list[Line]:
    target = one.listed.target
    tier = "PRODUCTION" if target.tier is Tier.PROD else target.tier.value
    drawn = [BLANK, rule(width, "─", f"{target.name}  ({tier})")]
    told = "not known" if one.listed.wrong else way(one.listed.way)
    if one.seconds is not None and one.listed.way:
        told += f", reached in {span(timedelta(seconds=one.seconds))}; its host key is known"
    drawn += labelled("way", told, width, column=_COLUMN)
    if one.found is not None and one.sh:
        drawn += labelled("machine", f"{identity(one.found)}; its sh is {one.sh}", width, column=_COLUMN)
    for finding in one.findings:
        drawn += labelled(finding.what, finding.text, width, _tone(finding.weight), column=_COLUMN)
    return drawn


def _tone(weight: Weight) -> Tone:
    match weight:
        case Weight.TOLD:
            return Tone.PLAIN
        case Weight.LACKS:
            return Tone.WARN
        case Weight.FAILS:
            return Tone.BAD
        case _:
            assert_never(weight)


def _count(hosts: Sequence[Checked]) -> Line:
    counts = {state: sum(one.state is state for one in hosts) for state in State}
    well = counts.pop(State.WELL) + counts.pop(State.TOLD)
    told = [f"{well} well", *(f"{count} {state.value}" for state, count in counts.items() if count)]
    return line(f"{len(hosts)} host{'' if len(hosts) == 1 else 's'}: {', '.join(told)}", Tone.BOLD)


def _unsaid(hosts: Sequence[Checked], width: int) -> list[Line]:
    """Name the hosts of which nobody said which machine they must be, and what to write."""
    some = [one for one in hosts if one.as_expected is None and one.found is not None and one.listed.way]
    if not some:
        return []
    names = ", ".join(one.listed.target.name for one in some)
    found = some[0].found
    parts = (("hostname", found.hostname if found else None), ("machine_id", found.machine_id if found else None))
    entry = ", ".join(f"{key}: {value}" for key, value in parts if value)
    text = (
        f"`?`: hosts.yaml does not say which machine this must be: {names}. Once you are sure of it, for "
        f"{some[0].listed.target.name}: expect: {{{entry}}}"
    )
    return labelled("", text, width, Tone.DIM, column=1)


def checked_data(one: Checked) -> dict[str, Any]:
    """One host for programs."""
    held = one.held
    return {
        **listed_data(one.listed),
        "state": one.state.value.lower(),
        "reached": one.reached is State.WELL,
        "seconds": None if one.seconds is None else round(one.seconds, 3),
        "key": _key(one),
        "found": identity_data(one.found),
        "as_expected": one.as_expected,
        "user": one.user or None,
        "sudo": one.sudo or None,
        "sh": one.sh or None,
        "missing": [
            {"tool": each.tool, "runbooks": list(each.runbooks)} | ({"at": each.at} if each.at else {})
            for each in one.missing
        ],
        "room_kb": one.room,
        "room_needed_kb": ROOM_NEEDED,
        "lock": None
        if held is None
        else {"person": held.person, "run": held.run, "title": held.title, "since": held.since, "epoch": held.epoch}
        | {"standing": held.standing},
        "left_over": [{"token": token, "state": state} for token, state in one.spools],
        "findings": [{"what": each.what, "text": each.text, "weight": each.weight.value} for each in one.findings],
        "exit": int(one.exit),
    }


def _key(one: Checked) -> str | None:
    """Whether the host's key is known; None for this machine, and where it was not seen."""
    if not one.listed.way or one.reached is State.UNREACHED:
        return None
    return "refused" if one.reached is State.KEY else "known"
