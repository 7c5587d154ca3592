"""baserow-down on a stack that is really broken: the right cause and no other, red before, green after, and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.case import Case
from tests.runbooks.stacks import Stack, looked, repaired, stack

AS_USER = {"as-a-user": "done"}
NO_ANSWER = 'stack_wait 60 sh -c \'! curl -fsS "$1"\' sh "$(stack_url)/api/_health/"'


@pytest.fixture
def nocode() -> Iterator[Stack]:
    with stack("nocode") as made:
        yield made


@pytest.mark.parametrize(
    ("fault", "cause", "step", "left"),
    [
        ("compose pause celery", "workers-dead", "start-workers", ("celery", "paused")),
        ("compose rm -fs celery-beat-worker", "workers-dead", "start-workers", ("celery-beat-worker", "exited")),
        ("compose stop backend", "backend-stopped", "start-backend", ("backend", "exited")),
        ("compose stop redis", "redis-stopped", "start-redis", ("redis", "exited")),
    ],
)
def test_what_does_not_run_is_started_and_the_undo_leaves_it_as_it_was(
    nocode: Stack, case: Case, fault: str, cause: str, step: str, left: tuple[str, str]
) -> None:
    nocode.sh(fault)
    done = nocode.run(case, {step: "run", **AS_USER})
    repaired(done, cause, step)
    nocode.sh("nocode_kept")
    back = nocode.back(case, done, {f"undo-{step}": "run", "tell": "done"})
    assert back.exit == 5, back.ran.stderr
    service, state = left
    assert nocode.sh(f"docker_ inspect -f '{{{{.State.Status}}}}' nocode-{service}-1").strip() == state


def test_a_worker_that_hangs_is_restarted(nocode: Stack, case: Case) -> None:
    nocode.sh("docker_ stand-in hang celery")
    repaired(nocode.run(case, {"restart-silent": "run", **AS_USER}), "workers-dead", "restart-silent")


def test_a_backend_that_hangs_is_restarted(nocode: Stack, case: Case) -> None:
    nocode.sh(f"docker_ stand-in hang backend; {NO_ANSWER}")
    repaired(nocode.run(case, {"restart-backend": "run", **AS_USER}), "backend-hung", "restart-backend")


UPGRADE = "sed -i 's/backend:1[.]30[.]1/backend:1.31.0/' stack/compose.yaml; compose up -d backend"


def test_a_migrator_at_work_is_left_alone(nocode: Stack, case: Case) -> None:
    nocode.sh(
        f"""nocode_session migrator baserow "BEGIN; SELECT pg_advisory_xact_lock(123456);"
        stack_wait 60 nocode_locked
        nocode_session writer baserow "BEGIN; INSERT INTO database_table_1 (name) VALUES ('migrated');"
        {UPGRADE}
        stack_wait 60 nocode_waits"""
    )
    seen = looked(nocode.run(case, {}, "--check", values={"lock_idle": "1"}), "migration-running")
    assert "1 other sessions of it write" in seen["migration-running"]


def test_a_migration_that_fails_is_not_repeated(nocode: Stack, case: Case) -> None:
    nocode.sh(
        f"""echo 'ALTER TABLE database_table_1 ADD COLUMN note text' | nocode_sql
        {UPGRADE}; stack_wait 60 sh -c '"$1" logs nocode-backend-1 | grep -q ProgrammingError' sh "$sandbox/bin/docker" """
    )
    seen = looked(nocode.run(case, {}, "--check"), "migration-failed")
    assert "already exists" in seen["migration-failed"]
