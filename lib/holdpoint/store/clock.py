"""Time: that of the machine, and one that stands still for walk-throughs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from holdpoint.engine.ports import Watch, Wish

LOOK = 0.2
"""Seconds between two looks at what the person wants."""


class SystemClock:
    """The wall clock for `now`; waiting goes by a clock that nobody can set."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, duration: timedelta, watch: Watch) -> bool:
        """Wait for `duration`; False as soon as the person wishes for anything but to go on."""
        end = time.monotonic() + duration.total_seconds()
        while True:
            if watch.wish() is not Wish.GO_ON:
                return False
            left = end - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(LOOK, left))


class FrozenClock:
    """Stands at `start`; a wait returns at once, True, and has moved the time on by its length."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs a zone")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def wait(self, duration: timedelta, watch: Watch) -> bool:  # noqa: ARG002 - the port's signature
        self._now += max(duration, timedelta(0))
        return True
