"""Giving back takes what the drill made and nothing else, whatever was mounted in it and whatever its record says."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from holdpoint.app.armed import Armed
from holdpoint.hosts import mounts
from holdpoint.hosts.sandbox import MARKER, Sandbox
from tests.case import Case
from tests.drills.test_prove import drill
from tests.hosts.support import wait_for
from tests.needs import require, require_root

LIBRARY = (Path(__file__).parents[2] / "drills" / "lib" / "sandbox.sh").read_text()
ODD = "a blank, \N{LATIN SMALL LETTER E WITH ACUTE} and a \\ in it"


@pytest.fixture
def armed(case: Case) -> Armed:
    return Armed(case.state / "drills" / "armed")


@pytest.fixture
def place(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sandboxes with an odd name; what a failed test left mounted there goes."""
    folder = case.folder / ODD
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    told = subprocess.run(["findmnt", "-rno", "TARGET"], capture_output=True, check=True).stdout.decode(
        "unicode_escape"
    )
    for one in told.splitlines():
        with suppress(UnicodeError):
            if str(folder).encode() in (where := one.encode("latin-1")):
                subprocess.run(["umount", "-l", where], check=False)


@pytest.fixture
def victim(case: Case) -> Path:
    """A file that is nobody's to delete."""
    file = case.folder / "victim" / "deeper" / "precious"
    file.parent.mkdir(parents=True)
    file.write_text("data")
    return file


def make(armed: Armed, heals: str = ":") -> Sandbox:
    return armed.make("open-door", LIBRARY, heals)


def leave(armed: Armed, sandbox: Sandbox, **changed: Any) -> Path:
    """Have its process be gone; gives its record, with other values."""
    file = armed.path / f"{sandbox.mark}.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "began": "never", **changed}))
    return file


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def bind(victim: Path, at: Path) -> None:
    at.mkdir(exist_ok=True)
    mount("--bind", victim.parents[1], at)


# --- mounts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["s", "s/mine", "mine"])
def test_what_is_mounted_anywhere_in_it_is_unmounted_and_never_deleted(
    armed: Armed, place: Path, victim: Path, where: str
) -> None:
    require_root("mount a folder")
    sandbox = make(armed)
    bind(victim, sandbox.base / where)
    assert armed.heal(sandbox) == ()
    assert victim.read_text() == "data"
    assert not sandbox.base.exists()
    assert list(place.iterdir()) == []
    assert not list(armed.path.iterdir())


@pytest.mark.parametrize("heals", [":", "unmount_all"])
def test_a_tree_that_is_shown_in_it_stays_mounted_where_it_is(
    armed: Armed, place: Path, victim: Path, heals: str
) -> None:
    require_root("mount a folder")
    sandbox = make(armed, heals)
    tree = place / "tree"
    for folder in (tree, tree / "inner"):
        folder.mkdir()
        mount("-t", "tmpfs", "hpd-test", folder)
        mount("--make-shared", folder)
    (sandbox.folder / "shown").mkdir()
    mount("--rbind", tree, sandbox.folder / "shown")
    assert armed.heal(sandbox) == ()
    assert mounts.below(tree) == [str(tree / "inner"), str(tree)]
    assert not sandbox.base.exists()


