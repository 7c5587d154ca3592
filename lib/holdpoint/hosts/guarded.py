"""Executing a `read` step where this process cannot look after it itself: over SSH, or as another user.

Owns what the streams of a step mean, and its time. It leaves no file and no process behind, also where this process or
the connection is gone before the end; that is the work of the shell that `reader` owns.
"""

from __future__ import annotations

import contextlib
import math
import time
from functools import partial
from pathlib import Path
from typing import Protocol

from holdpoint.engine.outcomes import EndedByPerson, Exited, Outcome, Signalled, TimedOut, Unknown, Unreachable
from holdpoint.engine.ports import Command, Watch, Wish
from holdpoint.hosts.agent import GREETING_LIMIT, GREETING_PATIENCE, LinkFailed, LinkRefused
from holdpoint.hosts.capture import STDERR, STDOUT, Capture
from holdpoint.hosts.opening import opened
from holdpoint.hosts.raised import refused, with_remedy
from holdpoint.hosts.reader import KILL_PATIENCE, LEFTOVER_GRACE, Reader, Readers, Words
from holdpoint.hosts.started import Ended

TICK = 0.1
ASK_EVERY = 0.05
LEEWAY = 2.0
SIGNALS_START = 128
LEAVES = frozenset({Wish.LEAVE, Wish.END})
NOT_TOLD = "the shell that executed it ended, and the target does not say how"
BOTH = frozenset({STDOUT, STDERR})


class Whom(Protocol):
    """Remembers which machine a run began on."""

    def meet(self, machine: str, boot: str) -> None:
        """Take in which machine answers. Raises `LinkRefused` for another than the first."""


def execute_guarded(
    command: Command, run_folder: Path, watch: Watch, readers: Readers, host: str, whom: Whom | None = None
) -> Outcome:
    """Execute the command and wait for it, on the machine that `whom` remembers, if any.

    A link that breaks is made again once, since a read may be repeated.
    """
    script = command.script.raw().encode("utf-8", "surrogateescape")
    if b"\0" in script:
        return Unreachable("a script cannot contain a NUL byte")
    broke = False
    while True:
        capture = Capture(run_folder, command, watch)
        execution: _Execution | None = None
        try:
            reader = readers.idle(command.become) or opened(partial(readers.start, command.become), watch, LEAVES)
            if reader is None:
                return EndedByPerson(True, capture.finish())
            execution = _Execution(reader, readers, command, capture, watch, whom)
            if broke:
                watch.regained(host)
            return execution.follow(script)
        except LinkFailed as failed:
            capture.finish()
            if broke or isinstance(failed, LinkRefused) or execution is None:
                why = "" if command.become is None else refused(str(failed), host, command.become)
                return Unreachable(why or str(failed))
            broke = True
            watch.lost(host, str(failed))
        finally:
            if execution is not None:
                execution.let_go()


