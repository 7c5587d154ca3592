"""Several machines at once: a bounded number of threads, and one watch that only the caller's own thread uses.

Owns threads. Knows nothing of what the jobs are. The threads do not keep the process: what runs under an agent goes on
without them, and a read ends with its connection.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from holdpoint.engine.ports import T, Watch, Wish

AT_ONCE = 10
"""As good as fifty, where it was measured: the target's log-in takes most of the time."""
TICK = 0.05


@dataclass(frozen=True, slots=True)
class _Answered(Generic[T]):
    number: int
    answer: T


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


class ThreadCrew:
    """Does jobs in threads, `at_once` of them at the most; a single job in the caller's own thread."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once

    def carry_out(self, jobs: Sequence[Callable[[Watch], T]], watch: Watch) -> Iterator[tuple[int, T]]:
        """Give each job's number and answer as it ends; raises what a job raises."""
        if len(jobs) == 1:
            yield 0, jobs[0](watch)
            return
        work = _Work(jobs, _Relay(listens=watch.listens))
        for _ in range(min(self._at_once, len(jobs))):
            threading.Thread(target=work.carry_on, daemon=True).start()
        try:
            yield from work.as_they_end(watch)
        finally:
            work.relay.wanted = Wish.LEAVE  # whoever is still at it lets go


class _Relay:
    """What the jobs watch through: output goes to the caller's thread, the person's wish comes from there."""

    def __init__(self, *, listens: bool) -> None:
        self.listens = listens
        self.wanted = Wish.GO_ON
        self._said: queue.SimpleQueue[Callable[[Watch], None]] = queue.SimpleQueue()

    def output(self, stream: str, text: str) -> None:
        self._said.put(lambda watch: watch.output(stream, text))

    def about(self, what: str) -> None:
        """Let it go by: the line that shows who is waited for has no room for what each of them is about."""

    def lost(self, host: str, why: str) -> None:
        self._said.put(lambda watch: watch.lost(host, why))

    def regained(self, host: str) -> None:
        self._said.put(lambda watch: watch.regained(host))

    def wish(self) -> Wish:
        return self.wanted

    def pass_on(self, watch: Watch) -> None:
        while not self._said.empty():
            self._said.get()(watch)
        self.wanted = watch.wish()


class _Work(Generic[T]):
    """The jobs that wait for a thread, and the answers that wait for the caller."""

    def __init__(self, jobs: Sequence[Callable[[Watch], T]], relay: _Relay) -> None:
        self.relay = relay
        self._count = len(jobs)
        self._waiting: queue.SimpleQueue[tuple[int, Callable[[Watch], T]]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[_Answered[T] | _Raised] = queue.SimpleQueue()
        for numbered in enumerate(jobs):
            self._waiting.put(numbered)

    def carry_on(self) -> None:
        """Do one job after the other, in a thread, until none waits."""
        while True:
            try:
                number, job = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._ended.put(_Answered(number, job(self.relay)))
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self._ended.put(_Raised(error))

    def as_they_end(self, watch: Watch) -> Iterator[tuple[int, T]]:
        left = self._count
        while left:
            try:
                ended = self._ended.get(timeout=TICK)
            except queue.Empty:
                self.relay.pass_on(watch)
                continue
            self.relay.pass_on(watch)
            match ended:
                case _Answered(number, answer):
                    left -= 1
                    yield number, answer
                case _Raised(error):
                    raise error
