"""Machines that change nothing: one that executes nothing at all, and one that looks but does not touch.

A dry run is the first, `--check` the second. They are machines like any other, so nothing else branches on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdpoint.engine.outcomes import NotRun, Outcome
from holdpoint.engine.ports import Acquired, Claim, Command, LockAnswer, Machine, Returned, Ticket, UnlockAnswer, Watch
from holdpoint.engine.target import Target
from holdpoint.journal.record import Json

NOTHING = "this is a walk-through: nothing is executed"
NOT_MADE = "this is a check: changes are shown and not made"
DEPENDS = "depends on a change that was not made"


class WalkthroughMachine:
    """Executes nothing, opens nothing, connects to nothing; every operation answers `NotRun`."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    def read(self, command: Command, watch: Watch) -> Outcome:  # noqa: ARG002 - the protocol's shape
        return NotRun(NOTHING)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:  # noqa: ARG002
        return NotRun(NOTHING)

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:  # noqa: ARG002
        return NotRun(NOTHING)

    def bury(self, ticket: Ticket) -> bool:  # noqa: ARG002
        return True

    def forget(self, ticket: Ticket) -> bool:  # noqa: ARG002
        return True

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:  # noqa: ARG002
        return Acquired(0)

    def unlock(self, claim: Claim) -> UnlockAnswer:  # noqa: ARG002
        return Returned()

    def heads(self, run: str) -> Mapping[str, str] | None:  # noqa: ARG002
        return None

    def running(self, run: str) -> tuple[str, ...] | None:  # noqa: ARG002
        return ()

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        """Do nothing: nobody is waited for."""

    def withdraw(self, run: str) -> None:
        """Do nothing: nothing is shown."""

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:  # noqa: ARG002
        return ()


@dataclass(slots=True)
class Due:
    """Whether a change was due in this check and was not made, by a command or by a person, on any machine."""

    change: bool = False


class CheckMachine(WalkthroughMachine):
    """Reads for real until the first change was not made; a later read would look at a world that is not there."""

    def __init__(self, real: Machine, due: Due) -> None:
        super().__init__(real.target)
        self._real = real
        self._due = due

    def read(self, command: Command, watch: Watch) -> Outcome:
        if self._due.change:
            return NotRun(DEPENDS)
        return self._real.read(command, watch)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:  # noqa: ARG002 - the protocol's shape
        self._due.change = True
        return NotRun(NOT_MADE)

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:  # noqa: ARG002
        return NotRun(NOT_MADE)
