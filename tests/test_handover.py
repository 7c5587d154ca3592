"""A run is handed over: one file, another person with a state folder of their own, and the same target."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import signal
import socket
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from holdpoint.journal.record import START, sealed_line
from tests.case import Case, Ran
from tests.crash.test_killed import wait_until
from tests.laws.terminal import book, left, person

TWO = """\
  - id: first
    title: The first
    effect: change
    undo: {run: 'rm FOLDER/mark-first'}
    run: 'echo x >> FOLDER/mark-first; until test -e FOLDER/go; do sleep 0.02; done; echo "$token" | cut -c1-9; echo ended'
  - {id: second, title: The second, effect: change, run: 'echo x >> FOLDER/mark-second', irreversible: no}
"""
SECRET = "correct-horse-battery"
TOKEN = "params:\n  token: {type: secret, from: {env: LAB_TOKEN}}\n"
ANSWERS = "first: run\nsecond: run\n"


@dataclass(frozen=True)
class Bob:
    """The second person: a state folder, a key and a terminal of their own, the same repository and target."""

    case: Case

    @property
    def state(self) -> Path:
        return self.case.folder / "bobs-state"

    def environ(self) -> dict[str, str]:
        return {"HOLDPOINT_PERSON": "bob", "HOLDPOINT_STATE": str(self.state), "LAB_TOKEN": SECRET}

    def run(self, *words: str, answers: str | None = None, environ: Mapping[str, str] | None = None) -> Ran:
        return self.case.run(*words, answers=answers, environ={**self.environ(), **(environ or {})})

    def events(self, run: str) -> list[dict[str, object]]:
        lines = (self.state / "runs" / run / "journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def lab(case: Case) -> Case:
    (case.folder / "go").touch()
    return case.runbook("lab", book(TWO, params=TOKEN).replace("FOLDER", str(case.folder)))


@pytest.fixture
def bob(lab: Case) -> Bob:
    return Bob(lab)


def ada(lab: Case, *words: str, answers: str | None = None, environ: Mapping[str, str] | None = None) -> Ran:
    return lab.run(*words, answers=answers, environ={"LAB_TOKEN": SECRET, **(environ or {})})


def name(lab: Case) -> str:
    return lab.journals()[-1].parent.name


def handed(lab: Case, *words: str) -> str:
    """Have the last run handed over; give the file's name."""
    ada(lab, "run.handover", "last", *words).expect(0, ..., ...)
    return f"{name(lab)}.handover"


def stopped(lab: Case) -> str:
    """A run that stopped at its second gate, handed over."""
    ada(lab, "runbook", "lab", answers="first: run\nsecond: stop\n").expect(3, ..., ...)
    return handed(lab, "--to", "bob")


def marks(lab: Case) -> tuple[str, str]:
    files = (lab.folder / "mark-first", lab.folder / "mark-second")
    first, second = (file.read_text() if file.exists() else "" for file in files)
    return first, second


def test_a_run_that_stopped_is_finished_by_another_person(lab: Case, bob: Bob) -> None:
    file = stopped(lab)
    assert (lab.repository / file).stat().st_mode & 0o777 == 0o600
    ran = bob.run("run.resume", file, answers="second: run\n").expect(0, ..., ...)
    assert marks(lab) == ("x\n", "x\n")
    kinds = [event["kind"] for event in bob.events(name(lab))]
    assert kinds.index("run.handed_over") + 1 == kinds.index("run.taken_over")
    for told in ("from       ada on HOST", "to         bob", "changed    The first", "open gate  CHANGE: The second"):
        assert told in ran.stdout, ran.stdout
    assert bob.run("run.verify", "last").status == 0
    assert {event["person"] for event in bob.events(name(lab))} == {"ada", "bob"}


