"""The scripts that put, check and take back a file, run for real under dash, bash and busybox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdpoint.document.model import Effect, Fetch, Put, Run, Section, Step
from holdpoint.planning import file_scripts
from holdpoint.planning.files import LARGEST, fetch_step, put_steps
from holdpoint.planning.plan import FileRun
from holdpoint.problem import Place
from holdpoint.shell import Blob, Plain, Script
from tests.needs import require, require_root
from tests.runbooks.conftest import SHELLS, Disks, applets, disks

__all__ = ["applets", "disks"]

HERE = Place("x.yaml", 1, 1)
LIMIT = 60
ALL_BYTES = bytes(range(256)) * 5
NAMES = ["plain", "two words", 'it\'s "quoted" $(touch owned)', "two\nlines", "-rf", "*?[a]", "back\\slash", "ß𝄞"]


@dataclass
class Putting:
    """One `put` step and what was registered for it, with a shell to run its commands."""

    argv: tuple[str, ...]
    path: str
    to: Path
    new: bytes
    mode: str | None = None
    values: dict[str, Plain] = field(default_factory=dict)
    user: int | None = None

    def __post_init__(self) -> None:
        put = Put("files/new", str(self.to), self.mode, HERE)
        step = Step("limit", "Put the limit", Section.RESOLUTION, put, Effect.CHANGE, HERE)
        self.look_step, self.step = put_steps(step, put, Blob(self.new))

    def run(self, action: object) -> subprocess.CompletedProcess[str]:
        assert isinstance(action, FileRun)
        values = tuple((name, self.values[name]) for name in sorted(action.reads))
        script = Script(action.script, values, given=action.given, says=action.says)
        return subprocess.run(
            self.argv,
            input=script.raw(),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env={"PATH": self.path, "LANG": "C.UTF-8"},
            timeout=LIMIT,
            check=False,
            cwd="/",
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
        )

    def look(self) -> subprocess.CompletedProcess[str]:
        done = self.run(self.look_step.action)
        if done.returncode == 0:
            self.values = dict(line.split("=", 1) for line in done.stdout.splitlines())
        return done

    def looked(self) -> Putting:
        done = self.look()
        assert done.returncode == 0, done.stderr
        return self

    def put(self) -> subprocess.CompletedProcess[str]:
        return self.run(self.step.action)

    def good(self) -> str:
        done = self.put()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *words: str) -> None:
        done = self.put()
        assert done.returncode == 1, done.stdout + done.stderr
        assert all(word in done.stderr for word in words), done.stderr

    def green(self) -> bool:
        assert self.step.verify is not None
        return self.run(self.step.verify.run).returncode == 0

    def undo(self) -> subprocess.CompletedProcess[str]:
        assert self.step.undo is not None
        return self.run(self.step.undo.action)

    def undone(self) -> str:
        done = self.undo()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stands(self) -> tuple[bytes, int, int, int] | None:
        """Content, mode and owner at the place; nothing else may lie beside it but what the test made."""
        assert not list(self.to.parent.glob(".holdpoint-*")), "a temporary file was left"
        if not self.to.exists():
            return None
        status = self.to.stat()
        return self.to.read_bytes(), status.st_mode & 0o7777, status.st_uid, status.st_gid


class Shelled:
    """Makes `Putting`s that run under one shell."""

    def __init__(self, argv: tuple[str, ...], path: str) -> None:
        self.argv, self.path = argv, path

    def __call__(self, to: Path, new: bytes = b"new\n", mode: str | None = None) -> Putting:
        return Putting(self.argv, self.path, to, new, mode)


@pytest.fixture(params=SHELLS)
def putting(request: pytest.FixtureRequest, applets: Path) -> Shelled:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if request.param == "busybox":
        return Shelled((str(applets / "sh"),), f"{applets}:{path}")
    return Shelled((require(request.param, request.param),), path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


# --- what is done -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_new_file_is_put_and_removed_again(putting: Shelled, folder: Path, name: str) -> None:
    case = putting(folder / name).looked()
    assert case.values == {"Before_limit": "nothing", "_before_limit": ""}
    assert not case.green()
    case.good()
    assert case.stands() == (b"new\n", 0o644, os.geteuid(), os.getegid())
    assert case.green()
    case.undone()
    assert case.stands() is None
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_there_keeps_its_mode_and_comes_back(putting: Shelled, folder: Path, name: str) -> None:
    (folder / name).write_bytes(ALL_BYTES)
    (folder / name).chmod(0o2751)
    before = (ALL_BYTES, 0o2751, os.geteuid(), os.getegid())
    case = putting(folder / name).looked()
    case.good()
    assert case.stands() == (b"new\n", *before[1:])
    case.undone()
    assert case.stands() == before


@pytest.mark.parametrize("content", [b"", b"\0", ALL_BYTES, b"no newline", b"\n\n", os.urandom(LARGEST)])
def test_every_byte_arrives_and_comes_back(putting: Shelled, folder: Path, content: bytes) -> None:
    to = folder / "it"
    case = putting(to, content, "0600").looked()
    case.good()
    assert case.stands() == (content, 0o600, os.geteuid(), os.getegid())
    back = putting(to, b"other").looked()
    back.good()
    back.undone()
    assert back.stands() == (content, 0o600, os.geteuid(), os.getegid())


def test_the_owner_of_the_file_stays(putting: Shelled, folder: Path) -> None:
    require_root("give a file to somebody")
    to = folder / "it"
    to.write_bytes(b"old")
    os.chown(to, 4321, 1234)
    case = putting(to, mode="640").looked()
    case.good()
    assert case.stands() == (b"new\n", 0o640, 4321, 1234)
    case.undone()
    assert case.stands() == (b"old", 0o644, 4321, 1234)


def test_only_the_mode_can_change(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    to.write_bytes(b"new\n")
    to.chmod(0o644)
    case = putting(to, mode="0600").looked()
    assert not case.green()
    case.good()
    assert case.green()
    assert case.stands() == (b"new\n", 0o600, os.geteuid(), os.getegid())
    case.undone()
    assert case.stands() == (b"new\n", 0o644, os.geteuid(), os.getegid())


def test_done_twice_it_is_done_once(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    to.write_bytes(b"old")
    case = putting(to).looked()
    case.good()
    inode = to.stat().st_ino
    assert "already" in case.good()
    assert to.stat().st_ino == inode
    case.undone()
    assert "as it was" in case.undone()
    assert to.read_bytes() == b"old"


def test_the_undo_of_a_step_that_never_ran_changes_nothing(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    assert "as it was" in putting(to).looked().undone()
    to.write_bytes(b"old")
    inode = to.stat().st_ino
    assert "as it was" in putting(to).looked().undone()
    assert to.stat().st_ino == inode


# --- what is refused --------------------------------------------------------------------------------------------


def test_what_was_edited_in_between_is_not_written_over(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    to.write_bytes(b"old")
    case = putting(to).looked()
    to.write_bytes(b"mine")
    case.refused("is not what it was when it was looked at", "nothing was written")
    assert to.read_bytes() == b"mine"
    to.write_bytes(b"old")
    to.chmod(0o611)
    case.refused("mode 0611")
    to.unlink()
    case.refused("it is:  nothing")
    assert case.stands() is None


def test_what_was_made_in_between_is_not_written_over(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    case = putting(to).looked()
    to.write_bytes(b"mine")
    case.refused("it was: nothing")
    assert to.read_bytes() == b"mine"


@pytest.mark.parametrize("there", [True, False])
def test_what_was_edited_since_is_not_taken_back(putting: Shelled, folder: Path, *, there: bool) -> None:
    to = folder / "it"
    if there:
        to.write_bytes(b"old")
    case = putting(to).looked()
    case.good()
    to.write_bytes(b"edited")
    done = case.undo()
    assert done.returncode == 1
    assert "somebody changed it since" in done.stderr
    assert to.read_bytes() == b"edited"
    to.unlink()
    assert case.undo().returncode == (1 if there else 0)


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "large", "no folder"])
def test_what_cannot_be_replaced_is_refused_at_the_look(putting: Shelled, folder: Path, kind: str) -> None:
    to = folder / "it"
    other = folder / "other"
    other.write_bytes(b"other")
    words = {
        "link": "is a link",
        "dangling": "is a link",
        "folder": "is a folder",
        "pipe": "is no regular file",
        "large": f"has {LARGEST + 1} bytes",
        "no folder": "there is no folder",
    }
    match kind:
        case "link":
            to.symlink_to(other)
        case "dangling":
            to.symlink_to(folder / "gone")
        case "folder":
            to.mkdir()
        case "pipe":
            os.mkfifo(to)
        case "large":
            to.write_bytes(b"x" * (LARGEST + 1))
        case _:
            to = folder / "none" / "it"
    before = sorted(os.listdir(folder))
    done = putting(to).look()
    assert done.returncode == 1
    assert done.stdout == ""
    assert words[kind] in done.stderr
    assert sorted(os.listdir(folder)) == before
    assert other.read_bytes() == b"other"


def test_a_link_that_took_its_place_is_not_followed(putting: Shelled, folder: Path) -> None:
    to, other = folder / "it", folder / "other"
    to.write_bytes(b"old")
    case = putting(to).looked()
    case.good()
    shutil.copy2(to, other)
    to.unlink()
    to.symlink_to(other)
    assert "is a link" in case.undo().stderr
    assert "is a link" in case.put().stderr
    assert not case.green()
    assert other.read_bytes() == b"new\n"
    assert to.is_symlink()


def test_on_a_full_disk_nothing_changes_and_nothing_is_left(putting: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=256k")
    to = disk.at / "it"
    to.write_bytes(b"old")
    case = putting(to, os.urandom(LARGEST)).looked()
    disk.fill("rest", 1)
    case.refused("was not written", "is there room")
    assert case.stands() == (b"old", 0o644, os.geteuid(), os.getegid())
    assert sorted(os.listdir(disk.at)) == ["it", "rest"]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_folder_that_may_not_be_written_to(shell: str) -> None:
    require_root("be somebody else")
    place = Path("/var/tmp") / f"holdpoint-test-{os.getpid()}"
    place.mkdir()
    try:
        to = place / "it"
        to.write_bytes(b"old")
        case = Putting((require(shell, shell),), os.environ["PATH"], to, b"new", user=65534)
        case.looked().refused("was not written", "may nobody write there")
        to.chmod(0o600)
        assert "become" in case.look().stderr
        place.chmod(0o777)
        to.chmod(0o644)
        case.looked().refused("may not give it to 0:0")
        assert case.stands() == (b"old", 0o644, 0, 0)
    finally:
        shutil.rmtree(place)


def test_what_a_killed_attempt_left_is_cleared_away(putting: Shelled, folder: Path) -> None:
    to = folder / "it"
    case = putting(to).looked()
    temporary = dict(case.step.action.given)["temp"]
    Path(temporary).write_bytes(b"half")
    case.good()
    assert case.stands() == (b"new\n", 0o644, os.geteuid(), os.getegid())
    Path(temporary).write_bytes(b"half")
    case.undone()
    assert case.stands() is None


def test_ended_in_the_middle_it_leaves_nothing(putting: Shelled, folder: Path) -> None:
    """The shell gets TERM while it waits for `sync`, as on a slow disk."""
    slow = folder / "slow"
    slow.mkdir()
    (slow / "sync").write_text(f"#!/bin/sh\ntouch {folder}/reached\nkill -TERM $PPID\n")
    (slow / "sync").chmod(0o755)
    to = folder / "it"
    to.write_bytes(b"old")
    case = putting(to).looked()
    case.path = f"{slow}:{case.path}"
    done = case.put()
    assert done.returncode in (1, -signal.SIGTERM), done
    assert (folder / "reached").exists()
    assert case.stands() == (b"old", 0o644, os.geteuid(), os.getegid())


@pytest.mark.parametrize("there", [True, False])
def test_what_is_edited_while_it_is_written_is_not_written_over(putting: Shelled, folder: Path, *, there: bool) -> None:
    """`sync`, after which the file would be renamed, is when somebody edits it."""
    tools, to = folder / "tools", folder / "it"
    tools.mkdir()
    (tools / "sync").write_text(f"#!/bin/sh\nprintf mine >{to}\n")
    (tools / "sync").chmod(0o755)
    if there:
        to.write_bytes(b"old")
    case = putting(to).looked()
    case.path = f"{tools}:{case.path}"
    case.refused("was changed by somebody just now; it was not written")
    assert to.read_bytes() == b"mine"
    assert sorted(os.listdir(folder)) == ["it", "tools"]


# --- tools ------------------------------------------------------------------------------------------------------


def only(folder: Path, *programs: str) -> str:
    """A PATH with these programs, and those that every system has."""
    place = folder / "only"
    place.mkdir()
    for name in ("sh", "cat", "id", "stat", "wc", "tr", "fold", "rm", "mv", "ln", "chmod", "chown", "sync", *programs):
        (place / name).symlink_to(require(name, {"perl": "perl", "openssl": "openssl"}.get(name, "coreutils")))
    return str(place)


@pytest.mark.parametrize(
    "tools",
    [
        ("base64", "sha256sum"),
        ("openssl",),
        ("perl", "sha256sum"),
        ("python3", "openssl"),
    ],
)
def test_other_tools_do_the_same(folder: Path, tmp_path: Path, tools: tuple[str, ...]) -> None:
    (folder / "at").mkdir()
    to = folder / "at" / "it"
    to.write_bytes(ALL_BYTES)
    case = Putting((require("dash", "dash"),), only(folder, *tools), to, os.urandom(50_000))
    case.looked().good()
    assert to.read_bytes() == case.new
    assert case.green()
    case.undone()
    assert to.read_bytes() == ALL_BYTES


@pytest.mark.parametrize(
    ("tools", "said"),
    [(("base64",), "sha256sum, shasum or openssl"), (("sha256sum",), "base64, openssl, perl or python3")],
)
def test_without_the_tools_it_says_which(folder: Path, tools: tuple[str, ...], said: str) -> None:
    to = folder / "it"
    to.write_bytes(b"old")
    done = Putting((require("dash", "dash"),), only(folder, *tools), to, b"new").look()
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shellcheck_has_nothing_to_say(shell: str) -> None:
    program = require("shellcheck", "shellcheck")
    given = (
        "to=$1 temp=$1 most=$1 content=$1 digest=$1 length=$1 mode=$1 before=$1 old=$1 describes=$1 holds=$1 from=$1\n"
    )
    for text in (file_scripts.READ, file_scripts.PUT, file_scripts.VERIFY, file_scripts.UNDO, file_scripts.FETCH):
        done = subprocess.run(
            [program, "--norc", f"--shell={shell}", "--exclude=SC2034,SC2015", "-"],
            input=given + text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""


# --- fetch ------------------------------------------------------------------------------------------------------


def fetched(putting: Shelled, source: Path) -> subprocess.CompletedProcess[bytes]:
    fetch = Fetch(str(source), "name", HERE)
    step = fetch_step(Step("keep", "Keep it", Section.DIAGNOSTIC, fetch, Effect.READ, HERE), fetch, "")
    assert isinstance(step.action, FileRun)
    script = Script(step.action.script, given=step.action.given).raw().encode()
    env = {"PATH": putting.path, "LANG": "C.UTF-8"}
    return subprocess.run(putting.argv, input=script, capture_output=True, env=env, timeout=LIMIT, check=False, cwd="/")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_printed_behind_its_digest(putting: Shelled, folder: Path, name: str) -> None:
    (folder / name).write_bytes(ALL_BYTES)
    done = fetched(putting, folder / name)
    assert done.returncode == 0
    assert done.stdout == f"{Blob(ALL_BYTES).digest}\n".encode() + ALL_BYTES


def test_what_is_no_file_is_not_fetched(putting: Shelled, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name, said in ((".", "is a folder"), ("pipe", "no regular file"), ("none", "there is no file")):
        done = fetched(putting, folder / name)
        assert (done.returncode, done.stdout) == (1, b"")
        assert said in done.stderr.decode()


def test_a_run_of_the_model_is_what_is_executed() -> None:
    put = Put("a", "/etc/a", "644", HERE)
    step = Step("a-b", "t", Section.RESOLUTION, put, Effect.CHANGE, HERE)
    look, change = put_steps(step, put, Blob(b"x"))
    assert look.id == "a-b/before"
    assert isinstance(look.action, Run)
    assert look.effect is Effect.READ
    assert {one.name for one in look.register} == {"Before_a_b", "_before_a_b"}
    assert change.reads == {"Before_a_b", "_before_a_b"}
    assert change.undo is not None
