"""A real Alertmanager sends to `inv alert.serve`, with the configuration that the docs show."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.case import Case
from tests.incident.alerting import (
    TOKEN,
    Served,
    alertmanager,
    configured,
    ended,
    free_port,
    incidents,
    kinds,
    served,
    wait_until,
)
from tests.needs import require


@pytest.fixture
def program() -> str:
    return require("prometheus-alertmanager", "prometheus-alertmanager")


def _firing(instance: str = "web1:9100", **more: Any) -> dict[str, Any]:
    labels = {"alertname": "DoorOpen", "severity": "critical", "service": "house", "instance": instance}
    now = datetime.now(UTC)
    return {
        "labels": labels,
        "annotations": {"summary": f"The door of {instance} stands open"},
        "startsAt": (now - timedelta(minutes=2)).isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        **more,
    }


def _until(door: Served, became: str) -> Any:
    """What is shown next that came to this; the same again may come before it at any time."""
    while True:
        shown = door.next()
        assert shown is not None, "the door was closed"
        if shown["became"] == became:
            return shown
        assert shown["became"] == "again", shown


def test_firing_grouped_repeated_and_resolved(case: Case, program: str, tmp_path: Path) -> None:
    port = free_port()
    with (
        served(case.runbook(), port) as door,
        alertmanager(program, tmp_path, configured(tmp_path, port)) as sender,
    ):
        first = _firing()
        sender.post(first)
        declared = _until(door, "declared")
        assert (declared["severity"], declared["services"], declared["trigger"]) == ("SEV1", ["house"], "alert")
        assert declared["alert"]["group"] == '{}:{alertname="DoorOpen", service="house"}'
        assert declared["alert"]["odd"] == []
        assert datetime.fromisoformat(declared["noticed"]) == datetime.fromisoformat(first["startsAt"])
        assert declared["runbooks"][0]["command"].startswith("inv runbook door --incident ")

        _until(door, "again")
        sender.post(first, _firing("web2:9100"))
        joined = _until(door, "joined")
        assert (joined["alert"]["firing"], joined["incident"]) == (2, declared["incident"])

        now = datetime.now(UTC).isoformat()
        sender.post({**first, "endsAt": now}, _firing("web2:9100", endsAt=now))
        over = _until(door, "joined")
        while over["alert"]["firing"]:
            over = _until(door, "joined")
        assert (over["alert"]["status"], over["status"]) == ("resolved", "open")
        assert ended(door, signal.SIGTERM) == 0
    (one,) = incidents(case)
    assert one["incident"] == declared["incident"]
    assert len(one["messages"]) == 1


def test_with_the_door_closed_it_is_sent_again_and_nothing_is_doubled(case: Case, program: str, tmp_path: Path) -> None:
    port = free_port()
    with alertmanager(program, tmp_path, configured(tmp_path, port)) as sender:
        sender.post(_firing())
        wait_until(lambda: sender.requests() > 0)
        with served(case, port) as door:
            declared = _until(door, "declared")
            assert ended(door, signal.SIGTERM) == 0
        tried = sender.requests()
        wait_until(lambda: sender.requests() > tried)
        with served(case, port) as door:
            assert _until(door, "again")["incident"] == declared["incident"]
    assert len(incidents(case)) == 1
    assert kinds(case).count("alert.received") == 1


def test_with_a_wrong_token_nothing_is_recorded_until_it_is_right(case: Case, program: str, tmp_path: Path) -> None:
    port = free_port()
    config = configured(tmp_path, port)
    (tmp_path / "token").write_text("another-token-of-no-use")
    with served(case, port) as door, alertmanager(program, tmp_path, config) as sender:
        sender.post(_firing())
        wait_until(lambda: sender.failed() > 0)
        assert any("401 Unauthorized: the token is missing or wrong" in line for line in door.errors)
        assert incidents(case) == []
        (tmp_path / "token").write_text(TOKEN)
        _until(door, "declared")


def test_the_other_way_of_the_example_a_name_with_the_token_as_its_password(
    case: Case, program: str, tmp_path: Path
) -> None:
    port, token = free_port(), tmp_path / "token"
    config = configured(tmp_path, port)
    text = config.read_text()
    bearer = f"authorization:\n            type: Bearer\n            credentials_file: {token}"
    basic = "# basic_auth: {username: holdpoint, password_file: /etc/alertmanager/holdpoint.token}"
    assert bearer in text
    assert basic in text
    instead = basic.removeprefix("# ").replace("/etc/alertmanager/holdpoint.token", str(token))
    config.write_text(text.replace(basic, "").replace(bearer, instead))
    with served(case, port) as door, alertmanager(program, tmp_path, config) as sender:
        sender.post(_firing())
        _until(door, "declared")


def test_where_it_cannot_be_recorded_alertmanager_sends_it_again(case: Case, program: str, tmp_path: Path) -> None:
    port = free_port()
    with served(case, port) as door, alertmanager(program, tmp_path, configured(tmp_path, port)) as sender:
        case.state.mkdir(exist_ok=True)
        case.state.chmod(0o777)
        sender.post(_firing())
        wait_until(lambda: any("NOT TAKEN: 503 Service Unavailable; it is to be sent again" in x for x in door.errors))
        case.state.chmod(0o700)
        declared = _until(door, "declared")
    assert [one["incident"] for one in incidents(case)] == [declared["incident"]]
    assert kinds(case).count("incident.declared") == 1
