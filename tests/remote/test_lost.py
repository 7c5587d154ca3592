"""Connections that are lost and processes that are killed: nothing is done twice, and nothing is passed over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.hosts.support import wait_for
from tests.laws.terminal import book, left
from tests.remote.conftest import Remote

SLOW = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no,
     run: 'echo x >>"$HOME/mended"; echo begun; until test -e "$HOME/go"; do sleep 0.05; done; echo ended'}
  - {id: more, title: Do more, effect: change, irreversible: no, run: 'echo x >>"$HOME/more"'}
"""
ANSWERS = "mend: run\nmore: run\n"


def begun(remote: Remote) -> Path:
    file = remote.home("web1") / "mended"
    wait_for("the change began", file.exists, 60)
    return file


def test_a_connection_that_is_cut_during_a_change_loses_nothing(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        child.sendline("run")
        mended = begun(remote)
        child.expect("begun")
        remote.wires["web1"].hang_up()
        (remote.home("web1") / "go").touch()
        child.expect("ended")
        child.expect("Do more")
        child.expect(" > ")
        child.sendline("run")
        assert left(child) == 0
    assert mended.read_text() == "x\n"
    assert (remote.home("web1") / "more").read_text() == "x\n"
    journal = remote.journals()[0].read_text()
    lost, made = journal.index('"connection.lost"'), journal.index('"connection.made"')
    assert journal.index('"step.intent"') < lost < made < journal.index('"step.result"', lost)
    assert "the connection to web1; it is dialled again" in remote.run("run.show", "last").stdout


def test_a_client_that_is_killed_is_taken_up_from_another_terminal(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    remote.case.write("answers.yaml", ANSWERS)
    words = ("runbook", "lab", "--host", "web1", "--answers", "answers.yaml")
    with remote.case.started(*words, environ=remote.environ()) as process:
        mended = begun(remote)
        process.kill()
        process.wait()
    (remote.home("web1") / "go").touch()
    ran = remote.run("run.resume", "last", answers=ANSWERS).expect(0, ..., ...)
    assert "ended" in ran.stdout
    assert mended.read_text() == (remote.home("web1") / "more").read_text() == "x\n"


def test_a_host_that_went_away_is_said_to_and_the_run_is_resumed_when_it_is_back(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    remote.wires["web1"].refuses = True
    ran = remote.run("runbook", "lab", "--host", "web1", answers=ANSWERS).expect(8, ..., ...)
    assert "web1" in ran.stdout
    remote.wires["web1"].refuses = False
    (remote.home("web1") / "go").touch()
    remote.run("run.resume", "last", answers=ANSWERS).expect(0, ..., ...)
    assert (remote.home("web1") / "mended").read_text() == "x\n"


def test_another_person_is_told_who_holds_the_host(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        ran = remote.run("runbook", "lab", "--host", "web1", who="bob", answers=ANSWERS).expect(9, ..., ...)
        text = " ".join(ran.raw.split())
        assert f"web1 is held by ada, run {remote.journals()[0].parent.name}" in text
        assert "talk to them" in text
        child.sendline("stop")
        assert left(child) == 3


def test_a_process_that_was_stopped_and_taken_over_is_refused_when_it_goes_on(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    (remote.home("web1") / "go").touch()
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        child.sendline("run")
        child.expect("Do more")
        child.expect(" > ")
        os.kill(child.pid, signal.SIGSTOP)
        remote.run("runbook", "lab", "--host", "web1", who="bob", answers=ANSWERS).expect(9, ..., ...)
        remote.run("run.resume", "last", "--take-over", who="bob", answers=ANSWERS).expect(0, ..., ...)
        os.kill(child.pid, signal.SIGCONT)
        child.sendline("run")
        child.expect("taken over")
        assert left(child) == 9
    assert (remote.home("web1") / "more").read_text() == "x\n"


def test_a_second_person_with_a_state_of_their_own_approves_through_the_host(remote: Remote) -> None:
    two = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no, run: 'echo x >>"$HOME/mended"', gate: {approvers: 2}}
"""
    remote.hosts(web1="staging").book(book(two))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        child.sendline("run")
        child.expect("Waiting for the second person")
        run = remote.journals()[0].parent.name
        with remote.person("run.approve", run, "--host", "web1") as same:
            same.expect("a second person has to approve it")
        with remote.person("run.approve", run, "--host", "web1", who="bob") as second:
            second.expect("asked by")
            second.expect("ada, run")
            second.expect_exact('echo x >>"$HOME/mended"')
            second.expect("approve")
            second.sendline("approve")
            second.expect("Approved by bob")
        assert left(child) == 0
    assert (remote.home("web1") / "mended").read_text() == "x\n"
    assert '"approved_by":["bob"]' in remote.journals()[0].read_text()


MANY = """\
  - {id: one, title: Mend one, effect: change, irreversible: no, run: 'true'}
  - {id: two, title: Mend two, effect: change, irreversible: no, run: 'true', gate: {approvers: 2}}
  - {id: three, title: Mend three, effect: change, irreversible: no, run: 'true', gate: {approvers: 2}}
"""


def test_a_second_person_is_asked_for_the_gate_that_waits_and_for_no_other(remote: Remote) -> None:
    """Neither for one that one person's word passed, nor for one that was approved before."""
    remote.hosts(web1="staging").book(book(MANY))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect("Mend one")
        child.expect(" > ")
        child.sendline("run")
        for title in ("Mend two", "Mend three"):
            child.expect(title)
            child.expect(" > ")
            run = remote.journals()[0].parent.name
            remote.run("run.approve", run, "--host", "web1", who="bob").expect(2, ..., ...)
            child.sendline("run")
            child.expect("Waiting for the second person")
            wait_for("the gate is shown", lambda: list((remote.target("web1") / "locks").glob("gate.*")))
            with remote.person("run.approve", run, "--host", "web1", who="bob") as second:
                second.expect("Mend [a-z]+")
                assert second.match.group() == title
                second.expect("Type `approve`")
                second.sendline("approve")
                second.expect("Approved by bob")
        assert left(child) == 0


def test_no_gate_waits_on_a_host(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(SLOW))
    said = remote.run("run.approve", "20261124-0101-lab-0000", "--host", "web1").expect(2, ..., ...).stderr
    assert "no gate of `RUN-lab` waits for a second person" in said


TWO = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no, run: 'echo x >>"$HOME/mended"', gate: {approvers: 2},
     fanout: {batches: [100%]}}
"""


def test_the_second_person_sees_every_host_and_may_come_through_any_of_them(remote: Remote) -> None:
    remote.hosts(web1="staging", web2="prod").book(book(TWO))
    with remote.person("runbook", "lab", "--host", "web1,web2") as child:
        child.expect("May its lock be taken")
        child.expect(" > ")
        child.sendline("run")
        child.expect("Mend it")
        child.expect(" > ")
        child.sendline("run")
        child.expect("Waiting for the second person")
        run = remote.journals()[0].parent.name
        with remote.person("run.approve", run, "--host", "web2", who="bob") as second:
            second.expect("##  PRODUCTION   web2")
            second.expect("staging: web1")
            second.expect("if stopped")
            second.expect("Type `approve`")
            second.sendline("approve")
            second.expect("Approved by bob")
        assert left(child) == 0


def test_a_forged_gate_is_approved_as_what_it_is_and_lets_nothing_through(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(TWO))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        child.sendline("run")
        child.expect("Waiting for the second person")
        locks = remote.target("web1") / "locks"
        wait_for("the gate is shown there", lambda: list(locks.glob("gate.*")))
        (gate,) = locks.glob("gate.*")
        gate.write_text(gate.read_text().replace("mended", "harmless"))
        with remote.person("run.approve", remote.journals()[0].parent.name, "--host", "web1", who="bob") as second:
            second.expect("harmless")
            second.expect("Type `approve`")
            second.sendline("approve")
            second.expect("Approved by bob")
        child.sendintr()
        assert left(child) == 3
    assert not (remote.home("web1") / "mended").exists()


def test_a_host_that_is_silent_for_long_is_asked_later_what_became_of_a_step(remote: Remote) -> None:
    """A step that failed meanwhile is not called done because its check is green."""
    odd = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no, verify: {run: 'test -e "$HOME/mended"'},
     run: 'echo x >>"$HOME/mended"; until test -e "$HOME/go"; do sleep 0.05; done; echo late; exit 3'}
"""
    remote.hosts(web1="staging").book(book(odd))
    remote.case.write("answers.yaml", "mend: run\n")
    words = ("runbook", "lab", "--host", "web1", "--answers", "answers.yaml")
    with remote.case.started(*words, environ=remote.environ()) as process:
        begun(remote)
        remote.wires["web1"].refuses = True
        remote.wires["web1"].hang_up()
        assert process.wait(150) == 8
    (remote.home("web1") / "go").touch()
    remote.wires["web1"].refuses = False
    assert "step.result" not in remote.journals()[0].read_text()
    ran = remote.run("run.resume", "last", answers="mend: stop").expect(4, ..., ...)
    assert "failed" in ran.stdout.lower()
    assert "late" in ran.stdout


def test_a_tier_that_was_lowered_since_holds_for_no_rollback(remote: Remote) -> None:
    back = "  - {id: mend, title: Mend it, effect: change, run: 'echo x >>\"$HOME/mended\"', undo: {run: 'rm \"$HOME/mended\"'}}\n"
    remote.hosts(web1="prod").book(book(back))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect(" > ")
        child.sendline("run")
        child.expect("Mend it")
        child.expect(" > ")
        child.sendline("run")
        assert left(child) == 0
    hosts = remote.case.repository / "hosts.yaml"
    hosts.write_text(hosts.read_text().replace("prod", "practice"))
    remote.run("run.rollback", "last", answers="opening: run\nundo-mend: run").expect(7, ..., ...)
    assert (remote.home("web1") / "mended").exists()


STEPS = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no, run: 'echo x >>"$HOME/mended"'}
  - {id: more, title: Do more, effect: change, irreversible: no, run: 'echo x >>"$HOME/more"', verify: {run: 'true'}}
"""


@pytest.mark.parametrize("after", ["the diagnosis", "a change"])
def test_another_machine_in_the_middle_of_a_run_is_worked_on_by_nothing(remote: Remote, after: str) -> None:
    reads = "[{id: look, title: Look, run: 'uname -n', register: {name: {type: string}}}]"
    remote.hosts(web1="staging").book(book(STEPS, diagnostic=reads))
    with remote.person("runbook", "lab", "--host", "web1") as child:
        child.expect("Mend it")
        child.expect(" > ")
        if after == "a change":
            child.sendline("run")
            child.expect("Do more")
            child.expect(" > ")
        remote.swap("web1", "twin")
        child.sendline("run")
        assert left(child) == 8
    assert list(remote.home("twin").iterdir()) == []
    assert not remote.target("twin").exists()
    assert '"lock.returned"' not in remote.journals()[0].read_text()
    assert "another machine" in remote.run("run.show", "last").stdout
    assert remote.run("run.resume", "last", answers="mend: run\nmore: run").status == 8
    assert list(remote.home("twin").iterdir()) == []
