"""The runbooks for PostgreSQL on clusters that are really damaged: what is found under three shells, and what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runbooks.clusters import Cluster, diagnose, looks, make
from tests.runbooks.conftest import SHELLS, shelled

__all__ = ["make"]

FLIP_SLUG = """
file=$(pg_block wiki pages_slug)
slug=$(pg_sql wiki -c "select slug from pages where id = 100")
pg_stop
pg_flip "$file" $(($(pg_find "$file" "$slug") + 8))
pg_start
"""
LONG_VALUE = """
pg_sql wiki -c "alter table pages alter body set storage external" -c checkpoint
pg_sql wiki -c "insert into pages values (5001, 'long', 'long', repeat('abcdefgh', 2000), now())" -c checkpoint
toast=$(pg_sql wiki -c "select reltoastrelid::regclass from pg_class where relname = 'pages'")
"""


def flip(relation: str, offset: int) -> str:
    return f'file=$(pg_block wiki {relation}); pg_stop; pg_flip "$file" {offset}; pg_start\n'


# --- postgres-corrupted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sums", ["checksums", "plain"])
def test_a_whole_cluster_has_no_symptom_and_no_cause(make: Callable[..., Cluster], applets: Path, sums: str) -> None:
    looks("postgres-corrupted", make(sums=sums), applets, set(), set(), recovered=True)


@pytest.mark.parametrize(
    ("sums", "fault", "cause", "dumps"),
    [
        ("checksums", flip("pages", 40000), "table-damaged", False),
        ("checksums", flip("pages_slug", 20000), "index-damaged", True),
        ("checksums", flip("pg_description_o_c_o_index", 9000), "catalog-damaged", True),
        ("checksums", flip("pg_class", 4000), "catalog-damaged", False),
        ("checksums", LONG_VALUE + flip("$toast", 3000), "table-damaged", False),
        ("plain", FLIP_SLUG, "index-damaged", True),
        ("plain", 'pg_sql wiki -c "drop extension amcheck"', "not-checked", True),
    ],
)
def test_damage_is_told_by_kind(
    make: Callable[..., Cluster], applets: Path, sums: str, fault: str, cause: str, *, dumps: bool
) -> None:
    seen = set() if dumps else {"dump-fails"}
    looks("postgres-corrupted", make(fault, sums), applets, {cause}, seen, recovered=cause == "not-checked")


def test_a_row_that_vanished_is_known_to_its_index(make: Callable[..., Cluster], applets: Path) -> None:
    cluster = make(
        """
        file=$(pg_block wiki pages)
        pg_stop
        dd if=/dev/zero of="$file" bs=1 count=4 seek=$((8192 * 3 + 24)) conv=notrunc 2>/dev/null
        pg_start
        """,
        "plain",
    )
    looks("postgres-corrupted", cluster, applets, {"rows-lost"}, set())


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("pg_stop", "stopped"),
        ("pg_kill", "crashed"),
        ('pg_stop; rm -f "$pg_data"/pg_wal/0*; pg_start || :', "no-checkpoint"),
        ('pg_stop; chmod 755 "$pg_data"; pg_start || :', "not-started"),
    ],
)
def test_why_it_is_down_is_told_apart(make: Callable[..., Cluster], applets: Path, fault: str, cause: str) -> None:
    looks("postgres-corrupted", make(fault), applets, {cause}, {"no-answer"})


def test_another_folder_than_the_servers_is_refused(make: Callable[..., Cluster], applets: Path) -> None:
    one, other = make(), make("pg_stop")
    book = shelled("postgres-corrupted", "dash", applets)
    known = {**one.values("postgres-corrupted"), "pg_data": f"{other.sandbox}/pg/data"}
    done = book.run("server", known)
    assert done.returncode != 0
    assert "identifier" in done.stderr


def test_a_copy_is_made_of_a_stopped_server_only_and_never_twice(make: Callable[..., Cluster], applets: Path) -> None:
    cluster = make()
    book = shelled("postgres-corrupted", "dash", applets)
    known = cluster.values("postgres-corrupted")
    book.good("server", known)
    assert "the server runs" in book.run("copy", known).stderr
    cluster.sh("pg_stop")
    assert not book.verified("copy", known)
    book.good("copy", known)
    assert book.verified("copy", known)
    assert "stands there already" in book.run("copy", known).stderr
    assert book.verified("copy", known)


# --- restore-from-backup ----------------------------------------------------------------------------------------

GONE = 'pg_sql wiki -c "drop table attachments"\n'
CUT = 'pg_backup wiki-new 5; truncate -s 70000 "$sandbox/backup/wiki-new.dump"; touch "$sandbox/backup/wiki-new.dump"\n'
PLAIN = (
    '"$sandbox/bin/pg_restore" -f - "$sandbox/backup/wiki-daily.dump" | gzip >"$sandbox/backup/wiki.sql.gz"; '
    'rm "$sandbox"/backup/*.dump\n'
)


@pytest.mark.parametrize(
    ("fault", "causes", "recovered"),
    [
        ("", set[str](), True),
        (GONE, {"missing"}, False),
        ('pg_sql wiki -c "truncate attachments"', {"missing"}, False),
        ('pg_sql postgres -c "drop database wiki"', {"missing"}, False),
        (flip("pages", 40000), {"unreadable"}, False),
        (CUT, {"newest-bad"}, True),
        (GONE + CUT, {"missing", "newest-bad"}, False),
        ('printf x >>"$sandbox/backup/wiki-daily.dump"', {"newest-bad", "none-good"}, False),
        ('rm "$sandbox"/backup/*', {"none-good"}, False),
        (GONE + PLAIN, {"missing"}, False),
    ],
)
def test_a_backup_is_read_to_its_end(
    make: Callable[..., Cluster], applets: Path, fault: str, causes: set[str], *, recovered: bool
) -> None:
    symptoms = {"cannot-connect"} if "drop database" in fault else set[str]()
    looks("restore-from-backup", make(fault), applets, causes, symptoms, recovered=recovered)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("form", ["", PLAIN])
def test_it_is_loaded_beside_and_switched_and_switched_back(
    make: Callable[..., Cluster], applets: Path, shell: str, form: str
) -> None:
    cluster = make(GONE + form)
    book, known = shelled("restore-from-backup", shell, applets), cluster.values("restore-from-backup")
    diagnose(book, known)
    for step in ("freeze", "load"):
        assert not book.verified(step, known)
        book.good(step, known)
        assert book.verified(step, known)
    assert not book.recovered(known)
    book.good("compare", known)
    assert "public.attachments  missing -> 2000" in str(known["comparison"])
    assert not book.verified("switch", known)
    book.good("switch", known)
    assert book.verified("switch", known)
    assert book.recovered(known)
    cluster.sh("pg_check; pg_kept wiki")
    for _ in range(2):
        for step in ("switch", "load", "freeze"):
            assert book.undo(step, known).returncode == 0
    names = cluster.sh("pg_sql postgres -c \"select datname from pg_database where datname like 'wiki%' order by 1\"")
    assert names.split() == ["wiki", "wiki_restored"], "what was written to the restored one is kept"
    assert cluster.sh('pg_sql wiki -c "show transaction_read_only"').strip() == "off"


ROLES = """
pg_sql wiki -c 'create role "Reports Q4"' -c 'create role auditor' -c 'grant select on pages to "Reports Q4", auditor'
pg_backup wiki-new 5
pg_sql wiki -c 'drop table attachments' -c 'drop owned by "Reports Q4", auditor' -c 'drop role "Reports Q4", auditor'
"""
LISTED = "pg_sql postgres -c \"select rolname, rolcanlogin from pg_roles where rolname ~ '^(Rep|aud)' order by 1\""


@pytest.mark.parametrize("shell", SHELLS)
def test_roles_that_are_missing_are_made_without_a_login(
    make: Callable[..., Cluster], applets: Path, shell: str
) -> None:
    cluster = make(ROLES)
    book, known = shelled("restore-from-backup", shell, applets), cluster.values("restore-from-backup")
    assert diagnose(book, known) == {"missing"}
    assert known["missing_roles"] == "Reports Q4\nauditor"
    assert book.run("load", known).returncode != 0, "it stops at a role that is missing"
    assert not book.verified("make-roles", known)
    assert book.undo("make-roles", known).returncode == 0
    for _ in range(2):
        book.good("make-roles", known)
        assert book.verified("make-roles", known)
    assert cluster.sh(LISTED).split("\n")[:2] == ["Reports Q4|f", "auditor|f"]
    book.good("load", known)
    assert book.undo("make-roles", known).returncode == 0
    assert cluster.sh(LISTED).count("|") == 2, "they have rights in what was loaded, so they stay"
    cluster.sh("pg_sql postgres -c 'alter role auditor login' -c \"comment on role auditor is 'of the bank'\"")
    assert book.undo("load", known).returncode == 0
    assert book.undo("make-roles", known).returncode == 0
    assert cluster.sh(LISTED) == "auditor|t\n", "what somebody else has made theirs is left alone"


def test_an_undo_drops_what_never_took_over(make: Callable[..., Cluster], applets: Path) -> None:
    cluster = make(GONE)
    book, known = shelled("restore-from-backup", "dash", applets), cluster.values("restore-from-backup")
    diagnose(book, known)
    assert book.undo("load", known).returncode == 0
    book.good("load", known)
    assert book.undo("load", known).returncode == 0
    names = cluster.sh("pg_sql postgres -c \"select datname from pg_database where datname like 'wiki%'\"")
    assert names.split() == ["wiki"]


def test_a_backup_that_changed_since_it_was_made_does_not_verify(make: Callable[..., Cluster], applets: Path) -> None:
    cluster = make(GONE + 'sed -i "s/ 4000 / 4001 /" "$sandbox/backup/wiki-daily.dump.manifest"')
    book, known = shelled("restore-from-backup", "dash", applets), cluster.values("restore-from-backup")
    diagnose(book, known)
    book.good("load", known)
    assert not book.verified("load", known)
    assert os.path.exists(f"{cluster.sandbox}/backup/wiki-daily.dump")
