"""A machine whose changes go through the agent, wherever it stands: what this machine and a remote one have in common.

Owns how lock, steps and room belong together for one run. Knows nothing of how the agent is reached, which is a `Link`,
or how a step that only reads is executed, which is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from holdpoint.engine.outcomes import Outcome, Unreachable
from holdpoint.engine.ports import Claim, Command, LockAnswer, Ticket, UnlockAnswer, Watch
from holdpoint.engine.target import Target
from holdpoint.hosts.agent import Link, Place
from holdpoint.hosts.lock import IN_MEMORY, Names, NoRoom, Room, Survey, TargetLock
from holdpoint.hosts.steps import Steps
from holdpoint.journal.record import Json

Read = Callable[[Command, Watch], Outcome]
"""Executes a command plainly; nothing of it lives on afterwards."""
Agree = Callable[[str], None]
"""Is told why the disk has no room; returns after a person's yes to a folder in memory, or raises."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run works on a target.

    `memory_allowed` is a person's yes to a folder in memory where the disk has no room. With `agree`, the first lock looks
    for room and asks for that yes; before that nothing is made, so reading leaves nothing. `names` is shared by all targets
    of a run.
    """

    target_folder: Path | None = None
    memory_folder: Path | None = None
    memory_allowed: bool = False
    spool_limit: int | None = None
    agree: Agree | None = None
    names: Names = field(default_factory=Names)


@dataclass(frozen=True, slots=True)
class Whom:
    """Which machine a target is, for one run."""

    steps: Steps
    names: Names
    name: str

    @property
    def machine(self) -> str:
        return self.steps.machine

    def meet(self, machine: str, boot: str) -> None:
        """Take in which machine answers. Raises `LinkRefused` for another one, or one that has two names."""
        self.steps.meet(machine)
        self.names.meet(self.name, machine, boot)


class AgentMachine:
    """One target, for one run. `run_folder` is named like the run and gets the output under `out/`."""

    def __init__(self, target: Target, run_folder: Path, terms: Terms, *, link: Link, read: Read) -> None:
        self.memory_allowed = terms.memory_allowed
        self._target = target
        self._terms = terms
        self._read = read
        self._agree = terms.agree
        self._steps = Steps(link, run_folder, target.name, self._place, self._holder)
        self.whom = Whom(self._steps, terms.names, target.name)
        self._lock = TargetLock(link, self._place, self.whom.meet)

    @property
    def target(self) -> Target:
        return self._target

    @property
    def memory_used(self) -> str:
        """Say that memory is used and what a restart would lose; empty where the disk is used."""
        return IN_MEMORY if self._lock.in_memory else ""

    def prepare(self) -> Room | NoRoom | Unreachable:
        """Make the shared folder, this user's own and its reserve; to be called before the first change."""
        return self._lock.prepare()

    def read(self, command: Command, watch: Watch) -> Outcome:
        return self._read(command, watch)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self._steps.change(command, ticket, watch)

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self._steps.settle(command, ticket, watch)

    def bury(self, ticket: Ticket) -> bool:
        return self._steps.bury(ticket)

    def forget(self, ticket: Ticket) -> bool:
        return self._steps.forget(ticket)

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:
        if (
            self._agree is not None
            and not self.memory_allowed
            and isinstance(lacking := self._lock.prepare(watch), NoRoom)
        ):
            self._agree(lacking.why)
            self.memory_allowed = True
        return self._lock.lock(claim, watch, take_over=take_over)

    def unlock(self, claim: Claim) -> UnlockAnswer:
        return self._lock.unlock(claim)

    def heads(self, run: str) -> Mapping[str, str] | None:
        return self._steps.heads(run)

    def running(self, run: str) -> tuple[str, ...] | None:
        return self._steps.running(run)

    def approve(self, run: str, digest: str, person: str) -> str:
        """Leave a second person's approval on the target; gives what went wrong, or nothing."""
        return self._lock.approve(run, digest, person)

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        self._lock.announce(run, digest, gate)

    def withdraw(self, run: str) -> None:
        self._lock.withdraw(run)

    def gates(self, run: str) -> tuple[Mapping[str, Json], ...]:
        """Give the gates of a run that wait on the target for another person, the newest first. Raises `LinkFailed`."""
        return self._lock.gates(run)

    def way(self) -> tuple[str, ...]:
        """Give the hops to the target, as people write them; none to this machine. Raises `LinkFailed`."""
        return ()

    def connect(self) -> None:
        """Make the way to the target now, where it needs one. Raises `LinkFailed`."""

    def survey(self) -> Survey:
        """Look at what earlier runs left on the target; makes nothing. Raises `LinkFailed`."""
        return self._lock.survey()

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:
        first = self._lock.claim.person if self._lock.claim else ""
        return self._lock.approvals(run, digest, first)

    def close(self) -> None:
        """Give back what the way to the target holds; it is made again where it is needed again."""

    def _place(self) -> Place:
        terms = self._terms
        target, memory = str(terms.target_folder or ""), str(terms.memory_folder or "")
        return Place(target, memory, self.memory_allowed, terms.spool_limit, self._steps.machine)

    def _holder(self) -> str:
        return self._lock.claim.holder if self._lock.claim else ""
