"""From what a machine answered to the event that is recorded, and to what the run does about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from holdpoint.document import values
from holdpoint.document.model import Expect, Registered, Section, Step
from holdpoint.engine.events import Reason, Status, StepEnded, StepLeft
from holdpoint.engine.next import Stop
from holdpoint.engine.outcomes import (
    Captured,
    EndedByPerson,
    Exited,
    LeftRunning,
    NeverStarted,
    NotRun,
    Outcome,
    OutOfTouch,
    Signalled,
    Superseded,
    TimedOut,
    Unknown,
    Unreachable,
)
from holdpoint.planning.plan import FileRun
from holdpoint.problem import Exit, Problem
from holdpoint.shell import Plain, Secret, as_text

ABSENT = 1
"""What `test` and `grep` exit with for "no"; above it, they could not look."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The events to record, if any; secrets that were registered; and whether the run stops here."""

    ended: StepEnded | None
    left: StepLeft | None = None
    hidden: Mapping[str, Secret] = field(default_factory=dict)
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which execution an outcome belongs to."""

    step: Step
    key: str
    host: str
    number: int
    changing: bool


def judge(attempt: Attempt, outcome: Outcome) -> Judged:
    """Give the status of an execution by the document's expectation."""
    match outcome:
        case Exited(code, output):
            return _exited(attempt, code, output)
        case Signalled(signal, output):
            return Judged(_ended(attempt, Status.FAILED, f"ended by signal {signal}", output))
        case TimedOut(seen, output):
            return Judged(_timed_out(attempt, output, seen=seen))
        case EndedByPerson(ended, output):
            return _ended_by_person(attempt, output, seen=ended)
        case LeftRunning(come=False):
            why = f"a person left before the turn of {attempt.host} came in `{attempt.key}`"
            return Judged(None, stop=Stop(Exit.STOPPED, why, attempt.key))
        case LeftRunning():
            why = f"`{attempt.key}` was left running on {attempt.host}"
            return Judged(None, _left(attempt, runs=True), stop=Stop(Exit.STOPPED, why, attempt.key))
        case Unreachable(why):
            return Judged(_ended(attempt, Status.UNREACHABLE, why, Captured()))
        case Unknown(why) if attempt.changing:
            return Judged(_ended(attempt, Status.IN_DOUBT, why, Captured()))
        case Unknown(why):
            return Judged(_ended(attempt, Status.UNREACHABLE, why, Captured()))
        case OutOfTouch(why):
            told = f"`{attempt.key}` was begun on {attempt.host}, and it cannot be asked now what became of it: {why}"
            return Judged(None, _left(attempt, runs=False, why=why), stop=Stop(Exit.UNKNOWN, told, attempt.key))
        case NotRun(why):
            return Judged(_ended(attempt, Status.SKIPPED, why, Captured(), reason=Reason.DRY_RUN))
        case Superseded(holder):
            why = f"the lock of {attempt.host} was taken over by {holder}; nothing was started"
            return Judged(None, stop=Stop(Exit.LOCKED, why, attempt.key))
        case NeverStarted():
            raise AssertionError("only a settling asks for this, and it takes care of it")
        case _:
            assert_never(outcome)


def _left(attempt: Attempt, *, runs: bool, why: str = "") -> StepLeft:
    return StepLeft(attempt.key, attempt.host, attempt.number, runs, why)


def meets(expect: Expect, outcome: Outcome) -> bool | None:
    """Whether a check is green; None where it could not be looked at."""
    match outcome:
        case Exited(code, output):
            return code in expect.exits and _prints(expect, output)
        case Signalled() | TimedOut():
            return False
        case _:
            return None


def reading_of(outcome: Outcome) -> tuple[str, str]:
    """A note and the output of a check, for its record."""
    match outcome:
        case Exited(code, output):
            return f"exit {code}", (output.stdout + output.stderr).strip()
        case Signalled(signal, output):
            return f"signal {signal}", (output.stdout + output.stderr).strip()
        case TimedOut(_, output):
            return "the time was up", (output.stdout + output.stderr).strip()
        case Unreachable(why) | Unknown(why) | NotRun(why):
            return why, ""
        case _:
            return "it was ended", ""


