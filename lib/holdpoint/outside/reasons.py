"""What the usual errors of a connection mean, in a few words for a person."""

from __future__ import annotations

import re

_ERRNO = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")
_MEANINGS = {
    "certificate verify failed": "its certificate cannot be verified",
    "timed out": "the server did not answer in time",
    "IncompleteRead": "the answer was cut off",
    "Remote end closed": "the server closed the connection without an answer",
    "unexpectedly closed": "the server closed the connection without an answer",
    "Connection aborted": "the connection was cut off",
}


def meaning(text: str) -> str:
    """Say what an error's text means: the system's own words where it has them, else the text itself."""
    found = _ERRNO.search(text)
    if found is not None:
        return found[1].strip(" :").lower()
    return next((words for part, words in _MEANINGS.items() if part in text), text)
