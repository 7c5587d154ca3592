"""A mapping that grows is like a `dict` that is copied each time; and growing it costs less than that."""

from __future__ import annotations

from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from holdpoint.engine.growing import LEAST, Growing

ENTRIES = st.lists(st.tuples(st.integers(0, 60), st.integers()), max_size=200)


@given(ENTRIES, ENTRIES)
def test_it_is_what_a_copied_dict_is(first: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    plain = dict(first)
    grown = Growing(plain)
    for key, value in more:
        before, was = grown, dict(grown)
        plain = {**plain, key: value}
        grown = grown.having(key, value)
        assert dict(before) == was, "a value was changed"
        assert list(grown.items()) == list(plain.items())
        assert (len(grown), grown[key], grown.get(key), grown.get(-1), grown.get(-1, 7)) == (
            *(len(plain), value, value, None, 7),
        )
        assert key in grown
        assert -1 not in grown
    assert grown == plain
    assert list({**grown}) == list(plain)


def test_what_is_copied_for_an_entry_is_the_root_of_what_is_there() -> None:
    count, copied = 2000, 0
    grown: Growing[int, int] = Growing({})
    for number in range(count):
        before, grown = grown, grown.having(number, number)
        copied += len(grown._over) if grown._base is before._base else len(grown)
    assert len(grown) == count
    assert copied < 2 * count * (LEAST + isqrt(count))
    assert copied < count * count / 8, "copying it whole each time is half of the square"
