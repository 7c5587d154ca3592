"""Sending: a message goes to the destinations that `team.yaml` names for its audience, each with a result of its own.

That it is about to be sent is on record before its first byte, and what became of it after; so nothing is sent twice
that may have gone out, unless a person says so. Nobody is asked anything while a journal is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from holdpoint.app.desk import Book, Desk
from holdpoint.document.model import Param, ValueType
from holdpoint.incident.effects import AUDIENCE, Effect, Standing
from holdpoint.incident.events import Event, MessageFailed, MessageRendered, MessageSending, MessageSent
from holdpoint.incident.state import Message
from holdpoint.oncall.outside import Destination, Source
from holdpoint.operators.interrupts import Interrupts
from holdpoint.outside import delivery, job
from holdpoint.outside.hiding import secrets_of
from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store import secrets
from holdpoint.store.crash import crash_point
from holdpoint.views import sending as view
from holdpoint.views.times import clock_time

BY_HAND = "pasted by hand"
SEEN = "as a person saw there"
AT_ONCE = 8
"""Destinations that are sent to at the same time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a message, in sentences, and the exit code that says so."""

    text: str
    exit: Exit = Exit.OK


def note_again(desk: Desk, book: Book, *events: Event) -> None:
    """Write more to an incident whose journal was closed meanwhile."""
    with desk.writing(book.folder, open_only=False) as again:
        for event in events:
            again.note(event)
    book.state = again.state
    book.written += again.written


def places(desk: Desk, message: MessageRendered) -> tuple[Destination, ...]:
    """Where a message goes by itself."""
    return desk.team.outside.to(AUDIENCE[message.purpose])


# --- what is to become of a message that was just shown ---------------------------------------------------------


def settle(desk: Desk, book: Book, message: MessageRendered, *, send: bool, by_hand: bool = True) -> Settled:
    """Send a message that was just shown, record that a person sent it, or leave it; as a person at the terminal says.

    With `send` nobody is asked. Where it goes nowhere by itself it is asked whether it was pasted, if `by_hand`.
    """
    number, to = message.message, places(desk, message)
    named = _option(desk, book, number)
    later = f"Message {number} is written, and NOT recorded as sent: `inv incident.sent{named}` once it has gone out."
    if to:
        later = f"Message {number} is written, and NOT sent: `inv incident.send{named}` sends it."
    if send and not to:
        why = (
            f"`team.yaml` names no channel for {AUDIENCE[message.purpose]}, so message {number} goes nowhere by itself"
        )
        desk.warn(f"{why}; it is to be pasted")
        return Settled(later, Exit.FAILED)
    word = "send" if send else ""
    if not word and (to or by_hand):
        word = asked_word(desk, view.question(number, [one.name for one in to]), {"send"} if to else set())
    if word == "send":
        return deliver(desk, book, number)
    if word == "sent":
        note_again(desk, book, MessageSent(number, BY_HAND, desk.now))
        return Settled(f"Message {number} is recorded as sent.")
    return Settled(later)


def _option(desk: Desk, book: Book, number: int) -> str:
    """The options that a command needs to mean this message of this incident."""
    one = f" --message {number}" if len(book.state.waiting()) > 1 else ""
    return f"{one}{desk.named(book.folder.name, book.state)}"


def asked_word(desk: Desk, question: str, more: set[str]) -> str:
    """Ask for `sent`, `later` or one of `more`; `later` where nobody answers."""
    if not desk.world.interactive or desk.world.json:
        return "later"
    word = ""
    with suppress(HoldpointError):  # nobody answers: it is not known to be sent
        while word not in {"sent", "later"} | more:
            word = desk.world.prompt(question).strip().lower()
    return word or "later"


# --- sending ----------------------------------------------------------------------------------------------------


def deliver(desk: Desk, book: Book, number: int, *, again: bool = False) -> Settled:
    """Send a message to every destination that it did not reach; where that is in doubt, only `again`.

    At a terminal it is asked what to do where it is in doubt. Raises `HoldpointError` with exit 9 while somebody else
    is sending it.
    """
    message = book.state.messages[number]
    known = {one.name: one for one in places(desk, message.rendered)}
    doubtful = _doubtful(message, desk.now)
    if doubtful and not again:
        word = asked_word(desk, view.doubt(number, doubtful, desk.zone), {"send"})
        if word == "sent":
            note_again(desk, book, *(MessageSent(number, SEEN, desk.now, name) for name in doubtful))
        again = word == "send"
    if not delivery.installed():
        why = "the package `apprise` is not installed: `pip install 'holdpoint[incident]'`"
        note_again(desk, book, MessageFailed(number, why, desk.now))
        return Settled(f"Message {number} did NOT go out: {why}. Paste it, then `inv incident.sent`.", Exit.FAILED)
    addresses, lacking = _addresses(desk, known)
    going = _begun(desk, book, number, known, lacking, again=again)
    crash_point("message:begun")
    unrecorded: list[HoldpointError] = []
    for name, outcome in _sent(desk, message.rendered, {name: known[name] for name in going}, addresses):
        crash_point(f"message:{name}:answered")
        try:
            note_again(desk, book, _event(number, name, outcome, desk.now))
        except HoldpointError as error:
            unrecorded.append(error)  # the others have their results yet
    if unrecorded:
        raise unrecorded[0]
    return _settled(desk, book, number, known)


def _doubtful(message: Message, now: datetime) -> Mapping[str, tuple[str, datetime]]:
    """Destinations of which it is not known whether they were reached; with who began, and when."""
    return {
        name: (one.person, one.at) for name, one in message.undelivered.items() if one.now(now) is Standing.IN_DOUBT
    }


def _begun(
    desk: Desk,
    book: Book,
    number: int,
    known: Mapping[str, Destination],
    lacking: Mapping[str, str],
    *,
    again: bool,
) -> tuple[str, ...]:
    """Record, before anything goes out, where it is going; what cannot go anywhere is recorded as failed."""
    with desk.writing(book.folder, open_only=False) as fresh:
        message = fresh.state.messages[number]
        wanted = [name for name in known if _is_to_go(desk, message, name, again=again)]
        for name in wanted:
            if name in lacking:
                fresh.note(MessageFailed(number, lacking[name], desk.now, name))
        going = tuple(name for name in wanted if name not in lacking)
        if going:
            rounds = -(-len(going) // AT_ONCE)
            seconds = rounds * ceil(max(known[name].within.total_seconds() for name in going))
            fresh.note(MessageSending(number, going, seconds, desk.now))
    book.state = fresh.state
    book.written += fresh.written
    return going


def _is_to_go(desk: Desk, message: Message, name: str, *, again: bool) -> bool:
    """Whether a message is to be sent to a destination now. Raises while somebody else is sending it there."""
    there = message.deliveries.get(name)
    if there is None:
        return message.sent is None
    match there.now(desk.now):
        case Standing.BEGUN:
            what = f"message {message.rendered.message} is being sent to `{name}` by {there.person}"
            raise busy(desk, what, there)
        case Standing.IN_DOUBT:
            return again
        case Standing.FAILED:
            return True
        case Standing.DONE:
            return False


def busy(desk: Desk, what: str, effect: Effect) -> HoldpointError:
    """Refuse what somebody else is doing just now."""
    last = f", at {clock_time(effect.until, desk.zone)} at the latest" if effect.until else ""
    hint = f"`inv incident.show` tells what became of it{last}"
    problem = Problem("being-done", what, found=f"begun at {clock_time(effect.at, desk.zone)}", hint=hint)
    return HoldpointError(problem, exit_code=Exit.LOCKED)


def _addresses(desk: Desk, known: Mapping[str, Destination]) -> tuple[dict[str, str], dict[str, str]]:
    """Get the addresses; and for those that cannot be had, why."""
    found: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for name, one in known.items():
        try:
            found[name] = secret_of(desk, name, one.address, one.place)
        except HoldpointError as error:
            lacking[name] = error.problems[0].message
    return found, lacking


def secret_of(desk: Desk, name: str, source: str | Source, place: Place) -> str:
    """Give what stands in the document, or the secret that it names; raises `HoldpointError` where there is none."""
    if isinstance(source, str):
        return source
    param = Param(name=name, type=ValueType.SECRET, place=place, source=source)
    return secrets.resolve(param, environ=desk.world.environ).reveal().strip()


def _sent(
    desk: Desk, message: MessageRendered, going: Mapping[str, Destination], addresses: Mapping[str, str]
) -> Iterator[tuple[str, job.Done | job.Failed]]:
    """Send to all at once, and give each result as it comes. Ctrl-C meanwhile calls nothing back, and is not heard."""
    title, _, body = message.text.partition("\n")
    text = {"title": title, "body": body} if body.strip() else {"title": "", "body": title}
    if not going:
        return
    if not desk.world.json:
        most = max(one.within for one in going.values())
        desk.world.out.write(f"Sending to {', '.join(going)}; at most {most.total_seconds():g}s ...\n")
        desk.world.out.flush()
    with Interrupts(), ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {
            pool.submit(
                job.carry_out,
                "message",
                {**text, "address": addresses[name]},
                environ=desk.world.environ,
                within=one.within,
                secrets=secrets_of(addresses[name]),
            ): name
            for name, one in going.items()
        }
        for future in as_completed(asked):
            yield asked[future], future.result()


def _event(number: int, name: str, outcome: job.Done | job.Failed, now: datetime) -> Event:
    match outcome:
        case job.Done():
            return MessageSent(number, f"by the channel `{name}`", now, name)
        case job.Failed(why, doubt):
            return MessageFailed(number, why, now, name, doubt)


def _settled(desk: Desk, book: Book, number: int, known: Mapping[str, Destination]) -> Settled:
    """Say how it stands with a message now, at each of its destinations."""
    message, now = book.state.messages[number], desk.now
    standings = {one.now(now) for one in message.undelivered.values()}
    code = Exit.UNKNOWN if Standing.IN_DOUBT in standings else Exit.FAILED if standings else Exit.OK
    gone = [name for name in message.undelivered if name not in known]
    return Settled(
        "\n".join(view.delivered(message, now, gone, _option(desk, book, number) if standings else "")), code
    )
