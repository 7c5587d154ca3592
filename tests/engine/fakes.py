"""Fakes of the engine's ports. They refuse what they were not told, and outlive the process that is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdpoint.document.model import Effect, Runbook
from holdpoint.document.parse import parse
from holdpoint.document.source import Source
from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import Answer, By, Question, Silence
from holdpoint.engine.events import RunResumed
from holdpoint.engine.loop import Ended
from holdpoint.engine.outcomes import Captured, Exited, NeverStarted, Outcome
from holdpoint.engine.ports import (
    ANY_RUN,
    Acquired,
    Claim,
    Command,
    HeldBy,
    LockAnswer,
    NotHeld,
    Returned,
    Standing,
    T,
    Ticket,
    UnlockAnswer,
    Watch,
    Wish,
)
from holdpoint.engine.session import Ports, Session
from holdpoint.engine.state import replay
from holdpoint.engine.target import Target, Tier
from holdpoint.journal.record import START, Json, Record, seal
from holdpoint.planning import build
from holdpoint.planning.plan import Plan
from holdpoint.planning.values import bind

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/runbook.schema.json").read_text())
START_TIME = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone; nothing of it may run any more."""


@dataclass
class FakeClock:
    time: datetime = START_TIME

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def wait(self, duration: timedelta, watch: Watch) -> bool:
        self.time += duration
        return watch.wish() is Wish.GO_ON


class FakeWatch:
    listens = True

    def output(self, stream: str, text: str) -> None:
        pass

    def about(self, what: str) -> None: ...

    def lost(self, host: str, why: str) -> None: ...

    def regained(self, host: str) -> None: ...

    def wish(self) -> Wish:
        return Wish.GO_ON


@dataclass
class Points:
    """Counts the boundaries that are passed, and kills at the one that was named."""

    kill_at: int = -1
    passed: int = 0

    def pass_(self) -> None:
        if self.passed == self.kill_at:
            self.passed += 1
            raise Killed
        self.passed += 1


@dataclass
class FakeJournal:
    """What is on disk, with a boundary before and after each record."""

    clock: FakeClock
    points: Points
    records: list[Record] = field(default_factory=list)

    def append(self, kind: str, data: Mapping[str, Json]) -> Record:
        self.points.pass_()
        prev = self.records[-1].hash if self.records else START
        plain = json.loads(json.dumps(data))
        record = seal(seq=len(self.records), time=self.clock.now(), person="ann", kind=kind, data=plain, prev=prev)
        self.records.append(record)
        self.points.pass_()
        return record


Scripted = Callable[[str], Outcome]


@dataclass
class FakeMachine:
    """A target: it remembers tokens and effects across kills. `outcomes` says what a script does; default: exit 0."""

    points: Points
    target: Target = field(default_factory=lambda: Target("web1", Tier.LOCAL))
    outcomes: dict[str, Outcome | Scripted] = field(default_factory=dict)
    effects: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    tokens: dict[str, Outcome] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    holder: tuple[Claim, int] | None = None
    epoch: int = 0
    approved: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    forgets: bool = True
    announced: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    journal: FakeJournal | None = None

    def outcome(self, command: Command) -> Outcome:
        text = command.script.raw()
        for part, outcome in self.outcomes.items():
            if part in text:
                return outcome(text) if callable(outcome) else outcome
        return Exited(0, Captured())

    def read(self, command: Command, watch: Watch) -> Outcome:
        self.reads.append(command.script.text)
        return self.outcome(command)

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        self.points.pass_()
        if ticket.token not in self.tokens:
            intents = [r for r in self.journal.records if r.kind == "step.intent"] if self.journal else []
            assert any(r.data["token"] == ticket.token and r.hash == ticket.head for r in intents), (
                "effect before intent"
            )
            self.started.append(ticket.token)
            self.effects.append(command.script.text.strip())
            self.tokens[ticket.token] = self.outcome(command)
        self.points.pass_()
        return self.tokens[ticket.token]

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        return self.tokens.get(ticket.token, NeverStarted())

    def bury(self, ticket: Ticket) -> bool:
        self.points.pass_()
        return ticket.token not in self.tokens

    def forget(self, ticket: Ticket) -> bool:
        self.points.pass_()
        return self.forgets

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:
        if self.holder is not None and self.holder[0].holder != claim.holder and not take_over:
            return HeldBy(*self.holder)
        if self.holder is None or take_over:
            self.epoch += 1
        self.holder = (claim, self.epoch)
        return Acquired(self.epoch)

    def unlock(self, claim: Claim) -> UnlockAnswer:
        if self.holder is None or self.holder[0].holder != claim.holder:
            return NotHeld()
        self.holder = None
        return Returned()

    def heads(self, run: str) -> Mapping[str, str] | None:
        return {}

    def running(self, run: str) -> tuple[str, ...] | None:
        return tuple(token for token in self.alive if run == ANY_RUN or token.startswith(f"{run}."))

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        self.announced.append(digest)
        self.shown = [digest]

    def withdraw(self, run: str) -> None:
        self.shown = []

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:
        return tuple(self.approved)


