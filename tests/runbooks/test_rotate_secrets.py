"""rotate-secrets on a server of its own, with applications that keep sessions open: each way in, each way back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from holdpoint.document import conditions
from holdpoint.document.model import Run
from holdpoint.shell import Plain
from tests.needs import lacking, require
from tests.runbooks.conftest import LIMIT, ROOT, SHELLS, Shelled, load, shelled

DRILLS = ROOT / "drills"
OLD, NEW = "old-password-0123456789", "new-password-0123456789"
MAKE = f"""
make_cluster
admin <<'END'
create role wiki_owner;
create role wiki_a login in role wiki_owner;
alter role wiki_a set role = wiki_owner;
grant create on schema public to wiki_owner;
END
echo {OLD} | set_password wiki_a
make_tables wiki_owner
make_apps wiki_a {OLD}
give_words {OLD} {NEW}
"""


@dataclass(frozen=True)
class World:
    """A server, its applications, and the runbook's scripts under one shell."""

    folder: Path
    book: Shelled
    known: dict[str, Plain]

    def sh(self, text: str) -> str:
        done = sandboxed(self.folder, text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def good(self, *steps: str) -> None:
        """Carry out steps, each with its own check, which may need a moment."""
        for name in steps:
            self.book.good(name, self.known)
            step = self.book.step(name)
            for value in step.register:
                if value.type == "boolean":
                    self.known[value.name] = self.known[value.name] == "true"
            if step.verify is not None:
                assert any(self.book.verified(name, self.known) for _ in range(20)), name

    def diagnose(self) -> set[str]:
        self.good(*(step.id for step in self.book.runbook.diagnostic))
        found = {cause.id: conditions.evaluate(cause.when, self.known.get) for cause in self.book.runbook.causes}
        assert None not in found.values(), found
        return {cause for cause, holds in found.items() if holds}

    def present(self) -> set[str]:
        codes = {step.id: self.book.run(step.id, self.known).returncode for step in self.book.runbook.symptoms}
        assert set(codes.values()) <= {0, 1}, codes
        return {name for name, code in codes.items() if code == 0}

    def served(self) -> bool:
        return sandboxed(self.folder, "all_served").returncode == 0

    def files(self) -> dict[str, tuple[bytes, int]]:
        paths = [*self.folder.glob("*.env*"), self.folder / "dump.pgpass"]
        return {path.name: (path.read_bytes(), path.stat().st_mode) for path in paths}


def sandboxed(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    libraries = "\n".join((DRILLS / "lib" / f"{name}.sh").read_text() for name in ("sandbox", "roles"))
    return subprocess.run(
        ["sh", "-c", f"set -eu\nsandbox='{folder}'\ndrills='{DRILLS}'\n{libraries}\n{text}"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def begin(book: Shelled) -> Iterator[World]:
    require("psql", "postgresql")
    require("setpriv", "util-linux")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        lacking("PostgreSQL's server is not installed")
    with TemporaryDirectory(prefix="hp-") as name:
        folder = Path(name)
        try:
            made = sandboxed(folder, MAKE)
            assert made.returncode == 0, made.stderr
            lines = (line.partition("=") for line in (folder / "values").read_text().splitlines())
            given: dict[str, Plain] = {p.name: p.default for p in book.runbook.params if p.default is not None}
            given |= {key: int(value) if value.isdigit() else value for key, _, value in lines}
            given |= {"reason": "planned", "old_role": "wiki_a", "new_role": "wiki_b", "owner_role": "wiki_owner"}
            given |= {"old_password": OLD, "new_password": NEW, "settle": 2}
            yield World(folder, book, given)
        finally:
            healed = sandboxed(folder, "heal_roles")
            assert healed.returncode == 0, healed.stderr


@pytest.fixture(params=SHELLS)
def world(request: pytest.FixtureRequest, applets: Path) -> Iterator[World]:
    yield from begin(shelled("rotate-secrets", request.param, applets))


@pytest.fixture
def here(applets: Path) -> Iterator[World]:
    """Where the shell does not matter."""
    yield from begin(shelled("rotate-secrets", "dash", applets))


MOVE = ("create", "canary", "others")


def test_a_planned_change_from_end_to_end(world: World) -> None:
    assert world.present() == set()
    assert world.diagnose() == {"planned"}
    assert (world.known["consumer_count"], world.known["refused_count"], world.known["first"]) == (4, 0, "wiki")
    assert world.known["extras"] == ""
    assert world.book.recovered(world.known)
    for step in MOVE:
        assert not world.book.verified(step, world.known), f"{step} was not done yet"
        world.good(step)
        assert world.served(), step
    world.good("drain")
    assert world.known["old_left"] == 0
    assert not world.book.verified("cut", world.known)
    world.good("cut", "prove", "log-clean", "forget-copies")
    assert world.served()
    assert world.book.recovered(world.known)
    assert not list(world.folder.glob("*.before-*"))
    assert OLD not in "".join(path.read_text() for path in world.folder.glob("*.env"))
    owners = world.sh("admin -c \"select distinct tableowner from pg_tables where schemaname = 'public'\"")
    assert owners == "wiki_owner"
    for step in (*MOVE, "cut", "forget-copies"):
        world.good(step)
    assert world.diagnose() == set(), "once more does no harm, and finds nothing to do"


def test_every_step_back_gives_what_was_there(world: World) -> None:
    before = world.files()
    world.diagnose()
    for step in ("cut", "others", "canary", "create"):
        assert world.book.undo(step, world.known).returncode == 0, f"{step}, which never ran"
    assert world.files() == before
    world.good(*MOVE, "drain", "cut")
    assert world.files() != before
    for step in ("cut", "others", "canary", "create"):
        done = world.book.undo(step, world.known)
        assert done.returncode == 0, done.stdout + done.stderr
    assert world.files() == before
    assert world.sh("admin -c \"select count(*) from pg_roles where rolname = 'wiki_b'\"") == "0"
    assert world.served()
    assert world.diagnose() == {"planned"}


def test_no_password_stands_in_the_servers_log_or_in_an_argument(world: World) -> None:
    world.diagnose()
    world.sh("admin -c \"alter system set log_statement = 'all'\" -c 'select pg_reload_conf()'")
    world.good(*MOVE)
    logs = "".join(path.read_text() for path in (world.folder / "pg/data/log").glob("*"))
    assert "wiki_b" in logs
    assert NEW not in logs
    assert OLD not in logs
    world.sh(f"admin -c \"alter role wiki_b password '{NEW}'\"")
    assert world.book.run("log-clean", world.known).returncode == 1


def test_a_password_that_was_changed_under_open_sessions(world: World) -> None:
    world.sh("new_word | set_password wiki_a; visit wiki page")
    assert world.present() == {"refused"}
    assert world.diagnose() == {"changed-under"}
    assert world.known["refused_count"] == 3
    assert not world.book.recovered(world.known)


def test_consumers_with_a_password_that_the_server_was_never_told(world: World) -> None:
    file = world.folder / "bridge.env"
    file.write_text(file.read_text().replace(OLD, "never%20told"))
    assert world.present() == {"refused"}
    assert world.diagnose() == {"never-told"}
    assert world.known["refused_count"] == 1
    world.sh("echo 'never told' | set_password wiki_a")
    world.diagnose()
    assert world.known["refused_count"] == 2, "in an address a password is written with percent signs"


def test_a_leak_shuts_out_first(world: World) -> None:
    world.known["reason"] = "leaked"
    assert world.present() == {"leak-open"}
    assert world.diagnose() == {"leaked"}
    assert not world.book.recovered(world.known)
    world.good("revoke")
    assert not world.served(), "that is the price"
    world.good(*MOVE, "prove", "forget-copies")
    assert world.served()
    assert world.book.recovered(world.known)
    assert world.present() == set()


def test_the_one_who_goes_first_is_one_of_the_list(here: World) -> None:
    here.known["canary"] = "bridge"
    before = here.files()
    here.diagnose()
    assert here.known["first"] == "bridge"
    here.good("create", "canary")
    changed = {name for name, file in here.files().items() if before.get(name) != file}
    assert changed == {"bridge.env", "bridge.env.before-wiki_b"}
    assert here.served()
    here.known["canary"] = "nobody"
    done = here.book.run("list", here.known)
    assert (done.returncode, "does not list nobody" in done.stderr) == (1, True), done.stderr


def test_an_alert_with_nothing_wrong_finds_nothing(here: World) -> None:
    here.known["reason"] = "alert"
    assert (here.present(), here.diagnose()) == (set(), set())


def test_a_server_that_asks_nobody_is_seen(here: World) -> None:
    here.sh(
        'echo "host all all 127.0.0.1/32 trust" >"$pg/data/pg_hba.conf"; echo "local all all trust" >>"$pg/data/pg_hba.conf"'
    )
    here.sh("admin -c 'select pg_reload_conf()'; wait_for 10 login wiki_a anything")
    assert here.diagnose() == {"trust"}


def test_the_only_administrator_is_not_shut_out_unseen(here: World) -> None:
    here.sh("admin -c 'alter role wiki_a reset role' -c 'alter role wiki_a superuser' -c 'alter role postgres nologin'")
    here.known["pg_user"] = "wiki_a"
    assert here.diagnose() == {"planned", "last-admin"}
    assert "may: superuser" in str(here.known["extras"])


def test_what_the_old_role_has_besides_is_listed(here: World) -> None:
    here.sh(
        "admin -c \"alter role wiki_a set statement_timeout = '5s'\" -c 'create role reports' -c 'grant reports to wiki_a'"
    )
    here.sh(
        "admin -c 'alter role wiki_a connection limit 50'; echo 'host wiki wiki_a ::1/128 scram-sha-256' >>\"$pg/data/pg_hba.conf\""
    )
    here.diagnose()
    listed = str(here.known["extras"])
    for one in ("setting: statement_timeout=5s", "member of: reports", "at most 50 sessions", "pg_hba.conf, line 3"):
        assert one in listed, listed


def test_a_consumer_that_nobody_knows_is_seen_before_the_cut(here: World) -> None:
    here.diagnose()
    here.sh(
        f'start reports sh -c "while sleep 1; do echo \\"select 1;\\"; done | PGAPPNAME=reports PGPASSWORD={OLD} '
        '$(cluster_value pg_bin)/psql -X -h 127.0.0.1 -p $(cluster_value pg_port) -U wiki_a -d wiki"'
    )
    here.sh(
        "wait_for 10 sh -c \"'$(cluster_value pg_bin)/psql' -X -A -t -h '$pg/socket' -p $(cluster_value pg_port) -U postgres"
        ' -d wiki -c \\"select 1 from pg_stat_activity where application_name = \'reports\'\\" | grep -q 1"'
    )
    here.good(*MOVE)
    here.good("drain")
    assert here.known["old_left"] == 1
    assert "127.0.0.1, reports, since" in str(here.known["left_who"])


def test_a_role_of_that_name_with_another_password_is_left_alone(here: World) -> None:
    here.sh("admin -c 'create role wiki_b login'; echo somebody-elses | set_password wiki_b")
    here.diagnose()
    done = here.book.run("create", here.known)
    assert done.returncode == 1
    assert "another role wiki_b" in done.stderr
    assert here.book.undo("create", here.known).returncode == 0
    here.sh("login wiki_b somebody-elses")


@pytest.mark.parametrize(
    ("password", "says"), [("short", "at least 20"), ("with a space in its middle", "characters"), (OLD, "old one")]
)
def test_a_new_password_that_is_not_fit_is_refused(here: World, password: str, says: str) -> None:
    here.known["new_password"] = password
    done = here.book.run("new-word", here.known)
    assert done.returncode == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("other | env DB_USER DB_PASSWORD {folder}/none | true", "none"),
        ("other | env NO_USER DB_PASSWORD {folder}/wiki.env | true", "no role"),
        ("other | file /x | true", "not understood"),
        ("other | run true |", "not whole"),
    ],
)
def test_a_list_that_is_wrong_stops_before_anything_changes(here: World, line: str, says: str) -> None:
    with (here.folder / "consumers").open("a") as out:
        out.write(line.format(folder=here.folder) + "\n")
    for step in here.book.runbook.diagnostic:
        done = here.book.run(step.id, here.known)
        if done.returncode:
            assert (step.id, says in done.stderr) == ("list", True), done.stderr
            return
    pytest.fail("nothing stopped it")


def test_a_server_that_does_not_answer_is_no_refusal(here: World) -> None:
    here.sh("stop postgres INT")
    for step in here.book.runbook.symptoms:
        here.known["reason"] = "leaked"
        assert here.book.run(step.id, here.known).returncode == 2, step.id


def test_the_run_goes_back_where_a_person_says_so(here: World, tmp_path: Path) -> None:
    before = here.files()
    people = {
        "proceed": "run",
        "create": "run",
        "canary": "run",
        "canary-look": "done",
        "others": "run",
        "cut": "rollback",
    }
    back = {"undo-create": "run", "undo-canary": "run", "undo-others": "run", "rotate-forward": "done"}
    done = command(here, tmp_path, people | back)
    assert done.returncode in (3, 5), done.stderr
    if done.returncode == 3:
        opened = next(json.loads(line) for line in done.stdout.splitlines() if '"run.opened"' in line)
        done = command(here, tmp_path, back, "run.rollback", str(opened["data"]["run"]))
        assert done.returncode == 5, done.stderr
    assert here.files() == before
    assert here.served()
    assert NEW not in done.stdout + done.stderr


def command(here: World, folder: Path, answers: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    file = folder / "answers.json"
    file.write_text(json.dumps(answers))
    names = ("HOLDPOINT_STATE", "HOLDPOINT_TARGET", "HOLDPOINT_TARGET_MEMORY")
    env = {**os.environ, **{name: str(folder / name) for name in names}}
    env |= {"HOLDPOINT_OLD_PASSWORD": OLD, "HOLDPOINT_NEW_PASSWORD": NEW}
    params = {p.name for p in here.book.runbook.params if not p.name.endswith("password")} & here.known.keys()
    given = [word for name in sorted(params) for word in ("--param", f"{name}={here.known[name]}")]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "holdpoint.cli",
            *(words or ("runbook", "rotate-secrets", *given)),
            "--answers",
            str(file),
            "--json",
        ],
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_functions_of_one_name_are_the_same_everywhere() -> None:
    texts: dict[str, set[str]] = {}
    book = load("rotate-secrets")
    scripts = [step.action.script for step in book.steps() if isinstance(step.action, Run)]
    scripts += [
        step.verify.run.script for step in book.steps() if step.verify is not None and hasattr(step.verify, "run")
    ]
    scripts += [
        step.undo.action.script for step in book.steps() if step.undo is not None and isinstance(step.undo.action, Run)
    ]
    assert book.recovered is not None
    for script in (*scripts, book.recovered.run.script):
        for found in re.finditer(r"^(\w+)\(\) \{(?:.*\}$|\n(?:.*\n)*?\}$)", script, re.MULTILINE):
            texts.setdefault(found[1], set()).add(found[0])
    assert set(texts) == {"list", "sql", "login", "place", "stored", "store", "back", "may_log_in"}
    assert {name for name, found in texts.items() if len(found) > 1} == set()
