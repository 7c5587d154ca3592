"""Which runbook an alert leads to, and the command that is printed for it."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any

import pytest

from holdpoint.app import alerts
from tests.case import DOOR, LIMIT, Case
from tests.incident.alerting import TEAM, alert, taken, webhook
from tests.incident.support import Room

WINDOW = DOOR.replace("id: door", "id: window").replace("DoorOpen", "WindowOpen").replace("in the hall", "upstairs")


def page_of(room: Room, payload: Any) -> str:
    file = room.case.folder / "page.json"
    file.write_text(json.dumps(payload))
    return room.said(lambda: alerts.receive(room.world(), file=str(file), by=None, severity=None, incident=None))


def _found(room: Room, one: dict[str, Any]) -> list[tuple[str, str, str]]:
    room.case.runbook().runbook("window", WINDOW)
    data = taken(room, webhook(one))
    return [(found["runbook"], found["way"], found["because"]) for found in data["runbooks"]]


@pytest.mark.parametrize(
    ("labels", "annotations", "found"),
    [
        ({}, {}, [("door", "name", "DoorOpen")]),
        ({"alertname": "dooropen"}, {}, [("door", "name", "dooropen")]),
        ({}, {"runbook_url": "https://w/x/window.md"}, [("window", "url", "https://w/x/window.md")]),
        ({}, {"runbook_url": "https://w/ops#window"}, [("window", "url", "https://w/ops#window")]),
        ({}, {"runbook_url": "https://w/Window/?a=b"}, [("window", "url", "https://w/Window/?a=b")]),
        ({}, {"runbook_url": "https://w/unknown"}, [("door", "name", "DoorOpen")]),
        ({}, {"runbook_url": "http://[bad"}, [("door", "name", "DoorOpen")]),
        ({"alertname": "X"}, {"description": "A draught in the hall!"}, [("door", "text", "a draught in the hall")]),
        ({"alertname": "X"}, {"summary": "nothing like it"}, []),
    ],
)
def test_ways_to_a_runbook(room: Room, labels: Any, annotations: Any, found: list[tuple[str, str, str]]) -> None:
    assert _found(room, alert(labels=labels, annotations=annotations)) == found


def test_several_runbooks_are_listed(room: Room) -> None:
    both = "a draught in the hall, and a draught upstairs"
    one = alert(labels={"alertname": "X"}, annotations={"summary": both})
    assert [name for name, *_ in _found(room, one)] == ["door", "window"]
    page = page_of(room, webhook(one))
    assert "runbook    2 fit; begin with what you see\n" in page
    assert page.count("\n  inv runbook ") == 2


def test_the_command_that_is_printed_is_the_run(case: Case) -> None:
    """It is typed as it stands, through a shell, and begins a walk-through with the label's value."""
    door = '/tmp/it\'s "the" $HOME `door`'
    sent = json.dumps(webhook(alert(labels={"door": door})))
    data = case.runbook().run("alert", "--json", stdin=sent).expect(0, ..., ...).json()
    (found,) = data["runbooks"]
    words = shlex.split(found["command"])
    assert words == ["inv", "runbook", "door", "--incident", data["incident"], "--param", f"door={door}"]
    page = case.run("alert", stdin=sent).expect(0, ..., ...).raw
    (typed,) = [line for line in page.splitlines() if line.startswith("  inv runbook ")]
    script = typed.replace("inv", '"$0"', 1) + " --dry-run --json"
    command = case.command((), "inv")
    done = subprocess.run(
        ["sh", "-c", script, *command],
        cwd=case.repository,
        env=case.environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[0])["kind"] == "run.opened"
    assert json.dumps(door).encode() in done.stdout


@pytest.mark.parametrize(
    ("alerts_sent", "words", "left_out"),
    [
        ([alert()], [], []),
        ([alert(labels={"door": "/a"}), alert("b", labels={"door": "/a"})], ["--param", "door=/a"], []),
        ([alert(labels={"door": "/a"}), alert("b", labels={"door": "/b"})], [], ["differ in `door` (/a, /b)"]),
        ([alert(labels={"door": "/a"}), alert("b")], [], ["differ in `door` (/a, none)"]),
        ([alert(labels={"door": "/a"}), alert("b", status="resolved")], ["--param", "door=/a"], []),
        ([alert(labels={"door": "not absolute"})], [], ["`door=not absolute` does not fit `door`"]),
        ([alert(labels={"door": "-rf"})], [], ["does not fit"]),
        ([alert(labels={"door": "/a\nb"})], [], ["does not fit"]),
        ([alert(labels={"door": "/" + "a" * 500})], [], ["does not fit"]),
        ([alert(labels={"path": "/a"})], ["--param", "door=/a"], []),
        ([alert(labels={"path": "/a", "door": "/b"})], ["--param", "door=/b"], []),
        ([alert(labels={"node": "web1:9100"})], ["--host", "web1"], []),
        ([alert(labels={"node": "https://web1/x"})], ["--host", "web1"], []),
        ([alert(labels={"node": "web1"}), alert("b", labels={"node": "db1"})], ["--host", "web1,db1"], []),
        ([alert(labels={"node": "web9:1"})], [], ["`node=web9:1` is no host of hosts.yaml"]),
        ([alert(labels={"node": "x; rm -rf /"})], [], ["is no host of hosts.yaml"]),
    ],
)
def test_values_and_hosts_from_labels(room: Room, alerts_sent: Any, words: list[str], left_out: list[str]) -> None:
    hosts = "schema: holdpoint/hosts/1\nhosts: {web1: {tier: staging}, db1: {tier: prod}}\n"
    room.case.runbook().write("team.yaml", TEAM).write("hosts.yaml", hosts)
    data = taken(room, webhook(*alerts_sent))
    (found,) = data["runbooks"]
    assert shlex.split(found["command"])[5:] == words
    assert len(found["left_out"]) == len(left_out)
    for said, expected in zip(found["left_out"], left_out, strict=True):
        assert expected in said


def test_a_mountpoint_is_the_mount_of_the_shipped_runbook(room: Room) -> None:
    labels = {"alertname": "NodeFilesystemAlmostOutOfSpace", "mountpoint": "/var", "severity": "critical"}
    (found,) = taken(room, webhook(alert(labels=labels)))["runbooks"]
    assert found["runbook"] == "disk-full"
    assert found["command"].endswith(" --param mount=/var")


def test_what_is_over_gives_the_command_that_ticks_it(room: Room) -> None:
    taken(room, webhook())
    page = page_of(room, webhook(alert(status="resolved")))
    assert "over       DoorOpen: The door stands open\n" in page
    (typed,) = [line.strip() for line in page.splitlines() if line.startswith("  inv ")]
    words = shlex.split(typed)
    assert words[:5] == ["inv", "incident.done", "restored", "--at", "2026-11-25 10:45"]
    assert room.done("restored", at=words[4])["checklist"]


def test_what_is_open_besides_is_said(room: Room) -> None:
    name = room.declare("the hall is cold")["incident"]
    page = " ".join(page_of(room, webhook()).split())
    assert f"NOTE {name} is open too: the hall is cold." in page
    assert "is open too" not in page_of(room, webhook())
