"""What to run next, by cause: the few commands that fit what is recorded, the best first, each with why.

Nothing here decides: a person types the command, and its gates ask. What a run found counts most, then what was
written down, then which service is hit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdpoint.document.search import Card, rank, words
from holdpoint.incident.phases import Phase
from holdpoint.incident.state import State
from holdpoint.oncall.model import WayBack

MOST = 3
"""Proposals that are made: a tired person reads no more."""
LONGEST_QUERY = 60
"""Words that are looked for; the last ones that were written come first."""
_PHASES = frozenset({Phase.INVESTIGATE, Phase.MITIGATE})
_COMPROMISE = frozenset(
    [
        "compromise",
        "compromised",
        "compromission",
        "intrusion",
        "intruder",
        "breach",
        "hacked",
        "hack",
        "stolen",
        "leaked",
        "leak",
        "attacker",
        "attack",
        "ransomware",
        "malware",
        "backdoor",
        "pirate",
        "piratage",
        "vole",
        "fuite",
        "attaque",
        "intrus",
    ]
)
_VERSION = frozenset(
    [
        "deploy",
        "deployed",
        "deployment",
        "release",
        "released",
        "upgrade",
        "upgraded",
        "update",
        "updated",
        "version",
        "regression",
        "bug",
        "rollback",
        "deploiement",
        "livraison",
        "regressions",
    ]
)
_RESUME, _FOUND, _BROKEN_INTO, _CHANGED, _WRITTEN, _WAY_BACK, _SERVICE = 1000, 600, 500, 400, 300, 150, 100
_HIT_TOO = 50
"""More for what is also of the service that is hit."""


_WHOLE, _WORTH = 60.0, 0.2
"""The score of a whole text of `matches` that was written down, and the part of it below which a text fits by chance."""


class Stands(StrEnum):
    """How a linked run stands."""

    GOES_ON = "goes on"
    LEFT = "can go on"
    OVER = "is over"


@dataclass(frozen=True, slots=True)
class Found:
    """What a linked run says: the causes it found, as text, and the runbooks that these lead to.

    `real` is false for a check, which repairs nothing; `well` says that it ended without anything left to repair.
    """

    run: str
    runbook: str
    stands: Stands
    real: bool = True
    well: bool = False
    causes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A command to type, and why; what is done by hand is noted with one."""

    command: str
    why: str
    weight: float


@dataclass(frozen=True, slots=True)
class Material:
    """What proposals are made from. `said` is what people wrote down, the latest last."""

    cards: Sequence[Card]
    found: Sequence[Found] = ()
    rollbacks: Mapping[str, WayBack] | None = None
    said: Sequence[str] = ()


def is_time(state: State) -> bool:
    """Whether proposals are of use: while it is investigated and mitigated, and the service is not back."""
    return state.is_open and state.phase in _PHASES and "restored" not in state.done


def proposals(state: State, of: Material) -> tuple[Proposal, ...]:
    """Give the few that fit best, the best first; none where it is not the time for them."""
    if not is_time(state):
        return ()
    every = [*_from_runs(of), *_by_hand_of(state, of), *_from_texts(state, of), *_ways_back(state, of)]
    best: dict[str, Proposal] = {}
    for one in sorted(every, key=lambda one: -one.weight):
        best.setdefault(one.command, one)
    named = _named(state)
    ended = [Proposal(f"{one.command}{named if _is_run(one) else ''}", one.why, one.weight) for one in best.values()]
    return tuple(ended[:MOST])


def _is_run(one: Proposal) -> bool:
    return one.command.startswith("inv runbook ")


def _named(state: State) -> str:
    """Name the incident by the end of its name."""
    return f" --incident {state.opening.incident[-4:]}"


# --- from runs --------------------------------------------------------------------------------------------------


