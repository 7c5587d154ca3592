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
from holdpoint.journal.record import Json, Record
from holdpoint.shell import Script, Secret

T = TypeVar("T")


class Tier(StrEnum):
    PROD = "prod"
    STAGING = "staging"
    PRACTICE = "practice"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Target:
    """A machine that a run works on, as people know it."""

    name: str
    tier: Tier
    here: bool = False
    """It is the person's own machine, with the tier of the targets that something is done for there."""


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


@dataclass(frozen=True, slots=True)
class Captured:
    """The output of an execution. Files hold all of it, masked; tails are bounded, decoded with replacement, masked.

    `value` is the raw standard output where it is at most `VALUE_LIMIT` bytes, else None; it is for registering only.
    """

    stdout: str = ""
    stderr: str = ""
    stdout_size: int = 0
    stderr_size: int = 0
    stdout_file: str = ""
    stderr_file: str = ""
    value: bytes | None = b""
    secret: bool = False
    """Whether standard output holds a secret in any form that is masked."""
    digest: str = ""
    """The SHA-256 of the file that was kept; empty where none was."""
    lost: str = ""
    """Why a file that was to be kept was not."""


ANY_RUN = "any"
"""In the place of a run's name: whichever it is."""
TAIL_LIMIT = 4096
VALUE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exited:
    code: int
    output: Captured


@dataclass(frozen=True, slots=True)
class Signalled:
    """The command's shell was ended by a signal that was not ours."""

    signal: int
    output: Captured


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time was up; `ended` says whether the whole process group was seen to end."""

    ended: bool
    output: Captured


@dataclass(frozen=True, slots=True)
class EndedByPerson:
    """A person ended it; `ended` says whether the whole process group was seen to end."""

    ended: bool
    output: Captured


@dataclass(frozen=True, slots=True)
class LeftRunning:
    """A person left it: it runs on, on the target. Where its turn had not `come`, it was not begun, or not asked about."""

    come: bool = True


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The target cannot be reached; nothing was started."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent or started, and what became of it is not known: in doubt."""

    why: str


@dataclass(frozen=True, slots=True)
class OutOfTouch:
    """It was sent, and the target cannot be asked now: what became of it is there to be found out, by `settle`."""

    why: str


@dataclass(frozen=True, slots=True)
class NotRun:
    """The machine executes nothing (walk-through), or not this (check)."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """Only from `settle`: the target surely did not start this token, on the same machine and boot."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """The target refused: the lock's epoch was raised by somebody else."""

    holder: str


Outcome = (
    Exited
    | Signalled
    | TimedOut
    | EndedByPerson
    | LeftRunning
    | Unreachable
    | Unknown
    | OutOfTouch
    | NotRun
    | NeverStarted
    | Superseded
)


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


class Asked(StrEnum):
    """What kind of answer is wanted."""

    OPENING = "opening"
    GATE = "gate"
    PROCEED = "proceed"
    MANUAL = "manual"
    VALUE = "value"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be typed, and what it does."""

    word: str
    does: str


FOR_PEOPLE = frozenset({"show", "escalate"})
"""Words that leave a question open: a file that gave them would be asked again for ever."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that a person is shown before they answer. Texts are plain and masked; nothing here is markup.

    `agree` is what must be typed, whole, to let it happen: `run`, or the names of the hosts, in order.
    """

    kind: Asked
    key: str
    title: str
    targets: tuple[Target, ...]
    words: tuple[Word, ...]
    agree: tuple[str, ...] = ()
    digest: str = ""
    effect: Effect = Effect.READ
    why: str = ""
    prompt: str = ""
    batch: str = ""
    """Which of the hosts these are, where a step goes over them in batches."""
    commands: tuple[tuple[str, str], ...] = ()
    """Host and the masked script that it would execute."""
    become: str = ""
    """The user that the script is executed as; empty for the one who is logged in."""
    values: tuple[tuple[str, str, str], ...] = ()
    """Host, name and masked value."""
    chosen: tuple[tuple[str, str, str], ...] = ()
    """Of what destroys: what it is about, as the document names it; host, name and masked value."""
    evidence: tuple[str, ...] = ()
    reverts: str = ""
    """How it can be taken back, or why it cannot."""
    proof: str = ""
    """The check that must be green afterwards."""
    remains: tuple[str, ...] = ()
    """What has been changed and what stays undone if one stops now."""
    attempts: int = 1
    approvers: int = 1
    expires: datetime | None = None
    show: tuple[tuple[str, str], ...] = ()
    """Title and text of what the word `show` prints."""
    hidden: bool = False
    """What is typed is a secret, and does not appear on the screen."""
    problem: str = ""
    """Why the last answer did not fit; the same question is put again."""


class By(StrEnum):
    HAND = "hand"
    SCRIPT = "script"
    NOBODY = "nobody"
    """A walk-through: nobody was asked, since nothing is done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A word of the question, or free text for a value; `person` gave it, by hand or by a file of answers."""

    text: str
    person: str
    by: By = By.HAND


class Silence(StrEnum):
    """Why there is no answer."""

    NO_TERMINAL = "no terminal"
    CLOSED = "the input was closed"
    NOT_IN_FILE = "the file of answers does not name it"
    ELAPSED = "the time was up"
    INTERRUPTED = "interrupted"


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
