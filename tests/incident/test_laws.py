"""The journal's laws hold for incidents: killed at every record, written to by several at once, altered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from holdpoint.journal.chain import Chain, read
from holdpoint.problem import HoldpointError
from holdpoint.store.clock import SystemClock
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.journal_file import JournalFile, Keeping
from tests.case import LIMIT, Case
from tests.store.conftest import fill

DECLARE = ("incident.declare", "the wiki is down", "--severity", "1", "--data-loss", "--json")
END = ("incident.resolve", "--cause", "c", "--impact", "i", "--data-loss", "yes", "--without-verify", "w", "--json")
POINTS = ("before", "torn", "written", "durable")


def _journal(case: Case) -> Path:
    (path,) = case.state.glob("incidents/*/journal.jsonl")
    return path


def _kinds(path: Path) -> list[str]:
    chain = read(path.read_bytes())
    assert isinstance(chain, Chain)
    return [record.kind for record in chain.records]


def _killed(case: Case, at: str, *words: str) -> None:
    ran = case.run(*words, environ={"HOLDPOINT_KILL_AT": at})
    assert ran.status == -signal.SIGKILL, ran.raw_error


# --- killed ---


@pytest.mark.parametrize("seq", [0, 1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_a_declaration_that_was_killed(case: Case, seq: int, point: str) -> None:
    """What is on record goes on; where nothing is, nothing was declared, and it is declared anew."""
    _killed(case, f"record:{seq}:{point}", *DECLARE)
    there = seq + (point in {"written", "durable"})
    kinds = ["incident.declared", "message.rendered", "message.rendered"][:there]
    assert _kinds(_journal(case)) == kinds
    if not there:
        case.run("incident.note", "x").expect(2, "", ...)
        (listed,) = case.run("incident.list", "--json").expect(0, ..., ...).json()
        assert listed["status"] == "never began"
        return
    noted = case.run("incident.note", "x", "--json").expect(0, ..., ...).json()
    assert noted["recorded"][0]["seq"] == there
    assert _kinds(_journal(case)) == [*kinds, "note.made"]
    assert case.run("incident.update", "--sent", "--json").expect(0, ..., ...).json()["clocks"][0]["stopped"]


@pytest.mark.parametrize("seq", [3, 4])
@pytest.mark.parametrize("point", POINTS)
def test_an_end_that_was_killed(case: Case, seq: int, point: str) -> None:
    """It is resolved or it is not, and the last message can be written either way."""
    case.run(*DECLARE).expect(0, ..., ...)
    _killed(case, f"record:{seq}:{point}", *END)
    kinds = _kinds(_journal(case))
    if "incident.resolved" in kinds:
        shown = case.run("incident.update", "--incident", "last", "--json").expect(0, ..., ...).json()
        assert "RESOLVED" in shown["text"]
    else:
        case.run(*END).expect(0, ..., ...)
    assert _kinds(_journal(case)).count("incident.resolved") == 1


# --- several at once ---


def test_two_people_write_at_once_and_both_are_recorded(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    said = {person: [f"{person} {n}" for n in range(4)] for person in ("ada", "bob")}
    running: list[subprocess.Popen[bytes]] = []
    for texts in zip(*said.values(), strict=True):
        for person, text in zip(said, texts, strict=True):
            environ = case.environ({"HOLDPOINT_PERSON": person})
            command = case.command(("incident.note", text, "--json"), "holdpoint")
            running.append(subprocess.Popen(command, cwd=case.repository, env=environ, stdout=subprocess.PIPE))
    outs = [process.communicate(timeout=LIMIT)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    seqs = [json.loads(out)["recorded"][0]["seq"] for out in outs]
    assert sorted(seqs) == list(range(3, 11))
    chain = read(_journal(case).read_bytes())
    assert isinstance(chain, Chain)
    noted = [(record.person, record.data["text"]) for record in chain.records[3:]]
    assert sorted(noted) == sorted((person, text) for person, texts in said.items() for text in texts)


def test_only_one_of_two_ends_counts(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    command = case.command(END, "holdpoint")
    running = [
        subprocess.Popen(
            command, cwd=case.repository, env=case.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in running:
        process.communicate(timeout=LIMIT)
    assert sorted(process.returncode for process in running) == [0, 2]
    assert _kinds(_journal(case)).count("incident.resolved") == 1


def test_whoever_writes_is_waited_for(tmp_path: Path) -> None:
    """A writer that lets go in time costs nobody an error; one that does not, exit 9."""
    folder = IncidentFolder(tmp_path)
    with folder.begun("ada", SystemClock()) as journal:
        journal.append("note.made", {})
        with pytest.raises(HoldpointError) as raised:
            JournalFile.open(folder.journal, "bob", SystemClock(), Keeping(patience=0.05))
        assert raised.value.exit_code == 9
        waiting = _writer(tmp_path)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"opening\n"
        journal.append("note.made", {})
    assert waiting.communicate(timeout=LIMIT)[0] == b"2\n"
    assert waiting.returncode == 0


def _writer(folder: Path) -> subprocess.Popen[bytes]:
    import sys

    script = (
        "from pathlib import Path; from holdpoint.store.clock import SystemClock;"
        "from holdpoint.store.incident_folder import IncidentFolder;"
        "print('opening', flush=True);"
        f"w = IncidentFolder(Path({str(folder)!r})).writing('bob', SystemClock());"
        "j = w.__enter__(); print(j.append('note.made', {}).seq); w.__exit__(None, None, None)"
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)


# --- altered ---


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, bytes]:
    case = Case(tmp_path_factory.mktemp("altered"))
    case.run(*DECLARE).expect(0, ..., ...)
    case.run("incident.note", "a note", "--json").expect(0, ..., ...)
    return case, _journal(case).read_bytes()


def _altered(whole: bytes) -> dict[str, bytes]:
    lines = whole.rstrip(b"\0").splitlines(keepends=True)
    return {
        "a word": whole.replace(b"a note", b"a nope"),
        "one left out": b"".join([*lines[:1], *lines[2:]]),
        "two exchanged": b"".join([lines[0], lines[2], lines[1], *lines[3:]]),
        "one twice": b"".join([*lines, lines[-1]]),
    }


@pytest.mark.parametrize("how", ["a word", "one left out", "two exchanged", "one twice"])
def test_a_record_that_was_altered(kept: tuple[Case, bytes], how: str) -> None:
    case, whole = kept
    path = _journal(case)
    path.write_bytes(_altered(whole)[how])
    before = path.read_bytes()
    try:
        for words in (("show",), ("note", "x"), ("update",), ("done", "since")):
            ran = case.run(f"incident.{words[0]}", *words[1:]).expect(10, "", ...)
            assert "error[journal-damaged]" in ran.stderr
        case.run("incident.note", "x", "--incident", "last").expect(10, "", ...)
        (listed,) = case.run("incident.list", "--json").expect(0, ..., ...).json()
        assert listed == {"incident": path.parent.name, "journal": str(path), "status": "damaged"}
        assert path.read_bytes() == before
    finally:
        path.write_bytes(whole)


def test_a_damaged_one_beside_an_open_one_is_said_and_hinders_nothing(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    path = _journal(case)
    path.write_bytes(path.read_bytes().replace(b"the wiki", b"thy wiki"))
    other: dict[str, Any] = case.run("incident.declare", "two", "--severity", "1", "--json").expect(0, ..., ...).json()
    ran = case.run("incident.note", "x", "--json").expect(0, ..., ...)
    assert ran.json()["incident"] == other["incident"]
    assert f"the record of incident {path.parent.name} is damaged" in ran.raw_error


def test_a_torn_end_is_cut_off(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    path = _journal(case)
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"data":{"te')
    case.run("incident.note", "after", "--json").expect(0, ..., ...)
    assert path.read_bytes().startswith(whole)
    assert _kinds(path)[-1] == "note.made"


def test_files_are_of_their_owner_alone(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    path = _journal(case)
    modes = [at.stat().st_mode & 0o777 for at in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    assert os.stat(path).st_uid == os.geteuid()


# --- a full disk ---


def test_on_a_full_disk_an_incident_that_is_open_takes_notes_and_ends(case: Case, small_disk: Path) -> None:
    """Its journal keeps its room from one command to the next; a new one cannot be declared there without a yes."""
    case.state = small_disk / "state"
    case.run(*DECLARE).expect(0, ..., ...)
    fill(small_disk)
    for _ in range(3):
        case.run("incident.note", "x" * 4000).expect(0, ..., ...)
    case.run(*END).expect(0, ..., ...)
    assert _kinds(_journal(case)).count("note.made") == 3
    ran = case.run(*DECLARE).expect(7, ..., ...)
    assert "nobody agreed to use memory instead" in ran.stderr
