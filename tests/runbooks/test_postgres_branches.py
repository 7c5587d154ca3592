"""What no drill reaches of the runbooks for PostgreSQL: failing disks, servers in each other's way, units, tablespaces, no room."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.shell import Plain
from tests.needs import lacking, require, require_root
from tests.runbooks.clusters import Cluster, diagnose, looks, make
from tests.runbooks.conftest import LIMIT, MB, SHELLS, Disks, Shelled, shelled

__all__ = ["make"]

Make = Callable[..., Cluster]
BOOK = "postgres-corrupted"


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def first(book: Shelled, folder: Path) -> Shelled:
    """Find the programs of a folder before all others."""
    return replace(book, path=f"{folder}:{book.path}")


# --- the disk ---------------------------------------------------------------------------------------------------


def partition(disks: Disks) -> tuple[str, Path]:
    """A filesystem on a partition of a loop device: the device's name, and where it is mounted."""
    require_root("mount a filesystem")
    tools = {name: require(name, package) for name, package in (("mkfs.ext4", "e2fsprogs"), ("addpart", "util-linux"))}
    if not Path("/dev/loop-control").exists():
        lacking("there are no loop devices here")
    image, at = disks.folder / "image", disks.folder / "at"
    with image.open("wb") as out:
        out.truncate(24 * MB)
    at.mkdir()
    run = lambda *words: subprocess.run(words, check=True, timeout=LIMIT, capture_output=True, text=True).stdout  # noqa: E731
    device = run("losetup", "-f", "--show", str(image)).strip()
    disks.stack.callback(run, "losetup", "-d", device)
    run(tools["addpart"], device, "1", "2048", "40960")
    disks.stack.callback(run, "delpart", device, "1")
    if not Path(f"{device}p1").exists():
        lacking("the kernel makes no node for a partition here")
    run(tools["mkfs.ext4"], "-q", "-F", f"{device}p1")
    run("mount", f"{device}p1", str(at))
    disks.stack.callback(run, "umount", "-l", str(at))
    return device.removeprefix("/dev/"), at


@pytest.mark.parametrize("shell", SHELLS)
def test_a_disk_that_fails_is_told_by_its_own_name_and_that_of_its_partition(
    disks: Disks, applets: Path, tmp_path: Path, shell: str
) -> None:
    name, at = partition(disks)
    book = first(shelled(BOOK, shell, applets), tmp_path)
    said = {
        f"[7.1] I/O error, dev {name}, sector 1234 op 0x0:(READ) flags 0x0": 1,
        f"[7.1] EXT4-fs error (device {name}p1): ext4_find_entry:1234: inode #2: comm ls": 1,
        f"[7.1] sd 0:0:0:0: [{name}] Add. Sense: Unrecovered read error - Medium Error": 1,
        f"[7.1] I/O error, dev {name}9, sector 1234 op 0x0:(READ)": 0,
        "[7.1] I/O error, dev sdzz, sector 1234 op 0x0:(READ)": 0,
        f"[7.1] {name}: detected capacity change from 0 to 49152": 0,
    }
    for line, errors in said.items():
        program(tmp_path, "dmesg", f"echo '{line}'")
        known: dict[str, Plain] = {"pg_data": str(at)}
        book.good("disk", known)
        assert (known["io_errors"], known["disk"]) == (errors, f"{name}p1"), line
    program(tmp_path, "dmesg", "exit 1")
    known = {"pg_data": str(at)}
    book.good("disk", known)
    assert known["io_errors"] == 0
    assert "may not be read" in str(known["disk"])


# --- servers that do not start ----------------------------------------------------------------------------------


def test_another_server_on_its_socket_keeps_it_from_starting(make: Make, applets: Path) -> None:
    other = make()
    cluster = make(
        f"""
        pg_stop
        echo "unix_socket_directories = '$pg_socket, {other.sandbox}/pg/run'" >>"$pg_data/postgresql.conf"
        if pg_start; then exit 1; fi
        """
    )
    looks(BOOK, cluster, applets, {"not-started"}, {"no-answer"})


