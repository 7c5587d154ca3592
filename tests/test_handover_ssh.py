"""A run on hosts over SSH is handed over to a person at another machine, and goes on there."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.case import Case, Ran
from tests.crash.test_killed import wait_until
from tests.laws.terminal import book
from tests.sshd import Site, site

ASKED = """
  - {id: whose, title: Whose is it, ask: "Whose is it?", register: {team: {type: string}}}
"""
STEPS = """\
  - id: first
    title: The first
    effect: change
    irreversible: no
    run: 'echo "$team" >> FOLDER/mark-first; until test -e FOLDER/go; do sleep 0.02; done'
  - {id: second, title: The second, effect: change, run: 'hostname >> FOLDER/mark-second', irreversible: no}
"""
BESIDE = "  - {id: beside, title: Beside, effect: change, where: local, run: 'touch FOLDER/beside', irreversible: no}\n"
ANSWERS = "whose: blue\nfirst: run\nsecond: run\n"


class Two:
    """Ada's machine and bob's: repositories, state folders and names of their own, and one host that both reach."""

    def __init__(self, folder: Path, ssh: Site, resolution: str) -> None:
        self.folder = folder
        server = ssh.sshd(f"two-{folder.name}", {"HOLDPOINT_TARGET": str(folder / "target")})
        self.alias = ssh.host(f"two-{folder.name}", server.port, server)
        self.config = ssh.config
        text = book(resolution, diagnostic=ASKED).replace("FOLDER", str(folder))
        self.ada, self.bob = (self._person(name, text) for name in ("ada", "bob"))

    def _person(self, name: str, text: str) -> Case:
        (self.folder / name).mkdir()
        case = Case(self.folder / name).runbook("lab", text).write("answers.yaml", ANSWERS)
        here = f"{name}s: {{tier: local, expect: {{hostname: {socket.gethostname()}}}}}"
        case.write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n  {here}\n  {self.alias}: {{tier: staging}}\n")
        (case.folder / "machine-id").write_text(name)
        return case

    def environ(self, name: str) -> dict[str, str]:
        case = self.ada if name == "ada" else self.bob
        given = {"HOLDPOINT_PERSON": name, "HOLDPOINT_SSH_CONFIG": str(self.config)}
        return {**given, "HOLDPOINT_MACHINE_ID": str(case.folder / "machine-id"), "HOLDPOINT_TARGET": str(case.target)}

    def as_ada(self, *words: str, answers: str | None = ANSWERS) -> Ran:
        return self.ada.run(*words, answers=answers, environ=self.environ("ada"))

    def as_bob(self, *words: str, answers: str | None = ANSWERS) -> Ran:
        return self.bob.run(*words, answers=answers, environ=self.environ("bob"))

    def mark(self, name: str) -> str:
        file = self.folder / f"mark-{name}"
        return file.read_text() if file.exists() else ""

    def sent(self) -> str:
        """Hand the last run of ada over; give bob's copy of the file."""
        file = self.bob.repository / "ada.handover"
        self.as_ada("run.handover", "last", "--out", str(file), answers=None).expect(0, ..., ...)
        return file.name


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made


def test_killed_during_a_change_and_taken_over_at_another_machine(tmp_path: Path, ssh: Site) -> None:
    two = Two(tmp_path, ssh, STEPS)
    words = ("runbook", "lab", "--host", two.alias, "--answers", "answers.yaml")
    with two.ada.started(*words, environ=two.environ("ada")) as process:
        wait_until(lambda: (tmp_path / "mark-first").exists() or process.poll() is not None)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    file = two.sent()
    with two.bob.started("run.resume", file, "--answers", "answers.yaml", environ=two.environ("bob")) as process:
        wait_until(
            lambda: any(
                b'"lock.taken"' in one.read_bytes().partition(b"run.taken_over")[2] for one in two.bob.journals()
            )
        )
        (tmp_path / "go").touch()
        output, error = process.communicate(timeout=60)
    assert process.returncode == 0, output.decode() + error.decode()
    assert (two.mark("first"), two.mark("second").count("\n")) == ("blue\n", 1)
    events = [json.loads(line) for line in two.bob.journals()[0].read_text().splitlines()]
    asked = [event["data"]["item"] for event in events if event["kind"] == "gate.opened" and event["person"] == "bob"]
    assert asked == ["second"], "what ada was told and did is done"
    assert [event["data"]["from_person"] for event in events if event["kind"] == "takeover.begun"] == ["ada"]
    late = two.as_ada("run.resume", "last", "--take-over").expect(10, ..., ...)
    assert "somebody went on with this run" in " ".join(late.stderr.split())
    assert two.mark("second").count("\n") == 1


def test_a_run_that_changes_the_first_persons_machine_stays_there(tmp_path: Path, ssh: Site) -> None:
    two = Two(tmp_path, ssh, STEPS + BESIDE)
    two.as_ada("runbook", "lab", "--host", two.alias, answers="whose: blue\nfirst: stop\n").expect(3, ..., ...)
    file = two.sent()
    ran = two.as_bob("run.resume", file).expect(2, ..., ...)
    assert "changes adas itself" in " ".join(ran.stderr.split())
    (tmp_path / "go").touch()
    two.as_ada("run.resume", "last", "--take-over", answers=f"{ANSWERS}beside: run\n").expect(0, ..., ...)
    assert (tmp_path / "beside").exists()


def test_another_machine_of_the_same_name_is_not_taken_for_the_target(tmp_path: Path, ssh: Site) -> None:
    two = Two(tmp_path, ssh, STEPS)
    two.as_ada("runbook", "lab", answers="whose: blue\nfirst: stop\n").expect(3, ..., ...)
    file = two.sent()
    two.bob.write("hosts.yaml", (two.ada.repository / "hosts.yaml").read_bytes())
    ran = two.as_bob("run.resume", file).expect(2, ..., ...)
    assert "has that name too, and is another one" in " ".join(ran.stderr.split())
    assert two.mark("first") == ""
