"""Journals to damage."""

from datetime import UTC, datetime, timedelta

from holdpoint.journal.record import START, sealed_line

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
HARD = {
    "text": 'é\n\x00\x1f"\\ 😀\x7f\u2028',
    "numbers": [0, -1, 1.5e300, -0.0, 10**40],
    "words": [True, False, None],
    "empty": {},
    "nested": {"a": [{"b": []}]},
}


def lines(count=3, *, data=None, start=0, prev=START, person="Änne", pace=1):
    """Give the lines of a chain, each with its newline."""
    made = []
    for seq in range(start, start + count):
        time = NOON + timedelta(seconds=pace * seq)
        record, line = sealed_line(seq=seq, time=time, person=person, kind="step.result", data=data or HARD, prev=prev)
        made.append(line)
        prev = record.hash
    return made
