"""The tasks that reach outside of an incident: sending, the banner, the issue. Owns names and options."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import offered, opened
from holdpoint.tasks.words import CHANNEL, INCIDENT, JSON, LANG, PLAIN, SEND, SENT


@offered(
    "incident.send",
    help={
        "message": "The message's number; without it, the only one that waits.",
        "again": "Send it where it is in doubt as well: it may arrive there twice.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def send(
    _context: Context,
    message: str | None = None,
    *,
    again: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Send a message that waits, to where it has not arrived."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package

    return messages.send(opened(json=json, plain=plain), message=message, again=again, incident=incident)


@offered(
    "incident.email",
    help={
        "say": "What it means for them, and what they should do.",
        "channel": CHANNEL,
        "lang": LANG,
        "send": SEND,
        "sent": SENT,
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def email(
    _context: Context,
    say: str | None = None,
    channel: str | None = None,
    lang: str | None = None,
    *,
    send: bool = False,
    sent: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Write the message to everybody, and send it."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package
    from holdpoint.incident.messages import Asked  # noqa: PLC0415 - see the package

    world, asked = opened(json=json, plain=plain), Asked(say or "", "", channel or "")
    return messages.email(world, asked, language=lang, sent=sent, send=send, incident=incident)


@offered(
    "incident.banner",
    help={
        "up": "Put it up, with a text from the record or `--say`.",
        "down": "Take it down.",
        "say": "The text, in one sentence.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def banner(
    _context: Context,
    *,
    up: bool = False,
    down: bool = False,
    say: str | None = None,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Put the status banner up, or take it down."""
    from holdpoint.app import banner, typed  # noqa: PLC0415 - see the package

    which = typed.just_one_of({"--up": up, "--down": down})
    return banner.put(opened(json=json, plain=plain), up=which == "--up", say=say or "", incident=incident)


@offered(
    "incident.issue",
    help={
        "say": "What else stands in it.",
        "lang": LANG,
        "send": "File it at once, without asking.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def issue(
    _context: Context,
    say: str | None = None,
    lang: str | None = None,
    *,
    send: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """File an issue in the tracker, with the workaround."""
    from holdpoint.app import issues  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return issues.file(world, say=say or "", send=send, language=lang, incident=incident)


TASKS = (send, email, banner, issue)