def test_a_process_of_the_last_server_keeps_it_from_starting(make: Make, applets: Path) -> None:
    cluster = make(
        """
        pid=$(head -n 1 "$pg_data/postmaster.pid")
        child=$(cut -d ' ' -f 1 "/proc/$pid/task/$pid/children")
        trap 'kill -9 "$child"' EXIT
        kill -STOP "$child"
        kill -9 "$pid"
        echo "$child" >"$sandbox/child"
        wait_for 10 test ! -e "/proc/$pid"
        if pg_start; then exit 1; fi
        trap - EXIT
        """
    )
    child = int((cluster.sandbox / "child").read_text())
    try:
        looks(BOOK, cluster, applets, {"not-started"}, {"no-answer"})
    finally:
        os.kill(child, signal.SIGKILL)


def test_one_that_replays_its_log_is_left_to_it(make: Make, applets: Path) -> None:
    cluster = make(
        """
        pg_stop
        : >"$pg_data/standby.signal"
        own "$pg_data/standby.signal"
        echo "hot_standby = off" >>"$pg_data/postgresql.conf"
        "$sandbox/bin/pg_ctl" start -s -W -D "$pg_data" -l "$sandbox/pg/log"
        rejects() { "$sandbox/bin/pg_isready" -q -h "$pg_socket" || [ "$?" = 1 ]; }
        wait_for 10 rejects
        """
    )
    looks(BOOK, cluster, applets, {"recovering"}, {"no-answer"})


def test_one_without_room_for_its_log_is_told(make: Make, applets: Path) -> None:
    require_root("mount a filesystem")
    cluster = make(
        """
        pg_kill
        mount_tmpfs 64m 200 "$sandbox/wal"
        mv "$pg_data/pg_wal" "$sandbox/wal/pg_wal"
        ln -s "$sandbox/wal/pg_wal" "$pg_data/pg_wal"
        free=$(stat -f -c %a "$sandbox/wal")
        dd if=/dev/zero of="$sandbox/wal/other" bs=4096 count=$((free - 1000)) 2>/dev/null
        """
    )
    looks(BOOK, cluster, applets, {"no-room"}, {"no-answer"})


# --- units and tablespaces --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_a_server_of_a_unit_is_stopped_and_started_by_it_alone(
    make: Make, applets: Path, tmp_path: Path, shell: str
) -> None:
    cluster = make()
    control = f'"{cluster.sandbox}/bin/pg_ctl" -s -w -D "{cluster.sandbox}/pg/data"'
    program(
        tmp_path,
        "systemctl",
        f'echo "$*" >>"{tmp_path}/asked"\n[ "$2" = postgresql@15-main ] || exit 5\n'
        f"case $1 in\n  stop) {control} -m fast stop ;;\n"
        f'  start) {control} -l "{cluster.sandbox}/pg/log" start </dev/null ;;\n  *) exit 1 ;;\nesac',
    )
    book = first(shelled(BOOK, shell, applets), tmp_path)
    known = {**cluster.values(BOOK), "unit": "postgresql@15-main"}
    assert not book.verified("stop", known)
    book.good("stop", known)
    assert book.verified("stop", known)
    assert book.undo("stop", known).returncode == 0
    assert book.verified("start", known)
    assert book.undo("start", known).returncode == 0
    assert not book.verified("start", known)
    book.good("start", known)
    assert book.verified("start", known)
    said = (tmp_path / "asked").read_text().split("\n")
    assert said == [f"{word} postgresql@15-main" for word in ("stop", "start", "stop", "start")] + [""]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_copy_has_the_tablespaces_and_the_log_files_that_lie_elsewhere(make: Make, applets: Path, shell: str) -> None:
    cluster = make(
        """
        pg_folder "$sandbox/space"
        pg_sql wiki -c "create tablespace slow location '$sandbox/space'"
        pg_sql wiki -c "create table archived tablespace slow as select n, repeat('x', 100) from generate_series(1, 20000) n"
        pg_stop
        mv "$pg_data/pg_wal" "$sandbox/pg/elsewhere"
        ln -s "$sandbox/pg/elsewhere" "$pg_data/pg_wal"
        """
    )
    book, known = shelled(BOOK, shell, applets), cluster.values(BOOK)
    book.good("server", known)
    book.good("copy", known)
    assert book.verified("copy", known)
    (copy,) = (cluster.sandbox / "copy").iterdir()
    assert copy.name == f"pg-{known['system_id']}"
    (space,) = copy.glob("tablespace-*")
    sizes = {file.relative_to(space): file.stat().st_size for file in space.rglob("*") if file.is_file()}
    held = cluster.sandbox / "space"
    assert sizes == {file.relative_to(held): file.stat().st_size for file in held.rglob("*") if file.is_file()}
    assert sum(sizes.values()) > 2 * MB
    assert len(list((copy / "pg_wal").glob("0000*"))) == len(list((cluster.sandbox / "pg/elsewhere").glob("0000*"))) > 0
    # The way back: what was copied starts, and has all of it.
    way_back = """
    mv "$pg_data" "$sandbox/pg/aside"
    rm -r "$sandbox/space" "$sandbox/pg/elsewhere"
    for copy in "$sandbox"/copy/*; do :; done
    cp -a "$copy/data" "$pg_data"
    cp -a "$copy/pg_wal" "$sandbox/pg/elsewhere"
    for one in "$copy"/tablespace-*; do cp -a "$one" "$sandbox/space"; done
    pg_start
    pg_sql wiki -c "select count(*) from archived"
    pg_kept wiki
    """
    assert cluster.sh(way_back).split("\n")[0] == "20000"