class _Execution:
    """One execution under way."""

    def __init__(
        self,
        reader: Reader,
        readers: Readers,
        command: Command,
        capture: Capture,
        watch: Watch,
        whom: Whom | None,
    ) -> None:
        self._reader = reader
        self._readers = readers
        self._was_used = reader.used
        self._whom = whom
        self._command = command
        self._capture = capture
        self._watch = watch
        self._noise = b""
        """What came before the shell was ready, in either stream."""
        self._said: dict[str, set[str]] = {STDOUT: set(), STDERR: set()}
        self._ended: Words = ()
        """What the shell said of the end."""
        self._sent = self._clean = False
        self._over = False
        """Whether all of the step was seen to end, so that the shell need not look for it once more."""
        self._asked = self._held_since = 0.0

    def follow(self, script: bytes) -> Outcome:
        """Send it, and pass output on until the end. Raises `LinkFailed`."""
        began = time.monotonic()
        deadline = began + self._command.timeout.total_seconds()
        while True:
            if self._reader.ready and not self._sent:
                self._begin(script)
            ended = self._take(min(TICK, max(0.0, deadline - time.monotonic())))
            if ended is not None or self._heard("ended", "lost"):
                return self._outcome(ended)
            now = time.monotonic()
            if not self._sent and now >= min(deadline, began + GREETING_PATIENCE):
                raise self._not_ready(
                    f"no answer within {now - began:.0f} seconds; does a start-up file read its input?"
                )
            if now >= deadline:
                return TimedOut(self._end(self._command.kill_grace.total_seconds()), self._capture.finish())
            if self._wants_it_ended(now):
                return EndedByPerson(self._end(self._command.kill_grace.total_seconds()), self._capture.finish())

    def let_go(self) -> None:
        """Give the shell back where nothing of the step can be left in it, else close it."""
        if self._clean:
            self._readers.give_back(self._command.become, self._reader)
        else:
            if self._over:
                self._reader.dismiss()
            self._reader.close()

    def _begin(self, script: bytes) -> None:
        if self._whom is not None:
            self._whom.meet(self._reader.machine, self._reader.boot)
        self._reader.begin(self._command.script.shell.value, script)
        self._sent = True

    def _take(self, patience: float) -> Ended | None:
        """Pass on what comes first; gives the end of the shell itself where that is what came."""
        match self._reader.next(patience):
            case None:
                return self._given_up()
            case Ended() as ended:
                return ended
            case pieces:
                for stream, piece in pieces:
                    if isinstance(piece, tuple):
                        self._hear(stream, piece)
                    elif self._sent:
                        self._capture.feed(stream, piece)
                    else:
                        self._pass_over(piece)
        return None

    def _hear(self, stream: str, words: Words) -> None:
        self._said[stream].add(words[0])
        if words[0] == "ended":
            self._ended = words

    def _heard(self, *words: str) -> bool:
        """Tell whether one of these was said in both streams, so that all that was printed before has come."""
        return all(self._said[stream].intersection(words) for stream in BOTH)

    def _pass_over(self, noise: bytes) -> None:
        """Keep what start-up files print, for a complaint."""
        self._noise += noise
        if len(self._noise) > GREETING_LIMIT:
            raise LinkRefused("the target prints too much before its shell answers; look at its start-up files")

    def _given_up(self) -> Ended | None:
        """Give the end of a shell whose streams something holds that cannot be ended."""
        exited = self._reader.started.exited()
        if exited is None:
            self._held_since = 0.0
            return None
        self._held_since = self._held_since or time.monotonic()
        return exited if time.monotonic() - self._held_since > LEFTOVER_GRACE + KILL_PATIENCE + LEEWAY else None

    def _outcome(self, ended: Ended | None) -> Outcome:
        if not self._sent:
            raise self._not_ready("it ended at once")
        if not self._ended and ended is None:
            self._end(min(LEFTOVER_GRACE, self._command.kill_grace.total_seconds()))
        if not self._ended and self._was_used:  # it may have gone before the step came
            raise LinkFailed("the shell that waited for the step is gone")
        match self._ended:
            case (_, code, "missing"):
                raise LinkRefused(f"`{self._command.script.shell}` is not installed there, or not in `PATH`")
            case (_, code, state, *died):
                self._clean = state == "clean" and ended is None
                if state == "left":
                    self._end(min(LEFTOVER_GRACE, self._command.kill_grace.total_seconds()))
                number, output = int(code), self._capture.finish()
                if number < 0:
                    return Unknown(NOT_TOLD)
                return (
                    Signalled(number - SIGNALS_START, output)
                    if died and number > SIGNALS_START
                    else Exited(number, output)
                )
        self._capture.finish()
        return Unknown(NOT_TOLD)

    def _not_ready(self, otherwise: str) -> LinkRefused:
        """Say why the shell did not begin, in its own words where it has any."""
        noise = self._noise.decode("utf-8", "replace") + self._reader.started.complaint()
        said = with_remedy(" ".join(noise.split())[-500:])
        return LinkRefused(f"no shell could be started: {said or otherwise}")

    def _wants_it_ended(self, now: float) -> bool:
        if now - self._asked < ASK_EVERY:
            return False
        self._asked = now
        return self._watch.wish() is not Wish.GO_ON

    def _end(self, grace: float) -> bool:
        """Have all of it ended; tells whether that was seen. Where the shell does not answer, another one does it."""
        if not self._sent:
            return True
        with contextlib.suppress(LinkFailed):
            answer = self._end_by_its_own(grace)
            return self._end_by_another(grace) if answer is None else answer
        return False

    def _end_by_its_own(self, grace: float) -> bool | None:
        """None without an answer. Asked for again where it had not begun yet."""
        deadline = time.monotonic() + grace + KILL_PATIENCE + LEEWAY
        ask_at, answer = 0.0, None
        while (now := time.monotonic()) < deadline:
            if now >= ask_at:
                for said in self._said.values():
                    said.discard("gone")
                self._reader.end(grace)
                ask_at = math.inf
            if self._take(TICK) is not None:
                return True
            if self._heard("stuck"):
                return False
            if self._heard("gone"):
                answer = False
                if self._heard("ended", "lost"):
                    self._over = True
                    return True
                ask_at = min(ask_at, time.monotonic() + TICK)
        return answer

    def _end_by_another(self, grace: float) -> bool:
        """For a step that stopped or killed what guards it."""
        other = self._readers.another(self._command.become)
        asked, left = False, set(BOTH)
        try:
            deadline = time.monotonic() + grace + KILL_PATIENCE + LEEWAY
            while left and time.monotonic() < deadline:
                if other.ready and not asked:
                    if not other.stands_in_for(self._reader):
                        break
                    other.end(grace)
                    asked = True
                match other.next(TICK):
                    case Ended():
                        break
                    case None:
                        continue
                    case pieces:
                        left -= {stream for stream, piece in pieces if isinstance(piece, tuple) and piece[0] == "gone"}
            return not left
        finally:
            if not left:
                other.dismiss()
            other.close()