def _exited(attempt: Attempt, code: int, output: Captured) -> Judged:
    met = code in attempt.step.expect.exits and _prints(attempt.step.expect, output)
    present = met if attempt.step.section is Section.SYMPTOMS else None
    if present is False and code > ABSENT and attempt.step.expect == Expect():
        note = f"could not be looked at: exit {code}"
        return Judged(_ended(attempt, Status.OK, note, output, code=code))
    if present is False:
        return Judged(_ended(attempt, Status.OK, "", output, code=code, present=False))
    if not met:
        note = (
            "" if code not in attempt.step.expect.exits else f"its output does not match `{attempt.step.expect.stdout}`"
        )
        return Judged(_ended(attempt, Status.FAILED, note, output, code=code))
    if isinstance(attempt.step.action, FileRun) and attempt.step.action.keeps:
        return Judged(_fetched(attempt, output, code))
    if not attempt.step.register:
        return Judged(_ended(attempt, Status.OK, "", output, code=code, present=present))
    registered = register(attempt, output)
    if isinstance(registered, str):
        return Judged(_ended(attempt, Status.FAILED, registered, output, code=code))
    if attempt.step.sensitive:
        hidden = {name: Secret(as_text(value)) for name, value in registered.items()}
        return Judged(
            _ended(attempt, Status.OK, "", output, code=code, present=present, hidden=tuple(hidden)), hidden=hidden
        )
    return Judged(_ended(attempt, Status.OK, "", output, code=code, present=present, values=registered))


def _fetched(attempt: Attempt, output: Captured, code: int) -> StepEnded:
    """A file counts as fetched where it was kept: whole, as the target's own digest says, and without a secret."""
    if output.digest:
        note = f"{output.stdout_size} bytes, sha256 {output.digest}, kept as {output.stdout_file}"
        return _ended(attempt, Status.OK, note, output, code=code)
    return _ended(attempt, Status.FAILED, f"the file was not kept: {output.lost}", output, code=code)


def register(attempt: Attempt, output: Captured) -> dict[str, Plain] | str:
    """Read the registered names from standard output; a sentence where that cannot be done."""
    if output.value is None:
        return "it printed more than can be registered (1 MiB)"
    try:
        text = output.value.decode().rstrip("\n")
    except UnicodeDecodeError as error:
        return f"its output is not UTF-8 (byte {error.start}), so nothing can be registered"
    if not attempt.step.sensitive and output.secret:
        if isinstance(attempt.step.action, FileRun):
            return "what stands there holds a secret of this run, so it cannot be kept for taking the change back"
        return "its output holds a secret, which is not registered; mark the step `sensitive: true`"
    texts = _named(attempt.step.register, text)
    if isinstance(texts, str):
        return texts
    checked = {one.name: values.check(one, texts[one.name]) for one in attempt.step.register}
    problems = [value.message for value in checked.values() if isinstance(value, Problem)]
    if problems:
        return "; ".join(problems)
    return {name: value for name, value in checked.items() if not isinstance(value, Problem | Secret)}


def _named(names: tuple[Registered, ...], text: str) -> dict[str, str] | str:
    if len(names) == 1:
        return {names[0].name: text}
    lines = [line.partition("=") for line in text.splitlines() if line]
    found = {name: value for name, sign, value in lines if sign}
    absent = [f"`{one.name}`" for one in names if one.name not in found]
    return f"its output has no line `name=value` for {', '.join(absent)}" if absent else found


def _timed_out(attempt: Attempt, output: Captured, *, seen: bool) -> StepEnded:
    if seen:
        return _ended(attempt, Status.TIMED_OUT, "the time was up; it was seen to end", output)
    status = Status.IN_DOUBT if attempt.changing else Status.TIMED_OUT
    return _ended(attempt, status, "the time was up, and it was not seen to end", output)


def _ended_by_person(attempt: Attempt, output: Captured, *, seen: bool) -> Judged:
    why = f"a person ended `{attempt.key}` on {attempt.host}"
    if not attempt.changing:
        return Judged(None, stop=Stop(Exit.STOPPED, why, attempt.key))
    if seen:
        ended = _ended(attempt, Status.FAILED, "ended by a person; it was seen to end", output)
        return Judged(ended, stop=Stop(Exit.STOPPED, why, attempt.key))
    ended = _ended(attempt, Status.IN_DOUBT, "ended by a person; it was not seen to end", output)
    return Judged(ended, stop=Stop(Exit.UNKNOWN, f"{why}, and it was not seen to end", attempt.key))


def _prints(expect: Expect, output: Captured) -> bool:
    if expect.stdout is None:
        return True
    text = output.stdout if output.value is None else output.value.decode(errors="replace")
    return re.search(expect.stdout, text) is not None


def _ended(
    attempt: Attempt,
    status: Status,
    note: str,
    output: Captured,
    *,
    reason: Reason = Reason.NONE,
    code: int | None = None,
    present: bool | None = None,
    values: Mapping[str, Plain] | None = None,
    hidden: tuple[str, ...] = (),
) -> StepEnded:
    quiet = attempt.step.sensitive
    return StepEnded(
        step=attempt.key,
        host=attempt.host,
        attempt=attempt.number,
        status=status,
        reason=reason,
        note=note,
        exit=code,
        present=present,
        stdout="" if quiet else output.stdout,
        stderr="" if quiet else output.stderr,
        stdout_size=output.stdout_size,
        stderr_size=output.stderr_size,
        stdout_file=output.stdout_file,
        stderr_file=output.stderr_file,
        values=values or {},
        hidden=hidden,
        digest=output.digest,
    )
