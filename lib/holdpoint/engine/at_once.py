"""One thing on several hosts at once: what the engine needs around the crew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holdpoint.document.model import Effect
from holdpoint.engine.events import ConnectionLost, ConnectionMade
from holdpoint.engine.next import Stop
from holdpoint.engine.ports import T, Watch, Wish
from holdpoint.engine.session import Session
from holdpoint.planning.plan import Item


def at_once(
    session: Session, item: Item, effect: Effect, jobs: Mapping[str, Callable[[Watch], T]], instead: T
) -> Iterator[tuple[str, T]]:
    """Do it on all hosts, a bounded number at a time; give each answer as it comes.

    `instead` is the answer of a host whose turn comes only after the person wished for something else.
    """
    hosts, ports = tuple(jobs), session.ports
    watch = _OnRecord(session, item, ports.operator.watch(item.key, tuple(map(session.target, hosts)), effect))
    turns = [_in_turn(job, instead) for job in jobs.values()]
    for number, answer in ports.crew.carry_out(turns, watch):
        yield hosts[number], answer


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """A watch that has lost connections in the journal as well, when they are lost."""

    session: Session
    item: Item
    watch: Watch

    @property
    def listens(self) -> bool:
        return self.watch.listens

    def output(self, stream: str, text: str) -> None:
        self.watch.output(stream, text)

    def about(self, what: str) -> None:
        self.watch.about(what)

    def lost(self, host: str, why: str) -> None:
        self.session.record(ConnectionLost(host, self.item.key, why))
        self.watch.lost(host, why)

    def regained(self, host: str) -> None:
        self.session.record(ConnectionMade(host, self.item.key))
        self.watch.regained(host)

    def wish(self) -> Wish:
        return self.watch.wish()


def _in_turn(job: Callable[[Watch], T], instead: T) -> Callable[[Watch], T]:
    return lambda watch: job(watch) if watch.wish() is Wish.GO_ON else instead


def first_of(stops: Mapping[str, Stop | None], hosts: tuple[str, ...]) -> Stop | None:
    """The stop of the first host that has one, in the plan's order, whoever answered first."""
    return next((stop for host in hosts if (stop := stops.get(host)) is not None), None)


def spool_name(session: Session, item: Item, host: str) -> str:
    """Give a file name that no other execution of the run has."""
    return (
        f"{session.state.seq + 1:05d}-{re.sub(r'[^a-z0-9]+', '-', item.key)}-{re.sub(r'[^A-Za-z0-9._@:-]+', '-', host)}"
    )
