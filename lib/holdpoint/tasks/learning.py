"""The tasks of what is learned from incidents: post-mortems, action items, the review, the register of breaches."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import offered, opened
from holdpoint.tasks.words import AT, JSON, PLAIN

WHICH = "An incident's name, its beginning or end, or `last`; without it, the only one that it can be."
ACTION_ID = "An action item's id, as `inv action.list` shows it."
OWNER = "Who does it."
DUE = "Until when: `2026-12-09`, or `14d` from today."


@offered(
    "incident.postmortem",
    help={
        "publish": "Check it, record its action items, and publish it.",
        "code-bug": "The cause is a bug in the code: a regression test is proposed.",
        "lang": "The language of a new one: `en` or `fr`; without it, the incident's.",
        "incident": "An incident's name, its beginning or end, or `last`; without it, the only one that has none.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def postmortem(
    _context: Context,
    *,
    publish: bool = False,
    code_bug: bool = False,
    lang: str | None = None,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Write the post-mortem from the record, or publish it."""
    from holdpoint.app import postmortem as app  # noqa: PLC0415 - see the package

    world = opened(json=json, plain=plain)
    return app.postmortem(world, incident=incident, publish=publish, language=lang, code_bug=code_bug)


@offered(
    "incident.review",
    help={"days": "How many days back; without it, 30.", "json": JSON, "plain": PLAIN},
)
def review(_context: Context, days: str | None = None, *, json: bool = False, plain: bool = False) -> int:
    """Show what came back, how long it took, what follows."""
    from holdpoint.app import review as app  # noqa: PLC0415 - see the package

    return app.review(opened(json=json, plain=plain), days)


@offered(
    "incident.breaches",
    help={
        "out": "Write it as Markdown to this file, such as `docs/breaches.md`.",
        "lang": "The language of that file: `en` or `fr`; without it, the team's.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def breaches(
    _context: Context,
    out: str | None = None,
    lang: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Show the register of data breaches, or write it."""
    from holdpoint.app import breaches as app  # noqa: PLC0415 - see the package

    return app.register(opened(json=json, plain=plain), out=out, language=lang)


@offered(
    "incident.authority",
    named="what",
    help={
        "what": "What the data protection authority was told, in quotes.",
        "late": "Why it was told later than 72 hours after it was known.",
        "at": AT,
        "incident": WHICH,
        "json": JSON,
        "plain": PLAIN,
    },
)
def authority(
    _context: Context,
    what: str,
    late: str | None = None,
    at: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Keep what the authority was told, in phases."""
    from holdpoint.app import breaches as app  # noqa: PLC0415 - see the package

    return app.authority(opened(json=json, plain=plain), what, late=late, at=at, incident=incident)


@offered("action.list", help={"all": "Closed ones too.", "json": JSON, "plain": PLAIN})
def list_all(_context: Context, *, all: bool = False, json: bool = False, plain: bool = False) -> int:  # noqa: A002 - the name of the option
    """List the action items, overdue ones first, and drafts."""
    from holdpoint.app import actions  # noqa: PLC0415 - see the package

    return actions.list_all(opened(json=json, plain=plain), everything=all)


@offered(
    "action.add",
    named="title",
    help={
        "title": "What is to be done, in quotes.",
        "owner": OWNER,
        "due": DUE,
        "incident": "The incident that it is for, also a resolved one; without it, the only one.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def add(
    _context: Context,
    title: str,
    owner: str | None = None,
    due: str | None = None,
    incident: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Add an action item to an incident."""
    from holdpoint.app import actions  # noqa: PLC0415 - see the package

    return actions.add(opened(json=json, plain=plain), title, owner=owner, due=due, incident=incident)


@offered(
    "action.change",
    named="action",
    help={
        "action": ACTION_ID,
        "owner": OWNER,
        "due": DUE,
        "title": "What is to be done.",
        "reason": "Why it changes.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def change(
    _context: Context,
    action: str,
    owner: str | None = None,
    due: str | None = None,
    title: str | None = None,
    reason: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Change an action item's owner, day or title."""
    from holdpoint.app import actions  # noqa: PLC0415 - see the package

    to = actions.Changes(owner=owner, due=due, title=title, reason=reason)
    return actions.change(opened(json=json, plain=plain), action, to)


@offered(
    "action.done",
    named="action",
    help={
        "action": ACTION_ID,
        "evidence": "What shows that it is done: a link, a commit, a run.",
        "dropped": "It is given up, for this reason.",
        "undo": "It is not done after all, for this reason.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def done(
    _context: Context,
    action: str,
    evidence: str | None = None,
    dropped: str | None = None,
    undo: str | None = None,
    *,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Close an action item, with what shows that it is done."""
    from holdpoint.app import actions  # noqa: PLC0415 - see the package

    return actions.done(opened(json=json, plain=plain), action, evidence=evidence, dropped=dropped, undo=undo)


INCIDENTS = (postmortem, review, breaches, authority)
ACTIONS = (list_all, add, change, done)
