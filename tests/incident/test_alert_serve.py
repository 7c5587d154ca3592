"""`inv alert.serve`, over real sockets: who may speak, what is refused, what is durable, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import threading
from pathlib import Path

import pexpect
import pytest

from holdpoint.app.listening import allowed
from tests.case import LIMIT, Case
from tests.incident.alerting import (
    HEAD,
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


def test_the_token_is_typed_at_a_terminal_and_not_shown(case: Case) -> None:
    (program, *words) = case.command(("alert.serve", "--port", "0", "--token-from", "prompt"), "holdpoint")
    child = pexpect.spawn(program, words, cwd=str(case.repository), env=case.environ(), encoding="utf-8", timeout=LIMIT)
    try:
        child.expect_exact("The token:")
        child.sendline(TOKEN)
        child.expect(r"listening on http://127\.0\.0\.1:(\d+)/alert")
        assert TOKEN not in child.before
        assert Served.send(None, webhook(), port=int(child.match[1]))[0] == 200  # type: ignore[arg-type]
        child.sendintr()
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)
