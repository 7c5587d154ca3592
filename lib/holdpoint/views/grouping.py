"""The same thing on several hosts, drawn once: in the order of the hosts, whoever answered first.

Pure. Events about one item that follow one another are held until all hosts have answered, or something else happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeGuard

from holdpoint.engine.events import (
    CauseDecided,
    Event,
    LockReturned,
    LockTaken,
    ProofLooked,
    StepEnded,
    StepIntended,
    StepVerified,
    TargetAnswered,
)
from holdpoint.engine.facts import names
from holdpoint.journal.record import Record

Grouped = (
    CauseDecided | LockReturned | LockTaken | ProofLooked | StepEnded | StepIntended | StepVerified | TargetAnswered
)


@dataclass(slots=True)
class Group:
    """What is held back. `hosts` gives their order; a run on a single host holds nothing back."""

    hosts: tuple[str, ...] = ()
    held: list[tuple[Grouped, Record]] = field(default_factory=list)

    def takes(self, event: Event) -> TypeGuard[Grouped]:
        """Whether it is to be drawn together with what is held, or begins to be held."""
        return isinstance(event, Grouped) and len(self.hosts) > 1 and event.host in self.hosts

    def continues(self, event: Event) -> bool:
        return bool(self.held) and isinstance(event, Grouped) and _about(event) == _about(self.held[0][0])

    def add(self, event: Grouped, record: Record) -> bool:
        """Hold an event; True where every host has answered."""
        self.held.append((event, record))
        return len({one.host for one, _ in self.held}) == len(self.hosts)

    def release(self) -> list[tuple[Grouped, Record, tuple[str, ...]]]:
        """Give what was held, equal answers as one, with all of their hosts; in the order of the hosts."""
        order = {host: number for number, host in enumerate(self.hosts)}
        held, self.held = sorted(self.held, key=lambda pair: order[pair[0].host]), []
        alike: dict[str, list[tuple[Grouped, Record]]] = {}
        for event, record in held:
            alike.setdefault(repr(_bare(event)), []).append((event, record))
        return [_joined(group) for group in alike.values()]


def _joined(group: list[tuple[Grouped, Record]]) -> tuple[Grouped, Record, tuple[str, ...]]:
    hosts = tuple(event.host for event, _ in group)
    event, record = group[0]
    return replace(event, host=names(hosts)), record, hosts


def _about(event: Grouped) -> tuple[str, str]:
    match event:
        case StepIntended(step=step) | StepEnded(step=step) | StepVerified(step=step):
            return event.kind, step
        case ProofLooked(item=item):
            return event.kind, item
        case CauseDecided(item=item, cause=cause):
            return event.kind, f"{item} {cause}"
        case LockTaken() | LockReturned() | TargetAnswered():
            return event.kind, ""


def _bare(event: Grouped) -> Grouped:
    """What counts when two answers are compared: all but the host and what differs by its nature."""
    match event:
        case StepIntended():
            return replace(event, host="", token="", digest="", command="", spool="")
        case StepEnded():
            seen = replace(event, host="", stdout_file="", stderr_file="")
            return seen if event.stdout or event.stderr else replace(seen, stdout_size=0, stderr_size=0)
        case LockTaken():
            return replace(event, host="", epoch=0)
        case _:
            return replace(event, host="")
