"""Steps that are no command: a person's work, a question, a wait, a message, an action item."""

from __future__ import annotations

from dataclasses import dataclass, replace

from holdpoint.document import values
from holdpoint.document.duration import show
from holdpoint.document.model import Ask, Effect, Manual, Notify, Todo, Wait
from holdpoint.engine import questions
from holdpoint.engine.asked import Answer, By
from holdpoint.engine.events import Reason, Status, StepEnded, StepIntended
from holdpoint.engine.gates import Asking
from holdpoint.engine.next import Stop
from holdpoint.engine.session import Session
from holdpoint.planning.plan import StepItem
from holdpoint.problem import Exit, Problem
from holdpoint.shell import Secret


@dataclass(frozen=True, slots=True)
class Performing:
    """The engine's doing of what needs no shell."""

    session: Session

    def perform(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        """Intend, do, record; a person's `stop` comes back as a value."""
        facts = self.session.facts()
        digest = facts.digest(item, host)
        self.session.record(
            StepIntended(item.key, host, attempt, "", item.step.effect, digest, self._text(item, host), "")
        )
        match item.step.action:
            case Manual():
                return self._manual(item, host, attempt)
            case Ask():
                return self._ask(item, host, attempt)
            case Wait(duration):
                watch = self.session.ports.operator.watch(item.key, (facts.targets[host],), Effect.READ)
                if not self.session.ports.clock.wait(duration, watch):
                    return Stop(Exit.STOPPED, f"a person stopped the wait of `{item.key}`", item.key)
                self._done(item, host, attempt, f"waited {show(duration)}")
            case Notify(to, say):
                text = facts.fill(item, host, say)
                became = self.session.ports.messenger.send(to, text)
                self._done(item, host, attempt, f"to {to}: {text}\n{became}")
            case Todo(owner, due):
                ended = StepEnded(
                    item.key, host, attempt, Status.OK, note=f"action proposed for {owner}, due in {show(due)}"
                )
                proposes = {"title": item.step.title, "owner": owner, "due": show(due)}
                self.session.record(replace(ended, proposes=proposes))
            case other:
                raise AssertionError(f"a plan holds no {other}")
        return None

    def _text(self, item: StepItem, host: str) -> str:
        facts = self.session.facts()
        match item.step.action:
            case Manual(text) | Ask(text):
                return facts.fill(item, host, text)
            case Notify(to, say):
                return f"to {to}: {facts.fill(item, host, say)}"
            case _:
                return ""

    def _manual(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        asking = Asking(self.session)
        question = questions.manual(self.session.facts(), item, host, self.session.ports.clock.now())
        reply = asking.ask(question, item.step.escalate)
        if isinstance(reply, Stop):
            return reply
        asking.answered(question, reply, {})
        match reply.text:
            case "done":
                self._done(item, host, attempt, f"done by {reply.person}")
            case "failed":
                note = f"{reply.person} could not do it"
                self.session.record(StepEnded(item.key, host, attempt, Status.FAILED, Reason.NONE, note))
            case "skip":
                self.session.skip(item, host, Reason.OPERATOR, f"{reply.person} left it out")
            case "not-run":
                self.session.skip(item, host, Reason.DRY_RUN, "nobody was asked")
            case _:
                return asking.word(question, reply)
        return None

    def _ask(self, item: StepItem, host: str, attempt: int) -> Stop | None:
        asking, problem = Asking(self.session), ""
        while True:
            question = questions.value(self.session.facts(), item, host, problem)
            reply = asking.ask(question, item.step.escalate)
            if isinstance(reply, Stop):
                return reply
            if reply.by is By.NOBODY:
                self.session.skip(item, host, Reason.DRY_RUN, "nobody was asked")
                return None
            checked = values.check(item.step.register[0], reply.text)
            if not isinstance(checked, Problem):
                self._registered(item, host, attempt, reply, checked)
                return None
            if reply.by is By.SCRIPT:
                return Stop(Exit.NEEDS_PERSON, f"the answer for `{item.key}` does not fit: {checked.message}", item.key)
            problem = _unfit(checked)

    def _registered(self, item: StepItem, host: str, attempt: int, reply: Answer, value: object) -> None:
        name = item.step.register[0].name
        ended = StepEnded(item.key, host, attempt, Status.OK, Reason.NONE, f"answered by {reply.person}")
        if item.step.sensitive or isinstance(value, Secret):
            self.session.hidden[(item.scope, host, name)] = value if isinstance(value, Secret) else Secret(reply.text)
            self.session.record(replace(ended, hidden=(name,)))
        elif isinstance(value, bool | int | float | str):
            self.session.record(replace(ended, values={name: value}))

    def _done(self, item: StepItem, host: str, attempt: int, note: str) -> None:
        self.session.record(StepEnded(item.key, host, attempt, Status.OK, Reason.NONE, note))


def _unfit(problem: Problem) -> str:
    """Say why an answer does not fit; a pattern is not shown, since the question says in words what it wants."""
    if problem.code == "value-pattern":
        return f"{problem.found or 'that'} has not the form that is asked for; nothing was answered."
    wanted = f"wanted is {problem.expected}." if problem.expected else ""
    return " ".join(part for part in (f"{problem.message}.", wanted, problem.hint) if part)
