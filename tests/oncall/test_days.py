"""Days on call, counted: partial days, weekends and holidays, changed clocks."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.oncall.days import counted
from holdpoint.oncall.model import Holidays
from holdpoint.oncall.moments import on
from holdpoint.oncall.rota import Role
from holdpoint.store.holidays import off
from tests.oncall.clocks import PARIS
from tests.oncall.samples import cover, rota
from tests.oncall.test_rota import START, rotas

FRANCE = off(Holidays())
DAY = timedelta(days=1)


def count(first, last, of=None, role=Role.PRINCIPAL):
    found = counted(of or rota(), PARIS, date.fromisoformat(first), date.fromisoformat(last), FRANCE)
    return {
        one.person: (one.days, one.weekend, one.holiday, one.time / timedelta(hours=1))
        for one in found
        if one.role is role
    }


def test_a_day_of_handover_counts_for_who_has_the_longer_part():
    assert count("2026-11-16", "2026-11-29") == {"ada": (7, 2, 0, 168), "bob": (7, 2, 0, 159), "eve": (0, 0, 0, 9)}


def test_cover_of_a_few_hours_shows_in_hours_and_of_most_of_a_day_as_a_day():
    short = rota("  cover:\n" + cover("eve", "bob", "2026-11-28 12:00", "2026-11-28 18:00"))
    assert count("2026-11-24", "2026-11-29", short) == {"bob": (6, 2, 0, 138), "eve": (0, 0, 0, 6)}
    whole = rota("  cover:\n" + cover("eve", "bob", "2026-11-28", "2026-11-28"))
    assert count("2026-11-24", "2026-11-29", whole) == {"bob": (5, 1, 0, 120), "eve": (1, 1, 0, 24)}


def test_of_two_halves_the_earlier_counts():
    halves = rota("  cover:\n" + cover("ada", "bob", "2026-11-25 12:00", "2026-11-26 00:00"))
    assert count("2026-11-25", "2026-11-25", halves) == {"ada": (0, 0, 0, 12), "bob": (1, 0, 0, 12)}


def test_a_holiday_counts_once():
    """In 2026, All Saints' is a Sunday, the armistice a Wednesday, and Christmas a Friday; New Year's is a Friday too."""
    assert count("2026-11-01", "2026-11-01") == {"ada": (1, 1, 0, 24)}
    assert count("2026-11-11", "2026-11-11") == {"eve": (1, 0, 1, 24)}
    christmas = {"eve": (7, 2, 1, 168), "ada": (7, 2, 1, 159), "bob": (0, 0, 0, 9)}
    assert count("2026-12-21", "2027-01-03") == christmas


def test_a_day_on_which_the_clocks_are_changed_has_its_own_hours():
    assert count("2026-10-25", "2026-10-25") == {"eve": (1, 1, 0, 25)}
    assert count("2027-03-28", "2027-03-28") == {"ada": (1, 1, 0, 23)}


def test_before_the_rota_nobody_counts():
    assert count("2026-01-01", "2026-10-04") == {}
    assert count("2026-10-05", "2026-10-05") == {"ada": (1, 0, 0, 15)}


@settings(deadline=None)
@given(rotas(), st.integers(-20, 400), st.integers(0, 60))
def test_days_and_hours_add_up(made, since, length):
    first = START + since * DAY
    last = first + length * DAY
    found = [
        one
        for one in counted(made, PARIS, first, last, lambda day: "x" if day.day == 1 else "")
        if one.role is Role.PRINCIPAL
    ]
    begins = on(made.start, made.handover, PARIS)
    held = max(timedelta(), on(last + DAY, 0, PARIS) - max(on(first, 0, PARIS), begins))
    assert sum((one.time for one in found), timedelta()) == held
    assert sum(one.days for one in found) == max(0, (last - max(first, made.start)).days + 1)
    assert all(one.weekend + one.holiday <= one.days for one in found)
