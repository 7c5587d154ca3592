"""A new runbook to fill in: every section, one step each, and a word on what belongs there. It lints clean as it is."""

from __future__ import annotations

from datetime import UTC, datetime

_SCHEMA = "# yaml-language-server: $schema=../schemas/runbook.schema.json\n"
_TEXT = """\
schema: holdpoint/runbook/1
id: {name}
title: "{title}: say in one line what is wrong"
owner: ops
severity: SEV2
services: [name-the-service]
alerts: []                       # names that an alert can carry
matches: []                      # texts that lead here, as they stand in a log or on a screen
reviewed: {today}
lock: host

symptoms:                        # is it there? exit code 0 means yes
  - id: seen
    title: What is seen from outside
    run: "false"

diagnostic:                      # why? these only read, and what they register decides
  - id: uptime
    title: How long has the machine been up?
    run: cut -d . -f 1 /proc/uptime
    register: {{up_seconds: {{type: integer}}}}

causes:
  - id: rebooted
    title: The machine was started a moment ago
    when: {{value: up_seconds, op: lt, than: 300}}
    evidence: "it has been up for {{up_seconds}} s"

resolution:                      # each step is one of run, manual, ask, wait, use, notify, put, fetch
  - id: repair
    title: What a person does about it
    for: [rebooted]
    effect: change
    manual: Say exactly what to do, so that somebody who is new can do it.
    irreversible: say what cannot be taken back, or give an `undo`

prevention:                      # so that it does not come again
  - id: follow-up
    title: What keeps it from coming again
    action: {{owner: ops, due: 14d}}

rollback: []                     # steps beyond the `undo` of each change

# recovered: {{run: "true"}}       # red before the repair and green after it is the proof
"""


def scaffold(name: str, *, with_schema: bool) -> str:
    """Write the document; `with_schema` points editors to the schema of the clone."""
    title = name.replace("-", " ").capitalize()
    text = _TEXT.format(name=name, title=title, today=f"{datetime.now(UTC):%Y-%m-%d}")
    return (_SCHEMA if with_schema else "") + text
