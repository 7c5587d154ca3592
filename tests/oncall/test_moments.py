"""What people type for a time, and what they are told where that is no time, or two."""

from contextlib import suppress
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.oncall.moments import instant, instants, local, read
from holdpoint.problem import HoldpointError, draw
from tests.oncall.clocks import PARIS, SINCE, UNTIL, paris, utc, wall

NOW = paris("2026-11-25 15:00")


def refused(text, **given):
    with pytest.raises(HoldpointError) as caught:
        read(text, **{"now": NOW, "zone": PARIS, **given})
    (problem,) = caught.value.problems
    return draw(problem)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("14:05", paris("2026-11-25 14:05")),
        (" 9:05 ", paris("2026-11-25 09:05")),
        ("14:05:30", paris("2026-11-25 14:05:30")),
        ("2026-11-24 23:59", paris("2026-11-24 23:59")),
        ("2026-11-24T23:59", paris("2026-11-24 23:59")),
        ("2026-07-24 12:00", utc("2026-07-24 10:00")),
        ("2026-11-25T14:05+01:00", paris("2026-11-25 14:05")),
        ("2026-11-25T14:05:06.789+0100", paris("2026-11-25 14:05:06")),
        ("2026-11-25 08:05-05:00", paris("2026-11-25 14:05")),
        ("2026-11-25T13:05Z", paris("2026-11-25 14:05")),
        ("2026-11-25 13:05 UTC", paris("2026-11-25 14:05")),
        ("10m ago", paris("2026-11-25 14:50")),
        ("1h30m ago", paris("2026-11-25 13:30")),
        ("now", NOW),
        ("15:00", NOW),
    ],
)
def test_a_time(text, moment):
    found = read(text, now=NOW, zone=PARIS)
    assert (found, found.tzinfo) == (moment, UTC)


def test_today_is_the_day_of_the_zone_and_not_of_utc():
    assert read("00:05", now=utc("2026-11-24 23:30"), zone=PARIS) == paris("2026-11-25 00:05")


FORM = "`14:05`, `2026-11-25 14:05`, `2026-11-25T14:05+01:00`, or `10m ago`"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", f"error[time]: `soon` is no time\n  expected: {FORM}"),
        ("14h05", f"error[time]: `14h05` is no time\n  expected: {FORM}\n  hint: write `14:05`"),
        ("25:00", f"error[time]: `25:00` is no time\n  expected: {FORM}\n  hint: a day goes from `00:00` to `23:59`"),
        ("2026-11-25", f"error[time]: `2026-11-25` is no time\n  expected: {FORM}\n  hint: add a time: `2026-11-25 09:00`"),
        ("2026-02-30 10:00", f"error[time]: `2026-02-30 10:00` is no time\n  found: there is no day 2026-02-30\n  expected: {FORM}"),
        ("0001-01-01 00:00", "error[time]: `0001-01-01 00:00` is far away\n  expected: a year from 1970 to 2199"),
        ("9999-12-31T23:59-12:00", "error[time]: `9999-12-31T23:59-12:00` is far away\n  expected: a year from 1970 to 2199"),
        ("2026-11-25T10:00+99:00", "error[time]: `2026-11-25T10:00+99:00` is no time\n  found: `+99:00`\n  expected: an offset such as `+01:00`"),
        (
            "15:01",
            ("error[time-future]: `15:01` is still to come\n  found: it is 2026-11-25 15:00 in Europe/Paris\n"
            "  expected: a time that has been\n  hint: for yesterday, write `2026-11-24 15:01`"),
        ),
        (
            "2026-11-25T15:00+00:00",
            ("error[time-future]: `2026-11-25T15:00+00:00` is still to come\n"
            "  found: it is 2026-11-25 15:00 in Europe/Paris\n  expected: a time that has been"),
        ),
        (
            "2026-03-29 02:30",
            ("error[time-skipped]: `2026-03-29 02:30` does not exist in Europe/Paris\n"
            "  found: the clocks jump from 01:59 to 03:00\n  hint: if that is when they jumped, write `2026-03-29 03:00`"),
        ),
        (
            "2026-10-25 02:30",
            ("error[time-twice]: `2026-10-25 02:30` comes twice in Europe/Paris, since the clocks are put back\n"
            "  expected: one of the two\n"
            "  hint: write `2026-10-25T02:30+02:00` for the first, or `2026-10-25T02:30+01:00` for the second"),
        ),
    ],
)  # fmt: skip
def test_what_is_no_time_says_what_to_write(text, said):
    assert refused(text) == said


def test_what_is_to_come_can_be_asked_for():
    assert read("2027-01-01 00:00", now=NOW, zone=PARIS, future=True) == paris("2027-01-01 00:00")
    assert read("23:59", now=NOW, zone=PARIS, future=True) == paris("2026-11-25 23:59")


def test_of_two_moments_the_one_that_has_been_is_meant():
    between = paris("2026-10-25 02:40")
    assert read("02:30", now=between, zone=PARIS) == paris("2026-10-25 02:30")
    assert "comes twice" in refused("02:30", now=between, future=True)
    assert "comes twice" in refused("02:30", now=paris("2026-10-25 02:40", fold=1))
    assert "still to come" in refused("02:50", now=between)


@pytest.mark.parametrize("text", ["", "١٤:٠٥", "14:05\x00", "x" * 10_000, "2026-11-25 14:05+24:00", "ago", "-5m ago"])
def test_nonsense_is_a_problem_and_short(text):
    assert len(refused(text)) < 400


@settings(deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"[0-9:+\-TZ .]{1,30}", fullmatch=True))
def test_any_text_is_a_moment_or_a_problem(text):
    with suppress(HoldpointError):
        assert read(text, now=NOW, zone=PARIS) <= NOW


@settings(deadline=None)
@given(
    st.datetimes(wall("1971-01-01"), wall("2199-01-01")).map(
        lambda one: one.replace(second=0, microsecond=0, tzinfo=UTC)
    )
)
def test_what_is_written_can_be_read_back(moment):
    assert read(local(moment, PARIS), now=moment, zone=PARIS) == moment


@settings(deadline=None)
@given(st.datetimes(SINCE, UNTIL), st.timedeltas(timedelta(), timedelta(days=1)))
def test_a_later_time_is_never_an_earlier_moment(shown, more):
    assert instant(shown, PARIS) <= instant(shown + more, PARIS)


def test_the_jump_itself():
    assert instants(wall("2026-03-29 02:30"), PARIS) == ()
    assert (
        instant(wall("2026-03-29 02:30"), PARIS) == instant(wall("2026-03-29 03:00"), PARIS) == utc("2026-03-29 01:00")
    )
    assert len(instants(wall("2026-10-25 02:30"), PARIS)) == 2
