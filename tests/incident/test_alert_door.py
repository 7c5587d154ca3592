"""The limits of the door of `inv alert.serve`: size, time, number, and heads of any kind."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus

import pytest

from holdpoint.app.listening import Answer, Door, Limits, listening
from holdpoint.incident.payload import LARGEST
from tests.case import LIMIT, Case
from tests.incident.alerting import HEAD, TOKEN, Served, served, webhook

# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "path", "method", "status"),
    [
        (b"not json", "/alert", "POST", 400),
        (b'{"alerts": [{"status": "fir', "/alert", "POST", 400),
        (b"{}", "/alert", "POST", 400),
        (b"{}", "/alert/uptimerobot", "POST", 400),
        (b"x" * 10_000_000, "/alert", "POST", 413),
        (b"x" * (LARGEST + 1), "/alert", "POST", 413),
        (b" " * LARGEST, "/alert", "POST", 400),
        (b"{}", "/", "POST", 404),
        (b"{}", "/alert/nobody", "POST", 404),
        (b"{}", "/alert/../x", "POST", 404),
        (b"", "/alert", "GET", 405),
        (b"", "/alert", "DELETE", 405),
    ],
)
def test_what_is_refused(shared: tuple[Case, Served], body: bytes, path: str, method: str, status: int) -> None:
    case, door = shared
    got, said = door.send(body, path, method=method)
    assert got == status
    assert said["problems"]
    assert sum(file.stat().st_size for file in case.folder.rglob("*") if file.is_file()) < 1_000_000


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"\r\n{}", b"411"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"411"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"411"),
        (HEAD + b"Content-Length: -2\r\n\r\n{}", b"400"),
        (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", b"413"),
        (HEAD + b"Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n", b"413"),
        (HEAD + b"Content-Length: 20\r\n\r\n{}", b"408"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"POST /alert\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (HEAD + b"X: a\r\n" * 200 + b"\r\n", b"431"),
        (b"BREW /alert HTTP/1.1\r\n\r\n", b"501"),
    ],
)
def test_heads_of_any_kind(shared: tuple[Case, Served], sent: bytes, status: bytes) -> None:
    answer = shared[1].raw(sent)
    assert answer.split(b" ", 2)[1:2] == [status], answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["problems"]


def test_a_connection_that_says_nothing_is_nothing(shared: tuple[Case, Served]) -> None:
    assert shared[1].raw(b"") == b""


def test_while_it_waits_for_the_body_a_sender_is_told_to_go_on(case: Case) -> None:
    body = json.dumps(webhook()).encode()
    with served(case) as door, socket.create_connection(("127.0.0.1", door.port), timeout=LIMIT) as connection:
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200 ")


# --- slow, and many ---


def _door(limits: Limits, said: list[Answer]) -> Door:
    return Door(
        work=lambda _path, body: Answer(HTTPStatus.OK, len(body)),
        knows=lambda _: True,
        token=TOKEN,
        limits=limits,
        refused=lambda answer, _sender: said.append(answer),
    )


@pytest.mark.parametrize("sent", [b"", b"POST /alert HT", HEAD, HEAD + b"Content-Length: 9\r\n\r\n{"])
def test_a_sender_that_stalls_is_let_go_of(sent: bytes) -> None:
    said: list[Answer] = []
    with (
        listening(_door(Limits(1000, seconds=0.2), said), 0) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection,
    ):
        connection.sendall(sent)
        assert b" 408 " in connection.makefile("rb").readline()
    assert [one.status for one in said] == [408]


def test_a_sender_that_drips_is_let_go_of(shared: tuple[Case, Served]) -> None:
    """A byte now and then makes no time longer."""
    said: list[Answer] = []
    with (
        listening(_door(Limits(1000, seconds=0.5), said), 0) as port,
        socket.create_connection(("127.0.0.1", port), timeout=0.05) as connection,
    ):
        connection.sendall(HEAD + b"Content-Length: 900\r\n\r\n")
        answer = b""
        while not answer:
            connection.sendall(b"x")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                continue
        assert b" 408 " in answer


def test_more_connections_than_there_is_room_for_are_told_to_come_again() -> None:
    held: list[socket.socket] = []
    limits = Limits(1000, seconds=LIMIT, connections=2)
    with listening(_door(limits, []), 0) as port:
        try:
            for _ in range(2):
                held.append(socket.create_connection(("127.0.0.1", port), timeout=LIMIT))
                held[-1].sendall(HEAD)
            with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as one:
                assert b" 503 " in one.makefile("rb").readline()
            held[0].sendall(b"Content-Length: 2\r\n\r\n{}")
            assert b" 200 " in held[0].makefile("rb").readline()
        finally:
            for one in held:
                one.close()