def test_a_copy_needs_room_first(make: Make, applets: Path, disks: Disks) -> None:
    cluster, disk = make("pg_stop"), disks.tmpfs("size=1m")
    book, known = shelled(BOOK, "dash", applets), cluster.values(BOOK)
    known["copy_folder"] = str(disk.at)
    book.good("server", known)
    done = book.run("copy", known)
    assert (done.returncode, "no room" in done.stderr) == (1, True), done.stderr
    assert list(disk.at.iterdir()) == [], "nothing is left of the attempt"


# --- restore-from-backup ----------------------------------------------------------------------------------------

GONE = 'pg_sql wiki -c "drop table attachments"\n'


def test_a_restore_needs_room_first(make: Make, applets: Path, disks: Disks) -> None:
    cluster, disk = make(GONE), disks.tmpfs("size=1m")
    book, known = shelled("restore-from-backup", "dash", applets), cluster.values("restore-from-backup")
    assert diagnose(book, known) == {"missing"}
    known["data_dir"] = str(disk.at)
    done = book.run("load", known)
    assert (done.returncode, "no room" in done.stderr) == (1, True), done.stderr
    assert cluster.sh("pg_sql postgres -c \"select count(*) from pg_database where datname like 'wiki_%'\"") == "0\n"


@pytest.mark.parametrize("left", ["wiki_restored", "wiki_before_restore"])
def test_what_an_earlier_restore_left_is_not_written_over(make: Make, applets: Path, left: str) -> None:
    cluster = make(f'{GONE}pg_sql postgres -c "create database {left}"')
    book, known = shelled("restore-from-backup", "dash", applets), cluster.values("restore-from-backup")
    diagnose(book, known)
    assert known["in_the_way"] == left


def test_a_dump_that_names_its_own_database_is_not_loaded(make: Make, applets: Path) -> None:
    cluster = make(
        """
        rm "$sandbox"/backup/*
        "$sandbox/bin/pg_dump" -C -h "$pg_socket" -U postgres -f "$sandbox/backup/wiki.sql" wiki
        pg_sql wiki -c "drop table attachments"
        """
    )
    book, known = shelled("restore-from-backup", "dash", applets), cluster.values("restore-from-backup")
    assert diagnose(book, known) == {"missing"}
    done = book.run("load", known)
    assert (done.returncode, "names its own database" in done.stderr) == (1, True), done.stderr
