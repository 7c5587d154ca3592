import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.journal.chain import Chain, Damaged, read
from holdpoint.journal.record import START
from holdpoint.problem import Exit, draw
from tests.journal.chains import lines

LINES = lines(4)
DATA = b"".join(LINES)
ENDS = list(itertools.accumulate(map(len, LINES)))


def whole(cut):
    return sum(end <= cut for end in ENDS)


def test_whole():
    chain = read(DATA)
    assert isinstance(chain, Chain)
    assert [record.seq for record in chain.records] == [0, 1, 2, 3]
    assert chain.good_bytes == len(DATA)
    assert chain.torn == b""
    assert chain.head == chain.records[-1].hash
    assert read(b"") == Chain((), 0)
    assert read(b"").head == START


@pytest.mark.parametrize("rest", [b"", b"\0", b"\0" * 5000], ids=["", "one NUL", "a page of NULs"])
def test_cut_at_every_byte(rest):
    """As a crash leaves it: all whole records are there, what follows is cut off."""
    for cut in range(len(DATA) + 1):
        chain = read(DATA[:cut] + rest)
        assert isinstance(chain, Chain), (cut, DATA[:cut][-60:])
        count = whole(cut)
        assert len(chain.records) == count
        assert chain.good_bytes == ([0, *ENDS])[count]
        assert chain.torn == DATA[chain.good_bytes : cut] + rest


@pytest.mark.parametrize("which", [0, 1, 3], ids=["first", "middle", "last"])
def test_every_bit_flipped(which):
    start = ([0, *ENDS])[which]
    for at in range(start, start + len(LINES[which])):
        for bit in range(8):
            altered = bytearray(DATA)
            altered[at] ^= 1 << bit
            read_back = read(bytes(altered))
            assert isinstance(read_back, Damaged), (at, bit, bytes(altered[start : at + 2]))
            # a flip that makes a newline moves the place to one of the halves; the records before are never lost
            assert len(read_back.good) == which


@pytest.mark.parametrize("order", [p for p in itertools.permutations(range(4)) if p != (0, 1, 2, 3)], ids=str)
def test_swapped(order):
    assert isinstance(read(b"".join(LINES[n] for n in order)), Damaged)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_removed(gone):
    assert isinstance(read(b"".join(line for n, line in enumerate(LINES) if n != gone)), Damaged)


def test_the_last_removed_looks_like_a_crash():
    chain = read(b"".join(LINES[:-1]))
    assert isinstance(chain, Chain)
    assert len(chain.records) == 3


@pytest.mark.parametrize("again", range(4))
@pytest.mark.parametrize("at", range(5))
def test_repeated(again, at):
    repeated = [*LINES[:at], LINES[again], *LINES[at:]]
    assert isinstance(read(b"".join(repeated)), Damaged)


def test_records_of_another_journal():
    other = lines(4, person="bob")
    assert isinstance(read(b"".join([*LINES[:2], *other[2:]])), Damaged)


def test_numbers_that_skip_with_right_hashes():
    first = read(LINES[0])
    skipped = lines(1, start=2, prev=first.head)
    assert isinstance(read(LINES[0] + skipped[0]), Damaged)
    restarted = lines(1, start=0, prev=first.head)
    assert isinstance(read(LINES[0] + restarted[0]), Damaged)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\n",
        b"x",
        b"x\n",
        b"{}",
        b"{}\n",
        b" ",
        b"\r\n",
        b"\0\n",
        b"\0\0x",
        b"\0" + LINES[0],
        LINES[0][:-1] + b"\0\0\n",
        LINES[0][:-1],
        b'{"data":{}}',
        b'{"data":{"a":1 ',
        b'{"data":{"a":\n',
        b'{"data":{a',
        b'{"data":{"a":01',
        b'{"data":{"a":tru,',
        b'{"data":{"a":"\\x',
        b'{"data":{"a":"\\ud8',
        b'{"data":{"a":"\xff',
        b'{"data":{"a":"\x01',
        b'{"data":{"a":[1}',
        b'{"data":{\xc3',
        b'{"data":{"a":"\\\xc3',
        b"PK\x03\x04",
    ],
    ids=repr,
)
def test_what_no_record_begins_with_is_damage(rubbish):
    assert isinstance(read(DATA + rubbish), Damaged)
    assert isinstance(read(rubbish), Damaged) or rubbish == LINES[0][:-1]


@pytest.mark.parametrize("inside", [0, 1, 3])
def test_lines_in_between(inside):
    for between in (b"\n", b"\0\n", b" \n", b"# a note\n"):
        assert isinstance(read(b"".join([*LINES[:inside], between, *LINES[inside:]])), Damaged)


def test_nuls_count_as_a_crash_only_at_the_very_end():
    torn = LINES[3][:40]
    good = b"".join(LINES[:3])
    assert isinstance(read(good + torn + b"\0" * 9), Chain)
    assert isinstance(read(good + torn + b"\0" * 9 + b"x"), Damaged)
    within = read(good + b"\0" * 9 + torn)
    assert isinstance(within, Damaged)
    assert within.problem.found == "NUL bytes inside the last line"
    assert isinstance(read(good + LINES[3][:40] + b"\0" * 9 + LINES[3][49:]), Damaged)


def test_a_whole_last_record_that_does_not_fit_is_no_torn_one():
    assert isinstance(read(DATA + LINES[1][:-1]), Damaged)


def test_time_may_go_backwards():
    chain = read(b"".join(lines(4, pace=-3600)))
    assert isinstance(chain, Chain)
    assert chain.records[0].time > chain.records[3].time


def test_the_problem_says_where_and_what_to_do():
    damaged = read(b"".join([LINES[0], LINES[2], LINES[3]]), "runs/x/journal.jsonl")
    assert isinstance(damaged, Damaged)
    assert damaged.offset == ENDS[0]
    assert damaged.error().exit_code == Exit.DAMAGED
    text = draw(damaged.problem)
    assert text.startswith("runs/x/journal.jsonl:2:1: error[journal-damaged]: ")
    assert f"at byte {ENDS[0]}" in text
    assert "found: record 2" in text
    assert "expected: record 1" in text
    assert "hint: the 1 records before this line are intact" in text


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for start in (b"", DATA, DATA[: ENDS[0] + 20], b'{"data":{'):
        chain = read(start + data)
        if isinstance(chain, Chain):
            assert chain.records == read(DATA).records[: len(chain.records)]
            assert (start + data)[chain.good_bytes :] == chain.torn
