"""What reaches outside, for people: where a message goes, what became of it, and what stays to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from holdpoint.incident.effects import Banner, Effect, Issue, Standing
from holdpoint.incident.outdated import outdated
from holdpoint.incident.state import Message, State
from holdpoint.views.lines import BLANK, Line, line, rule
from holdpoint.views.next_steps import SetUp
from holdpoint.views.times import clock_time

NOT_SENT, IN_DOUBT = "NOT SENT", "IN DOUBT"


def question(number: int, to: Sequence[str]) -> str:
    """What is asked under a message that was just shown."""
    if not to:
        return "Paste it. Type `sent` once it has gone out, or `later`:"
    return (
        f"Message {number} goes to {', '.join(to)}, exactly as shown.\n"
        "Type `send`, `sent` where you sent it yourself, or `later`:"
    )


def doubt(number: int, doubtful: Mapping[str, tuple[str, datetime]], zone: tzinfo | None) -> str:
    """What is asked before something is sent that may have gone out."""
    told = [f"  {name}, begun by {who} at {clock_time(at, zone)}" for name, (who, at) in doubtful.items()]
    return (
        f"It is IN DOUBT whether message {number} went out to:\n"
        + "\n".join(told)
        + "\nLook there first. Type `send` to "
        "send it there again, `sent` where it is there, or `later`:"
    )


def went_on(number: int, changed: Sequence[str]) -> str:
    """That the record says something else by now than a message that was written before."""
    return f"Message {number} is older than what the record says by now of: {', '.join(changed)}."


def as_shown(number: int, changed: Sequence[str]) -> str:
    """What is asked before such a message is sent."""
    return f"{went_on(number, changed)}\nType `anew` to write it again, `send` for as shown, `sent`, or `later`:"


@dataclass(frozen=True, slots=True)
class Loud:
    """Something outside that is not as it should be, with the command that sees to it.

    What is `urgent` is said at the end of every command; the rest only waits.
    """

    label: str
    text: str
    command: str
    urgent: bool = True


def delivered(message: Message, now: datetime, gone: Sequence[str], option: str) -> list[str]:
    """How it stands with each destination, the good news first; `gone` are those that no file names any more.

    `option` is what a command needs to mean this message.
    """
    number = message.rendered.message
    reached = [name for name, one in message.deliveries.items() if one.standing is Standing.DONE]
    told = [f"Message {number} went out to {', '.join(reached)}."] if reached else []
    lost = [_lost(message, name, one, now) for name, one in message.undelivered.items()]
    told += [f"{one.label}: {one.text}." for one in lost]
    told += [f"`{name}` is not in `team.yaml` any more: `inv incident.sent{option}` settles it." for name in gone]
    if any(one.label == NOT_SENT for one in lost):
        told.append(
            f"`inv incident.send{option}` tries again where it did not arrive; `inv incident.sent{option}` once it has, "
            "another way."
        )
    if any(one.label == IN_DOUBT for one in lost):
        told.append(
            f"Look there first. `inv incident.send{option}` asks before it sends there again, and `--again` does not."
        )
    return told or [f"Message {number} was sent nowhere."]


def loud(state: State, now: datetime, has: SetUp) -> tuple[Loud, ...]:
    """What went wrong outside, or was left standing there."""
    told: list[Loud] = []
    for message in state.waiting():
        told += [_lost(message, name, one, now) for name, one in message.undelivered.items()]
        if message.sent is None and not message.deliveries:
            told.append(_waiting(message, state, has))
    if state.banner is not None:
        told += _banner(state.banner, now, ended=not state.is_open)
    if state.issue is not None:
        told += _issue(state.issue, now)
    return tuple(told)


def _named(message: Message) -> str:
    return f"message {message.rendered.message} ({message.rendered.purpose})"


def _waiting(message: Message, state: State, has: SetUp) -> Loud:
    """A message that nothing was done with, or that a person said could not be delivered."""
    why = f": {message.failed}" if message.failed else ""
    if changed := outdated(message, state):
        why += f"; since it was written the record changed: {', '.join(changed)}"
    command = "incident.send" if has.sends(message.rendered) else "incident.sent"
    return Loud(NOT_SENT, f"{_named(message)} has not gone out{why}", command, urgent=bool(message.failed))


def _lost(message: Message, name: str, effect: Effect, now: datetime) -> Loud:
    """A message at a destination that it did not surely reach."""
    match effect.now(now):
        case Standing.IN_DOUBT:
            why = effect.why or f"{effect.person} began to send it, and its end is not on record"
            return Loud(IN_DOUBT, f"{_named(message)} may have reached {name}, or not: {why}", "incident.send")
        case Standing.BEGUN:
            text = f"{_named(message)} is on its way to {name}, sent by {effect.person}"
            return Loud("SENDING", text, "incident.show", urgent=False)
        case _:
            return Loud(NOT_SENT, f"{_named(message)} did not reach {name}: {effect.why}", "incident.send")


def _banner(of: Banner, now: datetime, *, ended: bool) -> Iterator[Loud]:
    put = "put up" if of.up else "taken down"
    command = f"incident.banner --{'up' if of.up and not ended else 'down'}"
    match of.effect.now(now):
        case Standing.FAILED:
            yield Loud("NOT DONE", f"the banner is not {put}: {of.effect.why}", command)
        case Standing.IN_DOUBT:
            yield Loud(IN_DOUBT, f"whether the banner was {put} is not on record", command)
        case Standing.DONE if of.up and ended:
            yield Loud("BANNER", "it still stands, and the incident is over", command)
        case _:
            pass


def _issue(of: Issue, now: datetime) -> Iterator[Loud]:
    match of.effect.now(now):
        case Standing.FAILED:
            yield Loud("NOT DONE", f"the issue was not filed in {of.where}: {of.effect.why}", "incident.issue")
        case Standing.IN_DOUBT:
            why = of.effect.why or f"{of.effect.person} began to, and its end is not on record"
            yield Loud(IN_DOUBT, f"the issue may be filed in {of.where}, or not: {why}", "incident.issue")
        case _:
            pass


def issue_draft(title: str, body: str, labels: Sequence[str], where: str, width: int) -> list[Line]:
    """An issue between two rules, whole and unbroken, as it will be posted or pasted."""
    head = [line(f"title: {title}"), line(f"labels: {', '.join(labels)}"), BLANK]
    return [rule(width, text=f"issue, for {where or 'your tracker'}"), *head, *map(line, body.split("\n")), rule(width)]