def test_a_change_that_runs_is_attached_to_and_done_once(lab: Case, bob: Bob) -> None:
    (lab.folder / "go").unlink()
    lab.write("answers.yaml", ANSWERS)
    with lab.started("runbook", "lab", "--answers", "answers.yaml", environ={"LAB_TOKEN": SECRET}) as process:
        wait_until((lab.folder / "mark-first").exists)
        busy = ada(lab, "run.handover", "last").expect(9, "", ...)
        assert f"process {process.pid}" in busy.stderr
        assert "`leave`" in busy.stderr
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    file = handed(lab)
    with lab.started("run.resume", file, "--answers", "answers.yaml", environ=bob.environ()) as process:
        wait_until(lambda: (bob.state / "runs" / name(lab)).is_dir() and _has(bob, lab, "lock.taken"))
        (lab.folder / "go").touch()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output.decode()
    assert marks(lab) == ("x\n", "x\n")
    (begun,) = [event for event in bob.events(name(lab)) if event["kind"] == "takeover.begun"]
    assert begun["data"] == {"host": lab_host(bob, lab), "from_run": name(lab), "from_person": "ada"}
    epochs = [event["data"]["epoch"] for event in bob.events(name(lab)) if event["kind"] == "lock.taken"]  # type: ignore[index]
    assert epochs == sorted(set(epochs)), "each holder has an epoch of its own"
    outputs = "".join(path.read_text() for path in (bob.state / "runs").glob("*/out/*first*.out"))
    assert outputs == "correct-h\nended\n"


def _has(bob: Bob, lab: Case, kind: str) -> bool:
    events = bob.events(name(lab))
    since = [event["kind"] for event in events].index("run.taken_over") if _kinds(events, "run.taken_over") else 0
    return bool(since) and any(event["kind"] == kind for event in events[since:])


def _kinds(events: list[dict[str, object]], kind: str) -> bool:
    return any(event["kind"] == kind for event in events)


def lab_host(bob: Bob, lab: Case) -> str:
    (host,) = bob.events(name(lab))[0]["data"]["hosts"]  # type: ignore[index]
    return str(host)


# --- who goes on, and who does not ---


def test_the_first_is_refused_until_they_take_it_back(lab: Case, bob: Bob) -> None:
    stopped(lab)
    (listed,) = lab.run("run.list", "--json").json()
    assert listed["status"] == "handed over"
    assert "--take-over" in lab.run("run.show", "last").stdout
    for task in ("run.resume", "run.rollback"):
        ran = ada(lab, task, name(lab), answers="second: run\n").expect(9, ..., ...)
        assert "was handed over to bob" in ran.stderr
        assert f"run.resume {name(lab)} --take-over" in ran.raw_error
    ada(lab, "run.resume", "last", answers="second: run\n").expect(9, ..., ...)
    assert marks(lab)[1] == ""
    ada(lab, "run.resume", name(lab), "--take-over", answers="second: run\n").expect(0, ..., ...)
    assert marks(lab) == ("x\n", "x\n")
    assert lab.run("run.list", "--json").json()[0]["status"] == "finished"
    late = bob.run("run.resume", f"{name(lab)}.handover", answers="second: run\n").expect(10, ..., ...)
    assert "somebody went on with this run after it was handed over" in " ".join(late.stderr.split())
    assert marks(lab) == ("x\n", "x\n")


def test_the_first_is_refused_while_the_second_has_it(lab: Case, bob: Bob) -> None:
    file = stopped(lab)
    with person(lab, "run.resume", file, environ=bob.environ()) as child:
        child.expect("The second")
        child.expect(r" > ")
        ran = ada(lab, "run.resume", name(lab), "--take-over", answers="second: stop\n")
        assert ran.status == 3, "ada says that she takes it over, and may"
        child.sendline("run")
        child.expect("taken over")
        assert left(child) == 9
    assert marks(lab) == ("x\n", "")


