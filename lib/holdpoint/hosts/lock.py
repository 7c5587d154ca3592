"""The lock that stands on a target, approvals that pass through the same folder, and whether there is room for them.

Owns what the agent's answers about the lock mean. The lock is a chain of epochs, each made exclusively and never stolen
by time; taking over makes the next one. Knows nothing of how the agent is reached.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from holdpoint.engine.outcomes import Unreachable
from holdpoint.engine.ports import Acquired, Claim, HeldBy, LockAnswer, NotHeld, Returned, UnlockAnswer, Watch
from holdpoint.hosts.agent import Frame, Link, LinkFailed, LinkRefused, Place, ask
from holdpoint.journal.record import Json

REMEMBERED = frozenset({"lock", "room"})
"""Operations with which a run begins on a machine; it goes on with that one only."""
UNKNOWN = frozenset({"", "-"})
REBOOTED = "the machine was restarted since, so that run is not under way here any more"
IN_MEMORY = (
    "the target's disk has no room: lock, spools and tombstones are kept in memory; a restart of the target would lose "
    "them, and with them who holds the lock and what became of a change that was under way"
)


@dataclass(frozen=True, slots=True)
class Room:
    """There is room for lock and spools, and a reserve is set aside."""


@dataclass(frozen=True, slots=True)
class NoRoom:
    """There is none where it belongs; a folder in memory needs a person's yes."""

    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What earlier runs left on a target: a lock, steps with the state that each is in, and the kilobytes that are free."""

    held: HeldBy | None
    steps: tuple[tuple[str, str], ...]
    room: int | None


class Names:
    """Under which name of a run each machine answers, so that none is changed twice under two of them.

    A machine is known by its id and its boot: clones share an id, containers a boot. Used by any thread.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def meet(self, name: str, machine: str, boot: str) -> None:
        """Take a machine in. Raises `LinkRefused` where it was met under another name."""
        if machine in UNKNOWN or boot in UNKNOWN:
            return
        first = self._names.setdefault((machine, boot), name)
        if first != name:
            both = " and ".join(f"`{one}`" for one in sorted((first, name)))
            raise LinkRefused(f"{both} are the same machine (machine id {machine}); leave one of the two names out")


