"""What a target's last words about a token mean: the table of its states, beside what the run remembers of it.

Pure. Where how it ended is not known the answer is `Unknown`, never a guess.
"""

from __future__ import annotations

from holdpoint.engine.outcomes import (
    Captured,
    EndedByPerson,
    Exited,
    NeverStarted,
    Outcome,
    Signalled,
    Superseded,
    TimedOut,
    Unknown,
    Unreachable,
)
from holdpoint.hosts.lock import decode, explain

RUN_STARTS = 128
"""Above it, a shell's status is that of a child that a signal ended."""


def last_words(payload: bytes) -> list[str]:
    """Give the words of the frame that ends a conversation; a claim stays one word."""
    text = payload.decode("utf-8", "replace")
    if text.startswith("superseded"):
        return text.split(" ", 2)
    return text.split()


def outcome_of(words: list[str], output: Captured, *, settling: bool, seen: bool) -> Outcome:
    """Say what the target's answer means. `seen` is whether the run saw the token start, `settling` that nothing was sent now."""
    match words:
        case ["done", code, how, ended, *_]:
            return _ended(int(code), how, ended == "yes", output)
        case ["tombstone", "done", code, how, ended, *_]:
            return _ended(int(code), how, ended == "yes", Captured(value=None))
        case ["tombstone", "buried", *_] if seen:
            return Unknown("it was seen to start, and the target says that it never did")
        case ["tombstone", "buried", *_]:
            return NeverStarted() if settling else Unreachable("this attempt was given up before it started")
        case ["tombstone", *_]:
            return Unknown("it was settled and cleared away before; how it ended was not known then")
        case ["none" | "claimed"] if seen:
            return Unknown("it was seen to start, and the target does not know of it any more")
        case ["none" | "claimed"] if settling:
            return NeverStarted()
        case ["superseded", _, claim]:
            holder = decode(claim)
            return Superseded(f"{holder.person}, run {holder.run}, since {holder.since:%Y-%m-%d %H:%M:%S} UTC")
        case ["superseded", *_]:
            return Superseded("nobody: the target holds no lock of this run any more")
        case _:
            return _doubt(words)


def _ended(code: int, how: str, ended: bool, output: Captured) -> Outcome:
    match how:
        case "late":
            return TimedOut(ended, output)
        case "ending":
            return EndedByPerson(ended, output)
        case "signalled" if code > RUN_STARTS:
            return Signalled(code - RUN_STARTS, output)
        case _:
            return Exited(code, output)


def _doubt(words: list[str]) -> Outcome:
    match words:
        case ["lost"]:
            return Unknown("its supervisor was ended; how the step ended is not known")
        case ["rebooted"]:
            return Unknown("the machine was restarted while it ran")
        case ["elsewhere"]:
            return Unknown("it was started on another machine, whose disk this is a copy of")
        case ["other-command"]:
            return Unknown("the target knows this token for another command")
        case _:
            return Unreachable(explain(words))
