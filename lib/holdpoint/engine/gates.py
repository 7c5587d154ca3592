"""Asking a person: open the question on record, wait, escalate in time, and bind the answer to what was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdpoint.document import texts
from holdpoint.document.model import Effect, Escalation
from holdpoint.engine import questions
from holdpoint.engine.asked import FOR_PEOPLE, Answer, Asked, By, Question, Silence
from holdpoint.engine.events import DoubtSettled, Escalated, GateAnswered, GateOpened, Reason, data_of, seal_of
from holdpoint.engine.next import Stop
from holdpoint.engine.session import Session
from holdpoint.engine.target import Tier
from holdpoint.planning.plan import StepItem
from holdpoint.problem import Exit

APPROVAL_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Asking:
    """The engine's side of the seam to people."""

    session: Session

    def agree(self, question: Question) -> Stop | None:
        """A question about the run as a whole: `run` goes on, everything else stops."""
        reply = self.ask(question, ())
        if isinstance(reply, Stop):
            return reply
        self.answered(question, reply, {})
        return None if reply.text == "run" else self.word(question, reply)

    def gate(self, item: StepItem, hosts: tuple[str, ...], among: tuple[str, ...]) -> Stop | None:
        """The gate before a change."""
        facts = self.session.facts()
        question = questions.gate(facts, item, hosts, among, self.session.ports.clock.now())
        reply = self.ask(question, item.step.escalate)
        if isinstance(reply, Stop):
            return reply
        if reply.text != "run":
            self.answered(question, reply, {})
            return self._refused(question, reply, item, hosts)
        alone = reply.by is By.NOBODY or question.approvers < 2  # noqa: PLR2004
        approved = () if alone else self._approvals(question, reply, self._due(item.step.escalate))
        if isinstance(approved, Stop):
            return approved
        digests = {host: facts.digest(item, host) for host in hosts}
        self.answered(question, reply, digests, approved)
        return None

    def doubt(self, item: StepItem, host: str) -> Stop | None:
        """What became of it is for a person to say."""
        facts = self.session.facts()
        progress = facts.progress(item, host)
        what = progress.ended.note if progress.ended else "the process that began it is gone"
        question = questions.doubt(facts, item, host, what)
        reply = self.ask(question, item.step.escalate)
        if isinstance(reply, Stop):
            return Stop(
                Exit.UNKNOWN if reply.exit is Exit.NEEDS_PERSON else reply.exit,
                f"{question.title} on {host}: {reply.why}",
                item.key,
            )
        self.answered(question, reply, {})
        if reply.text in ("happened", "again"):
            by = reply.person
            self.session.record(DoubtSettled(item.key, host, progress.attempts, reply.text == "happened", by))
            return None
        return self.word(question, reply)

    def ask(self, question: Question, escalations: tuple[Escalation, ...]) -> Answer | Stop:
        """Put the question on record and wait; `escalate` and its times are dealt with here."""
        session = self.session
        session.record(_opened(question))
        due = self._due(escalations)
        while True:
            until = self._until(question, due)
            reply = session.ports.operator.ask(question, until)
            if isinstance(reply, Silence):
                if reply is not Silence.ELAPSED or self._expired(question):
                    return self._silent(question, reply)
                self._escalate(question.key, due, timed=True)
            elif reply.text == "escalate" and question.words:
                self._escalate(question.key, due, timed=False)
                if reply.by is not By.HAND:
                    return self._silent(question, Silence.NOT_IN_FILE)
            elif self._by_script_on_production(question, reply):
                return Stop(
                    Exit.NEEDS_PERSON,
                    f"`{question.key}` is on production: only a person at a terminal can answer it",
                    question.key,
                )
            else:
                return reply

    def call_for_help(self, item: str) -> None:
        """Send the first escalation of the runbook, where it has one."""
        first = sorted(self.session.plan.runbook.escalation, key=lambda one: one.after)[:1]
        for one in first:
            self._send(item, one, -1)

    # --- answers

    def answered(
        self, question: Question, reply: Answer, digests: dict[str, str], approved: tuple[str, ...] = ()
    ) -> None:
        self.session.record(
            GateAnswered(
                item=question.key,
                asks=question.kind,
                word=reply.text,
                by=reply.by,
                person=reply.person,
                digest=question.digest,
                digests=digests,
                approved_by=approved,
            )
        )

    def _refused(self, question: Question, reply: Answer, item: StepItem, hosts: tuple[str, ...]) -> Stop | None:
        if reply.text != "skip":
            return self.word(question, reply)
        for host in hosts:
            self.session.skip(item, host, Reason.OPERATOR, f"{reply.person} left it out")
        return None

    def word(self, question: Question, reply: Answer) -> Stop:
        wants = "rollback" if reply.text == "rollback" else ""
        return Stop(Exit.STOPPED, f"{reply.person} answered `{reply.text}` at `{question.key}`", question.key, wants)

    def _silent(self, question: Question, silence: Silence) -> Stop:
        if silence is Silence.INTERRUPTED:
            return Stop(Exit.STOPPED, f"interrupted at `{question.key}`; nothing was agreed to", question.key)
        by_file = silence is Silence.NOT_IN_FILE
        fit = (word.word for word in question.words if not (by_file and word.word in FOR_PEOPLE))
        words = ", ".join(f"`{word}`" for word in fit) or "a value"
        why = f"`{question.key}` needs a person ({words}): {silence.value}; nothing was agreed to"
        return Stop(Exit.NEEDS_PERSON, why, question.key)

    def _by_script_on_production(self, question: Question, reply: Answer) -> bool:
        prod = any(target.tier is Tier.PROD for target in question.targets)
        return prod and reply.by is By.SCRIPT and question.kind is not Asked.VALUE

    def _approvals(self, question: Question, reply: Answer, due: list[Escalation]) -> tuple[str, ...] | Stop:
        """Wait for the other people that the gate wants, from their own terminals; each host of it takes their word."""
        session = self.session
        machines = [session.ports.machines[target.name] for target in question.targets]
        watch = session.ports.operator.watch(question.key, question.targets[:1], Effect.READ)
        gate = _opened(question)
        seal = seal_of(gate, reply.person)
        for machine in machines:
            machine.announce(session.run, seal, {**data_of(gate), "person": reply.person})
        while True:
            approved = dict.fromkeys(one for machine in machines for one in machine.approvals(session.run, seal))
            others = tuple(person for person in approved if person != reply.person)
            if len(others) >= question.approvers - 1:
                for machine in machines:
                    machine.withdraw(session.run)
                return others
            if self._expired(question):
                return self._silent(question, Silence.ELAPSED)
            until = self._until(question, due)
            if until is not None and session.ports.clock.now() >= until:
                self._escalate(question.key, due, timed=True)
            if not session.ports.clock.wait(APPROVAL_PAUSE, watch):
                return self._silent(question, Silence.INTERRUPTED)

    # --- time

    def _due(self, escalations: tuple[Escalation, ...]) -> list[Escalation]:
        """The step's own escalations and the runbook's, the earliest first."""
        return sorted((*escalations, *self.session.plan.runbook.escalation), key=lambda one: one.after)

    def _until(self, question: Question, due: list[Escalation]) -> datetime | None:
        gate = self.session.state.gate
        times = [gate.time + one.after for one in due[gate.escalated :]] if gate else []
        return min((*times, *([question.expires] if question.expires else [])), default=None)

    def _expired(self, question: Question) -> bool:
        return question.expires is not None and self.session.ports.clock.now() >= question.expires

    def _escalate(self, key: str, due: list[Escalation], *, timed: bool) -> None:
        gate = self.session.state.gate
        index = min(gate.escalated if gate else 0, len(due) - 1)
        if due:
            self._send(key, due[index], index if timed else -1)
        else:
            self.session.record(Escalated(key, "", "", "this runbook names nobody to call: call your backup"))

    def _send(self, key: str, one: Escalation, after: int) -> None:
        opened, facts = self.session.state.opened, self.session.facts()
        scope = "" if one in facts.plan.runbook.escalation else key[: key.rfind("/") + 1]
        say = texts.fill(one.say, facts.lookup(scope, facts.plan.hosts[0]))
        text = f"{opened.title if opened else ''} [{self.session.run}]: {say}"
        became = self.session.ports.messenger.send(one.to, text)
        self.session.record(Escalated(key, one.to, say, became, after))


def _opened(question: Question) -> GateOpened:
    return GateOpened(
        item=question.key,
        asks=question.kind,
        title=question.title,
        digest=question.digest,
        hosts=tuple(target.name for target in question.targets),
        approvers=question.approvers,
        effect=question.effect,
        commands=dict(question.commands),
        reverts=question.reverts,
        why=question.why,
        prompt=question.prompt,
        batch=question.batch,
        evidence=question.evidence,
        proof=question.proof,
        remains=question.remains,
        become=question.become,
    )
