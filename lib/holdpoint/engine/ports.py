"""The seams of the engine: machines, people, time, and the journal. Reads first; everything else here keeps to it.

Implementations live in `hosts/`, `operators/` and `store/`. A fake in a test implements the same protocol and refuses
what it was not told. A walk-through and a check are machines too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from holdpoint.document.model import Effect, Runbook
from holdpoint.engine.asked import Answer, Question, Silence
from holdpoint.engine.outcomes import Outcome, Unreachable
from holdpoint.engine.target import Target
from holdpoint.journal.record import Json, Record
from holdpoint.shell import Script, Secret

T = TypeVar("T")


# --- machines ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute. `spool` names the output files of this execution inside the run's folder.

    `secrets` are all that the run holds, whether or not this script reads them: none may come out of its output.
    """

    script: Script
    spool: str
    timeout: timedelta
    kill_grace: timedelta
    become: str | None = None
    secrets: tuple[Secret, ...] = ()
    sensitive: bool = False
    """Nothing that it prints is shown or kept; it can only be registered."""
    quiet: bool = False
    """The same of its standard output alone, which is meant for no person."""
    keeps: str = ""
    """Where in the run's folder the file is kept that it prints, behind one line with the file's SHA-256.

    It is kept byte for byte, or not at all: where it is not what the target's digest says, or holds a secret.
    """

    def hidden(self) -> tuple[Secret, ...]:
        """All that must be masked in what comes out."""
        return tuple(dict.fromkeys((*self.secrets, *self.script.secrets())))


@dataclass(frozen=True, slots=True)
class Ticket:
    """What makes a change happen at most once.

    `token` names the execution on the target, `digest` is that of the command agreed to, `head` the hash of the
    `step.intent` record (kept in the tombstone), `epoch` the lock's epoch that must still hold when it starts.
    """

    token: str
    digest: str
    head: str
    epoch: int


class Wish(StrEnum):
    """What the person wants of the execution that is being watched."""

    GO_ON = "go-on"
    END = "end"
    LEAVE = "leave"


class Watch(Protocol):
    """How an execution is watched: it is handed masked output as it comes, and asked often what the person wants."""

    @property
    def listens(self) -> bool:
        """Whether output is of use to it as it comes; where it is not, none is made into text for it."""

    def output(self, stream: str, text: str) -> None: ...

    def about(self, what: str) -> None:
        """Say what the machine is about, besides waiting for the step; empty once that is over."""

    def lost(self, host: str, why: str) -> None:
        """Hear that the connection to a host was lost, and is being made again."""

    def regained(self, host: str) -> None:
        """Hear that it stands again."""

    def wish(self) -> Wish: ...


class Unwatched:
    """The watch of what nobody waits for."""

    listens = False

    def output(self, stream: str, text: str) -> None:
        """Let it go by."""

    def about(self, what: str) -> None:
        """Let it go by."""

    def lost(self, host: str, why: str) -> None:
        """Let it go by."""

    def regained(self, host: str) -> None:
        """Let it go by."""

    def wish(self) -> Wish:
        return Wish.GO_ON


class Crew(Protocol):
    """Does several things on machines at once, a bounded number at a time."""

    def carry_out(self, jobs: Sequence[Callable[[Watch], T]], watch: Watch) -> Iterator[tuple[int, T]]:
        """Give each job's number and answer as it ends.

        `watch` itself is used from the caller's thread alone; each job is handed one that passes on to it. A caller
        that leaves early leaves what runs under an agent running.
        """


ANY_RUN = "any"
"""In the place of a run's name: whichever it is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants, or holds, the lock of a target."""

    run: str
    person: str
    since: datetime
    title: str
    holds_as: str = ""
    """Tells those apart who took over one run; empty where nobody did."""

    @property
    def holder(self) -> str:
        """The name that the lock belongs to: whoever comes with it has the lock already."""
        return self.holds_as or self.run


@dataclass(frozen=True, slots=True)
class Acquired:
    epoch: int


@dataclass(frozen=True, slots=True)
class HeldBy:
    claim: Claim
    epoch: int


LockAnswer = Acquired | HeldBy | Unreachable


