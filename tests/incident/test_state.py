"""The fold, the phases and the form of the records."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import get_args

import pytest

from holdpoint.document.model import Severity
from holdpoint.incident.alert import Status
from holdpoint.incident.alert_events import AlertReceived, AlertRepeated
from holdpoint.incident.events import (
    KINDS,
    CheckAnswered,
    DataLossNoticed,
    Event,
    HandedOver,
    LossRuledOut,
    MessageFailed,
    MessageRendered,
    MessageSending,
    MessageSent,
    Noted,
    OutputRecorded,
    OutputWithdrawn,
    Purpose,
    Reopened,
    Resolved,
    RunLinked,
    SeverityChanged,
    TakenOver,
    UsersSawIt,
    data_of,
    event_of,
)
from holdpoint.incident.fold import replay
from holdpoint.incident.learning_events import (
    ActionAdded,
    ActionChanged,
    ActionClosed,
    ActionReopened,
    AuthorityTold,
    CodeBugFound,
    PostMortemAsked,
    PostMortemNamed,
    PostMortemPublished,
)
from holdpoint.incident.outside_events import (
    BannerFailed,
    BannerSet,
    BannerSetting,
    IssueFailed,
    IssueFiled,
    IssueFiling,
)
from holdpoint.incident.phases import ITEMS, Known, Phase, item_of, items_for
from holdpoint.incident.severity import RULES, proposed, severity_of
from holdpoint.incident.telling import Mark
from holdpoint.journal.record import decode, encode
from holdpoint.problem import HoldpointError
from holdpoint.views import french
from tests.incident.support import NOON, declared, recorded

MINUTE = timedelta(minutes=1)
EVENTS: tuple[Event, ...] = (
    declared(NOON, data_loss=True, users_see=True, principal="ada", backup="bob", language="fr", group="group"),
    Noted("a\nb", NOON),
    SeverityChanged(Severity.SEV1, Severity.SEV2, "less", NOON),
    UsersSawIt(sees=True, happened=NOON),
    OutputRecorded("scope", "all", "run", NOON),
    OutputWithdrawn("scope", "no", NOON),
    CheckAnswered("health", "", green=None, said="no route", run="RUN", happened=NOON),
    RunLinked("RUN", "disk-full"),
    HandedOver("bob", "desk", {"runs/RUN/journal.jsonl": "00"}),
    TakenOver("ada", "desk", "laptop"),
    MessageRendered(1, Purpose.FIRST, "en", "ops", "text"),
    MessageSending(1, ("chat", "mail"), 30, NOON),
    MessageSent(1, "by hand", NOON, "chat"),
    MessageFailed(1, "chat is down", NOON, "mail", doubt=True),
    BannerSetting(up=True, say="soon", text="soon (since noon)", seconds=30, happened=NOON),
    BannerSet(up=True, how="file", happened=NOON),
    BannerFailed(up=False, why="no room", happened=NOON),
    IssueFiling("https://git.example.org/ops/wiki", "t", 60, NOON),
    IssueFiled("https://git.example.org/ops/wiki/issues/1", "over the API", NOON),
    IssueFailed("no answer", NOON, doubt=True),
    DataLossNoticed("pages", NOON),
    LossRuledOut("in the bin", NOON),
    AlertReceived(
        *(
            "alertmanager",
            "group",
            "name",
            "text",
            Status.FIRING,
            Severity.SEV2,
            2,
            1,
            ("a", "b"),
            "digest",
            NOON,
            ("x",),
        )
    ),
    AlertRepeated("group", 2),
    Resolved("c", "i", data_loss=True, began=NOON, restored=NOON, happened=NOON, without_verify="why"),
    Reopened("again", NOON),
    AuthorityTold("what", "why so late", NOON),
    CodeBugFound(NOON),
    PostMortemNamed("docs/post-mortems/x.md"),
    PostMortemAsked("it came back", NOON),
    PostMortemPublished("docs/post-mortems/x.md", "0" * 64, NOON),
    ActionAdded(1, "Fit a spring", "ops", date(2026, 12, 9), NOON, ("ID",)),
    ActionChanged(1, "Fit a spring", "bob", date(2026, 12, 10), "away", NOON),
    ActionClosed(1, "a link", "", NOON),
    ActionReopened(1, "it broke", NOON),
)


def test_every_kind_is_tried_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))
    assert len(KINDS) == len(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_its_line(event: Event) -> None:
    record = recorded((NOON, event))[0]
    read = decode(encode(record).rstrip(b"\n"))
    assert read is not None
    assert event_of(read) == event
    assert set(data_of(event)) == {field.name for field in dataclasses.fields(event)}


def test_a_kind_that_is_not_known_is_refused() -> None:
    record = dataclasses.replace(recorded((NOON, EVENTS[1]))[0], kind="note.sung")
    with pytest.raises(ValueError, match=r"record 0 is of an unknown kind, `note.sung`"):
        event_of(record)
    shorn = dataclasses.replace(recorded((NOON, EVENTS[1]))[0], data={"text": "x", "more": 1})
    with pytest.raises(ValueError, match=r"record 0 \(`note.made`\) has another shape"):
        event_of(shorn)


def test_the_declaration_comes_first() -> None:
    with pytest.raises(ValueError, match="stands before the declaration"):
        replay(recorded((NOON, Noted("x", NOON))))


# --- phases ---


def _ids(severity: Severity, *, data_loss: bool = False, users_see: bool = False) -> dict[Phase, list[str]]:
    items = items_for(Known(severity, data_loss=data_loss, users_see=users_see))
    return {
        phase: [item.id for item in items if item.phase is phase and item.required]
        for phase in Phase
        if any(item.phase is phase for item in items)
    }


def test_seven_phases_of_the_gravest() -> None:
    assert _ids(Severity.SEV1) == {
        Phase.DETECT: ["scope", "since", "lost"],
        Phase.TRIAGE: ["severity", "backup", "announced"],
        Phase.INVESTIGATE: ["cause"],
        Phase.MITIGATE: ["restored"],
        Phase.VERIFY: ["health", "smoke", "flow"],
        Phase.COMMUNICATE: ["told"],
        Phase.POSTMORTEM: ["published"],
    }


def test_what_is_asked_only_where_data_is_lost_or_users_see_it() -> None:
    whole = _ids(Severity.SEV1, data_loss=True, users_see=True)
    assert whole[Phase.TRIAGE] == ["severity", "backup", "management", "announced", "banner"]
    assert whole[Phase.COMMUNICATE] == ["told", "email", "authority", "banner-down"]
    assert "email" not in _ids(Severity.SEV1, users_see=True)[Phase.COMMUNICATE]
    assert "email" in _ids(Severity.SEV2, users_see=True)[Phase.COMMUNICATE]
    assert "email" not in _ids(Severity.SEV2)[Phase.COMMUNICATE]


def test_the_least_grave_is_an_issue_with_a_workaround() -> None:
    assert _ids(Severity.SEV3) == {Phase.DETECT: ["scope"], Phase.TRIAGE: ["issue", "workaround"]}


def test_every_item_can_be_named_and_no_other() -> None:
    assert [item_of(item.id).id for item in ITEMS] == [item.id for item in ITEMS]
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    with pytest.raises(HoldpointError) as raised:
        item_of("scop")
    assert raised.value.problems[0].hint == "did you mean `scope`?"


def test_severities() -> None:
    assert [severity_of(text) for text in ("1", "SEV2", " sev3 ")] == list(Severity)
    assert [rules.response.total_seconds() / 3600 for rules in RULES.values()] == [0.25, 4, 24]
    for wrong in ("0", "4", "SEV", "", "one", "SEVSEV1", "1\n2", "x" * 5000):
        with pytest.raises(HoldpointError) as raised:
            severity_of(wrong)
        assert "graver" in raised.value.problems[0].hint
        assert len(raised.value.problems[0].found) < 60


@pytest.mark.parametrize(
    ("answers", "severity"),
    [
        ((None, None, None), Severity.SEV1),
        ((False, None, True), Severity.SEV1),
        ((None, False, True), Severity.SEV1),
        ((True, False, True), Severity.SEV1),
        ((False, False, None), Severity.SEV2),
        ((False, False, False), Severity.SEV2),
        ((False, False, True), Severity.SEV3),
    ],
)
def test_when_unsure_the_graver_is_proposed(answers: tuple[bool | None, ...], severity: Severity) -> None:
    down, loses, around = answers
    assert proposed(down=down, loses_data=loses, works_around=around) is severity


# --- the fold ---


def _done(item: str, say: str = "") -> OutputRecorded:
    return OutputRecorded(item, say, "", NOON)


def test_the_checklist_knows_where_one_is() -> None:
    events: list[Event] = [declared(NOON)]
    seen = []
    for item in ITEMS:
        state = replay(recorded(*((NOON, event) for event in events)))
        seen.append(state.phase)
        events.append(_done(item.id, "x"))
    state = replay(recorded(*((NOON, event) for event in events)))
    assert list(dict.fromkeys(seen)) == list(Phase)
    assert state.phase is None


def test_a_message_that_went_out_ticks_what_it_is_for() -> None:
    made = MessageRendered(1, Purpose.FIRST, "en", "ops", "text")
    before = replay(recorded((NOON, declared(NOON)), (NOON, made)))
    assert "announced" not in before.done
    assert before.responded is None
    assert [message.rendered.message for message in before.waiting()] == [1]
    after = replay(recorded((NOON, declared(NOON)), (NOON, made), (NOON + MINUTE, MessageSent(1, "by hand", NOON))))
    assert after.done["announced"].evidence == "message 1, by hand"
    assert after.last_sent == after.responded == NOON
    assert after.waiting() == ()


def test_a_message_to_management_is_no_update_for_the_team() -> None:
    loss = MessageRendered(1, Purpose.DATA_LOSS, "en", "management", "text")
    state = replay(
        recorded((NOON, declared(NOON, data_loss=True)), (NOON, loss), (NOON, MessageSent(1, "by hand", NOON)))
    )
    assert "management" in state.done
    assert state.last_sent is None
    assert state.responded is None


def test_a_message_that_failed_stays_to_be_sent() -> None:
    made = MessageRendered(1, Purpose.FIRST, "en", "ops", "text")
    state = replay(recorded((NOON, declared(NOON)), (NOON, made), (NOON, MessageFailed(1, "chat is down", NOON))))
    assert [message.failed for message in state.waiting()] == ["chat is down"]
    with pytest.raises(ValueError, match="there is no message 2"):
        replay(recorded((NOON, declared(NOON)), (NOON, MessageSent(2, "by hand", NOON))))


def test_groups_of_alerts() -> None:
    first = next(event for event in EVENTS if isinstance(event, AlertReceived))
    again = AlertRepeated("group", 2)
    graver = dataclasses.replace(first, severity=Severity.SEV1, digest="other")
    state = replay(recorded((NOON, declared(NOON, group="own")), (NOON, first), (NOON, again)))
    assert state.groups == {"own", "group"}
    assert (state.alerts["group"].times, state.alerts["group"].gravest) == (2, Severity.SEV2)
    later = replay(recorded(*((NOON, one) for one in (declared(NOON), first, again, graver, first))))
    assert (later.alerts["group"].times, later.alerts["group"].gravest) == (1, Severity.SEV1)
    with pytest.raises(ValueError, match="an alert came again that never came"):
        replay(recorded((NOON, declared(NOON)), (NOON, again)))


def test_done_once_more_the_later_record_counts_and_a_tick_can_be_taken_back() -> None:
    first, second = OutputRecorded("since", "", "", NOON), OutputRecorded("since", "", "", NOON - 5 * MINUTE)
    assert replay(recorded((NOON, declared(NOON)), (NOON, first), (NOON, second))).began == NOON - 5 * MINUTE
    gone = replay(recorded((NOON, declared(NOON)), (NOON, first), (NOON, OutputWithdrawn("since", "x", NOON))))
    assert gone.done == {}


def test_what_is_written_after_the_end_changes_no_duration() -> None:
    end = Resolved("c", "i", data_loss=False, began=NOON - 60 * MINUTE, restored=NOON, happened=NOON)
    later = OutputRecorded("since", "", "", NOON - 600 * MINUTE)
    state = replay(recorded((NOON, declared(NOON)), (NOON, end), (NOON, later), (NOON, Noted("x", NOON))))
    assert state.resolved is not None
    assert state.resolved.restored - state.resolved.began == 60 * MINUTE


def test_a_reopened_one_is_verified_anew_but_the_authority_is_told_once() -> None:
    end = Resolved("c", "i", data_loss=True, began=NOON, restored=NOON, happened=NOON)
    ticks = [(NOON, _done(item, "x")) for item in ("scope", "restored", "health", "authority", "told")]
    state = replay(recorded((NOON, declared(NOON, data_loss=True)), *ticks, (NOON, end), (NOON, Reopened("no", NOON))))
    assert state.is_open
    assert set(state.done) == {"scope", "authority"}
    assert state.times_reopened == 1


def test_data_loss_that_was_ruled_out_is_still_on_record_and_counts_again_once_it_is_noticed() -> None:
    ruled_out = [(NOON, declared(NOON, data_loss=True)), (NOON + MINUTE, LossRuledOut("in the bin", NOON), "bob")]
    state = replay(recorded(*ruled_out))
    assert not state.loses_data
    assert state.aware == NOON
    assert state.ruled_out is not None
    assert (state.ruled_out.say, state.ruled_out.person) == ("in the bin", "bob")
    again = replay(recorded(*ruled_out, (NOON + 2 * MINUTE, DataLossNoticed("more", NOON))))
    assert again.loses_data
    assert again.ruled_out is None


def test_every_mark_has_a_french_word() -> None:
    """But the marks of what a post-mortem tells elsewhere than in its timeline."""
    assert set(Mark) - set(french.MARKS) == {Mark.POSTMORTEM, Mark.ACTION}
