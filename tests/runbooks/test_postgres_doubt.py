"""Where the runbooks for PostgreSQL must not believe what they read: names that hold SQL, limits that look like damage, backups of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdpoint.document import conditions, values
from tests.runbooks.clusters import Cluster, diagnose, looks, make
from tests.runbooks.conftest import SHELLS, load, shelled

__all__ = ["make"]

Make = Callable[..., Cluster]
BOOK = "postgres-corrupted"

# --- names ------------------------------------------------------------------------------------------------------

ODD = r"""
pg_sql wiki <<'END'
create role mallory login;
create table "x;alter/**/role/**/mallory/**/superuser;--" (n integer);
create table "UserSettings" (n integer);
create table "my ""odd"" one" (n integer, t text);
create schema "Other One";
create table "Other One"."user" (n integer);
create table plain (n integer);
insert into "UserSettings" select generate_series(1, 5);
insert into "my ""odd"" one" select n, E'a\nCOPY b (c) FROM stdin;\n' from generate_series(1, 6) n;
insert into "Other One"."user" select generate_series(1, 7);
insert into "x;alter/**/role/**/mallory/**/superuser;--" select generate_series(1, 8);
END
"""
FORMS = {
    "dump": "pg_backup wiki-odd 5; rm $sandbox/backup/wiki-odd.dump.manifest",
    "sql": '"$sandbox/bin/pg_dump" -h "$pg_socket" -U postgres -f "$sandbox/backup/wiki.sql" wiki',
    "inserts": '"$sandbox/bin/pg_dump" --rows-per-insert=2 -h "$pg_socket" -U postgres -f "$sandbox/backup/wiki.sql" wiki',
    "manifest": """
        pg_backup wiki-odd 5
        one() { pg_sql wiki -c "select '$1 ' || count(*) || ' ' || sum(('x' || left(md5(concat(r)), 15))::bit(60)::bigint::numeric) from $2 r"; }
        {
          one 'public.\"UserSettings\"' '\"UserSettings\"'
          one 'public.my \"odd\" one' '\"my \"\"odd\"\" one\"'
          one '\"Other One\".\"user\"' '\"Other One\".\"user\"'
          one 'public.x;alter/**/role/**/mallory/**/superuser;--' '\"x;alter/**/role/**/mallory/**/superuser;--\"'
        } >"$sandbox/backup/wiki-odd.dump.manifest"
    """,
}
SUPER = "pg_sql postgres -c \"select count(*) from pg_roles where rolsuper and rolname = 'mallory'\""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_name_of_a_table_is_no_sql_and_may_hold_anything(make: Make, applets: Path, shell: str, form: str) -> None:
    cluster = make(ODD + FORMS[form])
    book, known = shelled("restore-from-backup", shell, applets), cluster.values("restore-from-backup")
    assert diagnose(book, known) == set(), known["tables"]
    assert "in the backup, 6 now: public." in str(known["tables"])
    assert str(known["tables"]).count(" now: ") == {"dump": 7, "sql": 7, "inserts": 6, "manifest": 4}[form]
    assert book.recovered(known)
    cluster.sh("pg_sql wiki -c 'drop table \"UserSettings\"'")
    assert diagnose(book, known) == {"missing"}
    assert known["missing_n"] == 1
    assert not book.recovered(known)
    book.good("load", known)
    assert book.verified("load", known)
    assert cluster.sh(SUPER) == "0\n"
    cluster.sh('pg_sql wiki_restored -c \'drop table "Other One"."user"\'')
    assert not book.verified("load", known), "a table that is not there is no green"


def test_reading_a_table_runs_nothing_that_its_owner_wrote(make: Make, applets: Path) -> None:
    cluster = make(
        """
        pg_sql wiki <<'END'
        create role mallory login;
        create function shown(pages) returns text language plpgsql as $x$ begin
          perform set_config('transaction_read_only', 'off', false); alter role mallory superuser; return 'x'; end $x$;
        create cast (pages as text) with function shown(pages);
        END
        """
    )
    for name in ("restore-from-backup", BOOK):
        book, known = shelled(name, "dash", applets), cluster.values(name)
        assert diagnose(book, known) == set()
        assert book.recovered(known)
    assert cluster.sh(SUPER) == "0\n"


# --- whose backup it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_a_plain_backup_whose_name_only_holds_that_of_the_database_is_not_taken(
    make: Make, applets: Path, shell: str
) -> None:
    cluster = make(
        """
        rm "$sandbox"/backup/*
        "$sandbox/bin/pg_dump" -h "$pg_socket" -U postgres -f "$sandbox/backup/wiki.sql" wiki
        cd "$sandbox/backup"
        for name in wiki2 wiki_staging my_wiki 2wiki; do cp wiki.sql "$name.sql"; gzip -c wiki.sql >"$name-2026.sql.gz"; done
        for name in old.wiki.sql wiki-2026.sql; do cp wiki.sql "$name"; done
        gzip <wiki.sql >nightly-wiki.sql.gz
        """
    )
    book, known = shelled("restore-from-backup", shell, applets), cluster.values("restore-from-backup")
    known["backup_folder"] = f"{cluster.sandbox}/backup"
    own = {"wiki.sql", "old.wiki.sql", "wiki-2026.sql", "nightly-wiki.sql.gz"}
    while own:
        book.good("backups", known)
        book.good("choice", known)
        good = Path(str(known["good"]))
        assert good.name in own
        good.unlink()
        own.remove(good.name)
    book.good("backups", known)
    book.good("choice", known)
    assert known["good"] == ""
    assert str(known["backups"]).count("whose?") == 8
    known["dump"] = f"{cluster.sandbox}/backup/wiki_staging.sql"
    book.good("backups", known)
    book.good("choice", known)
    assert known["good"] == known["dump"], "a person said whose it is"


@pytest.mark.parametrize("name", ["restore-from-backup", BOOK])
def test_what_psql_takes_for_the_address_of_a_server_is_no_name_of_a_database(name: str) -> None:
    (param,) = (param for param in load(name).params if param.name == "db")
    fits = {
        text: values.check(param, text) == text
        for text in ("wiki", "my wiki", "a:b", "host=evil", "postgresql://evil/wiki")
    }
    assert fits == {"wiki": True, "my wiki": True, "a:b": True, "host=evil": False, "postgresql://evil/wiki": False}


# --- what is no damage ------------------------------------------------------------------------------------------

LIMITED = "pg_sql postgres -c \"alter database wiki set statement_timeout = '1ms'\" -c \"alter database wiki set lock_timeout = '1ms'\""


def test_a_limit_of_the_database_does_not_look_like_damage(make: Make, applets: Path) -> None:
    looks(BOOK, make(LIMITED), applets, set(), set(), recovered=True)


def test_a_limit_of_the_database_does_not_look_like_unreadable_tables(make: Make, applets: Path) -> None:
    looks("restore-from-backup", make(LIMITED), applets, set(), set(), recovered=True)


CALLS = """
pg_sql wiki -c "create table counted (n integer)" -c "insert into counted values (1)" \\
  -c "create function same(integer) returns integer immutable language plpgsql as 'begin return \\$1; end'" \\
  -c "create index counted_same on counted (same(n))"
"""


def test_what_could_not_be_looked_at_is_no_damage(make: Make, applets: Path) -> None:
    cluster = make(CALLS)
    book = shelled(BOOK, "dash", applets)
    for code in ("55P03", "57014", "P0001", "53200"):
        cluster.sh(
            'pg_sql wiki -c "create or replace function same(integer) returns integer immutable language plpgsql as '
            f"'begin raise exception using errcode = ''{code}''; end'\""
        )
        known = cluster.values(BOOK)
        assert (code, diagnose(book, known)) == (code, {"not-seen"}), known["findings"]
        assert not book.recovered(known)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_right_that_is_missing_is_no_damage(make: Make, applets: Path, shell: str) -> None:
    cluster = make("pg_sql wiki -c 'create role reader login' -c 'grant pg_monitor to reader'")
    for name, whose in ((BOOK, "reader"), ("restore-from-backup", "reader"), (BOOK, "not_there")):
        book, known = shelled(name, shell, applets), cluster.values(name)
        if name == BOOK:
            book.good("server", known)
        known["pg_user"] = whose
        steps = ("scan", "kinds") if name == BOOK else ("target", "backups", "choice", "tables", "table-sums")
        for step in steps:
            book.good(step, known)
        known = {"missing_roles": "", "io_errors": 0, "down_why": "up", **known}
        found = {cause.id for cause in book.runbook.causes if conditions.evaluate(cause.when, known.get)}
        assert (name, whose, found) == (name, whose, {"not-seen"}), known
