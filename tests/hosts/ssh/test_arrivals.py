"""What arrived on a channel is given in whole packets, in order, and no more at once than was asked for."""

import threading

from holdpoint.hosts.ssh.arrivals import Arrivals


def fed(*packets: bytes) -> Arrivals:
    arrivals = Arrivals(threading.Event())
    for packet in packets:
        arrivals.feed(packet)
    return arrivals


def test_packets_are_joined_in_order_as_far_as_they_fit() -> None:
    arrivals = fed(b"one ", b"two ", b"three")
    assert arrivals.read(9) == b"one two "
    assert len(arrivals) == 5
    assert arrivals.read(9) == b"three"
    assert not arrivals.read_ready()


def test_a_packet_larger_than_was_asked_for_comes_alone() -> None:
    arrivals = fed(b"0123456789", b"a")
    assert arrivals.read(4) == b"0123456789"
    assert arrivals.read(4) == b"a"


def test_nothing_is_given_where_nothing_came_and_all_where_it_is_emptied() -> None:
    assert fed().read(10) == b""
    assert fed(b"a", b"b" * 100).empty() == b"a" + b"b" * 100


def test_a_packet_without_content_is_none() -> None:
    """It would look like the end of the stream."""
    arrivals = fed(b"")
    assert not arrivals.read_ready()
    arrivals.feed(b"a")
    arrivals.feed(b"")
    assert arrivals.read(9) == b"a"
    assert not arrivals.read_ready()


def test_the_bell_rings_for_what_comes_and_for_the_end() -> None:
    bell = threading.Event()
    arrivals = Arrivals(bell)
    assert not bell.is_set()
    arrivals.feed(b"x")
    assert bell.is_set()
    bell.clear()
    arrivals.close()
    assert bell.is_set()
