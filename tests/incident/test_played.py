"""A whole SEV1, played by its commands: on a filesystem that is really full, with a clock in hand, over a real HTTP sink.

Everything that people see afterwards is compared whole: all messages, and the post-mortem as drafted and as published.
`REDRAW_SCREENS=1` writes the texts anew, to be looked at.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdpoint import __version__
from holdpoint.cli import Strict
from holdpoint.store.clock import SystemClock
from holdpoint.tasks import ns
from tests.case import Case
from tests.incident.support import Handed, paris
from tests.outside.servers import Sink
from tests.runbooks.conftest import Disk, Disks, disks

__all__ = ["disks"]

HERE = Path(__file__).parent
MONDAY = (2026, 11, 23)
TEAM = """\
schema: holdpoint/team/1
zone: Europe/Paris
people:
  ada: {{name: Ada}}
  bob: {{name: Bob}}
rota: {{start: 2026-11-23, order: [ada, bob]}}
checks:
  health: {{run: 'test "$(df --output=pcent -- {mount} | tr -dc 0-9)" -lt 90'}}
  smoke: {{run: 'echo page >{mount}/page && cat {mount}/page && rm {mount}/page'}}
  flow: {{run: 'test -d {mount}'}}
banner: {{file: status.html}}
channels:
  ops: [{{name: chat, url: "{sink}"}}]
  management: [{{name: boss, url: "{sink}"}}]
  everybody: [{{name: all, url: "{sink}"}}]
