"""Changes under the agent: what is sent, what the target's answer means, and when an answer is not to be had.

Owns the table of states: what the run remembers of a token and what the target says of it, together, decide. What the
run remembers is a small file beside its output: the machine that answered first, and which tokens were seen to start.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

from holdpoint.engine.outcomes import LeftRunning, Outcome, OutOfTouch, Unknown, Unreachable
from holdpoint.engine.ports import Command, Ticket, Watch, Wish
from holdpoint.hosts.agent import ATTEMPTS, Conversation, Link, LinkFailed, LinkRefused, Place, ask
from holdpoint.hosts.answers import last_words, outcome_of
from holdpoint.hosts.capture import STDERR, STDOUT, Capture
from holdpoint.hosts.opening import opened

TICK = 0.1
ASK_EVERY = 0.05
END_EVERY = 1.0
PAUSE = 0.2
LONGEST_PAUSE = 2.0
STREAMS = {"out": STDOUT, "err": STDERR}

ANOTHER = "another machine answers than the one that this run began on"
LIVING = frozenset({"claimed", "running", "orphan"})


@dataclass(slots=True)
class Memory:
    """What a run remembers of a target; lines of a file, only ever added to."""

    path: Path
    machine: str = ""
    started: set[str] = field(default_factory=set)
    raised: list[str] = field(default_factory=list)
    accounts: set[tuple[str, str]] = field(default_factory=set)
    """Under which ids of the target's users commands were sent, and for which `become` (`-` for none)."""
    unwritten: list[str] = field(default_factory=list)
    """What is to be written once there is a run: who only looks at a target leaves no folder behind."""

    def load(self) -> None:
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            self._take(line)

    def add(self, line: str, *, durable: bool = False) -> None:
        """Remember one thing. Raises OSError where that cannot be written."""
        self._take(line)
        self.unwritten.append(line)
        if not durable and not self.path.parent.is_dir():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, "".join(f"{each}\n" for each in self.unwritten).encode())
            self.unwritten.clear()
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _take(self, line: str) -> None:
        match line.split(" "):
            case ["machine", machine]:
                self.machine = machine
            case ["started", token]:
                self.started.add(token)
            case ["raised", user] if user not in self.raised:
                self.raised.append(user)
            case ["account", user, uid]:
                self.accounts.add((user, uid))


