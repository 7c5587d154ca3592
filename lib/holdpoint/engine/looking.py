"""Looking: a step's own check, the check of recovery, and the causes; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from holdpoint.document.model import Check, Effect
from holdpoint.engine.at_once import at_once, first_of, spool_name
from holdpoint.engine.events import CauseDecided, ProofLooked, StepVerified
from holdpoint.engine.judging import meets, reading_of
from holdpoint.engine.next import Stop
from holdpoint.engine.outcomes import EndedByPerson
from holdpoint.engine.ports import Clock, Command, Machine, Watch
from holdpoint.engine.session import Session
from holdpoint.planning.plan import CausesItem, FileRun, Item, ProofItem, StepItem
from holdpoint.problem import Exit

CHECK_GRACE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Looking:
    """The engine's looks at its targets."""

    session: Session

    def verify(self, item: StepItem, hosts: tuple[str, ...]) -> Stop | None:
        check = item.step.verify
        assert check is not None  # noqa: S101 - only a step with a check comes here
        stops: dict[str, Stop | None] = {}
        for host, seen in self._check(item, hosts, check):
            attempt = self.session.facts().progress(item, host).attempts
            if seen.stopped:
                stops[host] = _check_stopped(item)
            else:
                self.session.record(StepVerified(item.key, host, attempt, seen.green, seen.note, seen.output))
        return first_of(stops, hosts)

    def look(self, item: ProofItem, hosts: tuple[str, ...]) -> Stop | None:
        once = item.check if item.after else replace(item.check, within=timedelta(0))
        stops: dict[str, Stop | None] = {}
        for host, seen in self._check(item, hosts, once):
            if seen.stopped:
                stops[host] = _check_stopped(item)
            else:
                self.session.record(ProofLooked(item.key, host, item.after, seen.green, seen.note, seen.output))
        return first_of(stops, hosts)

    def _check(self, item: StepItem | ProofItem, hosts: tuple[str, ...], check: Check) -> Iterator[tuple[str, Seen]]:
        """Ask a check on all hosts until it is green, for `within` at most."""
        facts = self.session.facts()
        jobs: dict[str, Callable[[Watch], Seen]] = {}
        for host in hosts:
            unknown = facts.unknown(item, host, check.run.reads)
            if unknown:
                yield host, Seen(None, f"{', '.join(f'`{name}`' for name in unknown)} was not read")
                continue
            script = facts.script(item, host, check.run)
            sensitive = isinstance(item, StepItem) and item.step.sensitive
            secrets, spool = self.session.secrets(), spool_name(self.session, item, host)
            become = item.step.become if isinstance(item, StepItem) and isinstance(check.run, FileRun) else None
            command = Command(script, spool, check.timeout, CHECK_GRACE, become, secrets, sensitive)
            jobs[host] = partial(
                _ask_until_green, self.session.ports.machines[host], command, check, self.session.ports.clock
            )
        if jobs:
            yield from at_once(self.session, item, Effect.READ, jobs, Seen(None, "not looked at", stopped=True))

    def decide_causes(self, item: CausesItem, hosts: tuple[str, ...]) -> None:
        facts = self.session.facts()
        for cause in item.causes:
            for host in hosts:
                holds = facts.holds(item.scope, host, cause)
                text = facts.fill(item, host, cause.evidence)
                self.session.record(CauseDecided(item.key, host, cause.id, cause.title, holds, text))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check showed: green, red, or not known; `stopped` where a person ended it."""

    green: bool | None
    note: str
    output: str = ""
    stopped: bool = False


def _ask_until_green(machine: Machine, command: Command, check: Check, clock: Clock, watch: Watch) -> Seen:
    started = clock.now()
    while True:
        outcome = machine.read(command, watch)
        green = meets(check.expect, outcome)
        note, output = reading_of(outcome)
        if isinstance(outcome, EndedByPerson):
            return Seen(None, note, output, stopped=True)
        if green is not False or clock.now() - started + check.every > check.within:
            return Seen(green, note, output)
        if not clock.wait(check.every, watch):
            return Seen(None, note, output, stopped=True)


def _check_stopped(item: Item) -> Stop:
    return Stop(Exit.STOPPED, f"a person stopped the check of `{item.key}`", item.key)
