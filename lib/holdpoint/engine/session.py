"""One process's part of a run: the plan, the ports, and the state that the journal holds so far.

Everything in the engine works on a session. `record` is the only way in which its state changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdpoint.engine.events import Event, Reason, Status, StepEnded, data_of
from holdpoint.engine.facts import Facts
from holdpoint.engine.ports import Clock, Crew, Documents, Journal, Machine, Messenger, Operator, Runs
from holdpoint.engine.state import State, fold
from holdpoint.engine.target import Target
from holdpoint.journal.record import Record
from holdpoint.planning.plan import Plan, StepItem
from holdpoint.shell import Secret

SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside. `machines` has one entry for each host of the plan, and for the person's own machine."""

    machines: Mapping[str, Machine]
    operator: Operator
    clock: Clock
    journal: Journal
    documents: Documents
    messenger: Messenger
    runs: Runs
    crew: Crew


@dataclass(slots=True)
class Session:
    """`state` is the fold of what the journal holds; `hidden` are the secrets that only this process knows."""

    plan: Plan
    ports: Ports
    run: str
    person: str
    state: State
    take_over: bool = False
    left_there: set[tuple[str, str]] = field(default_factory=set)
    """Steps and hosts whose output may lie on the target still, though its end is on record."""
    hidden: dict[tuple[str, str, str], Secret] = field(default_factory=dict)

    def facts(self) -> Facts:
        targets = {name: machine.target for name, machine in self.ports.machines.items()}
        return Facts(self.plan, self.state, self.hidden, targets)

    def secrets(self) -> tuple[Secret, ...]:
        """All that must be masked; a registered value of a character or two would mask everything."""
        registered = (secret for secret in self.hidden.values() if len(secret.reveal()) >= SHORTEST)
        return (*self.plan.secrets(), *registered)

    def target(self, host: str) -> Target:
        return self.ports.machines[host].target

    def record(self, event: Event) -> Record:
        """Make an event durable, take it in, and show it."""
        record = self.ports.journal.append(event.kind, data_of(event))
        self.state = fold(self.state, record)
        self.ports.operator.tell(record)
        return record

    def skip(self, item: StepItem, host: str, reason: Reason, note: str) -> None:
        attempt = self.facts().progress(item, host).attempts
        self.record(StepEnded(item.key, host, attempt, Status.SKIPPED, reason, note))
