"""A zone whose clocks are changed in both directions, and how moments are written in tests."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def paris(text, fold=0):
    """The moment, in UTC, that clocks in Paris show."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold).astimezone(UTC)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text):
    """What a clock shows, without a zone."""
    return datetime.fromisoformat(text)


SINCE, UNTIL = wall("2018-01-01"), wall("2032-01-01")
"""Between these, clocks are changed in many ways."""
