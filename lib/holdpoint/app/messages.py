"""Messages: what is written for people to send, what went out, and the end of an incident, which is one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from holdpoint.app.desk import Book, Desk, one_line, reason_of, some_text, something_left
from holdpoint.app.sending import BY_HAND, Settled, deliver, places, settle
from holdpoint.app.world import World
from holdpoint.app.writeup_files import reserve
from holdpoint.incident.effects import AUDIENCE
from holdpoint.incident.events import (
    DataLossNoticed,
    LossRuledOut,
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
    "en": {Purpose.DATA_LOSS: "management", Purpose.EVERYBODY: "everybody", None: "the ops channel"},
    "fr": {Purpose.DATA_LOSS: "la direction", Purpose.EVERYBODY: "tout le monde", None: "le canal ops"},
}


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


def update(
    world: World, asked: Asked, *, language: str | None, sent: bool, incident: str | None, send: bool = False
) -> int:
    """Write the next message, and see it on its way. After the end it is the last one."""
    _refuse_both(sent=sent, send=send)
    desk = Desk(world)
    asked = _harmless(asked)
    speaks = desk.language(language) if language else None
    with desk.writing(desk.chosen(incident), open_only=False) as book:
        first = book.state.last_sent is None
        ended = book.state.resolved is not None
        purpose = Purpose.RESOLVED if ended else Purpose.FIRST if first else Purpose.UPDATE
        message = render(desk, book, purpose, asked, speaks)
        _is_sent(desk, book, message, sent=sent)
    return _handed(desk, book, [message], send=send)


def email(
    world: World, asked: Asked, *, language: str | None, sent: bool, incident: str | None, send: bool = False
) -> int:
    """Write the message to everybody: what happened, and what it means for them."""
    _refuse_both(sent=sent, send=send)
    desk = Desk(world)
    asked = _harmless(asked)
    speaks = desk.language(language) if language else None
    with desk.writing(desk.chosen(incident, something_left), open_only=False) as book:
        message = render(desk, book, Purpose.EVERYBODY, asked, speaks)
        _is_sent(desk, book, message, sent=sent)
    return _handed(desk, book, [message], send=send)


def _refuse_both(*, sent: bool, send: bool) -> None:
    if sent and send:
        raise HoldpointError(Problem("both-options", "`--sent` and `--send` exclude each other"))


def _is_sent(desk: Desk, book: Book, message: MessageRendered, *, sent: bool) -> None:
    if sent:
        book.note(MessageSent(message.message, BY_HAND, desk.now))


def _harmless(asked: Asked) -> Asked:
    """What a person adds to a message, each in a form that breaks nothing."""
    return Asked(
        some_text(asked.say, "`--say`") if asked.say.strip() else "",
        one_line(asked.estimate, "`--estimate`") if asked.estimate.strip() else "",
        one_line(asked.channel, "`--channel`") if asked.channel.strip() else "",
    )


def _handed(desk: Desk, book: Book, messages: Sequence[MessageRendered], *, send: bool) -> int:
    """Show messages whole, and settle each, the last of them being the one that is meant; give the worst exit code."""
    told: list[Settled] = []
    for one in messages:
        desk.show_messages([one])
        if book.state.messages[one.message].sent is not None:
            told.append(Settled(f"Message {one.message} is recorded as sent."))
        else:
            told.append(settle(desk, book, one, send=send))
    last = messages[-1]
    code = desk.told(book, "\n".join(one.text for one in told), {"message": last.message, "text": last.text})
    return max([code, *(one.exit for one in told)])


def send(world: World, *, message: str | None, again: bool, incident: str | None) -> int:
    """Send a message that waits, to every destination that it has not reached. `again` is for those in doubt as well."""
    desk = Desk(world)
    folder = desk.chosen(incident, lambda state: bool(state.waiting()))
    with desk.writing(folder, open_only=False) as book:
        number = _number(book.state, message)
    rendered = book.state.messages[number].rendered
    if not places(desk, rendered):
        audience = AUDIENCE[rendered.purpose]
        hint = f"`channels: {{{audience}: [...]}}` in `team.yaml`; until then paste it, and `inv incident.sent`"
        problem = Problem("no-channel", f"`team.yaml` names no channel for {audience}", hint=hint)
        raise HoldpointError(problem)
    desk.show_messages([rendered])
    settled = deliver(desk, book, number, again=again)
    return desk.told(book, settled.text, {"message": number, "text": rendered.text}) or settled.exit


def sent(world: World, *, message: str | None, failed: str | None, at: str | None, incident: str | None) -> int:
    """Record that a message went out, or why it did not."""
    desk = Desk(world)
    happened = desk.at(at)
    why = one_line(failed, "the reason") if failed is not None else ""
    with desk.writing(desk.chosen(incident, lambda state: bool(state.waiting())), open_only=False) as book:
        number = _number(book.state, message)
        purpose = book.state.messages[number].rendered.purpose
        text = f"Message {number} ({purpose}) of {book.folder.name} is recorded as sent."
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
            if not state.messages[int(text)].waits:
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
    """What a person says of the end. `without_verify` is why VERIFY may lack something.

    `ruled_out` is why no data is lost although a loss is on record.
    """

    cause: str
    impact: str
    data_loss: str
    without_verify: str | None = None
    at: str | None = None
    ruled_out: str | None = None


def resolve(
    world: World, end: End, asked: Asked, *, language: str | None, sent: bool, incident: str | None, send: bool = False
) -> int:
    """End an incident from its milestones; refused as long as VERIFY lacks something, unless a reason is given."""
    _refuse_both(sent=sent, send=send)
    desk = Desk(world)
    folder, happened = desk.chosen(incident), desk.at(end.at)
    why, felt, lost = _wanted(end)
    unverified = some_text(end.without_verify, "the reason") if end.without_verify is not None else ""
    found_out = some_text(end.ruled_out, "the reason") if end.ruled_out is not None else ""
    asked = _harmless(asked)
    speaks = desk.language(language) if language else None
    with desk.writing(folder) as book:
        state = book.state
        missing = state.missing(Phase.VERIFY)
        if missing and not unverified:
            raise HoldpointError(_not_verified(book, tuple(item.id for item in missing)))
        restored = state.done["restored"].happened if "restored" in state.done else happened
        _refuse_backwards(state, restored, desk)
        if state.loses_data and not lost:
            if not found_out:
                raise HoldpointError(_on_record(state, desk))
            book.note(LossRuledOut(found_out, happened))
        also: list[MessageRendered] = []
        if lost and state.aware is None:
            said = state.done.get("lost")
            book.note(DataLossNoticed(said.say if said else felt, happened))
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
        reserve(desk, book)
        message = render(desk, book, Purpose.RESOLVED, asked, speaks)
        _is_sent(desk, book, message, sent=sent)
    return _handed(desk, book, [*also, message], send=send)


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


def _on_record(state: State, desk: Desk) -> Problem:
    """A loss that is on record does not go by a word alone: the 72 hours would stop with it."""
    since = f", known since {moment(state.aware, desk.zone)}" if state.aware else ""
    return Problem(
        "loss-on-record",
        "a loss of data is on record, and `--data-loss no` would rule it out",
        found=f"data is lost{since}",
        expected='`--data-loss yes`; or `--data-loss no --ruled-out "REASON"`, which is on record',
        hint="when unsure, `yes`",
    )


def _not_verified(book: Book, missing: tuple[str, ...]) -> Problem:
    return Problem(
        "not-verified",
        f"incident `{book.folder.name}` is not verified",
        found=f"VERIFY still needs {', '.join(f'`{item}`' for item in missing)}",
        hint=f"`inv incident.check` asks the team's own checks, `inv incident.done {missing[0]}` ticks by hand; "
        'or `--without-verify "REASON"`, which is on record',
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
    why, happened = reason_of(reason), desk.at(at)
    folder = world.state.find_incident(incident if incident is not None else "last")
    with desk.writing(folder, open_only=False) as book:
        if book.state.is_open:
            raise HoldpointError(Problem("open", f"incident `{folder.name}` is open"))
        book.note(Reopened(why, happened))
    return desk.told(book, f"{folder.name} is open again.")
