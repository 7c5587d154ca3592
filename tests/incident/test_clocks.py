"""The clocks, with a clock handed in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from holdpoint.document.model import Severity
from holdpoint.incident.clocks import Clock, Kind, Standing, clocks, pressing
from holdpoint.incident.events import (
    DataLossNoticed,
    Event,
    LossRuledOut,
    MessageRendered,
    MessageSent,
    Noted,
    OutputRecorded,
    Purpose,
    Resolved,
    SeverityChanged,
)
from holdpoint.incident.fold import replay
from holdpoint.incident.state import State
from holdpoint.incident.telling import Mark
from holdpoint.incident.timeline import timeline
from holdpoint.oncall.model import OFFICE
from holdpoint.oncall.working import Working
from tests.incident.support import NOON, PARIS, WORKING, declared, paris, recorded

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MADE = MessageRendered(1, Purpose.FIRST, "en", "ops", "text")


def _read(state: State, now: datetime, working: Working = WORKING) -> dict[Kind, Clock]:
    return {clock.kind: clock for clock in clocks(state, now, working)}


def _of(*events: tuple[datetime, Event]) -> State:
    return replay(recorded(*events))


def test_response_of_the_gravest() -> None:
    state = _of((NOON, declared(NOON)))
    standing = [_read(state, NOON + n * MINUTE)[Kind.RESPONSE].standing for n in (0, 9, 10, 15, 16)]
    assert standing == [Standing.RUNS, Standing.RUNS, Standing.SOON, Standing.SOON, Standing.OVER]


def test_response_is_counted_from_when_it_was_noticed_not_from_when_that_was_written() -> None:
    state = _of((NOON, declared(NOON - 20 * MINUTE)))
    assert _read(state, NOON)[Kind.RESPONSE].standing is Standing.OVER
    assert _read(state, NOON)[Kind.RESPONSE].left == -5 * MINUTE


@pytest.mark.parametrize(("after", "standing"), [(15, Standing.KEPT), (16, Standing.MISSED)])
def test_response_is_kept_or_missed_by_the_first_message(after: int, standing: Standing) -> None:
    state = _of((NOON, declared(NOON)), (NOON, MADE), (NOON, MessageSent(1, "by hand", NOON + after * MINUTE)))
    assert _read(state, NOON + 9 * HOUR)[Kind.RESPONSE].standing is standing


def test_response_is_also_there_when_all_are_alerted() -> None:
    ticks = [(NOON, OutputRecorded(item, "", "", NOON + 5 * MINUTE)) for item in ("severity", "backup", "announced")]
    assert _of((NOON, declared(NOON)), *ticks[:2]).responded is None
    assert _of((NOON, declared(NOON)), *ticks).responded == NOON + 5 * MINUTE


@pytest.mark.parametrize(
    ("noticed", "due"),
    [
        (paris(2026, 11, 25, 17, 0), paris(2026, 11, 26, 12, 0)),  # one hour today, three tomorrow
        (paris(2026, 11, 27, 17, 0), paris(2026, 11, 30, 12, 0)),  # over a weekend
        (paris(2026, 11, 28, 3, 0), paris(2026, 11, 30, 13, 0)),  # at night, on a Saturday
        (paris(2026, 12, 31, 16, 30), paris(2027, 1, 4, 11, 30)),  # over New Year's Day, a Friday off
        (paris(2026, 3, 27, 17, 0), paris(2026, 3, 30, 12, 0)),  # over the night that has an hour less
        (paris(2026, 10, 23, 17, 0), paris(2026, 10, 26, 12, 0)),  # over the one that has an hour more
    ],
)
def test_response_in_working_hours(noticed: datetime, due: datetime) -> None:
    off = {date(2027, 1, 1): "Jour de l'an"}
    working = Working(PARIS, OFFICE, lambda day: off.get(day, ""))
    state = _of((noticed, declared(noticed, Severity.SEV2)))
    assert _read(state, noticed, working)[Kind.RESPONSE].due == due


def test_response_of_the_least_grave_is_24_working_hours() -> None:
    state = _of((NOON, declared(NOON, Severity.SEV3)))
    assert _read(state, NOON)[Kind.RESPONSE].due == paris(2026, 11, 30, 10, 0)  # Wednesday 13:00: 5 + 9 + 9 + 1
    assert Kind.UPDATE not in _read(state, NOON)


def test_made_graver_the_target_is_counted_anew_and_made_less_grave_from_the_start() -> None:
    up = SeverityChanged(Severity.SEV2, Severity.SEV1, "worse", NOON + HOUR)
    state = _of((NOON, declared(NOON, Severity.SEV2)), (NOON + HOUR, up))
    assert _read(state, NOON)[Kind.RESPONSE].due == NOON + HOUR + 15 * MINUTE
    down = SeverityChanged(Severity.SEV1, Severity.SEV2, "better", NOON + HOUR)
    state = _of((NOON, declared(NOON)), (NOON + HOUR, down))
    assert _read(state, NOON)[Kind.RESPONSE].due == NOON + 4 * HOUR
    answered = _of((NOON, declared(NOON, Severity.SEV2)), (NOON, MADE), (NOON, MessageSent(1, "x", NOON)), (NOON, up))
    assert _read(answered, NOON + 9 * HOUR)[Kind.RESPONSE].standing is Standing.KEPT


def test_cadence_runs_from_the_last_message_that_went_out_not_from_one_that_was_only_written() -> None:
    state = _of((NOON, declared(NOON)), (NOON, MADE), (NOON, MessageSent(1, "by hand", NOON + 5 * MINUTE)))
    assert _read(state, NOON)[Kind.UPDATE].due == NOON + 35 * MINUTE
    again = MessageRendered(2, Purpose.UPDATE, "en", "ops", "text")
    written = _of((NOON, declared(NOON)), (NOON, MADE), (NOON, MessageSent(1, "x", NOON)), (NOON + HOUR, again))
    assert _read(written, NOON + HOUR)[Kind.UPDATE].standing is Standing.OVER


@pytest.mark.parametrize(
    "start",
    [
        paris(2026, 11, 25, 23, 45),
        paris(2026, 12, 31, 23, 45),
        paris(2026, 3, 29, 1, 45),  # at 02:00 the clocks jump to 03:00
        paris(2026, 10, 25, 2, 45),  # at 03:00 they are put back to 02:00
        paris(2026, 10, 25, 2, 45, fold=1),
    ],
)
def test_half_an_hour_is_half_an_hour_whatever_the_clocks_on_the_wall_do(start: datetime) -> None:
    state = _of((start, declared(start)), (start, MADE), (start, MessageSent(1, "x", start)))
    assert _read(state, start + 31 * MINUTE)[Kind.UPDATE].left == -MINUTE
    assert _read(state, start + 29 * MINUTE)[Kind.UPDATE].left == MINUTE


def test_72_hours_from_awareness_over_a_weekend_and_a_change_of_the_clocks() -> None:
    aware = paris(2026, 10, 24, 14, 0)
    state = _of((aware - HOUR, declared(aware - HOUR)), (aware + HOUR, DataLossNoticed("pages", aware)))
    assert _read(state, aware)[Kind.BREACH].due == paris(2026, 10, 27, 13, 0)
    end = Resolved("c", "i", data_loss=True, began=aware, restored=aware, happened=aware)
    open_still = _of((aware, declared(aware, data_loss=True)), (aware, end))
    assert _read(open_still, aware + 61 * HOUR)[Kind.BREACH].standing is Standing.SOON
    assert _read(open_still, aware + 73 * HOUR)[Kind.BREACH].standing is Standing.OVER
    told = (aware, OutputRecorded("authority", "CNIL", "", aware + 70 * HOUR))
    notified = _of((aware, declared(aware, data_loss=True)), told, (aware, end))
    assert _read(notified, aware + 99 * HOUR)[Kind.BREACH].standing is Standing.KEPT


def test_awareness_is_the_first_one() -> None:
    state = _of((NOON, declared(NOON, data_loss=True)), (NOON + HOUR, DataLossNoticed("more", NOON + HOUR)))
    assert state.aware == NOON


def test_the_72_hours_run_from_the_first_awareness_also_where_that_is_found_out_later() -> None:
    """Somebody knew at noon, and it was recorded at three; and it is no way to have them begin later."""
    noticed = (NOON + 3 * HOUR, DataLossNoticed("pages", NOON + 3 * HOUR))
    before = (NOON + 4 * HOUR, DataLossNoticed("ada knew it", NOON + HOUR))
    after = (NOON + 5 * HOUR, DataLossNoticed("more", NOON + 5 * HOUR))
    state = _of((NOON, declared(NOON)), noticed, before, after)
    assert _read(state, NOON + 6 * HOUR)[Kind.BREACH].due == NOON + 73 * HOUR


def test_loss_that_was_ruled_out_has_no_clock() -> None:
    assert Kind.BREACH not in _read(_of((NOON, declared(NOON, data_loss=True)), (NOON, LossRuledOut("r", NOON))), NOON)


def test_the_most_urgent_comes_first() -> None:
    state = _of((NOON, declared(NOON, data_loss=True)))
    assert [one.kind for one in pressing(clocks(state, NOON + 80 * HOUR, WORKING))] == [
        Kind.RESPONSE,
        Kind.UPDATE,
        Kind.BREACH,
    ]
    assert pressing(clocks(state, NOON, WORKING)) == ()
    assert clocks(State(), NOON, WORKING) == ()


# --- a clock that is set back ---


def test_a_clock_that_was_set_back_is_said_and_orders_nothing() -> None:
    back = NOON - HOUR
    records = recorded(
        (NOON, declared(NOON)), (back, Noted("first", back)), (back + MINUTE, Noted("second", back + MINUTE))
    )
    state = replay(records)
    assert [(jump.seq, jump.last, jump.by) for jump in state.jumps] == [(1, 2, HOUR)]
    rows = timeline(records, {})
    assert [row.seq for row in rows] == [0, 1, 2]
    assert [row.set_back for row in rows] == [timedelta(0), HOUR, HOUR - MINUTE]
    assert not any(row.is_late for row in rows)
    assert _read(state, back)[Kind.RESPONSE].jumped
    assert not _read(state, NOON)[Kind.RESPONSE].jumped


def test_a_clock_that_stood_wrong_for_long_is_one_jump() -> None:
    """Every record after one from a clock that ran ahead lies behind it; that is said once, and not for each of them."""
    ahead = [(NOON, declared(NOON)), (NOON + 5 * HOUR, Noted("ahead", NOON))]
    right = [(NOON + n * MINUTE, Noted("x", NOON)) for n in range(1, 300)]
    state = replay(recorded(*ahead, *right))
    assert [(jump.seq, jump.last, jump.by) for jump in state.jumps] == [(2, 300, 5 * HOUR - MINUTE)]
    later = [(NOON + 6 * HOUR, Noted("x", NOON)), (NOON, Noted("x", NOON))]
    assert [(jump.seq, jump.last) for jump in replay(recorded(*ahead, *right, *later)).jumps] == [(2, 300), (302, 302)]


def test_what_two_machines_differ_by_is_no_jump() -> None:
    second = timedelta(seconds=1)
    assert replay(recorded((NOON, declared(NOON)), (NOON - second, Noted("x", NOON - second)))).jumps == ()


def test_what_is_written_later_stands_where_it_happened_with_both_times() -> None:
    late = Noted("the first alert", NOON - 10 * MINUTE)
    records = recorded((NOON, declared(NOON)), (NOON + MINUTE, Noted("now", NOON + MINUTE)), (NOON + HOUR, late, "bob"))
    rows = timeline(records, {})
    assert [row.text for row in rows] == [
        "the first alert",
        "SEV1: the wiki is down (docmost); noticed by monitor",
        "now",
    ]
    assert (rows[0].happened, rows[0].written) == (NOON - 10 * MINUTE, NOON + HOUR)
    assert (rows[0].is_late, rows[0].person, rows[0].seq, rows[0].mark) == (True, "bob", 2, Mark.NOTE)


def test_moments_are_in_utc() -> None:
    state = _of((NOON, declared(paris(2026, 11, 25, 13, 0))))
    assert state.opening.happened.tzinfo is UTC
