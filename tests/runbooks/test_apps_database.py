"""The databases of both applications, broken in many ways: what keeps one from answering is told apart, and led on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.case import Case
from tests.runbooks.stacks import Stack, looked, stack

UP = "stack_wait 60 stack_db_answers"
NAMES = {"wiki": ("docmost", "wiki_db_data", "pages"), "nocode": ("baserow", "nocode_pgdata", "database_table_1")}
BACKUP = 'compose exec -T db pg_dump -Fc -U {0} {0} </dev/null >"$sandbox/backup/{0}.dump"\n'
GATES = {
    "decide-damage": "done",
    "db-damage/stop-writers": "run",
    "db-damage/stop-loop": "run",
    "db-damage/programs": "run",
    "db-damage/start-writers": "run",
    "as-a-user": "done",
    **{f"db-damage/data/{step}": "done" for step in ("leave-alone", "writers", "decide", "writers-again")},
    "db-damage/data/copy": "run",
    **{f"db-damage/data/restore/{step}": "run" for step in ("freeze", "load", "switch")},
    **{f"db-damage/data/restore/{step}": "done" for step in ("writers", "users")},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[dict[str, Stack]]:
    """One of each; whoever breaks it mends it."""
    with stack("wiki") as wiki, stack("nocode") as nocode:
        yield {"wiki": wiki, "nocode": nocode}


@pytest.fixture(params=["wiki", "nocode"])
def made(shared: dict[str, Stack], request: pytest.FixtureRequest) -> Iterator[Stack]:
    one = shared[request.param]
    yield one
    one.sh(f"{UP}; stack_wait 60 {one.kind}_healthy")


def data(stack: Stack) -> str:
    return f"{stack.sandbox}/docker/volumes/{NAMES[stack.kind][1]}"


def test_a_user_that_writes_the_words_of_damage_is_no_damage(made: Stack, case: Case) -> None:
    user = NAMES[made.kind][0]
    made.sh(
        f"""psql_db -U {user} -d {user} -c "SELECT 'PANIC:  invalid page in block 3'::int" </dev/null 2>/dev/null || :
        psql_db -U {user} -d {user} -c "SELECT 'could not read block' FROM nowhere" </dev/null 2>/dev/null || :
        compose logs db | grep -q 'ERROR: .*PANIC:  invalid page'"""
    )
    looked(made.run(case, {}, "--check"))


@pytest.mark.parametrize(
    ("fault", "mend", "says"),
    [
        ("chmod 755 {0}", "chmod 700 {0}", "invalid permissions"),
        ("echo 14 >{0}/PG_VERSION", "echo 15 >{0}/PG_VERSION", "incompatible with server"),
        (
            "echo 'no_such_setting = 1' >>{0}/postgresql.conf",
            "sed -i /no_such/d {0}/postgresql.conf",
            "contains errors",
        ),
    ],
)
def test_what_keeps_it_from_starting_is_named_and_is_no_damage(
    made: Stack, case: Case, fault: str, mend: str, says: str
) -> None:
    user = NAMES[made.kind][0]
    owner = f"chown -R --reference={data(made)}/base {data(made)}"
    made.sh(f"compose stop db; {fault.format(data(made))}; {owner}; compose start db")
    made.sh(f"stack_wait 60 sh -c '{made.sandbox}/bin/docker logs {made.kind}-db-1 | grep -q \"{says}\"'")
    seen = made.run(case, {}, "--check")
    made.sh(f"{mend.format(data(made))}; {owner}; compose restart db; {UP}")
    assert says in looked(seen, "db-kept")["db-kept"], user


@pytest.fixture(params=["wiki", "nocode"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with stack(request.param) as made:
        yield made


def test_a_database_that_is_gone_comes_back_from_its_backup(fresh: Stack, case: Case) -> None:
    user = NAMES[fresh.kind][0]
    fresh.sh(
        f"{BACKUP.format(user)} psql_db -q -U {user} -d template1 -c 'DROP DATABASE {user} WITH (FORCE)' </dev/null"
    )
    done = fresh.run(case, GATES)
    assert done.exit == 0, done.ran.stderr
    assert done.causes() == {"db-gone"}
    assert (done.causes("db-damage/"), done.causes("db-damage/data/")) == ({"gone"}, {"database-gone"})
    assert done.proofs()[-1] is True
    fresh.good()


def test_a_server_without_its_log_files_is_kept_still_and_copied_and_taken_back(fresh: Stack, case: Case) -> None:
    fresh.sh(
        f"""compose kill db
        mkdir wal; mv {data(fresh)}/pg_wal/0* wal/; compose start db
        stack_wait 60 sh -c '{fresh.sandbox}/bin/docker logs {fresh.kind}-db-1 | grep -q "valid checkpoint record"'"""
    )
    done = fresh.run(case, {**GATES, "db-damage/data/lost-wal": "failed"})
    assert done.exit == 4, done.ran.stderr
    assert (done.causes(), done.causes("db-damage/data/")) == ({"db-damaged"}, {"no-checkpoint"})
    assert "db-damage/data/copy" in done.results("ok")
    (copy,) = (fresh.sandbox / "copy").glob("pg-*/data/global/pg_control")
    assert fresh.sh(f"docker_ inspect -f '{{{{.State.Status}}}}' {fresh.kind}-db-1").strip() == "exited"
    programs = fresh.sandbox / "programs"
    assert (programs / "pg_ctl").exists()
    fresh.sh(f"mv wal/* {data(fresh)}/pg_wal/")
    words = {f"db-damage/undo-{step}": "run" for step in ("programs", "stop-loop", "stop-writers")}
    words |= {"db-damage/data/undo-copy": "run", "db-damage/data/undo-writers": "done", "tell": "done"}
    back = fresh.back(case, done, words)
    assert back.exit == 5, back.ran.stderr
    assert not programs.exists()
    assert copy.exists()
    fresh.good()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"compose_file": "/nowhere/compose.yaml"}, "no such file"),
        ({"docker": "/nowhere/docker"}, "cannot be used here"),
        ({"pg_user": "nobody_knows"}, "--param pg_user=NAME"),
    ],
)
def test_what_cannot_be_looked_at_is_said_before_anything_changes(
    made: Stack, case: Case, values: dict[str, str], says: str
) -> None:
    done = made.run(case, {}, values=values)
    assert done.exit == 4, done.ran.stderr
    assert done.changed() == []
    assert says in str([result["stderr"] for result in done.results("failed").values()])


def test_a_dry_run_shows_the_way_to_the_backup_and_does_nothing(made: Stack, case: Case) -> None:
    before = made.sh(f"{made.kind}_began")
    done = made.run(case, {}, "--dry-run")
    assert done.exit == 0, done.ran.stderr
    assert {"db-damage/programs", "db-damage/data/copy", "db-damage/data/restore/switch"} <= {*done.results("skipped")}
    assert made.sh(f"{made.kind}_began") == before
