"""docmost-down on a stack that is really broken: the right cause and no other, red before, green after, and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.case import Case
from tests.runbooks.stacks import Stack, looked, repaired, stack

AS_USER = {"as-a-user": "done"}
TOLD = {"tell": "done"}


@pytest.fixture
def wiki() -> Iterator[Stack]:
    with stack("wiki") as made:
        yield made


IMAGE = 'sed "s/    image: postgres:15/&/; s/restart: unless-stopped/restart: \\"no\\"/" stack/compose.yaml >new && cat new >stack/compose.yaml'


@pytest.mark.parametrize(
    ("fault", "cause", "step", "evidence"),
    [
        ("compose pause db", "db-stopped", "start-db", "it is paused"),
        ("compose rm -fs db", "db-stopped", "start-db", "it is absent"),
        ("compose stop db", "db-stopped", "start-db", "it is exited"),
        ("compose pause redis", "redis-stopped", "start-redis", "it is paused"),
        ("compose rm -fs redis", "redis-stopped", "start-redis", "it is absent"),
        ("compose stop docmost", "app-stopped", "start-app", "it is exited, exit code 0"),
        ("compose pause docmost", "app-stopped", "start-app", "it is paused"),
        ("compose rm -fs docmost", "app-stopped", "start-app", "it is absent"),
    ],
)
def test_what_does_not_run_is_started_and_the_undo_leaves_it_as_it_was(
    wiki: Stack, case: Case, fault: str, cause: str, step: str, evidence: str
) -> None:
    wiki.sh(fault)
    done = wiki.run(case, {step: "run", **AS_USER})
    repaired(done, cause, step)
    assert any(evidence in data["evidence"] for data in done.data("cause.decided") if data["holds"])
    wiki.sh("wiki_kept")
    back = wiki.back(case, done, {f"undo-{step}": "run", **TOLD})
    assert back.exit == 5, back.ran.stderr
    service = {"start-db": "db", "start-redis": "redis", "start-app": "docmost"}[step]
    state = wiki.sh(f"docker_ inspect -f '{{{{.State.Status}}}}' wiki-{service}-1").strip()
    assert state == ("paused" if "pause" in fault else "exited")


def test_killed_for_memory_is_said(wiki: Stack, case: Case) -> None:
    wiki.sh(f"{IMAGE}; compose up -d docmost; stack_wait 60 wiki_healthy; docker_ stand-in oom docmost")
    wiki.sh('stack_wait 60 sh -c \'! curl -fsS "$1"\' sh "$(stack_url)/"')
    done = wiki.run(case, {"start-app": "run", **AS_USER})
    repaired(done, "app-stopped", "start-app")
    assert "exit code 137; killed for memory: true" in str(done.data("cause.decided"))


def test_one_that_hangs_is_restarted(wiki: Stack, case: Case) -> None:
    wiki.sh('docker_ stand-in hang docmost; stack_wait 60 sh -c \'! curl -fsS "$1"\' sh "$(stack_url)/"')
    repaired(wiki.run(case, {"restart-app": "run", **AS_USER}), "app-hung", "restart-app")
    wiki.good()


@pytest.mark.parametrize(
    ("wrong", "right", "cause", "said"),
    [
        ("s/^APP_SECRET=.*/APP_SECRET=short/", "", "environment", "Please fix|must be longer"),
        ("s/@db:/@dbx:/", "", "db-unreachable", "ENOTFOUND"),
    ],
)
def test_a_corrected_environment_is_applied(
    wiki: Stack, case: Case, wrong: str, right: str, cause: str, said: str
) -> None:
    wiki.sh(
        f"cp -p stack/.env env; cp -p stack/compose.yaml yaml; sed -i '{wrong}' stack/.env stack/compose.yaml; compose up -d docmost"
    )
    wiki.sh(
        f"stack_wait 60 sh -c 'STAND=1 {wiki.sandbox}/bin/docker compose -f stack/compose.yaml logs docmost | grep -Eq \"{said}\"'"
    )
    seen = looked(wiki.run(case, {}, "--check"), cause)
    assert "was changed since the container was made: false" in seen[cause] or cause == "db-unreachable"
    wiki.sh("cat env >stack/.env; cat yaml >stack/compose.yaml")
    done = wiki.run(case, {"apply-environment": "run", **AS_USER})
    repaired(done, cause, "apply-environment")
    wiki.good()
    back = wiki.back(case, done, {"undo-apply-environment": "done", **TOLD})
    assert back.exit == 5, back.ran.stderr


NEW_IMAGE = """
echo "INSERT INTO users (email, password) VALUES ('Ann@Example.org', 'another person')" | psql_db -q -U docmost -d docmost
wiki_ledger
sed -i 's/docmost:0[.]20[.]4/docmost:0.21.0/' stack/compose.yaml
compose up -d
stack_wait 60 sh -c '"$1" compose -f stack/compose.yaml logs docmost | grep -q "Failed to run database migration"' sh "$sandbox/bin/docker"
"""


def test_the_old_image_comes_back_and_the_undo_names_the_new_one_again(wiki: Stack, case: Case) -> None:
    wiki.sh(NEW_IMAGE)
    new = (wiki.sandbox / "stack/compose.yaml").read_text()
    done = wiki.run(case, {"previous-image": "docmost/docmost:0.20.4", "image-back": "run", **AS_USER})
    repaired(done, "migration-failed", "image-back")
    wiki.good()
    assert "docmost:0.20.4" in (wiki.sandbox / "stack/compose.yaml").read_text()
    back = wiki.back(case, done, {"undo-image-back": "run", **TOLD})
    assert back.exit == 5, back.ran.stderr
    assert (wiki.sandbox / "stack/compose.yaml").read_text() == new
    assert not list((wiki.sandbox / "stack").glob("*.before-image-back"))


def test_an_image_that_is_not_there_leaves_the_file_as_it_was(wiki: Stack, case: Case) -> None:
    wiki.sh(NEW_IMAGE)
    new = (wiki.sandbox / "stack/compose.yaml").read_text()
    done = wiki.run(case, {"previous-image": "docmost/docmost:0.19.0", "image-back": "run", **AS_USER})
    assert done.exit == 4, done.ran.stderr
    assert "manifest" in done.results("failed")["image-back"]["stderr"]
    wiki.back(case, done, {"undo-image-back": "run", **TOLD})
    assert (wiki.sandbox / "stack/compose.yaml").read_text() == new


def test_a_migration_that_ran_in_part_offers_no_old_image(wiki: Stack, case: Case) -> None:
    wiki.sh(NEW_IMAGE)
    wiki.sh(
        """
        echo "INSERT INTO kysely_migration VALUES ('20250101T000000-a_part', now()::text)" | psql_db -q -U docmost -d docmost
        sed -i 's/("0[.]21[.]0", "20250725T052004/("0.21.0", "20250101T000000-a_part", "SELECT 1"),\\n    &/' docker/stand-ins/wiki.py
        """
    )
    done = wiki.run(case, {"migration-ran": "failed", **AS_USER})
    assert done.causes() == {"migration-failed"}
    assert done.changed() == []
    assert done.exit == 4, done.ran.stderr
    assert "1 migrations ran since" in done.ran.stderr
