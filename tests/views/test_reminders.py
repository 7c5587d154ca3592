"""What stands at the end of every command fits the terminal, and can be typed as it is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from holdpoint.incident.clocks import clocks, pressing
from holdpoint.incident.events import MessageRendered, Purpose
from holdpoint.incident.fold import replay
from holdpoint.oncall.outside import Audience
from holdpoint.views.incidents import OPEN, Listed
from holdpoint.views.lines import as_text
from holdpoint.views.next_steps import SetUp, next_steps
from holdpoint.views.reminders import fitted, reminder, short
from tests.incident.support import NOON, PARIS, WORKING, declared, recorded

NAME = "20261125-1200-docmostdown-docmost-does-not-answer-on-w-5954"
FIRST = MessageRendered(1, Purpose.FIRST, "en", "the ops channel", "text")
LATE = NOON + timedelta(minutes=20)
STATE = replay(recorded((NOON, declared(NOON)), (NOON, FIRST)))
LISTED = Listed(NAME, "j", OPEN, STATE, clocks(STATE, LATE, WORKING))
OPS = SetUp(frozenset({Audience.OPS}))


def told(listed: Listed = LISTED) -> str:
    return reminder(listed, pressing(listed.clocks), short(NAME, [NAME]), "", PARIS)


def test_it_names_the_incident_by_its_end() -> None:
    assert told() == ("incident 5954: OVERDUE by 5 min: the first message was due 13:15 CET; `inv incident.sent`")
    other = "20261126-1200-another-5954"
    assert short(NAME, [NAME, other]) == NAME


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_is_broken_at_spaces_and_its_command_stays_whole(width: int) -> None:
    drawn = fitted(told(), width)
    assert max(map(len, drawn)) <= width
    assert sum("`inv incident.sent`" in one for one in drawn) == 1
    assert " ".join(one.strip() for one in drawn) == told()


def test_where_nobody_looks_it_is_one_line() -> None:
    assert fitted(told() * 3, 0) == [told() * 3]


def test_a_message_that_has_a_channel_is_sent_and_not_said_to_be() -> None:
    assert told(replace(LISTED, has=OPS)).endswith("`inv incident.send`")
    text = "\n".join(map(as_text, next_steps(STATE, OPS, 80)))
    assert "`inv incident.send` sends message 1 (first), which waits" in text
    assert "`inv incident.sent`" not in text
    bare = "\n".join(map(as_text, next_steps(STATE, SetUp(), 80)))
    assert "`inv incident.sent` once message 1 (first) has gone out" in bare
