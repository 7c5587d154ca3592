"""What keeps the applications from a database or a Redis that runs: each branch executed, red before and green after.

Servers are real, and so is what is wrong with them: one that replays for long, one with all connections taken, one that is frozen.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.case import Case
from tests.runbooks.stacks import Done, Stack, stack
from tests.runbooks.test_apps_database import NAMES, UP, data

AS_USER = {"as-a-user": "done"}
STARTS = {"wiki": {"start-app": "run"}, "nocode": {"start-backend": "run", "start-workers": "run"}}
NEEDS_PERSON = 7
MOST = 100
"""More connections than the server has."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Callable[[str], Stack]]:
    """One of each, made when it is first wanted; whoever breaks it mends it."""
    with ExitStack() as standing:
        known = dict[str, Stack]()

        def give(kind: str) -> Stack:
            if kind not in known:
                known[kind] = standing.enter_context(stack(kind))
            return known[kind]

        yield give


@pytest.fixture(params=["wiki", "nocode"])
def made(shared: Callable[[str], Stack], request: pytest.FixtureRequest) -> Iterator[Stack]:
    one = shared(request.param)
    yield one
    one.good()


@pytest.fixture
def wiki(shared: Callable[[str], Stack]) -> Iterator[Stack]:
    one = shared("wiki")
    yield one
    one.good()


def begun(case: Case, step: str) -> bool:
    with suppress(FileNotFoundError, json.JSONDecodeError):
        for journal in case.journals():
            records = [json.loads(line) for line in journal.read_text().splitlines()]
            if any(one["kind"] == "step.intent" and one["data"]["step"] == step for one in records):
                return True
    return False


@contextmanager
def once_begun(case: Case, step: str, do: Callable[[], object]) -> Iterator[None]:
    """Do something as soon as a run has begun a step; at the latest when it is over."""
    over = threading.Event()

    def watch() -> None:
        while not begun(case, step) and not over.wait(0.2):
            pass
        do()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def by_hand(
    made: Stack, case: Case, cause: str, mends: Callable[[], object], answers: Mapping[str, str], **values: str
) -> Done:
    """The runbook comes to what a person has to do, who does it, and goes on; nothing is changed before."""
    done = made.run(case, {}, values=values)
    assert (done.exit, done.causes(), done.proofs()) == (NEEDS_PERSON, {cause}, [False]), done.ran.stderr
    mends()
    again = made.command(case, {**answers, **AS_USER}, "run.resume", done.run)
    assert (again.exit, again.proofs()[-1:]) == (0, [True]), again.ran.stderr
    return again


def user(made: Stack) -> str:
    return NAMES[made.kind][0]


def pid_of(made: Stack, service: str) -> str:
    return made.sh(f"docker_ inspect -f '{{{{.State.Pid}}}}' {made.kind}-{service}-1").strip()


REPLAYS = """
compose stop db
touch {0}/recovery.signal hold
printf "restore_command = 'while [ -e %s/hold ]; do sleep 0.1; done; false'\\n" "$sandbox" >>{0}/postgresql.conf
chown -R --reference={0}/base {0}
chmod 711 "$sandbox"
compose start db
stack_wait 60 sh -c '"$1" exec {1}-db-1 psql -U {2} -c "select 1" 2>&1 | grep -q "starting up"' sh "$sandbox/bin/docker"
"""


def test_a_server_that_replays_for_long_is_waited_for(made: Stack, case: Case) -> None:
    made.sh(REPLAYS.format(data(made), made.kind, user(made)))
    with once_begun(case, "wait-for-db", (made.sandbox / "hold").unlink):
        done = made.run(case, {**STARTS[made.kind], **AS_USER})
    made.sh(f"sed -i /restore_command/d {data(made)}/postgresql.conf; {UP}")
    assert (done.exit, done.causes(), done.proofs()) == (0, {"db-starting"}, [False, True]), done.ran.stderr
    assert "wait-for-db" in done.results("ok")
    assert "restart-db" not in done.changed()


