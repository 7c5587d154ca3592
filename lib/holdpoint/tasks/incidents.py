"""The tasks of incidents. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import offered, opened
from holdpoint.tasks.words import AT, CHANNEL, INCIDENT, JSON, LANG, PLAIN, SEND, SENT


@offered(
    "incident.declare",
    named="title",
    lists=("service",),
    help={
        "title": "What is wrong, in one line, in quotes.",
        "severity": "`1`, `2` or `3`; without it, it is asked for.",
        "service": "A service that is hit; can be repeated.",
        "trigger": "What told you: `monitor`, `user`, `logs` or `alert`.",
        "at": "When it was noticed, where that is not now: `14:05`, `10m ago`.",
        "data-loss": "Data is lost, or may be.",
        "users-see-it": "Users see it.",
        "channel": CHANNEL,
        "lang": LANG,
        "send": SEND,
        "json": JSON,
        "plain": PLAIN,
    },
)
def declare(
    _context: Context,
    title: str,
    service: list[str],
    severity: str | None = None,
    trigger: str = "user",
    at: str | None = None,
    *,
    data_loss: bool = False,
    users_see_it: bool = False,
    channel: str | None = None,
    lang: str | None = None,
    send: bool = False,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Open an incident, and write its first message."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    told = incidents.Told(
        title=title,
        severity=severity,
        services=tuple(service),
        trigger=trigger,
        at=at,
        data_loss=data_loss,
        users_see=True if users_see_it else None,
        channel=channel or "",
        language=lang,
    )
    return incidents.declare(opened(json=json, plain=plain), told, send=send)


@offered(
    "incident.note",
    named="text",
    help={
        "text": "What you saw, did or heard, in quotes.",
        "at": AT,
        "data-loss": "It says that data is lost: management is told, and the 72 hours begin.",
        "users-see-it": "It says that users see it.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def note(
    _context: Context,
    text: str,
    at: str | None = None,
    *,
    data_loss: bool = False,
    users_see_it: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Keep what you saw or did, also later than it happened."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return incidents.note(world, text, at=at, incident=incident, data_loss=data_loss, users_see=users_see_it)


@offered(
    "incident.severity",
    named="severity",
    help={
        "severity": "`1`, `2` or `3`.",
        "reason": "Why it changes.",
        "at": AT,
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def severity(
    _context: Context,
    severity: str,
    reason: str | None = None,
    at: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Make an incident graver or less grave."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return incidents.change_severity(world, severity, reason=reason or "", at=at, incident=incident)


@offered(
    "incident.done",
    named="item",
    help={
        "item": "An item of the checklist, by the word before it.",
        "say": "What was found out or done.",
        "evidence": "What shows it: a run, a link, a line of a log.",
        "undo": "Take the tick back, for this reason.",
        "at": AT,
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def done(
    _context: Context,
    item: str,
    say: str | None = None,
    evidence: str | None = None,
    undo: str | None = None,
    at: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Tick an item of the checklist, or take the tick back."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    told = incidents.Ticked(item, say or "", evidence or "", undo, at)
    return incidents.done(world, told, incident=incident)


@offered(
    "incident.update",
    help={
        "say": "Where we are, in a sentence; without it, the phase says so.",
        "estimate": "When it will be over; without it, `investigating`.",
        "channel": CHANNEL,
        "lang": LANG,
        "send": SEND,
        "sent": SENT,
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def update(
    _context: Context,
    say: str | None = None,
    estimate: str | None = None,
    channel: str | None = None,
    lang: str | None = None,
    *,
    send: bool = False,
    sent: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Write the next message from the record, and send it."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package
    from holdpoint.incident.messages import Asked  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    asked = Asked(say or "", estimate or "", channel or "")
    return messages.update(world, asked, language=lang, sent=sent, send=send, incident=incident)


@offered(
    "incident.sent",
    help={
        "message": "The message's number; without it, the only one that waits.",
        "failed": "It could not be delivered, for this reason.",
        "at": "When it went out, where that is not now.",
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def sent(
    _context: Context,
    message: str | None = None,
    failed: str | None = None,
    at: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Record that a message went out, or why it did not."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return messages.sent(world, message=message, failed=failed, at=at, incident=incident)


@offered(
    "incident.resolve",
    help={
        "cause": "The cause, in one line.",
        "impact": "Who and what was hit, in one line.",
        "data-loss": "`yes` or `no`.",
        "without-verify": "Resolve although VERIFY lacks something, for this reason.",
        "ruled-out": "Why no data is lost after all, where a loss is on record.",
        "at": AT,
        "channel": CHANNEL,
        "lang": LANG,
        "send": SEND,
        "sent": SENT,
        "incident": INCIDENT,
        "json": JSON,
        "plain": PLAIN,
    },
)
def resolve(
    _context: Context,
    cause: str | None = None,
    impact: str | None = None,
    data_loss: str | None = None,
    *,
    without_verify: str | None = None,
    ruled_out: str | None = None,
    at: str | None = None,
    channel: str | None = None,
    lang: str | None = None,
    send: bool = False,
    sent: bool = False,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """End an incident, once verified, with a last message."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package
    from holdpoint.incident.messages import Asked  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    end = messages.End(cause or "", impact or "", data_loss or "", without_verify, at, ruled_out)
    asked = Asked(channel=channel or "")
    return messages.resolve(world, end, asked, language=lang, sent=sent, send=send, incident=incident)


@offered(
    "incident.reopen",
    help={
        "reason": "Why it was not over.",
        "at": AT,
        "incident": "An incident's name, its beginning or end; without it, the last one.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def reopen(
    _context: Context,
    reason: str | None = None,
    at: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Open an incident again that was not over."""
    from holdpoint.app import messages  # noqa: PLC0415 - see the package

    return messages.reopen(opened(json=json, plain=plain), reason=reason or "", at=at, incident=incident)


@offered(
    "incident.link",
    named="run",
    help={"run": "A run's name, its beginning or end, or `last`.", "incident": INCIDENT, "json": JSON, "plain": PLAIN},
)
def link(_context: Context, run: str, incident: str | None = None, *, json: bool = False, plain: bool = False) -> int:
    """Make a run part of an incident that it was begun without."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    return incidents.link(opened(json=json, plain=plain), run, incident=incident)


@offered("incident.list", help={"json": JSON, "plain": PLAIN})
def list_all(_context: Context, *, json: bool = False, plain: bool = False) -> int:
    """List the incidents, the newest last, and how each stands."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    return incidents.list_all(opened(json=json, plain=plain))


@offered(
    "incident.show",
    help={
        "incident": INCIDENT,
        "html": "A file for it as one page, which needs no network.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def show(
    _context: Context,
    incident: str | None = None,
    html: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Show one incident: clocks, checklist, timeline, runs."""
    from holdpoint.app import incidents  # noqa: PLC0415 - see the package

    return incidents.show(opened(json=json, plain=plain), incident, html)


TASKS = (declare, note, severity, done, update, sent, resolve, reopen, link, list_all, show)