def test_what_cannot_be_unmounted_is_left_with_its_record(
    case: Case, armed: Armed, place: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_root("mount a folder")
    fake = case.folder / "bin"
    fake.mkdir()
    (fake / "umount").write_text("#!/bin/sh\nexit 32\n")
    (fake / "umount").chmod(0o755)
    sandbox = make(armed)
    bind(victim, sandbox.base / "mine")
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{fake}:{os.environ['PATH']}")
        assert armed.heal(sandbox) == (f"mount {sandbox.base / 'mine'}",)
    assert victim.read_text() == "data"
    assert list(armed.path.iterdir())
    assert armed.heal(sandbox) == ()


def test_removing_never_enters_a_mount(case: Case, place: Path, victim: Path) -> None:
    require_root("mount a folder")
    (place / "one" / "inner").mkdir(parents=True)
    bind(victim, place / "one" / "inner")
    assert mounts.remove(place / "one", "mark") == f"folder {place / 'one'}: something is mounted there at `inner`"
    assert victim.read_text() == "data"


def test_no_sandbox_is_made_in_the_folder_that_somebody_happens_to_stand_in(
    case: Case, armed: Armed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.repository)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", os.getcwd())  # what Python takes where every other folder is full
    with pytest.raises(OSError, match="No space left on device"):
        make(armed)
    assert list(case.repository.glob("hpd-*")) == []
    monkeypatch.setenv("TMPDIR", os.getcwd())
    assert armed.heal(make(armed)) == ()


def test_a_link_is_removed_and_not_what_it_leads_to(armed: Armed, place: Path, victim: Path) -> None:
    sandbox = make(armed)
    (sandbox.folder / "link").symlink_to(victim.parents[1])
    (sandbox.base / "link").symlink_to(victim)
    assert armed.heal(sandbox) == ()
    assert victim.read_text() == "data"
    assert not sandbox.base.exists()


def test_the_sandbox_library_unmounts_where_the_folder_has_an_odd_name(armed: Armed, place: Path) -> None:
    require_root("mount a small filesystem")
    sandbox = make(armed)
    told = sandbox.run('mount_tmpfs 1m 10 "$sandbox/a disk"\nmount_tmpfs 1m 10 "$sandbox/a disk/inner"\nunmount_all\n')
    assert told.code == 0, told.text
    assert mounts.below(sandbox.base) == []
    assert armed.heal(sandbox) == ()


def test_a_loop_device_goes_with_its_file(armed: Armed, place: Path) -> None:
    require_root("make a loop device")
    require("mkfs.ext4", "e2fsprogs")
    sandbox = make(armed)
    script = "truncate -s 4M image other\nmkfs.ext4 -q image\nmkdir disk\nmount -o loop image disk\nlosetup -f other\n"
    told = sandbox.run(script)
    assert told.code == 0, told.text
    assert len(mounts.loops_below(sandbox.base)) == 2
    assert armed.heal(sandbox) == ()
    assert mounts.loops_below(sandbox.base) == []
    assert not sandbox.base.exists()


EXT4 = "truncate -s 4M image\nmkfs.ext4 -q image\nmkdir disk\nmount -o loop image disk\n"


def test_who_keeps_a_filesystem_mounted_in_a_namespace_of_its_own_is_named(armed: Armed, place: Path) -> None:
    require_root("make a loop device")
    require("mkfs.ext4", "e2fsprogs")
    sandbox = make(armed)
    assert sandbox.run(EXT4).code == 0
    (device,) = mounts.loops_below(sandbox.base)
    with subprocess.Popen(["unshare", "--mount", "sleep", "1000"]) as keeper:
        try:
            wait_for("it has a namespace", lambda: _namespace(keeper.pid) != _namespace(os.getpid()))
            why = f"which process {keeper.pid} (sleep) still has mounted: it goes when that ends"
            assert armed.heal(sandbox) == (f"loop device {device}, {why}",)
        finally:
            keeper.kill()
    assert armed.heal(sandbox) == ()
    assert mounts.loops_below(sandbox.base) == []


def test_a_namespace_of_a_drill_lets_go_of_what_other_drills_mounted(armed: Armed, place: Path) -> None:
    require_root("make a loop device")
    require("mkfs.ext4", "e2fsprogs")
    mine, other = make(armed), make(armed)
    assert other.run(EXT4).code == 0
    mount = 'mount_tmpfs 1m 10 "$sandbox/a disk"\n'
    look = "sandbox=$1; . $2; unmount_others; cat /proc/self/mountinfo; exec sleep 1000"
    lib = Path(__file__).parents[2] / "drills" / "lib" / "sandbox.sh"
    told = mine.run(f"{mount}start keeper unshare --mount sh -c '{look}' sh \"$sandbox\" {shlex.quote(str(lib))}\n")
    assert told.code == 0, told.text
    log = mine.folder / "log.keeper"
    wait_for("it has looked", lambda: b" / /proc " in log.read_bytes())
    assert mine.base.name in log.read_text()
    assert other.base.name not in log.read_text()
    assert armed.heal(other) == ()
    assert armed.heal(mine) == ()


def _namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/mnt").readlink())


def test_what_cannot_be_removed_is_left_and_said(armed: Armed, place: Path) -> None:
    require_root("have a folder that cannot be written to")
    sandbox = make(armed)
    mount("--bind", place, place)
    mount("-o", "remount,bind,ro", place)
    said = mounts.remove(sandbox.base, MARKER)
    assert said.startswith(f"folder {sandbox.base}: read-only file system")
    assert armed.heal(sandbox) == ("what the drill itself gives back: read-only file system",)
    assert list(armed.path.iterdir())
    subprocess.run(["umount", place], check=True)
    assert armed.heal(sandbox) == ()
    assert not sandbox.base.exists()


# --- records ----------------------------------------------------------------------------------------------------


def test_a_folder_that_no_drill_made_is_never_touched(case: Case, armed: Armed, place: Path, victim: Path) -> None:
    sandbox = make(armed)
    (case.folder / "link").symlink_to(place)
    bare = place / sandbox.base.name
    for base, why in {
        str(victim.parent): f"and a drill would have called it `{sandbox.base.name}`",
        f"{place}/../victim": "which is no plain path",
        "victim": "which is no plain path",
        str(case.folder / "link" / bare.name): "which is no plain path",
    }.items():
        file = leave(armed, sandbox, base=base)
        ran = case.run("drill.heal", "--json").expect(4, ..., "")
        ((told,),) = (one["left"] for one in ran.json())
        assert told.startswith(f"nothing was touched: the record {file} names the folder ")
        assert why in told
        assert victim.read_text() == "data"
    leave(armed, sandbox, base=str(bare))
    case.run("drill.heal").expect(0, ..., "")
    assert not bare.exists()


@pytest.mark.parametrize(
    ("mark", "why"),
    [("", "which does not say that a drill made it"), ("0123456789abcdef", "which is marked as that of another drill")],
)
def test_a_folder_with_the_right_name_and_another_mark_is_never_touched(
    case: Case, armed: Armed, place: Path, mark: str, why: str
) -> None:
    sandbox = make(armed)
    leave(armed, sandbox)
    (sandbox.base / MARKER).unlink()
    if mark:
        (sandbox.base / MARKER).symlink_to(mark)
    ((told,),) = (one["left"] for one in case.run("drill.heal", "--json").expect(4, ..., "").json())
    assert why in told
    assert sandbox.folder.is_dir()


def test_a_folder_of_another_user_or_covered_by_a_mount_is_never_touched(
    case: Case, armed: Armed, place: Path, victim: Path
) -> None:
    require_root("give a folder to another user")
    sandbox = make(armed)
    leave(armed, sandbox)
    os.chown(sandbox.base, 65534, 65534)
    ((told,),) = (one["left"] for one in case.run("drill.heal", "--json").expect(4, ..., "").json())
    assert "which belongs to user 65534, and this is user 0" in told
    os.chown(sandbox.base, 0, 0)
    bind(victim, sandbox.base)
    ((told,),) = (one["left"] for one in case.run("drill.heal", "--json").expect(4, ..., "").json())
    assert "over which something is mounted: `umount " in told
    assert victim.read_text() == "data"


def test_a_folder_that_was_made_and_not_marked_yet_is_given_back(case: Case, armed: Armed, place: Path) -> None:
    sandbox = make(armed)
    leave(armed, sandbox)
    (sandbox.base / MARKER).unlink()
    sandbox.folder.rmdir()
    case.run("drill.heal").expect(0, ..., "")
    assert not sandbox.base.exists()
    assert not list(armed.path.iterdir())


def test_a_damaged_record_is_named_with_its_folder(case: Case, armed: Armed, place: Path) -> None:
    sandbox = make(armed)
    file = leave(armed, sandbox, owner="nobody")
    other = armed.path / "0123456789abcdef.json"
    other.write_text("{")
    moved = armed.path / "fedcba9876543210.json"
    moved.write_text(json.dumps({**json.loads(file.read_bytes()), "owner": 1}))
    (armed.path / "aaaaaaaaaaaaaaaa.json").write_text("[]")
    for _ in range(2):
        told = {one["sandbox"]: one["left"][0] for one in case.run("drill.heal", "--json").expect(4, ..., "").json()}
        assert len(told) == 4
        assert "`owner`" in told[f"the record {file}"]
        assert str(sandbox.base) in told[f"the record {file}"]
        assert "it is no JSON document; see what stands of a folder hpd-01234567" in told[f"the record {other}"]
        assert f"it is that of `{sandbox.mark}`" in told[f"the record {moved}"]
    assert sandbox.folder.is_dir()


def test_what_was_cut_off_does_not_tell_what_is_wrong(case: Case, armed: Armed, place: Path) -> None:
    """The id of a drill would; it may be begun again. JSON is for who trains others as well."""
    drill(case)
    sandbox = make(armed)
    leave(armed, sandbox)
    told = case.run("drill.list").stdout
    assert "door.1, begun at" in told
    assert "open-door" not in told
    healed = case.run("drill.heal").expect(0, ..., "").stdout
    assert "door.1 (" in " ".join(healed.split())  # a long path begins a line
    assert "open-door" not in healed


def test_the_list_begins_with_what_was_cut_off(case: Case, armed: Armed, place: Path) -> None:
    plain = case.run("drill.list").raw
    sandbox = make(armed)
    assert case.run("drill.list").raw == plain
    os.utime(leave(armed, sandbox), (0, 0))
    (armed.path / "0123456789abcdef.json").write_text("{")
    told = case.run("drill.list").raw.splitlines()
    assert told[:3] == [
        "open-door, begun at 1970-01-01 00:00, was cut off: `./inv drill.heal`",
        "The record of a drill is damaged: `./inv drill.heal` says more",
        "",
    ]
    case.run("drill.heal").expect(4, ..., "")
    (armed.path / "0123456789abcdef.json").unlink()
    assert case.run("drill.list").raw == plain
