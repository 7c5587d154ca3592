"""`inv alert.serve`, over real sockets: who may speak, what is refused, what is durable, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from holdpoint.app.listening import Answer, Door, Limits, allowed, listening
from holdpoint.incident.payload import LARGEST
from tests.case import LIMIT, Case
from tests.incident.alerting import (
    TOKEN,
    Served,
    alert,
    basic,
    bearer,
    ended,
    free_port,
    incidents,
    kinds,
    served,
    webhook,
)
from tests.store.conftest import fill


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Served]]:
    """One door for all tests that record nothing."""
    case = Case(tmp_path_factory.mktemp("door"))
    with served(case) as door:
        yield case, door
    assert list(case.state.glob("incidents/*/journal.jsonl")) == []


def test_an_alert_is_durable_before_it_is_answered_and_is_shown(case: Case) -> None:
    with served(case.runbook()) as door:
        assert door.url == f"http://127.0.0.1:{door.port}/alert"
        status, said = door.send(webhook())
        assert status == 200
        assert said["became"] == "declared"
        assert kinds(case) == ["incident.declared", "alert.received", "message.rendered"]
        shown = door.next()
        assert (shown["incident"], shown["people"]) == (said["incident"], ["alertmanager"])
        assert shown["runbooks"][0]["command"] == f"inv runbook door --incident {said['incident']}"
        assert door.send(webhook(), headers=basic())[1]["became"] == "again"
        down = {"monitor_id": "7", "monitor": "The wiki", "alert_type": "1", "details": "HTTP 503"}
        assert door.send(down, "/alert/uptimerobot", headers=basic())[1]["became"] == "declared"
        assert ended(door, signal.SIGTERM) == 0
    assert len(incidents(case)) == 2


def test_on_a_screen_it_says_what_to_type(case: Case) -> None:
    port = free_port()
    given = {"HOLDPOINT_ALERT_TOKEN": TOKEN, "COLUMNS": "80"}
    with case.runbook().started("alert.serve", "--port", str(port), environ=given) as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        assert first == f"listening on http://127.0.0.1:{port}/alert; Ctrl-C ends it\n"
        assert Served.send(None, webhook(), port=port)[0] == 200  # type: ignore[arg-type]
        assert Served.send(None, webhook(), port=port)[0] == 200  # type: ignore[arg-type]
        assert Served.send(None, webhook(), headers={}, port=port)[0] == 401  # type: ignore[arg-type]
        assert Served.send(None, b"{", port=port)[0] == 400  # type: ignore[arg-type]
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=LIMIT)
    page = out.decode()
    assert process.returncode == 0, error
    for text in (
        "ALERT      DoorOpen: The door stands open\n",
        ": DECLARED, SEV2\n",
        "\n  inv runbook door --incident ",
        "── message 1, for the ops channel ──",
        "again DoorOpen: The door stands open: the same, 2 times by now; 2",
        "\nrefused 127.0.0.1: 401 Unauthorized: the token is missing or wrong\n",
        "\nNOT TAKEN: 400 Bad Request; it is not recorded\n",
        "it ends in the middle",
        "\nno longer listening; 2 taken\n",
    ):
        assert text in page or text in " ".join(page.split()), page
    assert TOKEN not in page + error.decode()


# --- who may speak ---


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("another-token-of-no-use"),
        bearer(TOKEN[:-1]),
        bearer(f"{TOKEN}x"),
        bearer(""),
        basic("another-token-of-no-use"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": TOKEN},
        {"Authorization": f"Digest {TOKEN}"},
        {"Authorization": "Bearer é".encode().decode("latin-1")},
    ],
)
def test_without_the_token_nothing_is_said(shared: tuple[Case, Served], headers: dict[str, str]) -> None:
    _, door = shared
    for path, method in (("/alert", "POST"), ("/nowhere", "POST"), ("/alert", "GET")):
        status, said = door.send(webhook(), path, method=method, headers=headers)
        assert (status, said) == (401, {"problems": [{"message": "the token is missing or wrong"}]})


def test_the_token_as_bearer_or_as_password_of_any_name() -> None:
    for headers in (bearer(), basic(), basic(name="x"), basic(name=""), {"Authorization": f"bearer  {TOKEN} "}):
        assert allowed(headers["Authorization"], TOKEN)
    assert not allowed(basic("x")["Authorization"], TOKEN)


@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        ([], {}, 2, "the variable `HOLDPOINT_ALERT_TOKEN` is not set"),
        ([], {"HOLDPOINT_ALERT_TOKEN": "short"}, 2, "at least 16 letters"),
        ([], {"HOLDPOINT_ALERT_TOKEN": "with a blank, and long"}, 2, "without blanks"),
        (["--token-from", "env:OTHER"], {"HOLDPOINT_ALERT_TOKEN": TOKEN}, 2, "the variable `OTHER` is not set"),
        (["--token-from", "command:false"], {}, 2, "the command `false`"),
        (["--token-from", "prompt"], {}, 2, "there is no terminal"),
        (["--token-from", "a-token-of-these-tests"], {}, 2, "the token itself stands on no command line"),
        (["--token-from", "command:"], {}, 2, "this is no source of a token"),
        (["--token-from", "command:'"], {}, 2, "this is no source of a token"),
        (["--token-from"], {}, 2, "stands without a value"),
        (["--port", "70000"], {"HOLDPOINT_ALERT_TOKEN": TOKEN}, 2, "this is no port"),
        (["--port", "x"], {"HOLDPOINT_ALERT_TOKEN": TOKEN}, 2, "this is no port"),
    ],
)
def test_what_it_does_not_begin_with(
    case: Case, words: list[str], environ: dict[str, str], code: int, said: str
) -> None:
    ran = case.run("alert.serve", *words, environ=environ).expect(code, "", ...)
    assert said in ran.raw_error
    assert TOKEN not in ran.raw_error


def test_a_port_that_is_taken(case: Case) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        words = ("alert.serve", "--port", str(other.getsockname()[1]))
        ran = case.run(*words, environ={"HOLDPOINT_ALERT_TOKEN": TOKEN}).expect(2, "", ...)
    assert "cannot be listened on: address already in use" in ran.raw_error


def test_a_team_file_that_is_wrong_is_said_at_the_start(case: Case) -> None:
    ran = case.write("team.yaml", "alerts: {maps: {x: {}}}\n").run(
        "alert.serve", environ={"HOLDPOINT_ALERT_TOKEN": TOKEN}
    )
    ran.expect(2, "", ...)
    assert "team.yaml:1:" in ran.raw_error


def test_the_token_from_a_command_is_in_no_argument_list(case: Case, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with case.started(
        "alert.serve", "--port", "0", "--json", "--token-from", f"command:cat {tmp_path}/token"
    ) as process:
        door = Served(process)
        assert door.send(webhook(alert(status="resolved")))[0] == 200
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert TOKEN.encode() not in arguments
        assert ended(door, signal.SIGINT) == 0


# --- what is refused ---

HEAD = f"POST /alert HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()


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
    limits = Limits(1000, connections=2)
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


# --- where it cannot be recorded ---


def test_where_it_cannot_be_recorded_it_is_to_be_sent_again(case: Case, small_disk: Path) -> None:
    case.state = small_disk / "state"
    with served(case) as door:
        assert door.send(webhook())[0] == 200
        fill(small_disk)
        status, said = door.send(webhook(groupKey="another"))
        assert status == 503
        assert "nobody agreed to use memory instead" in json.dumps(said)
        assert door.send(webhook())[1]["became"] == "again"
        shutil.rmtree(small_disk / "fill")
        assert door.send(webhook(groupKey="another"))[1]["became"] == "declared"


def test_a_state_folder_that_is_refused_is_to_be_sent_again(case: Case) -> None:
    with served(case) as door:
        case.state.mkdir(exist_ok=True)
        case.state.chmod(0o777)
        assert door.send(webhook())[0] == 503
        case.state.chmod(0o700)
        assert door.send(webhook())[0] == 200


def test_a_team_file_that_became_wrong_hinders_only_its_maps(case: Case) -> None:
    with served(case) as door:
        case.write("team.yaml", "zone: nowhere\n")
        assert door.send({"monitor_id": "7", "monitor": "x"}, "/alert/uptimerobot")[0] == 503
        assert door.send(webhook())[0] == 200


# --- at once, and the end ---


def test_many_at_once_are_one_incident(case: Case) -> None:
    answers: list[tuple[int, str]] = []
    with served(case) as door:

        def send() -> None:
            status, said = door.send(webhook())
            answers.append((status, said["incident"]))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
    assert {status for status, _ in answers} == {200}
    assert len({name for _, name in answers}) == 1
    assert kinds(case).count("alert.repeated") == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_being_sent_at_the_end_is_finished(case: Case, number: int) -> None:
    body = json.dumps(webhook()).encode()
    with served(case) as door, socket.create_connection(("127.0.0.1", door.port), timeout=LIMIT) as connection:
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode())
        door.send(b"{", headers={})  # by then the other one is being read
        door.process.send_signal(number)
        connection.sendall(body)
        assert b" 200 " in connection.makefile("rb").readline()
        assert door.process.wait(timeout=LIMIT) == 0
    assert kinds(case)[:1] == ["incident.declared"]
