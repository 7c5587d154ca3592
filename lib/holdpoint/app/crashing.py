"""The boundaries around an effect, at which a test may have this process killed; inert where none is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdpoint.engine.outcomes import Outcome
from holdpoint.engine.ports import Claim, Command, LockAnswer, Machine, Ticket, UnlockAnswer, Watch
from holdpoint.engine.target import Target
from holdpoint.journal.record import Json
from holdpoint.store.crash import KILL_AT, crash_point


def crashing(machine: Machine) -> Machine:
    """Wrap a machine where `HOLDPOINT_KILL_AT` is set; else give it back as it is."""
    return _Crashing(machine, [0]) if KILL_AT else machine


@dataclass(frozen=True, slots=True)
class _Crashing:
    inner: Machine
    effects: list[int]

    @property
    def target(self) -> Target:
        return self.inner.target

    def read(self, command: Command, watch: Watch) -> Outcome:
        return self.inner.read(command, watch)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        number = self.effects[0]
        self.effects[0] += 1
        crash_point(f"effect:{number}:before")
        outcome = self.inner.change(command, ticket, watch)
        crash_point(f"effect:{number}:after")
        return outcome

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self.inner.settle(command, ticket, watch)

    def bury(self, ticket: Ticket) -> bool:
        crash_point("bury:before")
        return self.inner.bury(ticket)

    def forget(self, ticket: Ticket) -> bool:
        crash_point("forget:before")
        forgotten = self.inner.forget(ticket)
        crash_point("forget:after")
        return forgotten

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:
        crash_point("lock:before")
        answer = self.inner.lock(claim, watch, take_over=take_over)
        crash_point("lock:after")
        return answer

    def unlock(self, claim: Claim) -> UnlockAnswer:
        crash_point("unlock:before")
        answer = self.inner.unlock(claim)
        crash_point("unlock:after")
        return answer

    def heads(self, run: str) -> Mapping[str, str] | None:
        return self.inner.heads(run)

    def running(self, run: str) -> tuple[str, ...] | None:
        return self.inner.running(run)

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        self.inner.announce(run, digest, gate)

    def withdraw(self, run: str) -> None:
        self.inner.withdraw(run)

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:
        return self.inner.approvals(run, digest)
