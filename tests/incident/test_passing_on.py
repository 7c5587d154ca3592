"""An incident goes from one machine to another and back, by one file: whole, unaltered, and never over what is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdpoint.incident.events import RunLinked, data_of
from holdpoint.journal.record import START, decode, sealed_line
from tests.case import Case, Ran
from tests.test_handover import packed, unpacked

SECRET = "correct-horse-battery"
LAB = """\
schema: holdpoint/runbook/1
id: lab
title: The lab
owner: ops
severity: SEV2
reviewed: 2026-11-23
params:
  token: {type: secret, from: {env: LAB_TOKEN}}
symptoms: []
diagnostic:
  - {id: look, title: What is the token?, run: 'echo "it is $token"; printf %s "$token" | base64'}
resolution: []
prevention: []
rollback: []
"""


@dataclass(frozen=True)
class Other:
    """Another machine: a state folder of its own."""

    case: Case
    person: str = "bob"

    @property
    def state(self) -> Path:
        return self.case.folder / f"{self.person}s-state"

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> Ran:
        more = {"HOLDPOINT_PERSON": self.person, "HOLDPOINT_STATE": str(self.state), **(environ or {})}
        return self.case.run(*words, environ=more)

    def shown(self) -> Any:
        return self.run("incident.show", "--incident", "last", "--json").expect(0, ..., ...).json()


@pytest.fixture
def wiki(case: Case) -> Case:
    """An incident with a run that belongs to it."""
    case.runbook("lab", LAB)
    case.run("incident.declare", "the wiki is down", "--severity", "1", "--json").expect(0, ...)
    case.run("runbook", "lab", "--incident", "last", environ={"LAB_TOKEN": SECRET}).expect(0, ..., ...)
    return case


@pytest.fixture
def bob(wiki: Case) -> Other:
    return Other(wiki)


def hand(case: Case, file: str = "wiki.incident") -> Path:
    case.run("incident.handover", file, "--to", "bob").expect(0, ..., ...)
    return case.repository / file


def records(state: Path) -> list[bytes]:
    (journal,) = state.glob("incidents/*/journal.jsonl")
    return journal.read_bytes().rstrip(b"\0").splitlines()


def rows(shown: Any) -> list[tuple[str, str]]:
    return [(row["mark"], row["text"]) for row in shown["timeline"]]


def test_it_is_whole_there_with_the_runs_that_belong_to_it(wiki: Case, bob: Other) -> None:
    file = hand(wiki)
    assert file.stat().st_mode & 0o777 == 0o600
    here = wiki.run("incident.show", "--json").expect(0, ..., ...).json()
    took = bob.run("incident.take", file.name, "--json").expect(0, ..., "").json()
    assert took["took"] == "new"
    there = bob.shown()
    assert rows(there)[:-1] == rows(here)
    assert there["unread"] == {}
    assert [row["run"] for row in there["timeline"]].count(here["runs"][0]) >= 2
    assert wiki.stable(rows(there)[-1][1]) == "taken in on HOST, from ada on HOST"
    assert records(bob.state)[:-1] == records(wiki.state)
    page = bob.run("incident.show").expect(0, ..., ...)
    assert "HANDED" not in page.stdout
    assert "HANDED     to bob, who goes on with it" in wiki.run("incident.show").expect(0, ..., ...).stdout


def test_a_run_that_came_with_it_cannot_be_run_from_there(wiki: Case, bob: Other) -> None:
    bob.run("incident.take", hand(wiki).name).expect(0, ..., ...)
    assert bob.run("run.list", "--json").expect(0, ..., ...).json() == []
    bob.run("run.resume", "last").expect(2, ..., ...)


def test_no_secret_is_in_it(wiki: Case) -> None:
    file = hand(wiki)
    inside = unpacked(file)
    (run,) = (journal.parent.name for journal in wiki.journals())
    (incident,) = (path.name for path in wiki.state.glob("incidents/*"))
    assert set(inside) == {"README.txt", f"incidents/{incident}/journal.jsonl", f"runs/{run}/journal.jsonl"}
    whole = b"".join(inside.values())
    assert b"it is" in whole
    assert SECRET.encode() not in whole
    assert b"Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5" not in whole
    assert b"inv incident.take wiki.incident" in inside["README.txt"]


def test_it_goes_back_with_what_was_done_there(wiki: Case, bob: Other) -> None:
    bob.run("incident.take", hand(wiki).name).expect(0, ..., ...)
    bob.run("incident.note", "bob looks").expect(0, ..., "")
    bob.run("runbook", "lab", "--incident", "last", environ={"LAB_TOKEN": SECRET}).expect(0, ..., ...)
    bob.run("incident.handover", "back.incident", "--to", "ada").expect(0, ..., ...)
    assert wiki.run("incident.take", "back.incident", "--json").expect(0, ..., ...).json()["took"] == "longer"
    assert records(wiki.state)[:-1] == records(bob.state)
    shown = wiki.run("incident.show", "--json").expect(0, ..., ...).json()
    assert ("note", "bob looks") in rows(shown)
    assert shown["unread"] == {}
    assert len(shown["runs"]) == 2
    wiki.run("incident.note", "ada goes on").expect(0, ..., "")
    wiki.run("incident.handover", "again.incident").expect(0, ..., ...)
    assert bob.run("incident.take", "again.incident", "--json").expect(0, ..., ...).json()["took"] == "longer"
    assert bob.shown()["unread"] == {}


def test_taken_in_twice_it_is_the_same(wiki: Case, bob: Other) -> None:
    file = hand(wiki)
    bob.run("incident.take", file.name).expect(0, ..., "")
    before = records(bob.state)
    assert bob.run("incident.take", file.name, "--json").expect(0, ..., "").json()["took"] == "nothing new"
    bob.run("incident.note", "more").expect(0, ..., "")
    assert bob.run("incident.take", file.name, "--json").expect(0, ..., "").json()["took"] == "nothing new"
    assert records(bob.state)[:-1] == before
    assert wiki.run("incident.take", file.name, "--json").expect(0, ..., "").json()["took"] == "nothing new"


def test_typed_again_it_makes_the_same_file_and_never_writes_over_one(wiki: Case) -> None:
    first = unpacked(hand(wiki))
    second = unpacked(hand(wiki, "second.incident"))
    del first["README.txt"], second["README.txt"]  # its clocks went on
    assert first == second
    ran = wiki.run("incident.handover", "wiki.incident").expect(2, "", ...)
    assert "this file is there already" in ran.stderr
    wiki.run("incident.handover", "nowhere/x").expect(2, "", ...)
    assert len(records(wiki.state)) == 4


def test_where_both_wrote_it_is_refused_with_both_ends_and_nothing_is_lost(wiki: Case, bob: Other) -> None:
    bob.run("incident.take", hand(wiki).name).expect(0, ..., ...)
    warned = wiki.run("incident.note", "ada writes on").expect(0, ..., ...)
    assert warned.raw_error.count("was handed over to bob: where both write") == 1
    bob.run("incident.note", "bob writes too").expect(0, ..., ...)
    bob.run("incident.handover", "back.incident").expect(0, ..., ...)
    before = records(wiki.state)
    ran = wiki.run("incident.take", "back.incident").expect(2, "", ...)
    for head in (before[-1], records(bob.state)[-1]):
        assert f"({json.loads(head)['hash'][:12]}…, by " in ran.raw_error
    assert "they are one up to record 3, and differ from there" in ran.stderr
    assert "bob: note, bob writes too" in ran.stderr
    assert records(wiki.state) == before
    assert not list(wiki.state.glob("incidents/.handover-*"))


ALTERED = {
    "record": 10,
    "run": 10,
    "cut": 10,
    "no end": 10,
    "more": 10,
    "without run": 10,
    "name": 10,
    "no incident": 2,
    "traversal": 2,
    "a name that leads out": 2,
    "another kind": 2,
    "not a file of ours": 2,
}


def altered(inside: dict[str, bytes], how: str) -> dict[str, bytes]:
    own = next(name for name in inside if name.startswith("incidents/"))
    run = next(name for name in inside if name.startswith("runs/"))
    lines = inside[own].splitlines(keepends=True)
    match how:
        case "record":
            return {**inside, own: inside[own].replace(b"the wiki is down", b"the wiki is fine")}
        case "run":
            return {**inside, run: inside[run].replace(b"it is", b"it was")}
        case "cut":
            return {**inside, own: inside[own][:-20]}
        case "no end":
            return {**inside, own: b"".join(lines[:-1])}
        case "more":
            other = run.replace("-lab-", "-lib-")
            return {**inside, other: inside[run]}
        case "without run":
            return {name: data for name, data in inside.items() if name != run}
        case "name":
            return {name.replace("the-wiki", "the-base"): data for name, data in inside.items()}
        case "no incident":
            return {name: data for name, data in inside.items() if name != own}
        case "traversal":
            return {**inside, "incidents/../x": b"x"}
        case "a name that leads out":
            return {**inside, own: relinked(lines, data_of(RunLinked("../../../etc/passwd", "x")))}
        case "another kind":
            return {**inside, own: relinked(lines, {}, kind="note.sung")}
        case _:
            return {}


def relinked(lines: list[bytes], data: Any, kind: str = RunLinked.kind) -> bytes:
    """Whoever makes a whole chain chooses what stands in it."""
    known = [decode(line.rstrip(b"\n")) for line in lines]
    told: list[tuple[str, Any]] = [(one.kind, one.data) for one in known if one is not None]
    told.insert(-1, (kind, data))
    written, prev = b"", START
    for seq, (name, of) in enumerate(told):
        first = known[0]
        assert first is not None
        record, line = sealed_line(seq=seq, time=first.time, person="eve", kind=name, data=of, prev=prev)
        written, prev = written + line, record.hash
    return written


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_file_is_refused_and_leaves_nothing(wiki: Case, bob: Other, how: str) -> None:
    file = hand(wiki)
    inside = altered(unpacked(file), how)
    if inside:
        packed(file, inside)
    else:
        file.write_bytes(b"no file of ours")
    bob.run("incident.take", file.name).expect(ALTERED[how], "", ...)
    assert not list(bob.state.glob("incidents/*"))
    assert not list(bob.state.glob("incidents/.handover-*"))


def test_it_is_killed_while_it_takes_in_and_taken_in_again(wiki: Case, bob: Other) -> None:
    """A record that was only begun is cut off, and the rest comes with the next try."""
    bob.run("incident.take", hand(wiki).name).expect(0, ..., ...)
    (journal,) = bob.state.glob("incidents/*/journal.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    for cut in (b"".join(lines[:2]), b"".join(lines[:2]) + lines[2][:30], b""):
        journal.write_bytes(cut)
        took = bob.run("incident.take", "wiki.incident", "--json").expect(0, ..., ...).json()
        assert took["took"] == "longer"
        assert records(bob.state)[:-1] == records(wiki.state)


def test_two_who_take_it_in_at_once_have_it_once(wiki: Case, bob: Other) -> None:
    file = hand(wiki)
    ended: list[int] = []
    threads = [
        threading.Thread(target=lambda: ended.append(bob.run("incident.take", file.name).status)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [0, 0, 0]
    kinds = [json.loads(line)["kind"] for line in records(bob.state)]
    assert kinds.count("incident.handed_over") == 1
    assert kinds.count("incident.taken_over") == 1


@pytest.mark.parametrize("small_disk", ["tmpfs"], indirect=True)
def test_without_room_for_the_file_it_is_not_handed_over(case: Case, small_disk: Path) -> None:
    case.run("incident.declare", "the wiki is down", "--severity", "1").expect(0, ..., ...)
    _fill(small_disk)
    full = case.run("incident.handover", str(small_disk / "wiki.incident"), "--to", "bob").expect(2, ..., ...)
    assert "error[not-handed-over]: the file could not be written: no space left on device" in full.stderr
    assert not (small_disk / "wiki.incident").exists()
    assert "handed over" not in case.run("incident.note", "on").expect(0, ..., ...).stderr
    assert all(one["kind"] != "incident.handed_over" for one in _shown(case)["records"])


def _fill(folder: Path) -> None:
    with (folder / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def _shown(case: Case) -> Any:
    return case.run("incident.show", "--incident", "last", "--json").expect(0, ..., ...).json()
