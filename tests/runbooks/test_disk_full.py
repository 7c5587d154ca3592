"""disk-full on filesystems that are really full: what is found, what is ruled out, what goes, and what stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from holdpoint.document import conditions
from holdpoint.document.model import Run
from holdpoint.shell import Plain, Script
from tests.needs import require, require_root
from tests.runbooks.conftest import LIMIT, SHELLS, Disk, Disks, Shelled, load, shelled


@pytest.fixture(params=SHELLS)
def book(request: pytest.FixtureRequest, applets: Path) -> Shelled:
    return shelled("disk-full", request.param, applets)


def values(disk: Disk, **more: Plain) -> dict[str, Plain]:
    given: dict[str, Plain] = {
        param.name: param.default for param in load("disk-full").params if param.default is not None
    }
    return {**given, "mount": str(disk.at), "watch": 1, **more}


def diagnose(book: Shelled, known: dict[str, Plain]) -> set[str]:
    """Run the symptoms and the diagnosis as the engine would; give the causes that hold, and leave none unknown."""
    for step in book.runbook.diagnostic:
        if step.when is None or conditions.evaluate(step.when, known.get):
            book.good(step.id, known)
    found = {cause.id: conditions.evaluate(cause.when, known.get) for cause in book.runbook.causes}
    assert None not in found.values(), found
    return {cause for cause, holds in found.items() if holds}


def present(book: Shelled, known: dict[str, Plain]) -> set[str]:
    return {step.id for step in book.runbook.symptoms if book.run(step.id, known).returncode == 0}


# --- look-alikes are told apart ---------------------------------------------------------------------------------


def test_a_healthy_filesystem_has_no_symptom_and_no_cause(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    disk.fill("some", 20)
    known = values(disk)
    assert present(book, known) == set()
    assert diagnose(book, known) == set()
    assert book.recovered(known)
    assert sorted(os.listdir(disk.at)) == ["lost+found", "some"], "looking left something behind"


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_deleted_file_that_is_held_is_found_and_emptied(book: Shelled, disks: Disks, kind: str) -> None:
    disk = disks.tmpfs("size=64m") if kind == "tmpfs" else disks.ext4()
    log = disk.fill("app\n'log", 1000)
    inode = log.stat().st_ino
    held = log.stat().st_blocks // 2048
    first, second = disks.hold(log), disks.hold(log, "rb")
    log.unlink()
    known = values(disk)
    assert present(book, known) == {"no-room"}
    assert diagnose(book, known) == {"held-open"}
    assert known["held_mb"] == held, "each file counts once, however many processes hold it"
    listed = str(known["held_files"])
    assert f"{inode}  {held} MB" in listed
    assert not book.recovered(known)
    book.good("level-1", known)
    known["held_pick"] = str(inode)
    book.good("held-chosen", known)
    assert str(known["held_chosen"]).count("\n") == 0
    assert f"/proc/{first}/fd/" in str(known["held_chosen"]) or f"/proc/{second}/fd/" in str(known["held_chosen"])
    assert not book.verified("empty-held", known)
    out = book.good("empty-held", known)
    assert out.index("these are emptied") < out.index(f"emptied: {inode}")
    assert book.verified("empty-held", known)
    assert book.recovered(known)
    assert "emptied" in book.good("empty-held", known), "once more does no harm"


def test_a_held_file_that_was_let_go_meanwhile_is_not_touched(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    log = disk.fill("log", 8)
    pid = disks.hold(log)
    log.unlink()
    known = values(disk, held_pick="all")
    book.good("held-chosen", known)
    known["held_chosen"] = str(known["held_chosen"]).replace(f"/proc/{pid}/", f"/proc/{os.getpid()}/")
    assert "not held any more" in book.good("empty-held", known)
    assert book.verified("empty-held", known)


def test_held_figures_agree_with_lsof(book: Shelled, disks: Disks) -> None:
    lsof = require("lsof", "lsof")
    disk = disks.ext4()
    for number in range(3):
        log = disk.fill(f"log{number}", 4 + number)
        disks.hold(log)
        log.unlink()
    known = values(disk)
    book.good("held", known)
    book.good("held-share", known)
    text = subprocess.run([lsof, "-Fs", "-a", "+L1", disk.at], capture_output=True, text=True, check=False).stdout
    seen = sum(int(line[1:]) for line in text.splitlines() if line.startswith("s"))
    assert known["held_mb"] == seen // (1024 * 1024) == 15


def test_a_held_file_of_another_filesystem_is_not_counted(book: Shelled, disks: Disks) -> None:
    disk, other = disks.tmpfs(), disks.tmpfs()
    log = other.fill("log", 8)
    disks.hold(log)
    log.unlink()
    known = values(disk)
    book.good("held", known)
    book.good("held-share", known)
    assert known["held_mb"] == 0


def test_large_files_are_listed_removed_and_emptied_where_they_are_open(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    keep = disk.fill("keep", 10)
    (disk.at / "a folder\n'\"$x").mkdir()
    dump = disk.fill("a folder\n'\"$x/old \\ dümp ", 20)
    log = disk.fill("log", 1000)
    pid = disks.hold(log)
    known = values(disk)
    assert present(book, known) == {"no-room"}
    assert diagnose(book, known) == {"large-files"}
    assert known["large_count"] == 3
    listed = str(known["large_files"])
    assert f"{log.stat().st_ino}  " in listed
    assert listed.count(", open") == 1
    book.good("level-1", known)
    known["files_pick"] = f"{dump.stat().st_ino} {log.stat().st_ino}"
    book.good("files-chosen", known)
    lines = str(known["files_chosen"]).splitlines()
    assert sorted(line.split()[0] for line in lines) == ["empty", "remove"]
    assert not book.verified("remove-files", known)
    out = book.good("remove-files", known)
    assert out.index("these go") < out.index("removed:")
    assert not dump.exists()
    assert log.exists()
    assert log.stat().st_blocks == 0, f"process {pid} has it open, so it is emptied"
    assert keep.stat().st_size == 10 * 1024 * 1024
    assert book.verified("remove-files", known)
    assert book.recovered(known)
    assert "gone already" in book.good("remove-files", known)


def test_a_file_that_changed_after_the_gate_stays(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    written, opened, swapped = (disk.fill(name, 2) for name in ("written", "opened", "swapped"))
    numbers = " ".join(str(path.stat().st_ino) for path in (written, opened, swapped))
    known = values(disk, files_pick=numbers)
    book.good("files-chosen", known)
    assert str(known["files_chosen"]).count("remove") == 3
    os.utime(written, (1, 1))
    disks.hold(opened)
    swapped.rename(disk.at / "elsewhere")
    swapped.symlink_to(disk.at / "elsewhere")
    assert book.run("remove-files", known).returncode == 1
    assert written.exists()
    assert opened.stat().st_size
    assert (disk.at / "elsewhere").exists()
    assert not book.verified("remove-files", known)


def test_what_must_never_be_removed_by_hand_is_left_out(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m")
    (disk.at / "data" / "base").mkdir(parents=True)
    (disk.at / "data" / "PG_VERSION").write_text("15\n")
    paths = [disk.fill("data/base/16384", 1), disk.fill("000000010000000000000001", 1), disk.fill("one", 1)]
    (disk.at / "two").hardlink_to(paths[2])
    known = values(disk, files_pick=" ".join(str(path.stat().st_ino) for path in paths) + " nonsense; rm * 7")
    done = book.run("files-chosen", known)
    assert (done.returncode, known["files_chosen"]) == (0, "")
    for reason in ("a database", "its WAL", "other names", "no number: nonsense;"):
        assert reason in done.stderr, done.stderr
    known["files_pick"] = "/etc/passwd"
    done = book.run("files-chosen", known)
    assert known["files_chosen"] == ""
    assert "not on this filesystem" in done.stderr


@pytest.mark.parametrize("by_path", [False, True])
def test_used_up_inodes_are_found_and_old_files_of_one_folder_go(book: Shelled, disks: Disks, by_path: bool) -> None:
    disk = disks.tmpfs("size=32m,nr_inodes=400")
    crowd = disk.at / "ses'sions\n x"
    crowd.mkdir()
    (crowd / "sub").mkdir()
    (crowd / "sub" / "old").touch()
    (crowd / "link").symlink_to("sub/old")
    for number in range(20):
        (crowd / f"young{number}").touch()
    made = 0
    while True:
        try:
            path = crowd / f"old{made}"
            path.touch()
            os.utime(path, (1_000_000_000, 1_000_000_000))
            made += 1
        except OSError:
            break
    os.utime(crowd / "sub" / "old", (1, 1))
    known = values(disk)
    assert disk.used() < 10
    assert present(book, known) == {"no-inodes"}
    assert diagnose(book, known) == {"inodes"}
    assert not book.recovered(known)
    book.good("level-1", known)
    known |= {"crowd_pick": str(crowd) if by_path else str(crowd.stat().st_ino), "crowd_age": 60}
    book.good("crowd-chosen", known)
    assert known["crowd_files"] == made
    assert not book.verified("clear-crowd", known)
    out = book.good("clear-crowd", known)
    assert f"{made} removed" in out
    assert "./old0" in out
    assert book.verified("clear-crowd", known)
    assert sorted(os.listdir(crowd)) == sorted(["link", "sub", *(f"young{n}" for n in range(20))])
    assert (crowd / "sub" / "old").exists()
    assert book.recovered(known)
    book.good("clear-crowd", known)


def test_a_crowded_folder_of_a_plain_name_is_named(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m,nr_inodes=200")
    crowd = disk.at / "spool"
    crowd.mkdir()
    for number in range(190):
        (crowd / f"{number}").touch()
    known = values(disk)
    assert diagnose(book, known) == {"inodes"}
    assert f"{crowd.stat().st_ino}  190  {crowd}" in str(known["crowds"])


def test_a_ballast_file_is_given_up_and_made_again(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    ballast = disk.fill("ballast", 20)
    for number in range(62):
        disk.fill(f"small{number}", 0.5)
    known = values(disk)
    assert diagnose(book, known) == {"small-files"}
    assert known["ballast_mb"] == 20
    assert not book.verified("give-ballast", known)
    assert str(ballast) in book.good("give-ballast", known)
    assert book.verified("give-ballast", known)
    assert book.recovered(known)
    assert "gone already" in book.good("give-ballast", known)
    assert book.undo("give-ballast", known).returncode == 0
    assert ballast.stat().st_size == 20 * 1024 * 1024
    assert book.undo("give-ballast", known).returncode == 0, "safe where it is there"
    ballast.unlink()
    disk.fill("full", 1000)
    assert book.undo("give-ballast", known).returncode == 1
    assert not ballast.exists()


def test_ballast_elsewhere_or_behind_a_link_is_none(book: Shelled, disks: Disks, tmp_path: Path) -> None:
    disk, other = disks.tmpfs(), disks.tmpfs()
    foreign = other.fill("ballast", 4)
    (disk.at / "ballast").symlink_to(foreign)
    for ballast in ("ballast", str(foreign)):
        known = values(disk, ballast=ballast)
        book.good("spare", known)
        assert known["ballast_mb"] == 0
        assert book.run("give-ballast", known).returncode == 1
    assert foreign.exists()


def test_reserved_blocks_are_told_from_large_files_and_lowered(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4(reserved=40)
    for number in range(36):
        disk.fill(f"small{number}", 0.5)
    disk.at.chmod(0o777)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    fill = subprocess.run(
        [*user, "dd", "if=/dev/zero", f"of={disk.at}/users", "bs=64k"], capture_output=True, check=False
    )
    assert fill.returncode != 0
    known = values(disk, write_as="nobody")
    causes = diagnose(book, known)
    assert "reserved" in causes
    assert int(known["free_mb"]) == 0
    assert int(known["reserved_mb"]) > 15
    assert not book.recovered(known)
    book.good("reserve", known)
    before = known["reserved_blocks"]
    assert not book.verified("lower-reserve", known)
    book.good("lower-reserve", known)
    assert book.verified("lower-reserve", known)
    assert book.recovered(known)
    assert book.undo("lower-reserve", known).returncode == 0
    book.good("reserve", known)
    assert known["reserved_blocks"] == before


def test_wal_container_logs_and_the_journal_are_known_by_their_names(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=64m")
    for folder in ("lib/containers/" + "ab" * 32, "pg_wal", "log/journal/" + "0f" * 16):
        (disk.at / folder).mkdir(parents=True)
    disk.fill(f"lib/containers/{'ab' * 32}/{'ab' * 32}-json.log", 20)
    disk.fill("pg_wal/000000010000000000000001", 16)
    disk.fill(f"log/journal/{'0f' * 16}/system.journal", 8)
    disk.fill("rest", 1000)
    disk.fill("more", 1000)
    known = values(disk)
    assert diagnose(book, known) == {"wal", "container-logs", "journal", "large-files"}
    assert (known["wal_mb"], known["docker_log_mb"], known["journal_mb"]) == (16, 20, 8)
    assert known["large_count"] == 1


def test_room_beneath_a_mount_point_is_reported_as_missing(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    (disk.at / "data").mkdir()
    for number in range(110):
        disk.fill(f"data/hidden{number}", 0.5)
    subprocess.run(["mount", "-t", "tmpfs", "x", disk.at / "data"], check=True)
    try:
        known = values(disk)
        assert diagnose(book, known) == {"unaccounted"}
        assert int(known["missing_mb"]) >= 50
    finally:
        subprocess.run(["umount", disk.at / "data"], check=True)


def test_a_filesystem_that_is_read_only_is_not_taken_for_full(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    known = values(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk.at], check=True)
    assert present(book, known) == {"read-only"}
    assert diagnose(book, known) == {"not-writable"}
    assert not book.recovered(known)


# --- odd names and odd places -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b", "new\nline", 'it\'s "so" $(touch x) `y` \\', " ends \n", "ü*?[a]"])
def test_a_mount_point_may_have_any_name(book: Shelled, disks: Disks, name: str) -> None:
    disk = disks.tmpfs("size=16m", name)
    log = disk.fill("log", 8)
    large = disk.fill("large", 1000)
    disks.hold(log)
    log.unlink()
    known = values(disk)
    assert diagnose(book, known) == {"held-open", "large-files"}
    known |= {"files_pick": str(large)}
    book.good("files-chosen", known)
    book.good("remove-files", known)
    assert not large.exists()
    assert os.listdir(disk.at) == []


def test_a_folder_stands_for_the_filesystem_that_holds_it(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m")
    large = disk.fill("large", 1000)
    (disk.at / "deep" / "folder").mkdir(parents=True)
    known = values(Disk(disk.at / "deep" / "folder"))
    assert diagnose(book, known) == {"large-files"}
    assert f"{large.stat().st_ino}  " in str(known["large_files"])


def test_a_file_that_a_bind_mount_shows_twice_counts_once(book: Shelled, disks: Disks) -> None:
    disk = disks.ext4()
    (disk.at / "data").mkdir()
    (disk.at / "again").mkdir()
    disk.fill("data/large", 30)
    disk.fill("data/more", 1000)
    subprocess.run(["mount", "--bind", disk.at / "data", disk.at / "again"], check=True)
    try:
        known = values(disk)
        assert diagnose(book, known) == {"large-files"}
        assert known["large_count"] == 2
    finally:
        subprocess.run(["umount", disk.at / "again"], check=True)


def test_a_filesystem_without_a_number_of_inodes(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m,nr_inodes=0")
    known = values(disk)
    assert diagnose(book, known) == set()
    assert known["inodes_used"] == 0
    assert book.recovered(known)


def test_another_user_sees_its_own_files_and_what_it_cannot_see(book: Shelled, disks: Disks) -> None:
    require_root("become another user")
    setpriv = require("setpriv", "util-linux")
    disk = disks.tmpfs("size=16m,mode=1777")
    known = values(disk)
    step = book.step("held")
    assert isinstance(step.action, Run)
    busybox = shutil.which("busybox") if "applets" in book.path else None
    argv = [busybox, "sh"] if busybox else list(book.argv)
    done = subprocess.run(
        [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", *argv],
        input=Script(step.action.script, (("mount", known["mount"]),)).raw(),
        text=True,
        capture_output=True,
        check=False,
        timeout=LIMIT,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    assert "not seen: the files of" in done.stdout
    assert "held_mb=0" in done.stdout


def test_growth_is_told_in_minutes(book: Shelled, disks: Disks) -> None:
    known = values(disks.tmpfs())
    book.good("slope", known)
    assert (known["grown_kb"], known["minutes_left"]) == (0, 999999)


# --- the text ---------------------------------------------------------------------------------------------------


def test_shellcheck_finds_nothing() -> None:
    shellcheck = require("shellcheck", "shellcheck")
    runbook = load("disk-full")
    checks = [("recovered", runbook.recovered)] + [(step.id, step.verify) for step in runbook.steps()]
    runs = [(name, check.run) for name, check in checks if check is not None]
    runs += [(step.id, step.action) for step in runbook.steps() if isinstance(step.action, Run)]
    runs += [(step.id, step.undo.action) for step in runbook.steps() if step.undo and isinstance(step.undo.action, Run)]
    for name, run in runs:
        raw = Script(run.script, tuple((value, "x y") for value in sorted(run.reads))).raw()
        done = subprocess.run([shellcheck, "-s", "sh", "-"], input=raw, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}\n{done.stdout}"
