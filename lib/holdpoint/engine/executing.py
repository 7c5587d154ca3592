"""Executing commands: reads, changes with their intent before and their result after, checks, and what was in doubt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from holdpoint.document.model import Effect, Run
from holdpoint.engine.at_once import at_once, first_of, spool_name
from holdpoint.engine.events import (
    NEVER_STARTED,
    DoubtSettled,
    Status,
    StepIntended,
    StepLeft,
)
from holdpoint.engine.facts import is_changing
from holdpoint.engine.judging import Attempt, judge
from holdpoint.engine.next import Stop, Tries
from holdpoint.engine.outcomes import (
    Captured,
    EndedByPerson,
    LeftRunning,
    NeverStarted,
    Outcome,
    OutOfTouch,
    Superseded,
    Unreachable,
)
from holdpoint.engine.ports import Command, Machine, T, Ticket, Unwatched, Watch
from holdpoint.engine.session import Session
from holdpoint.engine.state import Progress
from holdpoint.planning.plan import FileRun, StepItem
from holdpoint.problem import Exit

FIRST_RETRY = 2


@dataclass(frozen=True, slots=True)
class Executing:
    """The engine's side of the seam to machines."""

    session: Session

    def read(self, item: StepItem, tries: Tries) -> Stop | None:
        stop = self._back_off(item, tries)
        if stop is not None:
            return stop
        commands = self._intend_all(item, tries)
        jobs = {host: partial(self._machine(host).read, command) for host, command in commands.items()}
        return self._take_all(
            item, at_once(self.session, item, item.step.effect, jobs, EndedByPerson(True, Captured()))
        )

    def change(self, item: StepItem, tries: Tries) -> Stop | None:
        """Every intent, durable, before the first byte goes out; each result after it."""
        difference = self._difference()
        if difference:
            why = f"{difference}; nothing was started: begin a new run with the document as it is now"
            return Stop(Exit.USAGE, why, item.key)
        stop = self._back_off(item, tries)
        if stop is not None:
            return stop
        return self._execute(item, self._intend_all(item, tries))

    def _execute(self, item: StepItem, commands: Mapping[str, Command]) -> Stop | None:
        jobs = {
            host: partial(self._machine(host).change, command, self._ticket(item, host))
            for host, command in commands.items()
        }
        stop = self._take_all(item, at_once(self.session, item, item.step.effect, jobs, LeftRunning(come=False)))
        self._forget(item, tuple(commands))
        return stop

    def settle(self, item: StepItem, hosts: tuple[str, ...]) -> Stop | None:
        """A process that is gone intended it: let the targets say, and start it now where it never was."""
        stop, never = self.look_back(item, hosts)
        start: dict[str, Command] = {}
        for host in never:
            intent = self.session.facts().progress(item, host).intent
            if intent is not None and self._may_start(item, host, intent):
                start[host] = self._command(item, host, intent.spool)
            else:
                stop = self.never_started(item, host) or stop
        return stop or (self._execute(item, start) if start else None)

    def _may_start(self, item: StepItem, host: str, intent: StepIntended) -> bool:
        """Whether it is still exactly what was agreed to, and nobody else held the host since."""
        facts, state = self.session.facts(), self.session.state
        if host in state.unanswered or facts.progress(item, host).epoch != state.epochs.get(host, 0):
            return False
        stale = facts.stale(item, host, self.session.ports.clock.now())
        return facts.digest(item, host) == intent.digest and stale is None and not self._difference()

    def look_back(self, item: StepItem, hosts: tuple[str, ...]) -> tuple[Stop | None, tuple[str, ...]]:
        """Record what became of an intended change, waiting for its end where it runs; name where it never started."""
        jobs: dict[str, Callable[[Watch], Outcome]] = {}
        for host in hosts:
            intent = self.session.facts().progress(item, host).intent
            assert intent is not None  # noqa: S101 - only what was intended is looked back at
            command = self._command(item, host, intent.spool)
            jobs[host] = partial(self._machine(host).settle, command, self._ticket(item, host))
        stops: dict[str, Stop | None] = {}
        never: set[str] = set()
        left: Outcome = LeftRunning(come=False)
        for host, outcome in at_once(self.session, item, item.step.effect, jobs, left):
            match outcome:
                case NeverStarted():
                    never.add(host)
                case Unreachable(why) | OutOfTouch(why):
                    attempt = self.session.facts().progress(item, host).attempts
                    self.session.record(StepLeft(item.key, host, attempt, runs=False, why=why))
                    told = f"what became of `{item.key}` on {host} is not known: {why}"
                    stops[host] = Stop(Exit.UNKNOWN, told, item.key)
                case _:
                    stops[host] = self._take(item, host, outcome)
        self._forget(item, hosts)
        return first_of(stops, hosts), tuple(host for host in hosts if host in never)

    def _forget(self, item: StepItem, hosts: tuple[str, ...]) -> None:
        """Have the targets clear away what has an end on record."""
        ended = [host for host in hosts if self.session.facts().progress(item, host).ended is not None]
        jobs = [_unwatched(partial(self._machine(host).forget, self._ticket(item, host))) for host in ended]
        for number, forgotten in self.session.ports.crew.carry_out(jobs, Unwatched()):
            at = (item.key, ended[number])
            self.session.left_there.discard(at) if forgotten else self.session.left_there.add(at)

    def clear_up(self) -> None:
        """Have the targets forget what ended for certain, in case the process that saw the end did not come to it."""
        facts = self.session.facts()
        for item in self.session.plan.items:
            if isinstance(item, StepItem) and is_changing(item):
                self._forget(
                    item, tuple(host for host in facts.hosts(item) if _surely_over(facts.progress(item, host)))
                )

    def never_started(self, item: StepItem, host: str) -> Stop | None:
        """Give up a token that never started; before that is on record, the target makes sure that it never will."""
        if not self.session.ports.machines[host].bury(self._ticket(item, host)):
            why = f"`{item.key}` may be starting on {host} just now: resume to find out"
            return Stop(Exit.UNKNOWN, why, item.key)
        attempts = self.session.facts().progress(item, host).attempts
        self.session.record(DoubtSettled(item.key, host, attempts, happened=False, by=NEVER_STARTED))
        return None

    def _difference(self) -> str:
        """How a document of the plan differs now from what was planned; empty where none does."""
        documents, scopes = self.session.ports.documents, self.session.plan.scopes.values()
        return next(filter(None, (documents.difference(scope.runbook, scope.files) for scope in scopes)), "")

    def _machine(self, host: str) -> Machine:
        return self.session.ports.machines[host]

    def _take_all(self, item: StepItem, outcomes: Iterator[tuple[str, Outcome]]) -> Stop | None:
        stops = {host: self._take(item, host, outcome) for host, outcome in outcomes}
        return first_of(stops, self.session.facts().hosts(item))

    def _take(self, item: StepItem, host: str, outcome: Outcome) -> Stop | None:
        attempt = self.session.facts().progress(item, host).attempts
        if isinstance(outcome, Superseded):  # the agent refused before it started anything
            self.session.record(DoubtSettled(item.key, host, attempt, happened=False, by=NEVER_STARTED))
        judged = judge(Attempt(item.step, item.key, host, attempt, is_changing(item)), outcome)
        self.session.hidden.update({(item.scope, host, name): secret for name, secret in judged.hidden.items()})
        if judged.ended is not None:
            self.session.record(judged.ended)
        if judged.left is not None:
            self.session.record(judged.left)
        return judged.stop

    def _intend_all(self, item: StepItem, tries: Tries) -> dict[str, Command]:
        commands: dict[str, Command] = {}
        for host, attempt in tries:
            commands[host] = command = self._command(item, host, spool_name(self.session, item, host))
            self._intend(item, host, attempt, command)
        return commands

    def _intend(self, item: StepItem, host: str, attempt: int, command: Command) -> None:
        name = "\0".join((item.key, host, str(attempt)))
        token = f"{self.session.run}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        digest = self.session.facts().digest(item, host)
        effect, text, become = item.step.effect.value, command.script.masked(), command.become or ""
        self.session.record(StepIntended(item.key, host, attempt, token, effect, digest, text, command.spool, become))

    def _ticket(self, item: StepItem, host: str) -> Ticket:
        progress = self.session.facts().progress(item, host)
        assert progress.intent is not None  # noqa: S101 - a ticket is for what was intended
        return Ticket(
            progress.intent.token, progress.intent.digest, progress.head, self.session.state.epochs.get(host, 0)
        )

    def _command(self, item: StepItem, host: str, spool: str) -> Command:
        assert isinstance(item.step.action, Run)  # noqa: S101 - only commands come here
        script = self.session.facts().script(item, host, item.step.action)
        step, action = item.step, item.step.action
        command = Command(
            script, spool, step.timeout, step.kill_grace, step.become, self.session.secrets(), step.sensitive
        )
        if not isinstance(action, FileRun):
            return command
        keeps = f"files/{_as_folder(host)}/{action.keeps}" if action.keeps else ""
        return replace(command, quiet=action.quiet, keeps=keeps)

    def _back_off(self, item: StepItem, tries: Tries) -> Stop | None:
        """Wait before a retry; not before an attempt that a person has just agreed to."""
        facts = self.session.facts()
        again = {h: n for h, n in tries if n >= FIRST_RETRY and not facts.progress(item, h).again}
        if item.step.retry is None or not again:
            return None
        pause = item.step.retry.backoff * 2 ** min(max(again.values()) - FIRST_RETRY, 10)
        targets = tuple(map(self.session.target, again))
        watch = self.session.ports.operator.watch(item.key, targets, Effect.READ)
        if self.session.ports.clock.wait(pause, watch):
            return None
        return Stop(Exit.STOPPED, f"a person stopped the run before the next attempt at `{item.key}`", item.key)


def _surely_over(progress: Progress) -> bool:
    ended = progress.ended is not None and progress.ended.status is not Status.IN_DOUBT
    return ended and progress.intent is not None and progress.intent.token != ""


def _unwatched(job: Callable[[], T]) -> Callable[[Watch], T]:
    return lambda _: job()


def _as_folder(host: str) -> str:
    """Give a host the name of a folder that no other host has, and that leads nowhere else."""
    name = quote(host, safe="@:")
    return f"%2E{name[1:]}" if name.startswith(".") else name
