"""Who is on call: weeks over changed clocks and the year's end, swaps and cover, and the tiling of time."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.oncall.model import Cover, Order, Rota, Swap
from holdpoint.oncall.rota import WEEK, Role, begins, idle, on_call, shift_at, shifts, stretches, week_at, weeks
from tests.oncall.clocks import PARIS, paris
from tests.oncall.samples import SWAP, cover, rota

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)


def names(found):
    return (found.principal.person, found.backup.person if found.backup else None)


def at(text, of=None, fold=0):
    return names(on_call(of or rota(), PARIS, paris(text, fold)))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-05 09:00", ("ada", "bob")),
        ("2026-10-12 08:59", ("ada", "bob")),
        ("2026-10-12 09:00", ("bob", "eve")),
        ("2026-10-25 02:30", ("eve", "ada")),
        ("2026-10-26 08:59", ("eve", "ada")),  # an hour later than a week of 168 hours
        ("2026-10-26 09:00", ("ada", "bob")),
        ("2026-12-31 23:59", ("ada", "bob")),
        ("2027-01-01 00:00", ("ada", "bob")),
        ("2027-01-04 09:00", ("bob", "eve")),
        ("2027-03-29 08:59", ("ada", "bob")),
        ("2027-03-29 09:00", ("bob", "eve")),
    ],
)
def test_the_order_goes_round(moment, expected):
    assert at(moment) == expected


def test_before_it_begins_nobody_is_on_call():
    assert on_call(rota(), PARIS, paris("2026-10-05 08:59")) is None
    assert shift_at(rota(), PARIS, Role.PRINCIPAL, paris("2020-01-01 00:00")) is None


@pytest.mark.parametrize(("week", "hours"), [("2026-10-19", 169), ("2027-03-22", 167), ("2026-11-23", 168)])
def test_a_week_goes_from_handover_to_handover_in_local_time(week, hours):
    (one,) = stretches(rota(), PARIS, date.fromisoformat(week))
    assert one.end - one.begin == hours * HOUR
    assert {f"{edge.astimezone(PARIS):%a %H:%M}" for edge in (one.begin, one.end)} == {"Mon 09:00"}


def test_a_handover_in_the_hour_that_is_jumped_over_is_at_the_jump():
    night = Rota((Order(date(2026, 3, 1), ("ada", "bob")),), handover=2 * 60 + 30)
    assert begins(night, PARIS, date(2026, 3, 29)) == paris("2026-03-29 03:00")
    assert week_at(night, PARIS, paris("2026-03-29 03:00")) == date(2026, 3, 29)
    assert week_at(night, PARIS, paris("2026-03-29 01:59")) == date(2026, 3, 22)


def test_a_handover_in_the_hour_that_comes_twice_is_in_the_first():
    night = Rota((Order(date(2026, 10, 4), ("bob", "ada")),), handover=2 * 60 + 30)
    assert at("2026-10-25 02:29", night) == ("bob", "ada")
    assert at("2026-10-25 02:30", night) == ("ada", "bob")
    assert at("2026-10-25 02:15", night, fold=1) == ("ada", "bob")


# --- swaps, another order ---------------------------------------------------------------------------------------


def test_a_swap_changes_two_weeks_and_nobody_is_both():
    swapped = rota(SWAP)
    assert at("2026-11-23 08:59", swapped) == ("ada", "bob")
    assert at("2026-11-23 09:00", swapped) == ("eve", "ada")  # eve was to be backup, and bob gave the week away
    assert at("2026-11-30 08:59", swapped) == ("eve", "ada")
    assert at("2026-11-30 09:00", swapped) == ("bob", "ada")
    assert at("2026-12-07 09:00", swapped) == at("2026-12-07 09:00")
    one = on_call(swapped, PARIS, paris("2026-11-25 12:00"))
    assert (one.principal.instead_of, one.principal.why) == ("bob", "a wedding")
    assert (one.backup.instead_of, one.backup.why) == ("eve", "eve is principal")


def test_of_two_people_who_swap_the_other_is_backup():
    pair = Rota((Order(date(2026, 11, 2), ("ada", "bob")),), swaps=(Swap(date(2026, 11, 2), date(2026, 11, 9), "x"),))
    assert at("2026-11-02 09:00", pair) == ("bob", "ada")
    assert at("2026-11-09 09:00", pair) == ("ada", "bob")


def test_swaps_work_on_what_those_before_left():
    again = "  swaps:\n    - {week: 2026-11-23, with: 2026-11-30, why: x}\n"
    three = rota(f"{again}    - {{week: 2026-11-30, with: 2026-12-07, why: y}}\n")
    assert [at(f"{day} 12:00", three)[0] for day in ("2026-11-23", "2026-11-30", "2026-12-07")] == ["eve", "ada", "bob"]
    undone = rota(f"{again}    - {{week: 2026-11-30, with: 2026-11-23, why: back}}\n")
    assert on_call(undone, PARIS, paris("2026-11-23 12:00")).principal == on_call(rota(), PARIS, paris("2026-11-23 12:00")).principal  # fmt: skip


def test_another_order_leaves_what_was():
    changed = rota("  changes: [{from: 2026-11-23, order: [eve, ada]}]\n")
    for day in ("2026-10-05", "2026-11-16", "2026-11-22"):
        assert at(f"{day} 12:00", changed) == at(f"{day} 12:00")
    assert [at(f"{day} 12:00", changed) for day in ("2026-11-23", "2026-11-30", "2026-12-07")] == [
        ("eve", "ada"),
        ("ada", "eve"),
        ("eve", "ada"),
    ]


def test_backups_can_have_an_order_of_their_own():
    own = rota("  backup: [eve, ada]\n")
    assert [at(f"{day} 12:00", own) for day in ("2026-10-05", "2026-10-12", "2026-10-19")] == [
        ("ada", "eve"),
        ("bob", "ada"),
        ("eve", "ada"),  # eve cannot be both
    ]


def test_who_takes_two_weeks_in_a_row_is_no_backup_of_themselves_and_that_is_as_planned():
    twice = Rota((Order(date(2026, 11, 2), ("ada", "ada", "bob")),))
    for week, expected in (
        ("2026-11-02", ("ada", "bob")),
        ("2026-11-09", ("ada", "bob")),
        ("2026-11-16", ("bob", "ada")),
    ):
        (one,) = stretches(twice, PARIS, date.fromisoformat(week))
        assert names(one) == expected
        assert (one.principal.why, one.backup.why) == ("", "")


# --- cover ------------------------------------------------------------------------------------------------------


def test_cover_over_a_handover_takes_each_role_in_turn():
    """bob is principal up to the handover on the 30th, and has no role the week after; ada is backup then principal."""
    both = rota("  cover:\n" + cover("eve", "ada", "2026-11-14 12:00", "2026-11-24 12:00"))
    assert at("2026-11-14 11:59", both) == ("eve", "ada")
    assert at("2026-11-14 12:00", both) == ("eve", "bob")  # eve cannot be both, ada is away
    assert at("2026-11-16 09:00", both) == ("eve", "bob")  # now for the principal
    assert at("2026-11-23 08:59", both) == ("eve", "bob")
    assert at("2026-11-23 09:00", both) == ("bob", "eve")
    assert on_call(both, PARIS, paris("2026-11-16 09:00")).principal.instead_of == "ada"


def test_cover_by_the_backup_calls_the_next_who_is_free():
    found = rota("  cover:\n" + cover("eve", "bob", "2026-11-25 12:00", "2026-11-25 18:00"))
    assert at("2026-11-25 11:59", found) == ("bob", "eve")
    assert at("2026-11-25 12:00", found) == ("eve", "ada")
    assert at("2026-11-25 18:00", found) == ("bob", "eve")
    pair = Rota(
        (Order(date(2026, 11, 23), ("ada", "bob")),),
        covers=(Cover(paris("2026-11-25 12:00"), paris("2026-11-25 18:00"), "bob", "ada", "x"),),
    )
    assert at("2026-11-25 12:00", pair) == ("bob", None)
    found = shifts(pair, PARIS, date(2026, 11, 23), Role.BACKUP)
    assert [(one.begin, one.end) for one in found] == [
        (paris("2026-11-23 09:00"), paris("2026-11-25 12:00")),
        (paris("2026-11-25 18:00"), paris("2026-11-30 09:00")),
    ]


def test_cover_of_cover():
    found = rota(
        "  cover:\n"
        + cover("ada", "bob", "2026-11-25 12:00", "2026-11-27 12:00")
        + cover("eve", "ada", "2026-11-26", "2026-11-26")
    )
    hours = ("2026-11-25 12:00", "2026-11-26 00:00", "2026-11-26 23:59", "2026-11-27 00:00", "2026-11-27 12:00")
    assert [at(one, found)[0] for one in hours] == ["ada", "eve", "eve", "ada", "bob"]


def test_cover_that_changes_nothing_is_named():
    found = rota(
        "  cover:\n"
        + cover("ada", "bob", "2026-11-25 12:00", "2026-11-27 12:00")
        + cover("eve", "ada", "2026-11-24 12:00", "2026-11-24 13:00", "wrong week")
        + cover("eve", "ada", "2026-01-01", "2026-01-02", "before it begins")
        + cover("ada", "bob", "2026-11-16 12:00", "2026-11-16 13:00", "as backup")
    )
    assert [one.why for one in idle(found, PARIS)] == ["wrong week", "before it begins"]


def test_a_shift_ends_where_the_person_changes_and_not_where_the_other_role_does():
    found = rota("  cover:\n" + cover("ada", "eve", "2026-11-25 12:00", "2026-11-25 18:00"))
    (whole,) = shifts(found, PARIS, date(2026, 11, 23), Role.PRINCIPAL)
    assert (whole.begin, whole.end) == (paris("2026-11-23 09:00"), paris("2026-11-30 09:00"))
    assert [one.number for one in shifts(found, PARIS, date(2026, 11, 23), Role.BACKUP)] == [0, 1, 2]


# --- for any rota -----------------------------------------------------------------------------------------------

PEOPLE = st.sampled_from(["ada", "bob", "eve", "joe"])
ZONES = st.sampled_from(["Europe/Paris", "UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana"])
START = date(2017, 9, 6)


@st.composite
def rotas(draw):
    order = st.lists(PEOPLE, min_size=1, max_size=4).map(tuple)
    week = st.integers(0, 60).map(lambda number: START + number * WEEK)
    starts = draw(st.lists(st.integers(1, 60), max_size=2, unique=True).map(sorted))
    orders = [Order(START + number * WEEK, draw(order), draw(st.just(()) | order)) for number in (0, *starts)]
    moment = st.integers(0, 60 * 7 * 24 * 4).map(lambda quarters: paris("2017-09-06 00:00") + quarters * HOUR / 4)
    covers = [
        Cover(begin, begin + hours * HOUR, who, absent, "x")
        for begin, hours, who, absent in draw(
            st.lists(st.tuples(moment, st.integers(1, 400), PEOPLE, PEOPLE), max_size=4)
        )
    ]
    swaps = [Swap(one, other, "y") for one, other in draw(st.lists(st.tuples(week, week), max_size=4))]
    return Rota(tuple(orders), draw(st.integers(0, 24 * 60 - 1)), tuple(swaps), tuple(covers))


@settings(deadline=None)
@given(rotas(), ZONES, st.integers(0, 60))
def test_stretches_tile_time_without_gap_or_overlap(made, zone_name, number):
    zone = ZoneInfo(zone_name)
    first = START + number * WEEK
    found = [one for week in range(3) for one in stretches(made, zone, first + week * WEEK)]
    assert found[0].begin == begins(made, zone, first)
    assert found[-1].end == begins(made, zone, first + 3 * WEEK)
    for one, following in zip(found, [*found[1:], None], strict=True):
        assert one.begin < one.end
        assert following is None or one.end == following.begin
        assert one.backup is None or one.backup.person != one.principal.person
        for moment in (one.begin, one.end - TICK):
            assert on_call(made, zone, moment) == one
            assert week_at(made, zone, moment) == one.week


@settings(deadline=None)
@given(rotas(), ZONES, st.integers(0, 60))
def test_shifts_of_a_role_say_the_same_as_who_is_on_call(made, zone_name, number):
    zone, week = ZoneInfo(zone_name), START + number * WEEK
    for role in Role:
        found = shifts(made, zone, week, role)
        assert [one.number for one in found] == list(range(len(found)))
        held = sum((one.end - one.begin for one in found), timedelta())
        assert held == sum((one.end - one.begin for one in stretches(made, zone, week) if one.duty(role)), timedelta())
        for one in found:
            assert shift_at(made, zone, role, one.begin) == one == shift_at(made, zone, role, one.end - TICK)


@settings(deadline=None)
@given(rotas(), st.integers(-5, 60), st.integers(0, 5))
def test_weeks_are_those_that_have_a_part(made, number, count):
    since = paris("2017-09-06 00:00") + number * WEEK
    until = since + count * WEEK
    found = list(weeks(made, PARIS, since, until))
    assert found == sorted(set(found))
    for week in found:
        assert begins(made, PARIS, week) < until
        assert begins(made, PARIS, week + WEEK) > since
