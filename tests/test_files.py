"""Files that are put and fetched as steps, through the real command: gate, journal, resume, rollback, refusals."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from holdpoint.planning.files import LARGEST
from holdpoint.shell import Blob
from tests.case import Case
from tests.laws.terminal import HEAD, book, left, person, read_out
from tests.needs import require, require_root

OLD, NEW = b"limit = 3\nname = x\n", b"limit = 5\nname = x\n"
YES = "limit: run\nundo-limit: run\n"


class Put:
    """A runbook that puts one file, and the place that it puts it to."""

    def __init__(self, case: Case, content: bytes = NEW, more: str = "", **parts: str) -> None:
        self.case = case
        self.to = case.folder / "place" / 'it\'s "the" -file'
        self.to.parent.mkdir()
        case.write("runbooks/files/limit.conf", content)
        where = json.dumps(str(self.to))
        step = f"  - {{id: limit, title: Put it, put: {{from: files/limit.conf, to: {where}}}{more}}}"
        case.runbook("lab", book(step, **parts))

    def there(self, content: bytes = OLD, mode: int = 0o4611) -> Put:
        self.to.write_bytes(content)
        self.to.chmod(mode)
        return self

    def stands(self) -> tuple[bytes, int] | None:
        beside = [path.name for path in self.to.parent.iterdir() if path != self.to]
        assert beside == [], "something was left beside the file"
        return (self.to.read_bytes(), self.to.stat().st_mode & 0o7777) if self.to.exists() else None

    def records(self, number: int = -1) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.case.journals()[number].read_text().splitlines()]

    def told(self) -> str:
        """What the commands of the last run said was wrong."""
        ended = (one["data"] for one in self.records() if one["kind"] == "step.result")
        return "\n".join(one["stderr"] + one["note"] for one in ended)


# --- put --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [NEW, b"", bytes(range(256)), os.urandom(LARGEST)])
def test_a_new_file_is_put_and_taken_back(case: Case, content: bytes) -> None:
    lab = Put(case, content)
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    assert lab.stands() == (content, 0o644)
    case.run("run.rollback", "last", answers=YES).expect(5, ...)
    assert lab.stands() is None


@pytest.mark.parametrize("content", [OLD, b"", bytes(range(256)), os.urandom(LARGEST)])
def test_a_file_that_is_there_comes_back_with_its_mode(case: Case, content: bytes) -> None:
    lab = Put(case, os.urandom(LARGEST)).there(content)
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    assert lab.stands() == ((case.repository / "runbooks/files/limit.conf").read_bytes(), 0o4611)
    case.run("run.rollback", "last", answers=YES).expect(5, ...)
    assert lab.stands() == (content, 0o4611)


def test_a_gate_says_what_happens_in_a_few_lines(case: Case) -> None:
    lab = Put(case, os.urandom(100_000)).there(os.urandom(100_000))
    ran = case.run("runbook", "lab", answers=YES).expect(0, ...)
    assert len(ran.stdout.splitlines()) < 80
    assert "only if there still stands what Before_limit says" in ran.stdout
    assert "100000 bytes mode 4611" in ran.stdout
    gate = next(one["data"] for one in lab.records() if one["kind"] == "gate.opened")
    assert len(json.dumps(gate)) < 2000
    assert "can be taken back" in gate["reverts"]


def test_show_prints_what_differs_and_the_file(case: Case) -> None:
    Put(case).there()
    with person(case, "runbook", "lab") as child:
        child.expect(" > ")
        child.sendline("show")
        shown = read_out(child).partition("--- what differs")[2]
        assert "-limit = 3\n+limit = 5\n name = x\n" in shown
        assert "--- the file\nlimit = 5\nname = x\n" in shown
        assert "--- the whole script" in shown
        assert Blob(NEW).encoded() not in shown
        child.sendline("stop")
        assert left(child) == 3


def test_a_check_shows_it_and_writes_nothing(case: Case) -> None:
    lab = Put(case).there()
    ran = case.run("runbook", "lab", "--check").expect(0, ...)
    assert "Before_limit='19 bytes mode 4611" in ran.stdout
    assert lab.stands() == (OLD, 0o4611)


def test_a_dry_run_reads_the_library_alone(case: Case) -> None:
    lab = Put(case)
    ran = case.run("runbook", "lab", "--dry-run").expect(0, ...)
    assert "Before_limit: not known yet" in ran.stdout
    assert lab.stands() is None
    assert case.journals() == []


def test_its_own_check_is_the_digest(case: Case) -> None:
    lab = Put(case)
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    assert [one["data"]["green"] for one in lab.records() if one["kind"] == "step.verified"] == [True]


def test_the_check_of_the_document_takes_its_place(case: Case) -> None:
    lab = Put(case, more=", verify: {run: 'false'}")
    case.run("runbook", "lab", answers=YES).expect(4, ...)
    case.run("run.rollback", "last", answers=YES).expect(5, ...)
    assert lab.stands() is None


# --- put, and what came in between ------------------------------------------------------------------------------


def test_edited_before_the_change_it_is_refused(case: Case) -> None:
    lab = Put(case).there()
    case.run("runbook", "lab", answers="opening: run").expect(7, ...)
    lab.there(b"mine", 0o600)
    case.run("run.resume", "last", answers=YES).expect(4, ...)
    assert "is not what it was when it was looked at, so nothing was written" in lab.told()
    assert lab.stands() == (b"mine", 0o600)


def test_edited_since_it_is_not_taken_back(case: Case) -> None:
    lab = Put(case).there()
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    lab.there(b"mine", 0o600)
    case.run("run.rollback", "last", answers=YES).expect(6, ...)
    assert "somebody changed it since" in lab.told()
    assert lab.stands() == (b"mine", 0o600)
    lab.there(NEW, 0o4611)
    case.run("run.resume", "last", answers=YES).expect(5, ...)
    assert lab.stands() == (OLD, 0o4611)


def test_a_red_check_that_is_tried_again_still_restores_what_was_there_first(case: Case) -> None:
    good = case.folder / "good"
    lab = Put(case, more=f", verify: {{run: 'test -e {good}'}}").there()
    case.run("runbook", "lab", answers=YES).expect(4, ...)
    good.touch()
    case.run("run.resume", "last", answers=YES).expect(0, ...)
    assert lab.stands() == (NEW, 0o4611)
    case.run("run.rollback", "last", answers=YES).expect(5, ...)
    assert lab.stands() == (OLD, 0o4611)


def test_a_file_of_the_library_that_changes_meanwhile_is_noticed(case: Case) -> None:
    file = case.repository / "runbooks/files/limit.conf"
    lab = Put(case, diagnostic=f"\n  - {{id: edit, title: Edit, run: 'echo more >>{file}'}}").there()
    ran = case.run("runbook", "lab", answers=YES).expect(2, ...)
    assert "`files/limit.conf`, which `lab` puts, was changed since this run was planned" in ran.stdout
    assert lab.stands() == (OLD, 0o4611)
    ran = case.run("run.resume", "last", answers=YES).expect(2, ..., ...)
    assert "`limit` differs" in ran.stderr
    file.unlink()
    assert "files/limit.conf" in case.run("run.resume", "last", answers=YES).expect(2, ..., ...).stderr


def test_a_link_is_refused(case: Case) -> None:
    lab = Put(case)
    other = case.folder / "other"
    other.write_bytes(OLD)
    lab.to.symlink_to(other)
    case.run("runbook", "lab", answers=YES).expect(4, ...)
    assert "is a link, which is not followed" in lab.told()
    assert other.read_bytes() == OLD


def test_what_holds_a_secret_of_the_run_is_left_to_a_person(case: Case) -> None:
    lab = Put(
        case,
        params="params:\n  token: {type: secret, from: {env: LAB_TOKEN}}\n",
        diagnostic="\n  - {id: use, title: Use it, run: ': \"$token\"'}",
    )
    lab.there(b"key = wortschatz-17\n")
    case.run("runbook", "lab", answers=YES, environ={"LAB_TOKEN": "wortschatz-17"}).expect(4, ...)
    assert "holds a secret of this run" in lab.told()
    kept = b"".join(path.read_bytes() for path in case.state.rglob("*") if path.is_file())
    assert b"wortschatz" not in kept
    assert Blob(b"key = wortschatz-17\n").encoded().encode() not in kept


def test_a_put_in_the_rollback_section(case: Case) -> None:
    lab = Put(case)
    where = json.dumps(str(lab.to))
    change = "  - {id: touch, title: Touch, effect: change, run: ':', undo: {run: ':'}}"
    section = f"\n  - {{id: limit, title: Put it, put: {{from: files/limit.conf, to: {where}}}}}"
    case.runbook("lab", book(change, rollback=section))
    case.run("runbook", "lab", answers="touch: run").expect(0, ...)
    case.run("run.rollback", "last", answers="undo-touch: run\nlimit: run").expect(5, ...)
    assert lab.stands() == (NEW, 0o644)


# --- killed at any instant --------------------------------------------------------------------------------------

RECORDS = 11
WHERE = ("before", "torn", "written", "durable")
POINTS = [f"record:{number}:{where}" for number in range(RECORDS) for where in WHERE]
POINTS += [f"{what}:{where}" for what in ("effect:0", "forget") for where in ("before", "after")]


def test_the_points_cover_every_record(case: Case) -> None:
    lab = Put(case).there()
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    assert len(lab.records()) == RECORDS


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_resumed_it_is_written_once(case: Case, point: str) -> None:
    lab = Put(case).there()
    case.run("runbook", "lab", answers=YES, environ={"HOLDPOINT_KILL_AT": point}).expect(-signal.SIGKILL, ..., ...)
    before = lab.to.stat().st_ino, lab.to.read_bytes()
    begun = case.journals() and b"\n" in case.journals()[-1].read_bytes()
    ran = case.run("run.resume", "last", answers=YES) if begun else case.run("runbook", "lab", answers=YES)
    over = point.startswith(f"record:{RECORDS - 1}:") and point.endswith(("written", "durable"))
    ran.expect(2 if over else 0, ..., ...)
    assert lab.stands() == (NEW, 0o4611)
    assert before[1] == OLD or before[0] == lab.to.stat().st_ino, "written a second time"
    case.run("run.rollback", "last", answers=YES).expect(5, ...)
    assert lab.stands() == (OLD, 0o4611)


@pytest.mark.parametrize("point", ["effect:0:before", "effect:0:after", "record:6:durable", "record:7:before"])
def test_a_rollback_that_is_killed_goes_on(case: Case, point: str) -> None:
    lab = Put(case).there()
    case.run("runbook", "lab", answers=YES).expect(0, ...)
    killed = case.run("run.rollback", "last", answers=YES, environ={"HOLDPOINT_KILL_AT": point})
    killed.expect(-signal.SIGKILL, ..., ...)
    case.run("run.resume", "last", answers=YES).expect(5, ...)
    assert lab.stands() == (OLD, 0o4611)


# --- as another user --------------------------------------------------------------------------------------------


@pytest.fixture
def everybody() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_become_holds_for_look_change_check_and_undo(case: Case, everybody: Path) -> None:
    require_root("become another user")
    require("setpriv", "util-linux")
    sudo = everybody / "sudo"
    sudo.write_text('#!/bin/sh\nshift 4\nexec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"\n')
    sudo.chmod(0o755)
    place = everybody / "place"
    place.mkdir(mode=0o700)
    to = place / "it"
    to.write_bytes(OLD)
    to.chmod(0o600)
    for path in (place, to):
        os.chown(path, 65534, 65534)
    case.write("runbooks/files/limit.conf", NEW)
    put = f"  - {{id: limit, title: Put it, become: nobody, put: {{from: files/limit.conf, to: {to}}}}}\n"
    keep = f"  - {{id: keep, title: Keep it, become: nobody, fetch: {{from: {to}, name: it}}}}"
    case.runbook("lab", book(put + keep))
    for part in ("lib", "schemas"):  # the agent of the clone may be out of that user's reach
        shutil.copytree(Path(__file__).parents[1] / part, everybody / part)
    environ = {"PATH": f"{everybody}:{os.environ['PATH']}", "PYTHONPATH": str(everybody / "lib"), "HOME": "/"}
    environ["HOLDPOINT_TARGET"] = str(everybody / "target")
    case.run("runbook", "lab", answers=YES, environ=environ).expect(0, ...)
    assert to.read_bytes() == NEW
    assert (to.stat().st_uid, to.stat().st_mode & 0o7777) == (65534, 0o600)
    assert [path.read_bytes() for path in case.state.glob("runs/*/files/*/it")] == [NEW]
    case.run("run.rollback", "last", answers=YES, environ=environ).expect(5, ...)
    assert to.read_bytes() == OLD


# --- fetch ------------------------------------------------------------------------------------------------------


def fetching(case: Case, source: Path, more: str = "") -> Case:
    step = f"  - {{id: keep, title: Keep it, fetch: {{from: {json.dumps(str(source))}, name: kept.bin}}}}\n"
    return case.runbook("lab", book(step, params=more))


def kept(case: Case) -> list[Path]:
    return [path for path in case.state.glob("runs/*/files/**/*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", NEW, bytes(range(256)) * 3, os.urandom(20_000_000)], ids=len)
def test_a_file_is_fetched_byte_for_byte(case: Case, content: bytes) -> None:
    source = case.folder / "it's $(touch x)\t-n"
    source.write_bytes(content)
    fetching(case, source).run("runbook", "lab").expect(0, ...)
    (file,) = kept(case)
    assert file.name == "kept.bin"
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o777 == 0o600
    records = [json.loads(line) for line in case.journals()[0].read_text().splitlines()]
    ended = next(one["data"] for one in records if one["kind"] == "step.result")
    assert (ended["digest"], ended["stdout_size"]) == (Blob(content).digest, len(content))
    assert file == case.journals()[0].parent / ended["stdout_file"]


def test_a_file_that_is_not_there(case: Case) -> None:
    ran = fetching(case, case.folder / "none").run("runbook", "lab").expect(4, ...)
    assert "there is no file" in ran.stdout
    assert kept(case) == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(case: Case) -> None:
    source = case.folder / "log"
    source.write_bytes(NEW)
    tools = case.folder / "tools"
    tools.mkdir()
    (tools / "sha256sum").write_text(f"#!/bin/sh\n{require('sha256sum', 'coreutils')} \"$@\"\necho more >>'{source}'\n")
    (tools / "sha256sum").chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    ran = fetching(case, source).run("runbook", "lab", environ=environ).expect(4, ...)
    assert "it changed while it was read" in ran.stdout
    assert kept(case) == []


def test_a_file_with_a_secret_of_the_run_is_not_kept(case: Case) -> None:
    source = case.folder / "conf"
    source.write_bytes(b"x" * 100_000 + b"key=wortschatz-17\n")
    params = "params:\n  token: {type: secret, from: {env: LAB_TOKEN}}\n"
    ran = fetching(case, source, params).run("runbook", "lab", environ={"LAB_TOKEN": "wortschatz-17"}).expect(4, ...)
    assert "the file was not kept: it holds a secret of this run" in ran.stdout
    assert kept(case) == []


# --- documents --------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_in_the_library_is_said_at_its_place(case: Case) -> None:
    case.runbook("lab", book("  - {id: limit, title: Put it, put: {from: files/none, to: /x}}"))
    missing = (
        "runbooks/lab.yaml:13:44: error[unreadable]: step `limit` cannot put its file: the file cannot be read\n"
        "  13 |   - {id: limit, title: Put it, put: {from: files/none, to: /x}}\n"
        "     |                                            ^^^^^^^^^^\n"
        "  found: no such file or directory: `runbooks/files/none`\n"
    )
    case.run("runbook", "lab", "--dry-run").expect(2, "", missing)
    assert missing in case.run("runbook.lint", "--name", "lab").expect(2, ..., ...).stdout


def test_that_also_holds_for_the_section_of_rollback(case: Case) -> None:
    change = "  - {id: touch, title: Touch, effect: change, run: ':', undo: {run: ':'}}"
    case.runbook("lab", book(change, rollback="\n  - {id: limit, title: Put it, put: {from: files/none, to: /x}}"))
    assert "files/none" in case.run("runbook", "lab", "--dry-run").expect(2, ..., ...).stderr


def test_a_goto_leads_to_the_look(case: Case) -> None:
    lab = Put(case)
    where = json.dumps(str(lab.to))
    steps = (
        "  - {id: one, title: One, effect: read, run: 'false', on_failure: goto, goto: limit}\n"
        "  - {id: two, title: Two, effect: read, run: 'false'}\n"
        f"  - {{id: limit, title: Put it, put: {{from: files/limit.conf, to: {where}}}}}"
    )
    case.runbook("lab", book(steps))
    ran = case.run("runbook", "lab", answers=YES)
    assert lab.stands() == (NEW, 0o644), ran.stdout


def test_used_runbooks_put_their_own_files(case: Case) -> None:
    lab = Put(case)
    used = (case.repository / "runbooks/lab.yaml").read_text().replace("id: lab", "id: inner")
    case.runbook("inner", used)
    case.runbook(
        "lab",
        HEAD
        + "symptoms: []\ndiagnostic: []\nresolution:\n  - {id: in, title: In, use: inner}\nprevention: []\nrollback: []\n",
    )
    case.run("runbook", "lab", answers="in/limit: run").expect(0, ...)
    assert lab.stands() == (NEW, 0o644)
    case.run("run.rollback", "last", answers="in/undo-limit: run").expect(5, ...)
    assert lab.stands() is None