class TargetLock:
    """The lock of one target as one run sees it."""

    def __init__(self, link: Link, place: Callable[[], Place], meet: Callable[[str, str], None]) -> None:
        self._link = link
        self._place = place
        self._meet = meet
        self._uid = ""
        self.claim: Claim | None = None
        self.in_memory = False
        self._asked: set[str] = set()
        """The runs whose gates were left on the target: a rollback asks under a name of its own."""

    def prepare(self, watch: Watch | None = None) -> Room | NoRoom | Unreachable:
        """Make the folders and the reserve."""
        try:
            words = self._ask("room", [], watch)[-1].words()
        except LinkFailed as failed:
            return Unreachable(str(failed))
        match words:
            case ["room", kept, *_]:
                self._note(kept)
                return Room()
            case ["noroom", *why]:
                return NoRoom(" ".join(why))
            case _:
                return Unreachable(explain(words))

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:
        arguments = [*_names(claim), f"claim={encode(claim)}", *(["over=yes"] if take_over else [])]
        try:
            last = self._ask("lock", arguments, watch)[-1]
        except LinkFailed as failed:
            return Unreachable(str(failed))
        match last.words():
            case ["acquired", epoch, kept]:
                self.claim = claim
                self._note(kept)
                return Acquired(int(epoch))
            case ["held", epoch, lives, *_]:
                return self._held(int(epoch), lives, last.text().split(" ", 3)[-1])
            case words:
                return Unreachable(explain(words))

    def unlock(self, claim: Claim) -> UnlockAnswer:
        """Give it back; where that fails it stays held, which is safe: the next run is told who holds it."""
        try:
            asked = [f"besides={run}" for run in sorted(self._asked - {claim.run})]
            words = self._ask("unlock", [*_names(claim), *asked])[-1].words()
        except LinkFailed as failed:
            return Unreachable(str(failed))
        match words:
            case ["unlocked", "yes"]:
                return Returned()
            case ["unlocked", "no"]:
                return NotHeld()
            case _:
                return Unreachable(explain(words))

    def approve(self, run: str, digest: str, person: str) -> str:
        """Leave an approval; gives what went wrong, or nothing."""
        who = hashlib.sha256(person.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        try:
            words = self._ask(
                "approve", [f"run={run}", f"digest={digest}", f"who={who}", f"claim={json.dumps({'person': person})}"]
            )[-1].words()
        except LinkFailed as failed:
            return str(failed)
        return "" if words[:1] == ["approved"] else explain(words)

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        """Leave a gate on the target for another person to read; where that fails, they read it where the run is."""
        self._asked.add(run)
        with suppress(LinkFailed):
            self._ask("announce", [f"run={run}", f"digest={digest}", f"claim={json.dumps(dict(gate))}"])

    def withdraw(self, run: str) -> None:
        """Take away the gate that was left; where that fails, it goes with the lock."""
        with suppress(LinkFailed):
            self._ask("withdraw", [f"run={run}"])

    def gates(self, run: str) -> tuple[Mapping[str, Json], ...]:
        """Read the gates that wait there, the newest first: whoever took a run over cannot remove another account's. Whether one is what its name says is for `seal_of` to tell."""
        found = []
        for frame in self._ask("gates", [f"run={run}"]):
            if frame.kind != "gate":
                continue
            with suppress(ValueError):
                gate = json.loads(frame.text().partition(" ")[2])
                if isinstance(gate, dict):
                    found.append(gate)
        return tuple(found)

    def survey(self) -> Survey:
        frames = self._ask("survey", [])
        match frames[-1].words():
            case ["surveyed", kilobytes]:
                room = int(kilobytes) if kilobytes.isdigit() else None
            case words:
                raise LinkFailed(explain(words))
        held: HeldBy | None = None
        steps: list[tuple[str, str]] = []
        for frame in frames:
            if frame.kind == "lock":
                epoch, lives, text = frame.text().split(" ", 2)
                held = self._held(int(epoch), lives, text)
            elif frame.kind == "head":
                token, _, state = frame.words()
                steps.append((token, state))
        return Survey(held, tuple(dict.fromkeys(steps)), room)

    def approvals(self, run: str, digest: str, first: str) -> tuple[str, ...]:
        """Name who approved exactly this, apart from `first` under this very account."""
        try:
            frames = self._ask("approvals", [f"run={run}", f"digest={digest}"])
        except LinkFailed:
            return ()
        people = []
        for frame in frames:
            if frame.kind != "approval":
                continue
            uid, _, text = frame.text().partition(" ")
            try:
                person = str(json.loads(text)["person"])
            except (ValueError, KeyError, TypeError):
                continue
            if (uid, person) != (self._uid, first) and person not in people:
                people.append(person)
        return tuple(people)

    def _ask(self, operation: str, arguments: list[str], watch: Watch | None = None) -> list[Frame]:
        frames = ask(self._link, operation, [*self._place().arguments(), *arguments], watch=watch)
        for frame in frames:
            if frame.kind == "hello":
                self._uid = frame.words()[-1]
                if operation in REMEMBERED:
                    machine, boot, *_ = frame.words()
                    self._meet(machine, boot)
        return frames

    def _note(self, kept: str) -> None:
        self.in_memory = kept == "memory"

    @staticmethod
    def _held(epoch: int, lives: str, text: str) -> HeldBy:
        claim = decode(text)
        if lives == "rebooted":
            claim = replace(claim, title=f"{claim.title} ({REBOOTED})")
        return HeldBy(claim, epoch)


def _names(claim: Claim) -> list[str]:
    """Name the run, by which gates and approvals go, and the holder, by which the lock goes."""
    return [f"run={claim.run}", *([f"holder={claim.holds_as}"] if claim.holds_as else [])]


def explain(words: list[str]) -> str:
    """Turn an agent's refusal into a sentence."""
    match words:
        case ["noroom", *why]:
            return "there is no room on the target: " + " ".join(why)
        case ["busy", *_]:
            return "another operation holds the target's guard for too long"
        case ["refused", *why]:
            return "the agent refused: " + " ".join(why)
        case _:
            return "the agent's answer is not understood: " + " ".join(words)


def encode(claim: Claim) -> str:
    """Give a claim as one line of ASCII JSON."""
    since = claim.since.astimezone(UTC).isoformat(timespec="seconds")
    said = {"run": claim.run, "person": claim.person, "since": since, "title": claim.title}
    return json.dumps({**said, "holds_as": claim.holds_as} if claim.holds_as else said)


def decode(text: str) -> Claim:
    """Read a claim; what cannot be read is said to be unknown, since the lock is held all the same."""
    try:
        raw = json.loads(text)
        since = datetime.fromisoformat(raw["since"])
        return Claim(str(raw["run"]), str(raw["person"]), since, str(raw["title"]), str(raw.get("holds_as", "")))
    except (ValueError, KeyError, TypeError):
        return Claim("unknown", "unknown", datetime.fromtimestamp(0, UTC), "the lock's file cannot be read")