Reply = str | Silence | Callable[[Question], "str | Silence"]


@dataclass
class FakeOperator:
    """Answers by item key, in the order given; a question that was not expected fails the test."""

    answers: dict[str, list[Reply]]
    by: By = By.HAND
    person: str = "ann"
    questions: list[Question] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)
    watching: Watch | None = None

    def ask(self, question: Question, until: datetime | None) -> Answer | Silence:
        self.questions.append(question)
        waiting = self.answers.get(question.key)
        assert waiting, f"an unexpected question: {question.key} {question.kind}: {question.why}"
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        given = reply(question) if callable(reply) else reply
        return given if isinstance(given, Silence) else Answer(given, self.person, self.by)

    def tell(self, record: Record) -> None:
        self.told.append(record)

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> Watch:
        return self.watching or FakeWatch()


@dataclass
class FakeMessenger:
    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, to: str, text: str) -> str:
        self.sent.append((to, text))
        return "delivered"


class FakeCrew:
    """One after the other, so that a kill has its place."""

    def carry_out(self, jobs: Sequence[Callable[[Watch], T]], watch: Watch) -> Iterator[tuple[int, T]]:
        for number, job in enumerate(jobs):
            yield number, job(watch)


@dataclass
class FakeRuns:
    stand: dict[str, Standing] = field(default_factory=dict)

    def standing(self, run: str) -> Standing:
        return self.stand.get(run, Standing.UNKNOWN)


@dataclass
class FakeDocuments:
    changed: str = ""

    def difference(self, runbook: Runbook, files: Mapping[str, str]) -> str:
        return self.changed


def load(text: str) -> Runbook:
    name = text.partition("\nid: ")[2].partition("\n")[0]
    return parse(Source(f"{name}.yaml", text.encode()), SCHEMA)


@dataclass
class World:
    """What outlives a process: the journal, the target, the clock."""

    runbook: Runbook
    answers: dict[str, list[Reply]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    others: dict[str, Runbook] = field(default_factory=dict)
    tier: Tier = Tier.LOCAL
    by: By = By.HAND

    def __post_init__(self) -> None:
        self.points, self.clock, self.documents = Points(), FakeClock(), FakeDocuments()
        self.journal = FakeJournal(self.clock, self.points)
        self.machine = FakeMachine(self.points, Target("web1", self.tier), journal=self.journal)
        self.messenger = FakeMessenger()
        self.runs = FakeRuns()
        self.operator = FakeOperator(self.answers, self.by)

    def plan(self) -> Plan:
        values = bind(self.runbook, self.params)
        return build.plan(self.runbook, values, hosts=("web1",), here="web1", key=b"k", load=self.others.__getitem__)

    def session(self, plan: Plan | None = None, run: str = "r1") -> Session:
        outside = (self.operator, self.clock, self.journal, self.documents, self.messenger, self.runs, FakeCrew())
        ports = Ports({"web1": self.machine}, *outside)
        return Session(plan or self.plan(), ports, run, "ann", replay(self.journal.records))

    def begin(self, plan: Plan | None = None) -> Ended:
        session = self.session(plan)
        session.record(aftermath.opened(session.plan, "r1", "real", {"web1": self.machine.target}, ""))
        return loop.go(session)

    def resume(self, plan: Plan | None = None) -> Ended:
        session = self.session(plan)
        if session.state.opened is None:
            session.record(aftermath.opened(session.plan, "r1", "real", {"web1": self.machine.target}, ""))
        else:
            session.record(RunResumed(1))
        return loop.go(session)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records]

    def results(self) -> dict[str, str]:
        ended = [r.data for r in self.journal.records if r.kind == "step.result"]
        return {str(d["step"]): f"{d['status']} {d['reason']}".strip() for d in ended}


def printed(text: str, code: int = 0) -> Outcome:
    return Exited(code, Captured(stdout=text, stdout_size=len(text), value=text.encode()))
