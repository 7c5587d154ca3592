"""A small HTTP door on loopback, with limits on everything that a sender decides: size, time, number.

One request a connection. Owns who may speak, and what is refused before anything is read; what a request means is for
the work that it is handed. Python's own server reads the lines; everything around it is bounded here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from holdpoint.problem import HoldpointError, Place, Problem

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` are for a whole request to come in; `discarded` bytes of a refused one are read and thrown away."""

    body: int
    seconds: float = 10.0
    connections: int = 16
    head: int = 32 * 1024
    discarded: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    status: HTTPStatus
    data: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Work = Callable[[str, bytes], Answer]
"""From the path and the body of a request to its answer; called by one thread at a time for each connection."""


@dataclass(frozen=True, slots=True)
class Door:
    """What is served: the work, whether a path is known, the token, and what is said of a request that was refused."""

    work: Work
    knows: Callable[[str], bool]
    token: str = field(repr=False)
    limits: Limits
    refused: Callable[[Answer, str], None]


@contextmanager
def listening(door: Door, port: int) -> Iterator[int]:
    """Listen while the block goes on, and give the port; at its end, wait for requests that are being worked on.

    Raises `HoldpointError` where the port cannot be had.
    """
    try:
        server = _Server(door, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        hint = "another port: `--port`; `0` takes a free one"
        problem = Problem("port", f"port {port} of {LOOPBACK} cannot be listened on: {why.lower()}", hint=hint)
        raise HoldpointError(problem) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 32

    def __init__(self, door: Door, port: int) -> None:
        self.door = door
        self._free = threading.BoundedSemaphore(door.limits.connections)
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection; one too many is told to come again."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.settimeout(1.0)
            request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that went away is nobody's trouble; whatever else fails was answered before."""


class _SlowError(OSError):
    """A request that does not come in in time; no `TimeoutError`, which the server would swallow without an answer."""


class _Timed(io.RawIOBase):
    """Reads a socket until a moment, and no more than so many bytes, however slowly they drip."""

    def __init__(self, connection: socket.socket, seconds: float, most: int) -> None:
        self._connection, self._end, self._left = connection, time.monotonic() + seconds, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0 or self._left <= 0:
            raise _SlowError
        self._connection.settimeout(left)
        try:
            with memoryview(buffer) as view:
                count = self._connection.recv_into(view[: self._left])
        except TimeoutError as error:
            raise _SlowError from error
        self._left -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "holdpoint", ""

    def setup(self) -> None:
        super().setup()
        limits = self.server.door.limits
        self.close_connection = True
        self.command = self.path = self.requestline = ""  # of a request that never came in
        self._limits = limits
        self.rfile.close()
        self.rfile = io.BufferedReader(_Timed(self.connection, limits.seconds, limits.head + limits.body))

    def handle(self) -> None:
        """Read one request, answer it, and end."""
        try:
            self.handle_one_request()
        except (OSError, ValueError):
            self._answer(Answer(HTTPStatus.REQUEST_TIMEOUT, _said("the request did not come in in time")))
        self.close_connection = True

    def do_POST(self) -> None:
        """Take a payload."""
        refused = self._refused()
        if refused is not None:
            self._answer(refused)
            return
        length = int(self.headers["Content-Length"])
        try:
            body = self.rfile.read(length)
        except (OSError, ValueError):
            body = None
        if body is None or len(body) < length:
            self._answer(Answer(HTTPStatus.REQUEST_TIMEOUT, _said("the body did not come in whole, in time")))
            return
        self._answer(self.server.door.work(self._path, body), worked=True)

    def _other(self) -> None:
        self._answer(self._refused() or Answer(HTTPStatus.METHOD_NOT_ALLOWED, _said("only POST"), {"Allow": "POST"}))

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _other  # noqa: N815 - names that the server calls

    def handle_expect_100(self) -> bool:
        """Refuse before the body is sent, where the sender waits for that."""
        refused = self._refused()
        if refused is not None:
            self._answer(refused)
            return False
        return super().handle_expect_100()

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _refused(self) -> Answer | None:
        """What is refused by its head alone; who may not speak learns nothing else."""
        door = self.server.door
        if not allowed(self.headers.get("Authorization", ""), door.token):
            headers = {"WWW-Authenticate": 'Bearer realm="holdpoint", Basic realm="holdpoint"'}
            return Answer(HTTPStatus.UNAUTHORIZED, _said("the token is missing or wrong"), headers)
        if not door.knows(self._path):
            return Answer(HTTPStatus.NOT_FOUND, _said("there is nothing at this path"))
        if self.command != "POST":
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, _said("only POST"), {"Allow": "POST"})
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or len(lengths) != 1:
            return Answer(HTTPStatus.LENGTH_REQUIRED, _said("a body needs one `Content-Length`"))
        if not lengths[0].isascii() or not lengths[0].isdigit():
            return Answer(HTTPStatus.BAD_REQUEST, _said("`Content-Length` is no number"))
        if len(lengths[0]) > len("999999999999") or int(lengths[0]) > door.limits.body:
            message = f"{lengths[0][:20]} bytes, and {door.limits.body} is the most"
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _said(message))
        return None

    def _answer(self, answer: Answer, *, worked: bool = False) -> None:
        if not worked:
            self.server.door.refused(answer, self.client_address[0])
        body = (json.dumps(answer.data) + "\n").encode()
        self.request_version = self.protocol_version  # also to a head that is none; else it would get a body alone
        with suppress(OSError):
            self.connection.settimeout(5.0)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Type": "application/json", "Connection": "close"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")
            self.wfile.flush()
            self._let_go()

    def _let_go(self) -> None:
        """Throw away what is still sent, within bounds, so that the sender reads the answer and not a reset."""
        self.connection.shutdown(socket.SHUT_WR)
        rest = _Timed(self.connection, 5.0, self._limits.discarded)
        scrap = bytearray(64 * 1024)
        while rest.readinto(scrap):
            pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the server itself refuses: a head that is none, or too long."""
        status = HTTPStatus(code)
        self._answer(Answer(status, _said(message or status.phrase)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the parent
        """Nothing: what is worth a line is said by whoever serves."""


def _said(message: str) -> dict[str, list[dict[str, str]]]:
    return {"problems": [{"message": message}]}


def allowed(header: str, token: str) -> bool:
    """Whether a header carries the token: as a bearer, or as the password of any name. Compared in constant time."""
    kind, _, given = header.partition(" ")
    given = given.strip()
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            given = ""
    elif kind.lower() != "bearer":
        given = ""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def port_of(text: str | None, usual: int) -> int:
    """Read the number of a port."""
    if text is None:
        return usual
    if text.isascii() and text.isdigit() and len(text) <= len("65535") and int(text) < 2**16:
        return int(text)
    raise HoldpointError(Problem("port", "this is no port", Place("--port", 0, 0), found=f"`{text[:20]}`"))