@contextmanager
def crowd(path: str, name: str) -> Iterator[ExitStack]:
    """Take every connection of a server, as a client does that never gives one back."""
    words = f"user\0{name}\0database\0{name}\0\0".encode()
    with ExitStack() as held:
        for _ in range(MOST):
            line = held.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(path)
            line.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
            if line.recv(1) == b"E":  # an error: it is full
                break
        else:
            raise AssertionError("there is room for more")
        yield held


def test_a_server_whose_connections_are_all_taken_is_left_alone(made: Stack, case: Case) -> None:
    (door,) = Path(f"{made.sandbox}/docker/net").glob(".s.PGSQL.*[0-9]")
    with crowd(str(door), user(made)) as held:

        def leaves() -> None:
            held.close()
            made.sh(UP)

        again = by_hand(made, case, "db-crowded", leaves, {"crowd": "done", **STARTS[made.kind]})
    assert "restart-db" not in again.changed()


@contextmanager
def locked(made: Stack) -> Iterator[subprocess.Popen[str]]:
    """Take every lock that the server has room for, as one session over very many tables does."""
    words = ["psql", "-X", "-h", made.values["pg_host"], "-p", made.values["pg_port"], "-U", user(made), user(made)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as client:
        assert client.stdin
        assert client.stdout
        try:
            # What it took before it was refused stays with the session.
            client.stdin.write("SELECT pg_advisory_lock(g) FROM generate_series(1, 10000000) g;\n")
            client.stdin.flush()
            assert "out of shared memory" in client.stdout.readline()
            yield client
        finally:
            client.stdin.close()
            client.wait(timeout=30)


def test_a_server_without_room_for_one_more_lock_is_left_alone(made: Stack, case: Case) -> None:
    with locked(made) as client:

        def leaves() -> None:
            assert client.stdin
            client.stdin.close()
            made.sh(UP)

        again = by_hand(made, case, "locks-exhausted", leaves, {"more-locks": "done", **STARTS[made.kind]})
    assert "restart-db" not in again.changed()


GREEDY = """
echo "CREATE FUNCTION greedy() RETURNS event_trigger LANGUAGE plpgsql AS
 'BEGIN PERFORM pg_advisory_xact_lock(g) FROM generate_series(1, 10000000) g; END';
 CREATE EVENT TRIGGER greedy ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION greedy();" |
  psql_db -q -U docmost -d docmost
sed -i 's/docmost:0[.]20[.]4/docmost:0.21.0/' stack/compose.yaml; compose up -d docmost
stack_wait 60 sh -c '"$1" compose -f "$2" logs docmost </dev/null | grep -q "Failed to run database migration"' sh \
  "$sandbox/bin/docker" "$sandbox/stack/compose.yaml"
"""


def test_a_migration_that_needs_more_locks_is_no_reason_to_go_back(case: Case) -> None:
    with stack("wiki") as own:
        own.sh(GREEDY)
        more = "echo 'DROP EVENT TRIGGER greedy' | psql_db -q -U docmost -d docmost"
        words = {"more-locks": "done", "start-app": "run"}
        again = by_hand(own, case, "locks-exhausted", lambda: own.sh(more), words)
        assert not {"image-back", "restart-db"} & set(again.changed())
        own.sh("stack_wait 60 wiki_healthy")


def test_a_frozen_server_is_restarted(made: Stack, case: Case) -> None:
    """What the application said before, when there was no room for a lock, is no word on a server that says nothing."""
    with locked(made):
        made.sh(f"{made.kind}_healthy || :")
    frozen = pid_of(made, "db")
    made.sh(f"kill -STOP {frozen}")
    with once_begun(case, "restart-db", lambda: made.sh(f"kill -CONT {frozen}")):
        done = made.run(case, {"restart-db": "run", **STARTS[made.kind], **AS_USER})
    assert (done.exit, done.causes(), done.proofs()) == (0, {"db-silent"}, [False, True]), done.ran.stderr
    assert done.changed()[0] == "restart-db"


def test_a_frozen_redis_is_looked_at_by_a_person(made: Stack, case: Case) -> None:
    frozen = pid_of(made, "redis")
    made.sh(f"kill -STOP {frozen}")
    words = {"redis-look": "done", **STARTS[made.kind]}
    again = by_hand(made, case, "redis-silent", lambda: made.sh(f"kill -CONT {frozen}"), words)
    assert again.changed() == []


TWIN = """
cp -p stack/compose.yaml compose.before
sed -i 's#^volumes:#  twin:\\n    container_name: {0}-twin-1\\n    image: postgres:15\\n    environment:\\n      POSTGRES_USER: twin\\n\
      POSTGRES_PASSWORD: twin\\n    volumes:\\n      - {1}:/var/lib/postgresql/other\\nvolumes:#' stack/compose.yaml
sed -i "s/}}/, \\"twin\\": $(free_port)}}/" docker/ports.json
compose up -d twin
stack_wait 60 sh -c '"$1" logs {0}-twin-1 2>&1 | grep -q "ready to accept connections"' sh "$sandbox/bin/docker"
"""
RENAMED = """
psql_db -q -U {0} -d template1 -c 'ALTER DATABASE "{1}" ALLOW_CONNECTIONS false' \
  -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{1}'" \
  -c 'ALTER DATABASE "{1}" RENAME TO "{2}"' -c 'ALTER DATABASE "{2}" ALLOW_CONNECTIONS true' </dev/null
"""


def test_where_another_server_has_the_folder_nothing_is_done_before_a_person_ended_it(made: Stack, case: Case) -> None:
    name = user(made)
    made.sh(TWIN.format(made.kind, NAMES[made.kind][1].partition("_")[2]) + RENAMED.format(name, name, "aside"))
    try:
        told = made.run(case, {"decide-damage": "done", "db-damage/one-server": "failed"})
    finally:
        made.sh("compose rm -fs twin; cat compose.before >stack/compose.yaml")
    after = made.run(case, {"decide-damage": "done"})
    made.sh(RENAMED.format(name, "aside", name))
    assert (told.exit, told.causes(), told.causes("db-damage/")) == (4, {"db-gone"}, {"two-servers"}), told.ran.stderr
    assert told.changed() == []
    assert "db-damage/one-server" in told.results("failed")
    assert (after.exit, after.causes("db-damage/")) == (NEEDS_PERSON, {"gone"}), after.ran.stderr


def test_a_redis_that_the_wiki_does_not_find(wiki: Stack, case: Case) -> None:
    wiki.sh(
        """cp -p stack/compose.yaml yaml; sed -i 's#redis://redis:6379#redis://rediss:6379#' stack/compose.yaml
        compose up -d docmost
        stack_wait 60 sh -c 'curl -s "$1/api/health" | grep -q "redis.*down"' sh "$(stack_url)" """
    )
    words = {"right-address": "done", "apply-environment": "run"}
    again = by_hand(wiki, case, "redis-unreachable", lambda: wiki.sh("cat yaml >stack/compose.yaml"), words)
    assert again.changed() == ["apply-environment"]


@pytest.fixture
def upgraded() -> Iterator[Stack]:
    """A stack of its own, which is on the new image afterwards."""
    with stack("nocode") as one:
        yield one
        one.good()


UPGRADE = "sed -i 's/backend:1[.]30[.]1/backend:1.31.0/' stack/compose.yaml; compose up -d backend"


def test_a_migration_at_work_comes_to_its_end(upgraded: Stack, case: Case) -> None:
    upgraded.sh(
        f"""nocode_session migrator baserow "BEGIN; SELECT pg_advisory_xact_lock(123456);"
        stack_wait 60 nocode_locked
        nocode_session writer baserow "BEGIN; INSERT INTO database_table_1 (name) VALUES ('migrated');"
        {UPGRADE}
        stack_wait 60 nocode_waits"""
    )
    again = by_hand(
        upgraded,
        case,
        "migration-running",
        lambda: upgraded.sh("stop writer; stop migrator; stack_wait 60 nocode_healthy"),
        {"let-it-migrate": "done"},
        lock_idle="1",
    )
    assert again.changed() == []