def test_whoever_was_stopped_and_continued_is_refused_by_the_epoch(lab: Case, bob: Bob) -> None:
    """Ada takes it back and stands at the gate; bob takes it over from her; she goes on, and comes again."""
    file = stopped(lab)
    with person(lab, "run.resume", name(lab), "--take-over", environ={"LAB_TOKEN": SECRET}) as child:
        child.expect("The second")
        child.expect(r" > ")
        os.kill(child.pid, signal.SIGSTOP)
        polite = bob.run("run.resume", file, answers="second: run\n").expect(9, ..., ...)
        assert f"is held by ada, run {name(lab)}" in " ".join(polite.raw.split())
        with person(lab, "run.resume", name(lab), "--take-over", environ=bob.environ()) as second:
            second.expect("The second")
            second.expect(r" > ")
            os.kill(child.pid, signal.SIGCONT)
            child.sendline("run")
            child.expect("taken over")
            assert left(child) == 9
            assert marks(lab) == ("x\n", "")
            again = ada(lab, "run.resume", name(lab), answers="second: run\n").expect(9, ..., ...)
            assert "is held by bob" in " ".join(again.stdout.split())
            second.sendline("run")
            assert left(second) == 0
    assert marks(lab) == ("x\n", "x\n")


def test_it_is_handed_back_with_what_was_done_meanwhile(lab: Case, bob: Bob) -> None:
    ada(lab, "runbook", "lab", answers="first: stop\n").expect(3, ..., ...)
    file = handed(lab)
    bob.run("run.resume", file, answers="first: run\nsecond: stop\n").expect(3, ..., ...)
    bob.run("run.handover", "last", "--out", "back.handover").expect(0, ..., ...)
    ada(lab, "run.resume", "back.handover", answers="second: run\n").expect(0, ..., ...)
    assert marks(lab) == ("x\n", "x\n")
    assert "went on here since" in ada(lab, "run.resume", "back.handover").expect(2, ..., ...).stderr


def test_a_run_that_went_on_in_two_places_is_refused(lab: Case, bob: Bob) -> None:
    file = stopped(lab)
    bob.run("run.resume", file, answers="second: stop\n").expect(3, ..., ...)
    bob.run("run.handover", "last", "--out", "back.handover").expect(0, ..., ...)
    ada(lab, "run.resume", name(lab), "--take-over", answers="second: stop\n").expect(3, ..., ...)
    before = lab.journals()[-1].read_bytes()
    ran = ada(lab, "run.resume", "back.handover").expect(2, ..., ...)
    assert "not the beginning" in ran.stderr
    assert lab.journals()[-1].read_bytes() == before


def test_the_second_takes_it_back_under_the_lock_that_they_took_over(lab: Case, bob: Bob) -> None:
    killed = ada(lab, "runbook", "lab", answers=ANSWERS, environ={"HOLDPOINT_KILL_AT": "effect:1:before"})
    assert killed.status == -signal.SIGKILL
    file = handed(lab)
    bob.run("run.resume", file, environ={"HOLDPOINT_KILL_AT": "lock:before"}).expect(-9, ..., ...)
    bob.run("run.rollback", name(lab), answers="undo-first: run\n").expect(5, ..., ...)
    assert marks(lab) == ("", "")
    lab.run("runbook", "lab", answers="first: stop\n", environ={"LAB_TOKEN": SECRET}).expect(3, ..., ...)


def test_a_rollback_is_handed_over_with_the_run_that_it_takes_back(lab: Case, bob: Bob) -> None:
    ada(lab, "runbook", "lab", answers="first: run\nsecond: stop\n").expect(3, ..., ...)
    of = name(lab)
    ada(lab, "run.rollback", of, answers="undo-first: stop\n").expect(3, ..., ...)
    assert "hand that one over" in ada(lab, "run.handover", of).expect(2, "", ...).stderr
    file = handed(lab)
    bob.run("run.resume", file, answers="undo-first: run\n").expect(5, ..., ...)
    assert marks(lab) == ("", "")
    assert {run["run"] for run in bob.run("run.list", "--json").json()} == {of, file.removesuffix(".handover")}


# --- the file ---


