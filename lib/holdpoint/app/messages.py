"""Messages: what is written for people to send, what went out, and the end of an incident, which is one of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from holdpoint.app.desk import Book, Desk, one_line, some_text
from holdpoint.app.world import World
from holdpoint.incident.events import (
    DataLossNoticed,
    MessageFailed,
    MessageRendered,
    MessageSent,
    Purpose,
    Reopened,
    Resolved,
)
from holdpoint.incident.messages import Asked, moment, words
from holdpoint.incident.phases import Phase
from holdpoint.incident.state import State
from holdpoint.problem import HoldpointError, Problem

_CHANNELS = {
    "en": {Purpose.DATA_LOSS: "management", None: "the ops channel"},
    "fr": {Purpose.DATA_LOSS: "la direction", None: "le canal ops"},
}
BY_HAND = "pasted by hand"


def render(desk: Desk, book: Book, purpose: Purpose, asked: Asked, language: str | None = None) -> MessageRendered:
    """Write a message from the record, and record it; that it went out is another record."""
    speaks = language or book.state.opening.language
    channels = _CHANNELS[speaks]
    asked = replace(asked, channel=asked.channel or channels.get(purpose, channels[None]))
    rendered = desk.texts.render(purpose.value, speaks, words(book.state, purpose, asked, desk.now, desk.zone))
    if rendered.warning:
        desk.warn(rendered.warning)
    number = len(book.state.messages) + 1
    message = MessageRendered(number, purpose, speaks, asked.channel, rendered.text)
    book.note(message)
    return message


def update(world: World, asked: Asked, *, language: str | None, sent: bool, incident: str | None) -> int:
    """Write the next message; where the person says so, record that it went out. After the end it is the last one."""
    desk = Desk(world)
    asked = _harmless(asked)
    speaks = desk.language(language) if language else None
    with desk.writing(desk.chosen(incident), open_only=False) as book:
        first = book.state.last_sent is None
        ended = book.state.resolved is not None
        purpose = Purpose.RESOLVED if ended else Purpose.FIRST if first else Purpose.UPDATE
        message = render(desk, book, purpose, asked, speaks)
        if sent:
            book.note(MessageSent(message.message, BY_HAND, desk.now))
    return _handed(desk, book, message, sent=sent)


def _harmless(asked: Asked) -> Asked:
    """What a person adds to a message, each in a form that breaks nothing."""
    return Asked(
        some_text(asked.say, "`--say`") if asked.say.strip() else "",
        one_line(asked.estimate, "`--estimate`") if asked.estimate.strip() else "",
        one_line(asked.channel, "`--channel`") if asked.channel.strip() else "",
    )


def _handed(desk: Desk, book: Book, message: MessageRendered, *, sent: bool) -> int:
    """Show a message for pasting, and ask whether it went out, where somebody is there to say."""
    number = message.message
    desk.show_messages([message])
    text = f"Message {number} is recorded as sent."
    if not sent:
        text = f"Message {number} is written, and NOT recorded as sent: `inv incident.sent` once it has gone out."
        word = _asked_whether_sent(desk)
        if word == "sent":
            with desk.writing(book.folder, open_only=False) as again:
                again.note(MessageSent(number, BY_HAND, desk.now))
            book.state, text = again.state, f"Message {number} is recorded as sent."
            book.written += again.written
    return desk.told(book, text, {"message": number, "text": message.text})


def _asked_whether_sent(desk: Desk) -> str:
    if not desk.world.interactive or desk.world.json:
        return ""
    word = ""
    with suppress(HoldpointError):  # nobody answers: it is not known to be sent
        while word not in {"sent", "later"}:
            word = desk.world.prompt("Paste it. Type `sent` once it has gone out, or `later`:").strip().lower()
    return word


def sent(world: World, *, message: str | None, failed: str | None, at: str | None, incident: str | None) -> int:
    """Record that a message went out, or why it did not."""
    desk = Desk(world)
    happened = desk.at(at)
    why = one_line(failed, "the reason") if failed is not None else ""
    with desk.writing(desk.chosen(incident, lambda state: bool(state.waiting())), open_only=False) as book:
        number = _number(book.state, message)
        text = f"Message {number} is recorded as sent."
        if why:
            book.note(MessageFailed(number, why, happened))
            text = f"Message {number} did NOT go out: {why}. It is on record; send it another way."
        else:
            book.note(MessageSent(number, BY_HAND, happened))
    return desk.told(book, text, {"message": number})


def _number(state: State, text: str | None) -> int:
    """The message that is meant: the one named, else the only one that waits."""
    waiting = [one.rendered.message for one in state.waiting()]
    if text is not None:
        if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) in state.messages:  # noqa: PLR2004 - no more digits make sense
            if state.messages[int(text)].sent is not None:
                raise HoldpointError(Problem("sent-already", f"message {text} went out already, as recorded"))
            return int(text)
        known = ", ".join(str(number) for number in state.messages) or "none"
        raise HoldpointError(Problem("message", f"there is no message `{text[:20]}`", found=f"messages: {known}"))
    if len(waiting) == 1:
        return waiting[0]
    if not waiting:
        hint = "`inv incident.update` writes the next one"
        raise HoldpointError(Problem("message", "no message waits to be sent", hint=hint))
    found = "; ".join(f"{one.rendered.message} ({one.rendered.purpose})" for one in state.waiting())
    raise HoldpointError(Problem("message", f"{len(waiting)} messages wait", found=found, hint="add `--message N`"))


# --- the end ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class End:
    """What a person says of the end. `without_verify` is why VERIFY may lack something."""

    cause: str
    impact: str
    data_loss: str
    without_verify: str | None = None
    at: str | None = None


def resolve(world: World, end: End, asked: Asked, *, language: str | None, sent: bool, incident: str | None) -> int:
    """End an incident from its milestones; refused as long as VERIFY lacks something, unless a reason is given."""
    desk = Desk(world)
    folder, happened = desk.chosen(incident), desk.at(end.at)
    why, felt, lost = _wanted(end)
    unverified = some_text(end.without_verify, "the reason") if end.without_verify is not None else ""
    asked = _harmless(asked)
    speaks = desk.language(language) if language else None
    with desk.writing(folder) as book:
        state = book.state
        missing = state.missing(Phase.VERIFY)
        if missing and not unverified:
            raise HoldpointError(_not_verified(book, tuple(item.id for item in missing)))
        restored = state.done["restored"].happened if "restored" in state.done else happened
        _refuse_backwards(state, restored, desk)
        also: list[MessageRendered] = []
        if lost and state.aware is None:
            book.note(DataLossNoticed(felt, happened))
            also.append(render(desk, book, Purpose.DATA_LOSS, Asked(), speaks))
        book.note(
            Resolved(
                cause=why,
                impact=felt,
                data_loss=lost,
                began=state.began,
                restored=restored,
                happened=happened,
                without_verify=unverified if missing else "",
            )
        )
        message = render(desk, book, Purpose.RESOLVED, asked, speaks)
        if sent:
            book.note(MessageSent(message.message, BY_HAND, desk.now))
    desk.show_messages(also)
    return _handed(desk, book, message, sent=sent)


def _wanted(end: End) -> tuple[str, str, bool]:
    """What an end needs; raises with everything that is missing."""
    problems: list[Problem] = []
    for name, given in (("cause", end.cause), ("impact", end.impact)):
        if not given.strip():
            problems.append(Problem("missing", f"`--{name}` is missing", expected=f'`--{name} "..."`, in one line'))
    word = end.data_loss.strip().lower()
    if word not in {"yes", "no"}:
        hint = "when unsure, `yes`: it can be ruled out later, and the 72 hours cannot be made up for"
        found = f"`{word[:20]}`" if word else "nothing"
        problems.append(
            Problem("data-loss", "was data lost?", found=found, expected="`--data-loss yes` or `no`", hint=hint)
        )
    if problems:
        raise HoldpointError(problems)
    return one_line(end.cause, "the cause"), one_line(end.impact, "the impact"), word == "yes"


def _not_verified(book: Book, missing: tuple[str, ...]) -> Problem:
    return Problem(
        "not-verified",
        f"incident `{book.folder.name}` is not verified",
        found=f"VERIFY still needs {', '.join(f'`{item}`' for item in missing)}",
        hint=f'`inv incident.done {missing[0]}`; or `--without-verify "REASON"`, which is on record',
    )


def _refuse_backwards(state: State, restored: datetime, desk: Desk) -> None:
    if restored >= state.began:
        return
    raise HoldpointError(
        Problem(
            "restored-before",
            "it would have been restored before it began",
            found=f"began {moment(state.began, desk.zone)}, restored {moment(restored, desk.zone)}",
            hint="`inv incident.done since --at ...` or `inv incident.done restored --at ...` corrects one of them",
        )
    )


def reopen(world: World, *, reason: str, at: str | None, incident: str | None) -> int:
    """Open an incident again that was not over; what was repaired and verified is to be done anew."""
    desk = Desk(world)
    why, happened = some_text(reason, "the reason"), desk.at(at)
    folder = world.state.find_incident(incident if incident is not None else "last")
    with desk.writing(folder, open_only=False) as book:
        if book.state.is_open:
            raise HoldpointError(Problem("open", f"incident `{folder.name}` is open"))
        book.note(Reopened(why, happened))
    return desk.told(book, f"{folder.name} is open again.")
