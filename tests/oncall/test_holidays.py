"""The public holidays of France, those that go by Easter among them, and a machine that does not know any."""

import sys
from datetime import date, timedelta

import pytest

from holdpoint.oncall.model import OFFICE, Holidays
from holdpoint.oncall.working import Working
from holdpoint.problem import HoldpointError, Place
from holdpoint.store import holidays
from tests.oncall.clocks import PARIS, paris

FRANCE = holidays.off(Holidays(), "fr")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("easter", "year"),
    [(date(2026, 4, 5), 2026), (date(2027, 3, 28), 2027), (date(2028, 4, 16), 2028), (date(2038, 4, 25), 2038)],
)
def test_days_that_go_by_easter(easter, year):
    named = {day: FRANCE(easter + timedelta(days=day)) for day in (1, 39, 50)}
    assert named == {1: "Lundi de Pâques", 39: "Ascension", 50: "Lundi de Pentecôte"}
    assert FRANCE(easter) == ""
    assert [FRANCE(date(year, *day)) for day in ((1, 1), (7, 14), (12, 25))] == [
        "Jour de l'an",
        "Fête nationale",
        "Noël",
    ]


def test_the_clock_stands_still_on_them():
    france = Working(PARIS, OFFICE, FRANCE)
    assert france.due(paris("2026-04-03 17:00"), 2 * HOUR) == paris("2026-04-07 10:00")  # over Easter
    assert france.due(paris("2026-05-13 17:00"), 2 * HOUR) == paris("2026-05-15 10:00")  # over Ascension
    assert france.due(paris("2026-12-31 17:00"), 10 * HOUR) == paris("2027-01-04 18:00")  # over the year's end
    assert france.due(paris("2027-05-14 17:00"), 2 * HOUR) == paris("2027-05-18 10:00")  # over Whitsun


def test_a_teams_own_days_come_first():
    own = holidays.off(Holidays(own={date(2026, 12, 24): "closed", date(2026, 12, 25): "closed too"}))
    assert [own(date(2026, 12, day)) for day in (23, 24, 25)] == ["", "closed", "closed too"]
    assert holidays.off(Holidays(country=""))(date(2026, 12, 25)) == ""


def test_a_region_has_days_of_its_own():
    assert holidays.off(Holidays(region="57"))(date(2026, 12, 26)) == "Saint Stephen's Day"
    assert FRANCE(date(2026, 12, 26)) == ""


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (Holidays(country="ZZ"), "no public holidays are known of `ZZ`"),
        (Holidays(region="58"), "`FR` has no region `58` of its own"),
    ],
)
def test_an_unknown_country_is_told_where_it_stands(of, said):
    place = Place("team.yaml", 3, 12)
    with pytest.raises(HoldpointError, match=said) as caught:
        holidays.off(Holidays(of.country, of.region, place=place))
    assert caught.value.problems[0].place == place


def test_without_the_package_none_are_known(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)  # an import of it fails, as where it is not installed
    assert not holidays.installed()
    known = holidays.off(Holidays("ZZ", own={date(2026, 12, 24): "closed"}))
    assert [known(date(2026, 12, day)) for day in (24, 25)] == ["closed", ""]