def test_it_is_not_written_over_another_and_can_be_made_again(lab: Case) -> None:
    file = stopped(lab)
    first = (lab.repository / file).read_bytes()
    before = lab.journals()[-1].read_bytes()
    assert "is there already" in ada(lab, "run.handover", "last", "--to", "bob").expect(2, "", ...).stderr
    told = ada(lab, "run.handover", "last", "--to", "bob", "--out", "again.handover", "--json").expect(0, ..., ...)
    assert told.json() == {"run": name(lab), "file": "again.handover", "to": "bob"}
    assert lab.journals()[-1].read_bytes() == before
    assert (lab.repository / file).read_bytes() == first
    ran = ada(lab, "run.handover", "last", "--out", "no/such/folder").expect(2, "", ...)
    assert "cannot be made" in ran.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(("runbook", "lab", "--check"), 0, "was a check"), (("runbook", "lab"), 0, "is over")],
)
def test_what_cannot_be_handed_over(lab: Case, words: tuple[str, ...], status: int, said: str) -> None:
    ada(lab, *words, answers=ANSWERS).expect(status, ..., ...)
    assert said in ada(lab, "run.handover", "last").expect(2, "", ...).stderr
    assert not list(lab.repository.glob("*.handover"))


def unpacked(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        members = ((info.name, tar.extractfile(info)) for info in tar)
        return {name: data.read() for name, data in members if data}


def packed(file: Path, members: Mapping[str, bytes]) -> None:
    with tarfile.open(file, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_what_is_in_it_and_no_secret(lab: Case) -> None:
    lab.write(
        "hosts.yaml",
        f"schema: holdpoint/hosts/1\nhosts:\n  box: {{tier: staging, expect: {{hostname: {socket.gethostname()}}}}}\n",
    )
    file = lab.repository / stopped(lab)
    inside, run = unpacked(file), f"runs/{name(lab)}"
    assert inside[f"{run}/journal.jsonl"] == lab.journals()[-1].read_bytes()
    assert inside["documents/lab.yaml"] == (lab.repository / "runbooks/lab.yaml").read_bytes()
    assert json.loads(inside["hosts.yaml"].decode().partition('box": ')[2]) == {
        "tier": "staging",
        "expect": {"hostname": socket.gethostname()},
    }
    assert {name.removeprefix(f"{run}/").split("/")[0] for name in inside if name.startswith(run)} == {
        "journal.jsonl",
        "agent-box",
        "out",
    }
    readme = inside["README.txt"].decode()
    assert f"inv run.resume {file.name}" in readme
    assert "CHANGE: The second" in readme
    assert "mark-second" in readme
    forms = [SECRET.encode(), base64.b64encode(SECRET.encode())[:-4], SECRET.encode().hex().encode()]
    key = (lab.state / "key").read_bytes()
    for form in (*forms, key, key.hex().encode()):
        assert form not in file.read_bytes()
        assert form not in gzip.decompress(file.read_bytes())


def altered(inside: dict[str, bytes], run: str, how: str) -> dict[str, bytes]:
    journal, memory = f"{run}/journal.jsonl", next(name for name in inside if "/agent-" in name)
    out = next(name for name in inside if "/out/" in name)
    lines = inside[journal].splitlines(keepends=True)
    match how:
        case "record":
            lines[1] = lines[1].replace(b'"ada"', b'"eve"')
        case "removed":
            del lines[1]
        case "torn":
            lines.append(b'{"data":{')
        case "memory":
            return {**inside, memory: b"machine 0123\n"}
        case "forgotten":
            return {name: data for name, data in inside.items() if name != memory}
        case "output":
            return {**inside, out: b"all is well\n"}
        case "more":
            return {**inside, f"{run}/out/more.out": b""}
        case "document":
            return {**inside, "documents/lab.yaml": b"x"}
        case _:
            raise AssertionError(how)
    return {**inside, journal: b"".join(lines)}


@pytest.mark.parametrize("how", ["record", "removed", "torn", "memory", "forgotten", "output", "more", "document"])
def test_an_altered_file_is_refused_before_anything_of_it_is_used(lab: Case, bob: Bob, how: str) -> None:
    file = lab.repository / stopped(lab)
    packed(file, altered(unpacked(file), f"runs/{name(lab)}", how))
    ran = bob.run("run.resume", file.name, answers="second: run\n").expect(10, "", ...)
    assert file.name in ran.raw_error
    assert list((bob.state / "runs").iterdir()) == []
    assert marks(lab)[1] == ""


def test_a_file_that_was_cut_is_refused_wherever_it_was(lab: Case, bob: Bob) -> None:
    whole = (lab.repository / stopped(lab)).read_bytes()
    chance = random.Random(3)
    for at in (0, 1, 9, 10, *chance.sample(range(11, len(whole) - 1), 12), len(whole) - 1):
        lab.write("cut.handover", whole[:at])
        ran = bob.run("run.resume", "cut.handover").expect(2, "", ...)
        assert "cannot be taken over" in ran.stderr
        assert list((bob.state / "runs").iterdir()) == []
    lab.write("cut.handover", whole + b"more")
    bob.run("run.resume", "cut.handover").expect(2, "", ...)
    lab.write("cut.handover", b"no archive at all")
    bob.run("run.resume", "cut.handover").expect(2, "", ...)


def test_another_document_is_refused_by_name_and_the_right_one_goes_on(lab: Case, bob: Bob) -> None:
    file, book_file = stopped(lab), lab.repository / "runbooks/lab.yaml"
    before = book_file.read_text()
    book_file.write_text(before.replace("mark-second", "mark-other"))
    ran = bob.run("run.resume", file, answers="second: run\n").expect(2, ..., ...)
    assert "`second` differs" in ran.stderr
    kept = bob.state / "runs" / name(lab) / "documents/lab.yaml"
    assert str(kept) in ran.raw_error
    book_file.write_bytes(kept.read_bytes())
    bob.run("run.resume", file, answers="second: run\n").expect(0, ..., ...)
    assert marks(lab) == ("x\n", "x\n")


def test_a_tier_that_is_lower_here_than_it_was_there_is_not_believed(lab: Case, bob: Bob) -> None:
    lab.write(
        "hosts.yaml",
        f"schema: holdpoint/hosts/1\nhosts:\n  box: {{tier: prod, expect: {{hostname: {socket.gethostname()}}}}}\n",
    )
    with person(lab, "runbook", "lab", environ={"LAB_TOKEN": SECRET}) as child:
        child.expect(" > ")
        child.sendline("stop")
        assert left(child) == 3
    file = handed(lab)
    lab.write(
        "hosts.yaml",
        f"schema: holdpoint/hosts/1\nhosts:\n  box: {{tier: practice, expect: {{hostname: {socket.gethostname()}}}}}\n",
    )
    bob.run("run.resume", file, answers="first: stop\n").expect(7, ..., ...)
    assert bob.events(name(lab))[-2]["data"]["item"] == "opening"  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("step.intent", {"spool": "../../outside"}),
        ("run.opened", {"order": ["-oProxyCommand=touch x"], "hosts": {"-oProxyCommand=touch x": "local"}}),
        ("run.opened", {"hosts": 5}),
        ("run.opened", {"hosts": {"box": "harmless"}}),
        ("run.opened", {"run": "another"}),
        ("lock.taken", {"colour": "red"}),
    ],
)
def test_whoever_makes_a_whole_chain_leads_nowhere_with_it(
    lab: Case, bob: Bob, kind: str, change: dict[str, object]
) -> None:
    file = lab.repository / stopped(lab)
    inside, journal = unpacked(file), f"runs/{name(lab)}/journal.jsonl"
    lines, head = [], START
    for record in (json.loads(line) for line in inside[journal].splitlines()):
        data = {**record["data"], **(change if record["kind"] == kind else {})}
        who, when = record["person"], datetime.fromisoformat(record["time"])
        sealed, line = sealed_line(seq=record["seq"], time=when, person=who, kind=record["kind"], data=data, prev=head)
        head = sealed.hash
        lines.append(line)
    packed(file, {**inside, journal: b"".join(lines)})
    ran = bob.run("run.resume", file.name, answers="second: run\n")
    assert ran.status in (2, 10), ran
    assert "Traceback" not in ran.stderr
    assert list((bob.state / "runs").iterdir()) == []