"""
ANSWERS = {"slow": "done", "start": "done", "held-pick": "all", "empty-held": "run"}


class Played:
    """One person at a keyboard: each command in this process, at a time of Monday in Paris."""

    def __init__(self, case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.case, self.capsys, self.clock = case, capsys, Handed(paris(*MONDAY, 14, 0))
        monkeypatch.setattr(SystemClock, "now", lambda _: self.clock.now())
        monkeypatch.chdir(case.repository)
        for name in [name for name in os.environ if name.startswith("HOLDPOINT_")]:
            monkeypatch.delenv(name)
        for name, value in case.environ({"COLUMNS": "80"}).items():
            monkeypatch.setenv(name, value)
        self._argv = lambda words: monkeypatch.setattr("sys.argv", ["holdpoint", *words])

    def __call__(self, time: str, *words: str, code: int = 0) -> str:
        hour, minute = map(int, time.split(":"))
        self.clock.moment = paris(*MONDAY, hour, minute)
        self._argv(words)
        with pytest.raises(SystemExit) as ended:
            Strict(namespace=ns, name="Holdpoint", binary="holdpoint", version=__version__).run(["holdpoint", *words])
        told = self.capsys.readouterr()
        assert ended.value.code == code, f"{words}: {ended.value.code}\n{told.out}\n{told.err}"
        return told.out

    def shown(self, time: str) -> Any:
        return json.loads(self(time, "incident.show", "--incident", "last", "--json"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink().running() as running:
        yield running


@pytest.fixture
def full(disks: Disks) -> Disk:
    """A filesystem of which a deleted log, that a process holds open, has taken all."""
    disk = disks.ext4(name="wiki")
    log = disk.fill("access.log", 1000)
    disks.hold(log)
    log.unlink()
    return disk


def _same(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("REDRAW_SCREENS"):
        path.write_text(text)
    assert text == path.read_text()


def _stable(text: str, case: Case, disk: Disk) -> str:
    """Put what differs from machine to machine in capitals: names, folders, ids and sizes. Times are those of the clock."""
    text = text.replace(str(disk.at), "DISK").replace(str(case.folder).replace("_", "\\_"), "FOLDER")
    text = re.sub(r"\b\d{8}-\d{4}-([a-z][a-z0-9-]*)-[0-9a-f]{4}\b", r"RUN-\1", text)
    text = re.sub(rf"\b{re.escape(socket.gethostname())}\b", "HOST", text)
    text = re.sub(r"(<!-- generated: \w+) [0-9a-f]{12} -->", r"\1 DIGEST -->", text)
    return re.sub(r"\b\d+ MB\b", "N MB", re.sub(r"\b\d+ %(?=\)| of the)", "N %", text))


def test_a_whole_sev1(
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sink: Sink,
    full: Disk,
) -> None:
    case.write("team.yaml", TEAM.format(mount=full.at, sink=sink.url()))
    answers = case.folder / "answers.json"
    answers.write_text(json.dumps(ANSWERS))
    play = Played(case, monkeypatch, capsys)

    # detect and triage
    told = ("--severity", "1", "--service", "docmost", "--trigger", "user", "--users-see-it", "--at", "13:58", "--send")
    play("14:00", "incident.declare", "the wiki is down", *told)
    play("14:02", "incident.done", "scope", "--say", "all 40 people")
    play("14:02", "incident.done", "since", "--at", "13:40")
    play("14:03", "incident.done", "lost", "--say", "edits since 13:40, perhaps")
    play("14:04", "incident.done", "severity")
    play("14:04", "incident.done", "backup", "--say", "bob is awake")
    play("14:05", "incident.banner", "--up", "--say", "The wiki is down; we are on it.")

    # investigate: the check is red, and the disk is what it proposes to look at
    play("14:08", "incident.check", "--name", "health", code=4)
    play("14:10", "incident.note", "No space left on device, in the log of docmost", "--at", "14:07")
    proposed = play("14:10", "incident.show")
    assert "inv runbook disk-full" in proposed
    play("14:12", "incident.update", "--say", "The disk is full.", "--estimate", "14:45", "--send")
    with_mount = ("--param", f"mount={full.at}", "--param", "watch=1", "--answers", str(answers))

    # mitigate: red before, green after, in the record of the run
    play("14:20", "runbook", "disk-full", "--incident", "last", *with_mount)
    assert full.used() < 10
    play("14:25", "incident.done", "cause", "--say", "a deleted log that was held open filled the disk")
    play("14:26", "incident.done", "restored")

    # the end is refused before it is verified
    end = ("--cause", "a held log filled the disk", "--impact", "40 people without the wiki", "--data-loss", "yes")
    play("14:27", "incident.resolve", *end, code=2)
    play("14:30", "incident.check")
    assert {"health", "smoke", "flow"} <= {one["item"] for one in play.shown("14:31")["checklist"] if one["done"]}
    play("14:35", "incident.resolve", *end, "--send")

    # communicate
    play("14:45", "incident.email", "--say", "Pages edited between 13:40 and 14:20 may be gone.", "--send")
    play("14:50", "incident.banner", "--down")
    play("16:00", "incident.authority", "edits of 40 people within 40 minutes")
    play("17:00", "incident.done", "authority", "--say", "no personal data was among them")

    # the post-mortem
    play("17:30", "incident.postmortem")
    (path,) = (case.repository / "docs/post-mortems").glob("*.md")
    assert path.name == "2026-11-23-the-wiki-is-down.md"
    draft = path.read_text()
    _same("played-draft.md", _stable(draft, case, full))
    path.write_text(_filled(draft))
    play("17:45", "incident.postmortem", "--publish")
    _same("played-published.md", _stable(path.read_text(), case, full))
    _same("played-messages.txt", _stable(_texts(sink), case, full))

    shown = play.shown("17:50")
    assert shown["status"] == "resolved"
    assert [one["item"] for one in shown["checklist"] if one["required"] and not one["done"]] == []
    assert [one["standing"] for one in shown["clocks"] if one["clock"] == "response"] == ["kept"]
    (first, *more) = json.loads(play("17:50", "action.list", "--json"))
    assert len(more) == 3
    play("17:55", "action.done", first["id"], "--evidence", "the ballast is back")
    assert len(json.loads(play("17:56", "action.list", "--json"))) == 3


def _filled(draft: str) -> str:
    """Write a sentence wherever a person is asked for one."""
    return re.sub(
        r"(<!-- write(?:, if needed)?: (\w+) -->\n)<!-- .*? -->", r"\1What we know of \2.", draft, flags=re.DOTALL
    )


def _texts(sink: Sink) -> str:
    return "\n".join(f"=== {one['title']}\n{one['message']}\n" for one in sink.got)
