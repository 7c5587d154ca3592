"""The tasks of what is learned from incidents: post-mortems, action items, the review, the register of breaches."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.offering import JSON, PLAIN, offered

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
    from holdpoint.app import postmortem as app  # noqa: PLC0415 - see `offering`
    from holdpoint.offering import opened  # noqa: PLC0415 - see `offering`

    world = opened(json=json, plain=plain)
    return app.postmortem(world, incident=incident, publish=publish, language=lang, code_bug=code_bug)


INCIDENT = (postmortem,)
ACTION = ()