class Steps:
    """The changes of one run on one target."""

    def __init__(
        self, link: Link, run_folder: Path, name: str, place: Callable[[], Place], holder: Callable[[], str]
    ) -> None:
        self._link = link
        self._run_folder = run_folder
        self._name = name
        self._place = place
        self._holder = holder
        self._memory = Memory(run_folder / f"agent-{quote(name, safe='')}")
        self._memory.load()

    def meet(self, machine: str) -> None:
        """Take in which machine answers: the first one is remembered. Raises `LinkRefused` for another."""
        if not self._memory.machine:
            with contextlib.suppress(OSError):
                self._memory.add(f"machine {machine}")
        elif self._memory.machine != machine:
            raise LinkRefused(f"{ANOTHER}; nothing was done there")

    @property
    def machine(self) -> str:
        """The id of the machine that answered first; empty where none did."""
        return self._memory.machine

    def change(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        """Start it, unless the target knows the token; then attach, fetch, or say that it is in doubt.

        `Unreachable` is given only where nothing was sent, or where the agent itself refused and nothing that was sent
        before can start any more.
        """
        return self._carry_out("run", command, ticket, watch)

    def settle(self, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        """Find out what became of it, and start nothing.

        Only `NeverStarted` says that nothing was started. `Unreachable` says that the target could not be asked, or
        would not answer: what became of the token is as little known as before.
        """
        return self._carry_out("attach", command, ticket, watch)

    def bury(self, ticket: Ticket) -> bool:
        """Make sure that the token never starts, under whichever user it was sent; False where that is not sure."""
        if ticket.token in self._memory.started:
            return False
        terms = [f"token={ticket.token}", f"head={ticket.head}", f"run={self._holder() or self._run_folder.name}"]
        return all(self._buried(terms, user) for user in (None, *self._memory.raised))

    def _buried(self, terms: list[str], user: str | None) -> bool:
        try:
            frames = ask(self._link, "bury", [*self._place().arguments(), *terms], user)
        except LinkFailed:
            return False
        machine = next((frame.words()[0] for frame in frames if frame.kind == "hello"), "")
        if self._memory.machine not in {"", machine}:
            return False
        return frames[-1].words() == ["buried"]

    def forget(self, ticket: Ticket) -> bool:
        """Leave a tombstone in the place of the spool; False where it may be there still."""
        forgotten = [
            self._forgotten(ticket, user) for user in (None, *self._memory.raised)
        ]  # each is asked, whatever one says
        return all(forgotten)

    def _forgotten(self, ticket: Ticket, user: str | None) -> bool:
        try:
            words = ask(self._link, "forget", [*self._place().arguments(), f"token={ticket.token}"], user)[-1].words()
        except LinkFailed:
            return False
        return words[:1] in (["forgotten"], ["none"], ["tombstone"], ["buried"])

    def heads(self, run: str) -> Mapping[str, str] | None:
        """Give the journal's head of each token of the run; None where the target does not answer."""
        known = self._known(run)
        return None if known is None else {token: head for token, (head, _) in known.items()}

    def running(self, run: str) -> tuple[str, ...] | None:
        """Give the tokens of the run whose process, or a child of it, lives; None where the target does not answer."""
        known = self._known(run)
        return None if known is None else tuple(token for token, (_, state) in known.items() if state in LIVING)

    def _known(self, run: str) -> Mapping[str, tuple[str, str]] | None:
        found: dict[str, tuple[str, str]] = {}
        for user in (None, *self._memory.raised):
            try:
                frames = ask(self._link, "heads", [*self._place().arguments(), f"run={run}"], user)
            except LinkFailed:
                return None
            if frames[-1].words() != ["listed"]:
                return None
            heads = (frame.words() for frame in frames if frame.kind == "head")
            found.update({token: (head, state) for token, head, state in heads})
        return found

    def _carry_out(self, operation: str, command: Command, ticket: Ticket, watch: Watch) -> Outcome:
        capture = Capture(self._run_folder, command, watch)
        place = self._place().arguments()
        execution = _Execution(
            self._link,
            self._memory,
            self._name,
            command=command,
            ticket=ticket,
            watch=watch,
            capture=capture,
            place=place,
        )
        arguments = [*place, *_terms(command, ticket, self._holder(), self._run_folder.name)]
        try:
            answer = execution.follow(operation, arguments)
        finally:
            output = capture.finish()
        if not isinstance(answer, list):
            return answer
        settling = operation == "attach"
        if settling and answer[:1] in (["none"], ["claimed"]) and execution.is_a_stranger():
            return Unknown(
                "it may have been begun under another account of the target, which this one cannot look into"
            )
        outcome = outcome_of(answer, output, settling=settling, seen=ticket.token in self._memory.started)
        if isinstance(outcome, Unreachable) and not settling and not execution.surely_refused(answer):
            return Unknown(outcome.why)
        return outcome


class _Execution:
    """One token being started or followed, over as many conversations as that takes."""

    def __init__(
        self,
        link: Link,
        memory: Memory,
        host: str,
        *,
        command: Command,
        ticket: Ticket,
        watch: Watch,
        capture: Capture,
        place: list[str],
    ) -> None:
        self._place = place
        self._link = link
        self._memory = memory
        self._host = host
        self._command = command
        self._ticket = ticket
        self._watch = watch
        self._capture = capture
        self._script = command.script.raw().encode("utf-8", "surrogateescape")
        self._operation = ""
        self._sent = False
        self._lost = False
        """Whether the link broke after the command was sent, so that it may start still."""
        self._asked = 0.0
        self._heard = 0.0
        """When the agent was last heard of; 0 where it never was."""
        self._dialling = False
        """Whether the link broke, and nothing was heard since."""
        self._reached = False
        """Whether a conversation was begun, though nothing may have been heard in it."""
        self._end_asked = 0.0
        self._end_heard = False
        self._uid = ""

    def is_a_stranger(self) -> bool:
        """Whether commands were sent under other accounts of the target than the one that answered now."""
        return any(user == self._raised_to() and uid != self._uid for user, uid in self._memory.accounts)

    def _raised_to(self) -> str:
        return self._command.become or "-"

    def follow(self, operation: str, arguments: list[str]) -> list[str] | Outcome:
        """Give the agent's last words, or the outcome where there are none to be had."""
        self._operation = operation
        if b"\0" in self._script:
            return Unreachable("a script cannot contain a NUL byte")
        why, ended, failed_in_a_row = "", 0, 0
        for attempt in count(1):
            heard = self._heard
            try:
                answer = self._converse(operation, arguments)
            except LinkFailed as failed:
                why = str(failed)
                self._lost = self._sent
                if isinstance(failed, LinkRefused) or not self._tries_again(attempt):
                    break
                if not self._dialling:
                    self._dialling = True
                    self._watch.lost(self._host, why)
                failed_in_a_row = 1 if self._heard > heard else failed_in_a_row + 1
                if not self._pauses(min((failed_in_a_row - 1) * PAUSE, LONGEST_PAUSE)):
                    return LeftRunning()
                continue
            except OSError as error:
                return self._not_known(f"what must be remembered cannot be written: {error.strerror}")
            if operation == "run" and isinstance(answer, list) and answer[:1] in (["claimed"], ["cut"], ["buried"]):
                why, ended = "the agent was ended before it started the step", ended + 1
                if ended == ATTEMPTS:
                    break
                continue
            return answer
        return self._not_known(why)

    def _tries_again(self, attempt: int) -> bool:
        """Whether a link that broke is made again: for a while where it worked before, else only a few times."""
        if not self._link.patience:
            return attempt < ATTEMPTS
        if not self._heard:  # who could not even be dialled is not dialled again
            return self._reached and attempt < ATTEMPTS
        return time.monotonic() - self._heard < self._link.patience

    def _pauses(self, seconds: float) -> bool:
        """Wait a little before the link is made again; False where a person wants to leave meanwhile."""
        deadline = time.monotonic() + (seconds if self._link.patience else 0)
        while (left := deadline - time.monotonic()) > 0:
            if self._watch.wish() is Wish.LEAVE:
                return False
            time.sleep(min(left, ASK_EVERY))
        return True

    def surely_refused(self, answer: list[str]) -> bool:
        """Say whether the agent's last words, which name no outcome, mean that nothing was started or ever will be."""
        if not self._sent or answer[:2] == ["tombstone", "buried"]:
            return True
        return answer[:1] == ["noroom"] and not self._lost

    def _not_known(self, why: str) -> Outcome:
        if self._sent or self._ticket.token in self._memory.started:
            return OutOfTouch(why)
        return Unreachable(why)

    def _converse(self, operation: str, arguments: list[str]) -> list[str] | Outcome:
        offsets = [f"out={self._capture.offset(STDOUT)}", f"err={self._capture.offset(STDERR)}"]
        terms = [*arguments, *offsets, f"size={len(self._script)}"]
        user = self._command.become
        if user is not None and user not in self._memory.raised:
            self._memory.add(f"raised {user}")
        conversation = self._opened(operation, terms, user)
        if conversation is None:
            return LeftRunning()
        self._reached = True
        try:
            while True:
                frame = conversation.next(TICK)
                if frame is not None:
                    if frame.kind != "hello" or not self._heard:  # who only greets makes no progress
                        self._heard = time.monotonic()
                        if self._dialling:
                            self._dialling = False
                            self._watch.regained(self._host)
                    if (answer := self._take(frame.kind, frame.payload, conversation)) is not None:
                        return answer
                if self._wants_to_leave():
                    return LeftRunning()
        finally:
            conversation.close()

    def _opened(self, operation: str, terms: list[str], user: str | None) -> Conversation | None:
        """Begin a conversation. Where a link is to be made, that can take long: a person may leave meanwhile, then None."""
        if not self._link.patience:
            return Conversation(self._link, operation, terms, user)
        return opened(lambda: Conversation(self._link, operation, terms, user), self._watch, {Wish.LEAVE})

    def _take(self, kind: str, payload: bytes, conversation: Conversation) -> list[str] | Outcome | None:
        match kind:
            case "out" | "err":
                self._capture.feed(STREAMS[kind], payload)
            case "gap":
                name, count = payload.decode().split()
                self._capture.skip(STREAMS[name], int(count))
            case "hello":
                machine, *_, self._uid = payload.decode("utf-8", "replace").split()
                return self._meet(machine)
            case "want" if self._ticket.token in self._memory.started:
                return Unknown("it was seen to start, and the target does not know of it any more")
            case "want" if self._watch.wish() is Wish.LEAVE:  # it was long in coming, and nothing was sent yet
                return LeftRunning()
            case "want":
                if (account := (self._raised_to(), self._uid)) not in self._memory.accounts:
                    self._memory.add(" ".join(("account", *account)), durable=True)
                self._sent = True
                conversation.send(self._script)
            case "state":
                if self._ticket.token not in self._memory.started:
                    with contextlib.suppress(OSError):
                        self._memory.add(f"started {self._ticket.token}")
            case "end":
                return last_words(payload)
        return None

    def _meet(self, machine: str) -> Outcome | None:
        if not self._memory.machine:
            self._memory.add(f"machine {machine}", durable=True)
        elif self._memory.machine != machine:
            never_sent = self._operation == "run" and not self._sent and self._ticket.token not in self._memory.started
            return Unreachable(ANOTHER) if never_sent else Unknown(ANOTHER)
        return None

    def _wants_to_leave(self) -> bool:
        """Ask what the person wants, not more often than makes sense; has the step ended where they want that."""
        now = time.monotonic()
        if now - self._asked < ASK_EVERY:
            return False
        self._asked = now
        wish = self._watch.wish()
        if wish is Wish.END and not self._end_heard and now - self._end_asked >= END_EVERY:
            self._end_asked = now
            self._end_heard = self._have_it_ended()
        return wish is Wish.LEAVE

    def _have_it_ended(self) -> bool:
        grace = _milliseconds(self._command.kill_grace.total_seconds())
        arguments = [*self._place, f"token={self._ticket.token}", f"grace={grace}"]
        try:
            words = ask(self._link, "finish_off", arguments, self._command.become)[-1].words()
        except LinkFailed:
            return False
        return words[:1] in (["ending"], ["ended"])


def _terms(command: Command, ticket: Ticket, holder: str, run: str) -> list[str]:
    return [
        f"token={ticket.token}",
        f"digest={ticket.digest}",
        f"head={ticket.head}",
        f"epoch={ticket.epoch}",
        f"run={holder or run}",
        *([f"holder={holder}"] if holder else []),
        f"timeout={_milliseconds(command.timeout.total_seconds())}",
        f"grace={_milliseconds(command.kill_grace.total_seconds())}",
        f"shell={command.script.shell.value}",
    ]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