def _from_runs(of: Material) -> Iterator[Proposal]:
    known = {card.id for card in of.cards}
    over = {one.runbook for one in of.found if one.real and one.stands is not Stands.LEFT}
    for one in of.found:
        if one.stands is Stands.LEFT and one.real:
            yield Proposal(f"inv run.resume {one.run}", f"it stopped, and can go on ({one.runbook})", _RESUME)
        if one.well:
            continue
        for cause in one.causes:
            if not one.real and one.runbook not in over:
                yield Proposal(f"inv runbook {one.runbook}", f"its check found: {cause}", _FOUND)
            for lead in one.leads:
                if lead in known and lead not in over:
                    yield Proposal(f"inv runbook {lead}", f"{one.runbook} found: {cause}", _FOUND - 1)


def _tried(of: Material) -> frozenset[str]:
    """Runbooks that ran for real: what they found, or that they found nothing, stands in the timeline."""
    return frozenset(one.runbook for one in of.found if one.real)


# --- from what was written --------------------------------------------------------------------------------------


def _texts(state: State, of: Material) -> Iterator[str]:
    """What was said of it, the most telling first: the cause, what runs found, the title, then notes from the last one."""
    for item in ("cause", "scope", "logs", "stores", "containers"):
        if item in state.done:
            yield state.done[item].say
    yield from (cause for one in of.found if not one.well for cause in one.causes)
    yield state.opening.title
    yield from reversed(of.said)


def _query(state: State, of: Material) -> str:
    return " ".join(" ".join(_texts(state, of)).split()[:LONGEST_QUERY])


def _from_texts(state: State, of: Material) -> Iterator[Proposal]:
    hit = frozenset(name.casefold() for name in state.opening.services)
    tried = _tried(of)
    cards = [card for card in of.cards if card.id not in tried]
    for one in rank(_query(state, of), cards):
        ours = hit & {name.casefold() for name in one.card.services}
        fits = min(1.0, one.score / _WHOLE)
        if fits >= _WORTH:
            why = f"what is written fits its {one.because}{f'; it is for {min(ours)}' if ours else ''}"
            yield Proposal(f"inv runbook {one.card.id}", why, _WRITTEN * fits + (_SERVICE if ours else 0))
    for card in cards:
        ours = hit & {name.casefold() for name in card.services}
        if ours:
            yield Proposal(f"inv runbook {card.id}", f"it is for {min(ours)}", _SERVICE)


def _said_of(state: State, of: Material, which: Iterable[str]) -> str:
    """A word of these that was written down; empty where none was."""
    said = words(" ".join(_texts(state, of)))
    return next((word for word in said if word in which), "")


def _by_hand_of(state: State, of: Material) -> Iterator[Proposal]:
    """Somebody got in: keep them out by hand first, then change what they may know."""
    word = _said_of(state, of, _COMPROMISE)
    if not word:
        return
    why = f"`{word}` was written down; cut it off from the network by hand, then note what was done"
    yield Proposal('inv incident.note "isolated: ..."', why, _BROKEN_INTO)
    tried = _tried(of)
    hit = frozenset(name.casefold() for name in state.opening.services)
    for index, card in enumerate(one for one in of.cards if one.id.startswith("rotate-") and one.id not in tried):
        ours = _HIT_TOO if hit & {name.casefold() for name in card.services} else 0
        yield Proposal(
            f"inv runbook {card.id}", "what an intruder may know is to be changed", _BROKEN_INTO - 90 + ours - index
        )


def _ways_back(state: State, of: Material) -> Iterator[Proposal]:
    """The version before, of the services that are hit."""
    tried = _tried(of)
    word = _said_of(state, of, _VERSION)
    for service, way in (of.rollbacks or {}).items():
        name = way.runbook or f"team-rollback-{service}"
        if service not in state.opening.services or name in tried:
            continue
        read = state.checks.get(f"version {service}")
        why = f"back to the version before{f', as `{word}` was written down' if word else ''}"
        if read is not None and read.green:
            why = f"back to {read.said}, which ran before{f'; `{word}` was written down' if word else ''}"
        elif way.before is not None:
            why += "; `inv incident.check --name version` reads which that is"
        yield Proposal(f"inv runbook {name}", why, _CHANGED if word else _WAY_BACK)
