"""Sends one message to one address, by Apprise, in a process of its own; and tells what surely did not go out.

Apprise answers yes or no. What lies behind a no is seen by what Python itself reports of its connections (its audit
events): whether a request was sent at all, and whether the server answered it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from holdpoint.outside.child import Answer, Began
from holdpoint.outside.reasons import meaning

_REQUEST = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r\n")
_GATEWAY = frozenset({502, 504})
"""Answers of one in between, who does not know what became of it."""
_KNOWN = ("requests", "smtplib")
_REASON = "Socket Exception: "


def installed() -> bool:
    """Whether anything can be sent from here."""
    return find_spec("apprise") is not None


def deliver(job: Mapping[str, Any], begins: Began) -> Answer:
    """Send `title` and `body` to `address`."""
    try:
        import apprise  # noqa: PLC0415 - an extra
    except ImportError:
        return {"done": False, "why": "the package `apprise` is not installed", "doubt": False}

    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    logger.setLevel(logging.DEBUG)
    asset = apprise.AppriseAsset(async_mode=False)
    place = apprise.Apprise.instantiate(job["address"], asset=asset)
    if place is None:
        return {"done": False, "why": "Apprise does not know such an address", "doubt": False}
    place.retry = 0  # a second try could be a second message
    place.socket_connect_timeout = place.socket_read_timeout = job["seconds"] + 1.0  # whoever started this ends it
    _follow_nothing()
    wire = _watched(_speaks(place), begins)
    sender = apprise.Apprise(asset=asset)
    sender.add(place)
    if (
        sender.notify(title=job["title"], body=job["body"], body_format=apprise.NotifyFormat.TEXT)
        and not wire.elsewhere
    ):
        return {"done": True}
    return {"done": False, "why": wire.why(said.last), "doubt": wire.doubt}


class _Said(logging.Handler):
    """The lines that Apprise logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING or text.startswith(_REASON):
            self.lines.append(text)

    @property
    def last(self) -> str:
        """What it says of the failure: the error itself, where it tells one."""
        reasons = [text.removeprefix(_REASON) for text in self.lines if text.startswith(_REASON)]
        return meaning((reasons or self.lines or [""])[-1])


@dataclass
class _Wire:
    """What went over the wire. `plain` is false for protocols that Python reports nothing of but the connection."""

    plain: bool
    connected: bool = False
    requests: int = 0
    statuses: list[int] = field(default_factory=list)
    mails: int = 0
    """Mails whose text was handed over."""
    refused: int = 0
    handed: bool = False
    """The text of a mail was sent just now, and the server has not answered it yet."""
    asked: bool = False
    """DATA was sent, so what comes next is the text."""

    @property
    def doubt(self) -> bool:
        """Whether a failure may have been none, or not wholly one."""
        if not self.plain:
            return self.connected
        http = self.requests > len(self.statuses) or any(code < 400 or code in _GATEWAY for code in self.statuses)  # noqa: PLR2004 - what is no error
        return http or self.mails > self.refused

    @property
    def elsewhere(self) -> int:
        """The status of an answer that leads elsewhere; 0 where none did."""
        return next((code for code in self.statuses if 300 <= code < 400), 0)  # noqa: PLR2004 - redirections of HTTP

    def why(self, said: str) -> str:
        if self.elsewhere:
            return f"the server answered {self.elsewhere}, which leads to another address, and nothing was sent there"
        if self.statuses and self.statuses[-1] >= 400:  # noqa: PLR2004 - an error of HTTP
            return f"the server answered {self.statuses[-1]}"
        if "raised an exception" in said and self.statuses:
            return f"the server answered {self.statuses[-1]}, and the rest of its answer could not be read"
        return said or "Apprise could not send it, and says no more"

    def mail(self, sent: bytes) -> None:
        """Follow a conversation of SMTP: whatever is sent after a mail's text shows that it was answered."""
        word = sent[:4].lower()
        if self.asked and word not in {b"rset", b"quit"}:
            self.mails += 1
            self.asked, self.handed = False, True
            return
        self.refused += self.handed and word == b"rset"
        self.handed, self.asked = False, word == b"data"


def _follow_nothing() -> None:
    """Keep requests from following: what follows most redirections is a GET without the message, and the headers go along."""
    import requests  # noqa: PLC0415 - comes with Apprise

    requests.Session.resolve_redirects = lambda *_, **__: iter(())  # type: ignore[method-assign]


def _watched(plain: bool, begins: Began) -> _Wire:
    """Watch this process's connections from now on."""
    wire = _Wire(plain)

    def seen(event: str, args: tuple[Any, ...]) -> None:
        match event:
            case "http.client.send":
                begins()
                wire.requests += bool(_REQUEST.match(_bytes(args[1])))
            case "smtplib.send":
                wire.mail(_bytes(args[1]))
                if wire.asked:
                    begins()
            case "socket.connect" if not plain:
                begins()
                wire.connected = True
            case _:
                pass

    sys.addaudithook(seen)
    _hear_answers(wire)
    return wire


def _hear_answers(wire: _Wire) -> None:
    """Hear the status of every answer over HTTP, which urllib3 logs beside the request."""

    class Statuses(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            args = record.args if isinstance(record.args, tuple) else ()
            if len(args) == 8 and isinstance(args[6], int):  # noqa: PLR2004 - scheme, host, port, method, path, version, status, length
                wire.statuses.append(args[6])

    logger = logging.getLogger("urllib3.connectionpool")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(Statuses())


def _speaks(place: object) -> bool:
    """Whether Apprise's way to this address is one that Python reports all of: HTTP by requests, or SMTP."""
    modules = [sys.modules.get(one.__module__) for one in type(place).__mro__]
    return any(hasattr(module, name) for module in modules for name in _KNOWN)


def _bytes(sent: object) -> bytes:
    return (
        sent.encode(errors="replace")
        if isinstance(sent, str)
        else bytes(sent)
        if isinstance(sent, (bytes, bytearray))
        else b""
    )
