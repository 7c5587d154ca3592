"""Runs that belong to an incident, and what is said at the end of any command while one is open."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.case import LIMIT, Case

DECLARE = ("incident.declare", "a draught", "--severity", "1", "--json")
RUN = ("runbook", "door", "--param")


@pytest.fixture
def ready(case: Case) -> Case:
    case.runbook()
    (case.folder / "door").write_text("x\n")
    case.run(*DECLARE).expect(0, ..., ...)
    return case


def _door(case: Case) -> str:
    return f"door={case.folder / 'door'}"


def _incident(case: Case) -> Path:
    (path,) = case.state.glob("incidents/*")
    return path


def _records(path: Path) -> list[dict[str, Any]]:
    lines = (path / "journal.jsonl").read_bytes().rstrip(b"\0").splitlines()
    return [json.loads(line) for line in lines]


def test_a_run_flows_into_the_timeline(ready: Case) -> None:
    incident = _incident(ready).name
    ready.run(*RUN, _door(ready), "--incident", incident[-4:], answers="shut: run").expect(0, ..., ...)
    (journal,) = ready.journals()
    assert _records(journal.parent)[0]["data"]["incident"] == incident
    (linked,) = [record for record in _records(_incident(ready)) if record["kind"] == "run.linked"]
    assert linked["data"] == {"run": journal.parent.name, "runbook": "door"}
    shown = ready.run("incident.show", "--json").expect(0, ..., ...).json()
    told = [(row["mark"], row["text"].replace(shown["runs"][0], "RUN")) for row in shown["timeline"] if row["run"]]
    host = ready.stable(told[0][1]).rpartition(" on ")[2]
    real = told[0][1].rpartition(" on ")[2]
    assert host == "HOST"
    assert told == [
        ("run", f"The door is open on {real}"),
        ("proof", f"the check of recovery, before: RED ({real})"),
        ("cause", f"Somebody left it open ({real})"),
        ("gate", "run: Shut the door"),
        ("change", f"begun: Shut the door ({real})"),
        ("change", f"ok: Shut the door ({real})"),
        ("proof", f"the check of recovery, after: GREEN ({real})"),
        ("run", told[-1][1]),
    ]
    assert told[-1][1].startswith("finished, exit 0")
    assert all(row["run"] == journal.parent.name for row in shown["timeline"] if row["mark"] == "gate")
    assert next(row["evidence"] for row in shown["timeline"] if row["mark"] == "cause") == "1 hands wide"
    page = ready.run("incident.show").expect(0, ..., ...)
    assert "gate      run: Shut the door\n" in page.stdout
    assert max(len(line) for line in page.raw.splitlines()) <= 80


def test_the_link_is_durable_before_the_run_begins(ready: Case) -> None:
    """Killed once the link is on disk: the run has no record yet, and the incident can be shown."""
    seq = len(_records(_incident(ready)))
    environ = {"HOLDPOINT_KILL_AT": f"record:{seq}:durable"}
    words = (*RUN, _door(ready), "--incident", "last")
    ran = ready.run(*words, answers="shut: run", environ=environ)
    assert ran.status == -signal.SIGKILL
    assert _records(_incident(ready))[-1]["kind"] == "run.linked"
    (journal,) = ready.journals()
    assert not journal.read_bytes().rstrip(b"\0")
    assert (ready.folder / "door").exists()
    assert ready.run("incident.show", "--json").expect(0, ..., ...).json()["runs"] == [journal.parent.name]


def test_an_incident_that_is_not_there_or_damaged_stops_a_run_before_it_begins(ready: Case) -> None:
    words = (*RUN, _door(ready), "--incident")
    ran = ready.run(*words, "nothing", answers="shut: run").expect(2, "", ...)
    assert "there is no incident `nothing`" in ran.stderr
    journal = _incident(ready) / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"a draught", b"a drought"))
    ready.run(*words, "last", answers="shut: run").expect(10, "", ...)
    assert ready.journals() == []
    ready.run(*RUN, _door(ready), answers="shut: run").expect(0, ..., ...)  # nobody named it


def test_where_none_is_named_it_says_how_to_link(ready: Case) -> None:
    ran = ready.run(*RUN, _door(ready), answers="shut: run").expect(0, ..., ...)
    incident = _incident(ready).name
    said = f"incident {incident} is open, and this run is not linked to it; `inv incident.link last` links it\n"
    assert ran.raw_error == said
    for _ in range(2):
        linked = ready.run("incident.link", "last", "--json").expect(0, ..., ...).json()
    assert linked["runs"] == [ready.journals()[0].parent.name]
    kinds = [record["kind"] for record in _records(_incident(ready))]
    assert kinds.count("run.linked") == 1


def test_a_walk_through_is_in_no_record(ready: Case) -> None:
    ready.run(*RUN, _door(ready), "--dry-run", "--incident", "last").expect(0, ..., "")
    ready.run(*RUN, _door(ready), "--dry-run").expect(0, ..., "")
    assert not [record for record in _records(_incident(ready)) if record["kind"] == "run.linked"]


def test_a_rollback_belongs_to_the_incident_of_its_run(ready: Case) -> None:
    ready.run(*RUN, _door(ready), "--incident", "last", answers="shut: run").expect(0, ..., ...)
    ready.run("run.rollback", "last", answers="undo-shut: run").expect(5, ..., ...)
    linked = [record["data"]["run"] for record in _records(_incident(ready)) if record["kind"] == "run.linked"]
    assert sorted(linked) == sorted(journal.parent.name for journal in ready.journals())
    assert len(linked) == 2


def test_a_run_whose_record_is_damaged_or_gone_is_said_on_the_page(ready: Case) -> None:
    ready.run(*RUN, _door(ready), "--incident", "last", answers="shut: run").expect(0, ..., ...)
    (journal,) = ready.journals()
    journal.write_bytes(journal.read_bytes().replace(b"hands wide", b"hands wild"))
    assert ready.run("incident.show", "--json").expect(0, ..., ...).json()["unread"] == {journal.parent.name: "damaged"}
    journal.unlink()
    assert "cannot be read here" in ready.run("incident.show").expect(0, ..., ...).stdout.replace("\n  ", " ")


# --- at a terminal ---


@pytest.mark.parametrize(("word", "runs"), [("yes", 1), ("no", 0)])
def test_at_a_terminal_it_asks_whether_the_run_belongs_to_it(ready: Case, word: str, runs: int) -> None:
    program = str(Path(sys.executable).with_name("holdpoint"))
    environ = ready.environ({"TERM": "dumb", "COLUMNS": "80"})
    child = pexpect.spawn(
        program, [*RUN, _door(ready)], cwd=str(ready.repository), env=environ, encoding="utf-8", timeout=LIMIT
    )
    child.expect("Does this run belong to it")
    child.sendline("perhaps")
    child.expect("Does this run belong to it")
    child.sendline(word)
    child.expect("Shut the door")
    child.sendcontrol("d")
    child.expect(pexpect.EOF)
    child.close()
    linked = [record for record in _records(_incident(ready)) if record["kind"] == "run.linked"]
    assert len(linked) == runs


def test_whoever_is_unsure_is_proposed_the_graver_one(case: Case) -> None:
    program = str(Path(sys.executable).with_name("holdpoint"))
    environ = case.environ({"TERM": "dumb", "COLUMNS": "80"})
    child = pexpect.spawn(
        program, ["incident.declare", "x"], cwd=str(case.repository), env=environ, encoding="utf-8", timeout=LIMIT
    )
    for question, word in (
        ("Type 1, 2 or 3, or Enter when unsure:", "4"),
        ("Type 1, 2 or 3, or Enter when unsure:", ""),
        ("Is the service down completely", "no"),
        ("Is data being lost", ""),
        ("Proposed: SEV1. Enter takes it", ""),
    ):
        child.expect_exact(question)
        child.sendline(word)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert _records(_incident(case))[0]["data"]["severity"] == "SEV1"


# --- the reminder ---


def test_every_command_ends_with_the_clock_that_ran_out(case: Case) -> None:
    case.runbook()
    case.run("incident.declare", "a draught", "--severity", "1", "--at", "50m ago", "--json").expect(0, ..., ...)
    incident = next((case.state / "incidents").iterdir()).name
    line = re.compile(
        rf"incident {incident[-4:]}: OVERDUE by \d+ min: the first message was due \d\d:\d\d CES?T; `inv incident.sent`\n"
    )
    for words in (("runbook.list",), ("run.list",), ("runbook.show", "door"), ("incident.list",)):
        ran = case.run(*words).expect(0, ..., ...)
        assert line.fullmatch(ran.raw_error), ran.raw_error
    as_json = case.run("runbook.list", "--json").expect(0, ..., ...)
    assert any(one["id"] == "door" for one in as_json.json())
    failed = case.run("runbook.show", "nothing").expect(2, ..., ...)
    assert line.search(failed.raw_error)
    case.run("incident.sent").expect(0, ..., "")
    case.run("run.list").expect(0, ..., "")


def test_a_breach_is_chased_after_the_end(case: Case) -> None:
    case.run("incident.declare", "x", "--severity", "1", "--at", "70h ago", "--data-loss").expect(0, ..., ...)
    end = ("--cause", "c", "--impact", "i", "--data-loss", "yes", "--without-verify", "w")
    case.run("incident.resolve", *end, "--sent").expect(0, ..., ...)
    said = case.run("run.list").expect(0, ..., ...).raw_error
    assert re.search(
        r'left for the notice to the data protection authority, until .*`inv incident.done authority --say "..." --incident',
        said,
    )
    case.run("incident.done", "authority", "--say", "CNIL, 14:00").expect(0, ..., "")


def test_nothing_that_is_wrong_with_an_incident_fails_another_command(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    journal = _incident(case) / "journal.jsonl"
    journal.write_bytes(b"nonsense\n")
    case.run("run.list").expect(0, ..., "")
    journal.unlink()
    journal.mkdir()
    case.run("run.list").expect(0, ..., "")
    case.write("team.yaml", "[")
    case.run("run.list").expect(0, ..., "")
