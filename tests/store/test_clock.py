import time
from datetime import UTC, datetime, timedelta

import pytest

from holdpoint.engine.ports import Wish
from holdpoint.store.clock import FrozenClock, SystemClock


class Wishes:
    def __init__(self, *wishes):
        self.wishes = list(wishes)
        self.asked = []

    def output(self, stream, text):
        raise AssertionError

    def wish(self):
        self.asked.append(time.monotonic())
        return self.wishes.pop(0) if self.wishes else Wish.GO_ON


def test_the_system_clock_is_in_utc():
    before = time.time()
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before - 1 < now.timestamp() < time.time() + 1


def test_it_waits_and_asks_about_five_times_a_second():
    wishes = Wishes()
    started = time.monotonic()
    assert SystemClock().wait(timedelta(seconds=0.5), wishes) is True
    assert time.monotonic() - started >= 0.5
    assert 3 <= len(wishes.asked) <= 4


@pytest.mark.parametrize("wish", [Wish.END, Wish.LEAVE])
def test_it_ends_when_the_person_wishes(wish):
    wishes = Wishes(Wish.GO_ON, wish)
    assert SystemClock().wait(timedelta(hours=1), wishes) is False
    assert len(wishes.asked) == 2


def test_no_time_is_no_wait():
    assert SystemClock().wait(timedelta(0), Wishes()) is True
    assert SystemClock().wait(timedelta(seconds=-5), Wishes()) is True
    assert SystemClock().wait(timedelta(0), Wishes(Wish.END)) is False


def test_a_frozen_clock_moves_only_by_waiting():
    start = datetime(2026, 11, 23, tzinfo=UTC)
    clock = FrozenClock(start)
    assert clock.now() == clock.now() == start
    wishes = Wishes(Wish.END)
    assert clock.wait(timedelta(hours=1), wishes) is True
    assert wishes.asked == []
    assert clock.now() == start + timedelta(hours=1)
    with pytest.raises(ValueError):
        FrozenClock(datetime(2026, 11, 23))  # noqa: DTZ001 - that is the point