@dataclass(frozen=True, slots=True)
class Returned:
    """The lock is free."""


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The lock was not this run's any more; whoever holds it holds it still."""


UnlockAnswer = Returned | NotHeld | Unreachable


class Machine(Protocol):
    """One target. Every method may be called again after any failure; none raises for what a target can cause."""

    @property
    def target(self) -> Target: ...

    def read(self, command: Command, watch: Watch) -> Outcome:
        """Execute plainly; leaves nothing on the target, no process either."""

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        """Execute under the agent, at most once for the token; called again, it attaches."""

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        """Find out what became of a token whose end is not recorded; attaches where it runs still.

        Only `NeverStarted` says that nothing was started; `Unreachable` says that the target could not be asked.
        """

    def bury(self, ticket: Ticket) -> bool:
        """Make sure that a token which never started never will; False where it did start, or that is not known."""

    def forget(self, ticket: Ticket) -> bool:
        """Clear the execution's spool away, now that its end is durable; a tombstone with the head stays.

        False where it may be there still.
        """

    def lock(self, claim: Claim, watch: Watch, *, take_over: bool = False) -> LockAnswer:
        """Take the target's lock, or take it again for the same run; `take_over` raises the epoch past a holder.

        Where the person wishes for anything else before the answer, it is `Unreachable`, and the lock may have been taken.
        """

    def unlock(self, claim: Claim) -> UnlockAnswer:
        """Give the lock back, if this run still holds it; `Unreachable` where that could not be done."""

    def heads(self, run: str) -> Mapping[str, str] | None:
        """Give, for each token of this run that the target remembers, the journal's head that came with it."""

    def running(self, run: str) -> tuple[str, ...] | None:
        """Name the tokens of a run, or of `ANY_RUN`, that live on the target still; None where it does not answer."""

    def announce(self, run: str, digest: str, gate: Mapping[str, Json]) -> None:
        """Show a gate that waits for another person where they can read it, on the target; it may fail.

        It takes the place of the one that was shown before.
        """

    def withdraw(self, run: str) -> None:
        """Show no gate of the run any more, since none waits; it may fail."""

    def approvals(self, run: str, digest: str) -> tuple[str, ...]:
        """Name the other people who approved exactly this."""


# --- people -----------------------------------------------------------------------------------------------------


class Operator(Protocol):
    """The person, at a terminal or behind a file of answers."""

    def ask(self, question: Question, until: datetime | None) -> Answer | Silence:
        """Show the question and wait for an answer, at the longest until `until` (then `ELAPSED`).

        Asks again after Enter or an unknown word; handles `show` itself.
        """

    def tell(self, record: Record) -> None:
        """Show one record of the journal, just written."""

    def watch(self, key: str, targets: tuple[Target, ...], effect: Effect) -> Watch:
        """Begin to watch one execution, or the same one on several targets."""


# --- time and memory --------------------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def wait(self, duration: timedelta, watch: Watch) -> bool:
        """Wait; False where the person ended it early."""


class Journal(Protocol):
    """An append-only record. `append` returns once the record is durable, or raises `JournalFailed`."""

    def append(self, kind: str, data: Mapping[str, Json]) -> Record: ...


class JournalFailed(Exception):  # noqa: N818 - the past tense of an event
    """A record could not be made durable; nothing may be done that is not on disk, so the run stops here."""


class Documents(Protocol):
    """The library, asked again before an effect."""

    def difference(self, runbook: Runbook, files: Mapping[str, str]) -> str:
        """Say how the document on disk differs now from the one that was planned; empty where it does not.

        `files` gives the SHA-256, as planned, of each file beside it that its steps put.
        """


class Standing(StrEnum):
    """How a run stands, as far as can be told from here."""

    UNKNOWN = "not recorded here"
    GOES_ON = "a process goes on with it"
    LEFT = "no process goes on with it, and it can be resumed"
    OVER = "it is over"


class Runs(Protocol):
    """The other runs that are recorded where this one is."""

    def standing(self, run: str) -> Standing:
        """Say how another run stands."""


class Messenger(Protocol):
    """Where `notify` and escalations go."""

    def send(self, to: str, text: str) -> str:
        """Deliver it; give a sentence on what became of it. Never raises for an undeliverable message."""
