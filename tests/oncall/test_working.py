"""Working time over changed clocks, midnight, the year's end and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.oncall.model import MIDNIGHT, OFFICE, Hours
from holdpoint.oncall.moments import instant
from holdpoint.oncall.working import Working
from tests.oncall.clocks import PARIS, SINCE, UNTIL, paris

HOUR = timedelta(hours=1)
OFFICE_IN_PARIS = Working(PARIS, OFFICE)
ALWAYS = Working(PARIS, (Hours(frozenset(range(7)), 0, MIDNIGHT),))
NIGHT = Working(PARIS, (Hours(frozenset(range(7)), 0, 6 * 60), Hours(frozenset(range(7)), 22 * 60, MIDNIGHT)))


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-25 10:00", 4, "2026-11-25 14:00"),
        ("2026-11-25 16:00", 4, "2026-11-26 11:00"),
        ("2026-11-25 09:00", 9, "2026-11-25 18:00"),  # exactly the day: not the next morning
        ("2026-11-25 03:00", 1, "2026-11-25 10:00"),  # before the hours
        ("2026-11-25 18:00", 1, "2026-11-26 10:00"),  # their end does not belong to them
        ("2026-11-25 23:59", 1, "2026-11-26 10:00"),
        ("2026-11-27 17:00", 4, "2026-11-30 12:00"),  # over a weekend
        ("2026-11-28 12:00", 24, "2026-12-02 15:00"),  # from a Saturday
        ("2026-12-31 17:30", 1, "2027-01-01 09:30"),  # nobody said that it is a holiday
        ("2026-03-27 17:00", 2, "2026-03-30 10:00"),  # the clocks are changed on the Sunday between
        ("2026-10-23 17:00", 2, "2026-10-26 10:00"),
        ("2026-11-25 10:00", 0, "2026-11-25 10:00"),
        ("2026-11-28 10:00", 0, "2026-11-28 10:00"),
    ],
)
def test_due(start, hours, due):
    assert OFFICE_IN_PARIS.due(paris(start), hours * HOUR) == paris(due)
    assert OFFICE_IN_PARIS.worked(paris(start), paris(due)) == hours * HOUR


def test_days_off_stop_the_clock():
    off = {date(2026, 12, 25): "Noël", date(2027, 1, 1): "Jour de l'an"}
    working = Working(PARIS, OFFICE, lambda day: off.get(day, ""))
    assert working.due(paris("2026-12-24 17:00"), 2 * HOUR) == paris("2026-12-28 10:00")
    assert working.due(paris("2026-12-31 17:00"), 2 * HOUR) == paris("2027-01-04 10:00")
    assert working.worked(paris("2026-12-24 00:00"), paris("2026-12-28 00:00")) == 9 * HOUR
    assert working.opens(paris("2026-12-25 12:00")) == paris("2026-12-28 09:00")
    assert not working.is_open(paris("2026-12-25 12:00"))
    assert working.is_open(paris("2026-12-28 09:00"))
    assert not working.is_open(paris("2026-12-28 18:00"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-25", 24)])
def test_a_day_on_which_clocks_are_changed_is_as_long_as_it_lasts(day, hours):
    midnight = paris(f"{day} 00:00")
    assert ALWAYS.worked(midnight, ALWAYS.due(midnight, hours * HOUR)) == hours * HOUR
    assert ALWAYS.due(midnight, hours * HOUR).astimezone(PARIS).strftime("%H:%M") == "00:00"
    assert sum((end - begin for begin, end in ALWAYS.spans(date.fromisoformat(day))), timedelta()) == hours * HOUR


def test_a_night_over_the_change_is_an_hour_shorter_or_longer():
    for evening, hours in (("2026-03-28 22:00", 7), ("2026-10-24 22:00", 9), ("2026-11-24 22:00", 8)):
        assert NIGHT.due(paris(evening), hours * HOUR).astimezone(PARIS).strftime("%H:%M") == "06:00"


def test_hours_within_the_hour_that_is_jumped_over_are_none():
    within = Working(PARIS, (Hours(frozenset(range(7)), 2 * 60 + 15, 2 * 60 + 45),))
    assert within.spans(date(2026, 3, 29)) == ()
    assert within.due(paris("2026-03-28 12:00"), HOUR / 2) == paris("2026-03-30 02:45")


def test_an_hour_that_comes_twice_counts_from_and_to_its_first():
    (span,) = Working(PARIS, (Hours(frozenset(range(7)), 2 * 60 + 15, 2 * 60 + 45),)).spans(date(2026, 10, 25))
    assert span == (paris("2026-10-25 02:15"), paris("2026-10-25 02:45"))


def test_a_moment_in_another_zone_is_the_same_moment():
    start = datetime(2026, 11, 25, 10, tzinfo=ZoneInfo("America/New_York"))
    due = OFFICE_IN_PARIS.due(start, HOUR * 3)
    assert (due, due.tzinfo) == (paris("2026-11-26 10:00"), UTC)


def test_what_never_passes_is_refused():
    with pytest.raises(ValueError, match="negative"):
        OFFICE_IN_PARIS.due(paris("2026-11-25 10:00"), -HOUR)
    with pytest.raises(ValueError, match="no working hours"):
        Working(PARIS, OFFICE, lambda _: "always off").due(paris("2026-11-25 10:00"), HOUR)
    assert OFFICE_IN_PARIS.worked(paris("2026-11-25 12:00"), paris("2026-11-25 10:00")) == timedelta()


# --- for any hours, in any zone ---------------------------------------------------------------------------------

ZONES = st.sampled_from(
    ["Europe/Paris", "UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana", "Asia/Gaza"]
)
MOMENTS = st.datetimes(SINCE, UNTIL).map(lambda one: one.replace(tzinfo=UTC))
DAYS = st.frozensets(st.integers(0, 6), min_size=1)
EDGES = st.lists(st.integers(0, MIDNIGHT), min_size=2, max_size=6, unique=True).map(sorted)


@st.composite
def workings(draw):
    edges, days = draw(EDGES), draw(DAYS)
    hours = tuple(Hours(days, begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=False))
    off = draw(st.frozensets(st.dates(date(2018, 1, 1), date(2032, 1, 1)), max_size=9))
    return Working(ZoneInfo(draw(ZONES)), hours, lambda day: "off" if day in off else "")


@settings(deadline=None)
@given(workings(), MOMENTS, st.timedeltas(timedelta(), timedelta(hours=12)))
def test_due_and_worked_are_inverse(working, start, amount):
    due = working.due(start, amount)
    assert due >= start
    assert working.worked(start, due) == amount
    if amount:
        assert working.worked(start, due - timedelta(microseconds=1)) < amount


@settings(deadline=None)
@given(
    workings(), MOMENTS, st.timedeltas(timedelta(), timedelta(days=30)), st.timedeltas(timedelta(), timedelta(days=30))
)
def test_working_time_adds_up(working, start, first, second):
    middle, end = start + first, start + first + second
    assert working.worked(start, middle) + working.worked(middle, end) == working.worked(start, end)
    assert working.worked(start, end) <= end - start


@settings(deadline=None)
@given(workings(), st.dates(date(2018, 1, 1), date(2031, 12, 30)))
def test_the_stretches_of_a_day_follow_each_other_and_stay_before_the_next_day(working, day):
    spans = working.spans(day)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    midnight = instant(datetime.combine(day + timedelta(days=1), datetime.min.time()), working.zone)
    assert not edges or edges[-1] <= midnight
