"""Executing commands: reads, changes with their intent before and their result after, checks, and what was in doubt."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from holdpoint.document.model import Check, Effect, Run
from holdpoint.engine.decide import Stop
from holdpoint.engine.events import (
    NEVER_STARTED,
    CauseDecided,
    DoubtSettled,
    ProofLooked,
    Status,
    StepIntended,
    StepVerified,
)
from holdpoint.engine.facts import is_changing
from holdpoint.engine.outcomes import Attempt, judge, meets, reading_of
from holdpoint.engine.ports import Command, NeverStarted, Outcome, Ticket, Unreachable, Watch
from holdpoint.engine.session import Session
from holdpoint.planning.plan import CausesItem, Item, ProofItem, StepItem
from holdpoint.problem import Exit

CHECK_GRACE = timedelta(seconds=2)
FIRST_RETRY = 2


@dataclass(frozen=True, slots=True)
class Executing:
    """The engine's side of the seam to machines."""

    session: Session

    def read(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        stop = self._back_off(item, host, attempt)
        if stop is not None:
            return stop
        command = self._command(item, host, self._spool(item, host))
        self._intend(item, host, attempt, command)
        watch = self.session.ports.operator.watch(item.key, self.session.target(host), item.step.effect)
        return self._take(item, host, attempt, self.session.ports.machines[host].read(command, watch))

    def change(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        """Intent, durable, before the first byte goes out; the result after it."""
        difference = self._difference()
        if difference:
            why = f"{difference}; nothing was started: begin a new run with the document as it is now"
            return Stop(Exit.USAGE, why, item.key)
        stop = self._back_off(item, host, attempt)
        if stop is not None:
            return stop
        command = self._command(item, host, self._spool(item, host))
        self._intend(item, host, attempt, command)
        return self._execute(item, host, command)

    def _execute(self, item: StepItem, host: str, command: Command) -> Stop | None:
        progress, machine = self.session.facts().progress(item, host), self.session.ports.machines[host]
        ticket = self._ticket(item, host)
        watch = self.session.ports.operator.watch(item.key, machine.target, item.step.effect)
        stop = self._take(item, host, progress.attempts, machine.change(command, ticket, watch))
        if self.session.facts().progress(item, host).ended is not None:
            machine.forget(ticket)
        return stop

    def settle(self, item: StepItem, host: str) -> Stop | None:
        """A process that is gone intended it: let the target say, and start it now where it never was."""
        facts = self.session.facts()
        stop, never = self.look_back(item, host)
        if not never:
            return stop
        progress = facts.progress(item, host)
        unchanged = progress.intent is not None and facts.digest(item, host) == progress.intent.digest
        stale = facts.stale(item, host, self.session.ports.clock.now())
        if unchanged and stale is None and not self._difference() and progress.intent is not None:
            return self._execute(item, host, self._command(item, host, progress.intent.spool))
        return self.never_started(item, host)

    def look_back(self, item: StepItem, host: str) -> tuple[Stop | None, bool]:
        """Record what became of an intended change, waiting for its end where it runs; true where it never started."""
        facts, machine = self.session.facts(), self.session.ports.machines[host]
        progress = facts.progress(item, host)
        assert progress.intent is not None  # noqa: S101 - only what was intended is looked back at
        ticket = self._ticket(item, host)
        watch = self.session.ports.operator.watch(item.key, machine.target, item.step.effect)
        outcome = machine.settle(self._command(item, host, progress.intent.spool), ticket, watch)
        if isinstance(outcome, NeverStarted):
            return None, True
        if isinstance(outcome, Unreachable):
            why = f"what became of `{item.key}` on {host} is not known: {outcome.why}"
            return Stop(Exit.UNKNOWN, why, item.key), False
        stop = self._take(item, host, progress.attempts, outcome)
        if self.session.facts().progress(item, host).ended is not None:
            machine.forget(ticket)
        return stop, False

    def clear_up(self) -> None:
        """Have the targets forget what ended for certain, in case the process that saw the end did not come to it."""
        facts = self.session.facts()
        for item in self.session.plan.items:
            for host in facts.hosts(item) if isinstance(item, StepItem) and is_changing(item) else ():
                progress = facts.progress(item, host)
                sure = progress.ended is not None and progress.ended.status is not Status.IN_DOUBT
                if sure and progress.intent is not None and progress.intent.token and isinstance(item, StepItem):
                    self.session.ports.machines[host].forget(self._ticket(item, host))

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
        books = (scope.runbook for scope in self.session.plan.scopes.values())
        return next(filter(None, map(self.session.ports.documents.difference, books)), "")

    def _take(self, item: StepItem, host: str, attempt: int, outcome: Outcome) -> Stop | None:
        tried = Attempt(item.step, item.key, host, attempt, is_changing(item))
        judged = judge(tried, outcome)
        self.session.hidden.update({(item.scope, host, name): secret for name, secret in judged.hidden.items()})
        if judged.ended is not None:
            self.session.record(judged.ended)
        return judged.stop

    def _intend(self, item: StepItem, host: str, attempt: int, command: Command) -> None:
        name = "\0".join((item.key, host, str(attempt)))
        token = f"{self.session.run}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        digest = self.session.facts().digest(item, host)
        effect, text = item.step.effect.value, command.script.masked()
        self.session.record(StepIntended(item.key, host, attempt, token, effect, digest, text, command.spool))

    def _ticket(self, item: StepItem, host: str) -> Ticket:
        progress = self.session.facts().progress(item, host)
        assert progress.intent is not None  # noqa: S101 - a ticket is for what was intended
        return Ticket(
            progress.intent.token, progress.intent.digest, progress.head, self.session.state.epochs.get(host, 0)
        )

    def _command(self, item: StepItem, host: str, spool: str) -> Command:
        assert isinstance(item.step.action, Run)  # noqa: S101 - only commands come here
        script = self.session.facts().script(item, host, item.step.action)
        step = item.step
        return Command(
            script, spool, step.timeout, step.kill_grace, step.become, self.session.secrets(), step.sensitive
        )

    def _spool(self, item: Item, host: str) -> str:
        """A file name that no other execution of the run has."""
        return f"{self.session.state.seq + 1:05d}-{re.sub(r'[^a-z0-9]+', '-', item.key)}-{re.sub(r'[^A-Za-z0-9.]+', '-', host)}"

    def _back_off(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        """Wait before a retry; not before an attempt that a person has just agreed to."""
        if item.step.retry is None or attempt < FIRST_RETRY or self.session.facts().progress(item, host).again:
            return None
        pause = item.step.retry.backoff * 2 ** min(attempt - FIRST_RETRY, 10)
        if self.session.ports.clock.wait(pause, self._watch(item, host, Effect.READ)):
            return None
        return Stop(Exit.STOPPED, f"a person stopped the run before the next attempt at `{item.key}`", item.key)

    def _watch(self, item: Item, host: str, effect: Effect) -> Watch:
        return self.session.ports.operator.watch(item.key, self.session.target(host), effect)

    # --- looking

    def verify(self, item: StepItem, host: str) -> Stop | None:
        assert item.step.verify is not None  # noqa: S101 - only a step with a check comes here
        green, note, output, stop = self._check(item, host, item.step.verify)
        if stop is not None:
            return stop
        if green is None:
            why = f"whether `{item.key}` is done on {host} could not be looked at: {note}"
            return Stop(Exit.UNKNOWN, why, item.key)
        attempt = self.session.facts().progress(item, host).attempts
        self.session.record(StepVerified(item.key, host, attempt, green, note, output))
        return None

    def look(self, item: ProofItem, host: str) -> Stop | None:
        once = item.check if item.after else replace(item.check, within=timedelta(0))
        green, note, output, stop = self._check(item, host, once)
        if stop is None:
            self.session.record(ProofLooked(item.key, host, item.after, green, note, output))
        return stop

    def _check(self, item: Item, host: str, check: Check) -> tuple[bool | None, str, str, Stop | None]:
        """Ask a check until it is green, for `within` at most."""
        unknown = self.session.facts().unknown(item, host, check.run.reads)
        if unknown:
            return None, f"{', '.join(f'`{name}`' for name in unknown)} was not read", "", None
        started, machine = self.session.ports.clock.now(), self.session.ports.machines[host]
        script = self.session.facts().script(item, host, check.run)
        sensitive = isinstance(item, StepItem) and item.step.sensitive
        secrets = self.session.secrets()
        command = Command(script, self._spool(item, host), check.timeout, CHECK_GRACE, None, secrets, sensitive)
        while True:
            watch = self.session.ports.operator.watch(item.key, machine.target, Effect.READ)
            outcome = machine.read(command, watch)
            green = meets(check.expect, outcome)
            note, output = reading_of(outcome)
            if note == "it was ended":
                return None, note, output, Stop(Exit.STOPPED, f"a person stopped the check of `{item.key}`", item.key)
            if green is not False or self.session.ports.clock.now() - started + check.every > check.within:
                return green, note, output, None
            if not self.session.ports.clock.wait(check.every, watch):
                return None, note, output, Stop(Exit.STOPPED, f"a person stopped the check of `{item.key}`", item.key)

    def decide_causes(self, item: CausesItem) -> None:
        facts = self.session.facts()
        for cause in item.causes:
            for host in self.session.plan.hosts:
                holds = facts.holds(item.scope, host, cause)
                text = facts.fill(item, host, cause.evidence)
                self.session.record(CauseDecided(item.key, host, cause.id, cause.title, holds, text))
