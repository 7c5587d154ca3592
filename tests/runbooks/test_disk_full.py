"""disk-full on filesystems that are really full: what is found, what is ruled out, what goes, and what stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from holdpoint.document import conditions, texts
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
    known = values(disk, held_pick="all", held_files="")
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
    head, *_, last = listed.splitlines()
    assert head == "inode  size  last written  path"
    counted = f"in all {known['large_mb']} MB ({known['large_pct']} %) in 3 large files, 0 MB (0 %) of WAL,"
    assert last == f"{counted} 0 MB (0 %) of container logs, 0 MB (0 %) of the journal; the walk was whole"
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
    known = values(disk, files_pick=numbers, large_files="")
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
    known = values(disk, files_pick=", ".join(str(path.stat().st_ino) for path in paths), large_files="")
    done = book.run("files-chosen", known)
    assert (done.returncode, known["files_chosen"]) == (0, "")
    for reason in ("a database", "its WAL", "other names"):
        assert reason in done.stderr, done.stderr


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
    head, *rows = str(known["crowds"]).splitlines()
    assert head == "inode  entries  folder"
    assert [row.split("  ", 2)[2] for row in rows] == [str(crowd), str(disk.at)], (
        "the folder above is on another filesystem"
    )


def test_no_evidence_is_unknown(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs("size=32m,nr_inodes=100")
    for number in range(98):
        (disk.at / f"{number}").touch()
    known = values(disk)
    assert diagnose(book, known) == {"inodes"}
    for cause in book.runbook.causes:
        assert texts.names(cause.evidence) <= set(known), cause.id
    assert known["walk"] == "not needed"


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
    level = book.run("level-1", known)
    assert "ballast_given=true" in level.stdout, level.stderr
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


def test_a_folder_that_is_not_there_is_not_taken_for_a_healthy_one(book: Shelled) -> None:
    known: dict[str, Plain] = {"mount": "/nope", "limit": 90}
    for symptom in book.runbook.symptoms:
        done = book.run(symptom.id, known)
        assert (done.returncode, "not looked at: cannot read /nope" in done.stderr) == (2, True), done.stderr
    done = book.run("space", known)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("there is no folder /nope on this machine"), done.stderr


# --- answers that were mistyped ---------------------------------------------------------------------------------


def refused(book: Shelled, step: str, known: dict[str, Plain], naming: str) -> None:
    done = book.run(step, known)
    assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
    assert naming in done.stderr, done.stderr
    assert "nothing was picked" in done.stderr


@pytest.mark.parametrize("answer", ["{0},{1}", "{0}, {1}", "  {0} ,{1}, "])
def test_commas_part_the_numbers(book: Shelled, disks: Disks, answer: str) -> None:
    disk = disks.tmpfs()
    kept, *gone = [disk.fill(name, 3) for name in ("kept", "one", "two")]
    numbers = [path.stat().st_ino for path in gone]
    known = values(disk, files_pick=answer.format(*numbers), large_files="")
    book.good("files-chosen", known)
    assert sorted(int(line.split()[4]) for line in str(known["files_chosen"]).splitlines()) == sorted(numbers)
    for path in (kept, *gone):
        disks.hold(path)
        path.unlink()
    known = values(disk, held_pick=answer.format(*numbers), held_files="")
    book.good("held-chosen", known)
    assert sorted(int(line.split()[0]) for line in str(known["held_chosen"]).splitlines()) == sorted(numbers)


@pytest.mark.parametrize(
    ("answer", "naming"),
    [
        ("{0} x7", "not understood: x7"),
        ("the log", "not understood: the"),
        ("{0};rm *", "not understood: {0};rm"),
        ("*", "not understood: *"),
        ("{0} 999999999", "the inode 999999999"),
        ("{0} none", "not understood: none"),
        (" , ", "the answer is empty"),
    ],
)
def test_what_is_not_understood_picks_nothing(book: Shelled, disks: Disks, answer: str, naming: str) -> None:
    disk = disks.tmpfs()
    log = disk.fill("log", 3)
    number = log.stat().st_ino
    answer, naming = answer.format(number), naming.format(number)
    refused(book, "files-chosen", values(disk, files_pick=answer, large_files=""), naming)
    disks.hold(log)
    log.unlink()
    refused(book, "held-chosen", values(disk, held_pick=answer, held_files=""), naming)


def test_all_stands_alone(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    for answer in ("all 12", "12 all", "all,all"):
        refused(book, "held-chosen", values(disk, held_pick=answer, held_files="12  3 MB"), "all stands alone")


def test_what_went_since_the_list_was_made_is_said(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    log = disk.fill("log", 3)
    number = log.stat().st_ino
    known = values(disk, files_pick=f"{number} 71", large_files="71  5 MB  gone")
    assert "gone meanwhile: 71" in book.run("files-chosen", known).stderr
    assert str(known["files_chosen"]).count("remove") == 1
    known = values(disk, held_pick="71", held_files="71  5 MB  gone")
    assert "not held any more, its room is free: 71" in book.run("held-chosen", known).stderr
    assert known["held_chosen"] == ""


def test_a_path_that_cannot_go_is_refused(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    (disk.at / "link").symlink_to("/etc/passwd")
    for answer, naming in (
        ("/etc/passwd", "not on this filesystem: /etc/passwd"),
        (f"{disk.at}/nothing", "no ordinary file"),
        (f"{disk.at}/link", "no ordinary file"),
        (str(disk.at), "no ordinary file"),
    ):
        refused(book, "files-chosen", values(disk, files_pick=answer, large_files=""), naming)


def test_a_folder_that_is_not_understood_is_refused(book: Shelled, disks: Disks) -> None:
    disk = disks.tmpfs()
    folder = disk.at / "one"
    folder.mkdir()
    number = folder.stat().st_ino
    for answer, age, naming in (
        ("spool", 60, "not understood: spool"),
        (f"{number}, {number + 1}", 60, "one folder at a time"),
        (f"{number} x", 60, "not understood"),
        ("999999999", 60, "the inode 999999999"),
        (",", 60, "not understood"),
        (f"{disk.at}/nothing", 60, "there is no folder"),
        ("/proc", 60, "not on this filesystem"),
        (str(number), -5, "an age of -5 minutes"),
    ):
        refused(book, "crowd-chosen", values(disk, crowd_pick=answer, crowd_age=age), naming)
    known = values(disk, crowd_pick=f" {number}, ", crowd_age=60)
    book.good("crowd-chosen", known)
    assert known["crowd_files"] == 0


def test_a_word_that_is_none_ends_the_question(book: Shelled) -> None:
    known: dict[str, Plain] = {"used_now": 95, "inodes_now": 95, "limit": 90}
    for step, name in (
        ("held-chosen", "held_pick"),
        ("files-chosen", "files_pick"),
        ("crowd-age", "crowd_pick"),
        ("crowd-chosen", "crowd_pick"),
    ):
        when = book.step(step).when
        assert when is not None
        for answer, asked in (("none", False), (" None. ", False), ("nonesuch", True), ("12 none", True), ("7", True)):
            assert conditions.evaluate(when, {**known, name: answer}.get) is asked, (step, answer)


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
    assert done.stdout.endswith("\nin all 0 MB, 0 % of this filesystem\n")


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
