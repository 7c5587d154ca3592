"""Places where a test can have the process killed, as a power cut would: `HOLDPOINT_KILL_AT` names one of them.

Journals pass `record:<seq>:before`, `:torn` (half the line is written), `:written` (all of it, not yet durable) and
`:durable`. Whoever does more calls `crash_point` with names of its own. Unset, which is read once, it costs nothing.
"""

from __future__ import annotations

import os
import signal

KILL_AT = os.environ.get("HOLDPOINT_KILL_AT", "")


def crash_point(name: str) -> None:
    """Kill this process, without any clearing up, where `HOLDPOINT_KILL_AT` names this point."""
    if KILL_AT and name == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()
