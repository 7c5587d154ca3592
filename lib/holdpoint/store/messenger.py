"""Where messages go: to the command in `$HOLDPOINT_NOTIFY`, or to the screen, for pasting."""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdpoint.store.bounded import run_bounded

SECONDS = 20.0
_LIMIT = 16 * 1024
_SHOWN = 200
_URL = re.compile(r"(\w+://)(?:[^/\s@]*@)?([^/\s?#]+)[^\s]*")
"""The path of an address of a chat's hook is as good as a password, and so is what stands before `@`."""


class CommandMessenger:
    """Hands each message to the command of `$HOLDPOINT_NOTIFY`: `sh -c`, text on its input, `$HOLDPOINT_TO` set."""

    def __init__(self, environ: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        self._environ = environ
        self._seconds = seconds

    def send(self, to: str, text: str) -> str:
        """Deliver it; give a sentence on what became of it. Never raises for an undeliverable message."""
        command = self._environ.get("HOLDPOINT_NOTIFY", "")
        if not command.strip():
            return f"not sent: `$HOLDPOINT_NOTIFY` is not set; the message to `{to}` is printed here for pasting"
        try:
            ended = run_bounded(
                ("/bin/sh", "-c", command),
                environ={**self._environ, "HOLDPOINT_TO": to},
                seconds=self._seconds,
                limit=_LIMIT,
                given=(text.rstrip("\n") + "\n").encode(errors="replace"),
            )
        except (OSError, ValueError) as error:
            return f"NOT SENT to `{to}`: the command of `$HOLDPOINT_NOTIFY` cannot be started: {_short(str(error))}"
        if ended.failure:
            doubt = ", so whether it was delivered is not known" if ended.cut else ""
            said = f": {_short(ended.stderr)}" if ended.stderr else ""
            return f"NOT SENT to `{to}`: the command of `$HOLDPOINT_NOTIFY` {ended.failure}{doubt}{said}"
        return f"sent to `{to}` by the command of `$HOLDPOINT_NOTIFY`"


def _short(text: str) -> str:
    """Give the last line, at most 200 characters, addresses cut to their host."""
    lines = text.strip().splitlines()
    return _URL.sub(r"\1\2/…", lines[-1])[-_SHOWN:] if lines else ""
