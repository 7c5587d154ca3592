"""The laws of alerts: killed at every record, many at once, no room, a record that was altered."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from holdpoint.problem import HoldpointError
from holdpoint.store.alert_door import alone
from holdpoint.store.state_folder import StateFolder
from tests.case import LIMIT, Case
from tests.incident.alerting import alert, incidents, kinds, webhook
from tests.store.conftest import fill


def _sent(case: Case, payload: Any = None) -> Any:
    """Take a payload in a process of its own."""
    text = json.dumps(webhook() if payload is None else payload)
    return case.run("alert", "--json", stdin=text).expect(0, ..., ...).json()


@pytest.mark.parametrize("seq", [0, 1, 2])
@pytest.mark.parametrize("point", ["before", "torn", "written", "durable"])
def test_killed_at_every_record_the_next_delivery_goes_on_with_it(case: Case, seq: int, point: str) -> None:
    killed = case.run("alert", stdin=json.dumps(webhook()), environ={"HOLDPOINT_KILL_AT": f"record:{seq}:{point}"})
    assert killed.status == -signal.SIGKILL, killed.raw_error
    assert _sent(case)["status"] == "open"
    assert [kinds(case).count(kind) for kind in ("incident.declared", "alert.received", "message.rendered")] == [1] * 3


def test_many_at_once_are_one_incident(case: Case) -> None:
    case.runbook()
    files = []
    for number in range(6):
        file = case.folder / f"{number}.json"
        file.write_text(json.dumps(webhook(alert(f"f{number % 3}"))))
        files.append(file)
    running = [
        subprocess.Popen(
            case.command(("alert", "--json", "--file", str(file)), "holdpoint"),
            cwd=case.repository,
            env=case.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for file in files
    ]
    outs = [process.communicate(timeout=LIMIT)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 6
    became = [json.loads(out)["became"] for out in outs]
    assert became.count("declared") == 1
    assert len({json.loads(out)["incident"] for out in outs}) == 1
    assert len(incidents(case)) == 1
    told = kinds(case)
    assert told.count("alert.received") + told.count("alert.repeated") == 6


def test_whoever_holds_the_door_is_not_waited_for_without_end(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with alone(state):
        with pytest.raises(HoldpointError) as caught, alone(state, patience=0.05):
            pass
        assert caught.value.exit_code == 9
    with alone(state, patience=0.05):
        pass


def test_on_a_full_disk_an_alert_joins_and_a_new_one_is_refused_loudly(case: Case, small_disk: Path) -> None:
    case.state = small_disk / "state"
    _sent(case)
    fill(small_disk)
    assert _sent(case, webhook(alert("ab12"), alert("cd34")))["became"] == "joined"
    ran = case.run("alert", stdin=json.dumps(webhook(groupKey="new"))).expect(7, "", ...)
    assert "nobody agreed to use memory instead" in ran.stderr


def test_a_damaged_incident_hinders_no_alert(case: Case) -> None:
    _sent(case)
    (path,) = case.state.glob("incidents/*/journal.jsonl")
    path.write_bytes(path.read_bytes().replace(b"The door", b"Thy door"))
    assert _sent(case)["became"] == "declared"
