"""rotate-secrets where something is not as the person thinks: a name that is misspelt, a way back that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.runbooks.conftest import shelled
from tests.runbooks.test_rotate_secrets import OLD, World, begin, command, sandboxed


@pytest.fixture
def here(applets: Path) -> Iterator[World]:
    yield from begin(shelled("rotate-secrets", "dash", applets))


@pytest.fixture
def blank(applets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Below a folder whose name has a blank."""
    with TemporaryDirectory(prefix="hp ") as name:
        Path(name).chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield from begin(shelled("rotate-secrets", "dash", applets))


def test_files_of_consumers_may_have_blanks_in_their_names(blank: World) -> None:
    blank.diagnose()
    blank.good("create", "canary", "others")
    assert blank.served()
    check = blank.book.runbook.recovered
    assert check is not None
    said = blank.book.script(check.run.script, blank.known, check.run.reads).stdout
    assert said.strip() == "the consumers get in: 3 of 4 by a new login, dump by its own check"
    assert "dump  (set by a command)  left to its own check" in str(blank.known["consumer_list"])
    for step in ("others", "canary", "create"):
        assert blank.book.undo(step, blank.known).returncode == 0
    assert blank.served()


def test_a_leaked_role_that_is_misspelt_is_not_called_safe(here: World, tmp_path: Path) -> None:
    here.known.update(reason="leaked", old_role="wiki_ap")
    looked = here.book.run("leak-open", here.known)
    assert (looked.returncode, "there is no role wiki_ap" in looked.stderr) == (2, True), looked
    stopped = here.book.run("roles", here.known)
    assert (stopped.returncode, "there is no role wiki_ap" in stopped.stderr) == (1, True), stopped
    assert not here.book.recovered(here.known)
    done = command(here, tmp_path, {})
    assert done.returncode == 4, done.stdout + done.stderr
    assert "there is no role wiki_ap" in done.stderr


def test_a_way_back_whose_copies_are_gone_says_so_and_leaves_the_new_role(here: World) -> None:
    here.diagnose()
    here.good("create", "canary", "others", "drain", "cut", "prove", "forget-copies")
    before = here.files()
    assert here.book.undo("cut", here.known).returncode == 0
    for step, name in (("others", "worker"), ("canary", "wiki")):
        done = here.book.undo(step, here.known)
        assert done.returncode == 1, done.stdout
        for word in (f"{here.folder}/{name}.env still has wiki_b", "by hand"):
            assert word in done.stderr
    done = here.book.undo("create", here.known)
    assert done.returncode == 1, done.stdout
    assert f"wiki in {here.folder}/wiki.env" in done.stderr
    assert {name: file for name, file in here.files().items() if name != "dump.pgpass"} == {
        name: file for name, file in before.items() if name != "dump.pgpass"
    }
    assert here.served(), "everybody still works, with the new role or the old one"
    here.sh(f"change_over wiki_a {OLD}")
    for step in ("others", "canary", "create"):
        done = here.book.undo(step, here.known)
        assert done.returncode == 0, done.stderr
    assert here.served()


def test_a_rollback_after_the_copies_are_gone_is_not_called_rolled_back(here: World, tmp_path: Path) -> None:
    people = dict.fromkeys(("proceed", "create", "canary", "others", "cut", "forget-copies"), "run")
    people |= {"canary-look": "done", "backups": "rollback"}
    back = {
        "undo-create": "run",
        "undo-canary": "run",
        "undo-others": "run",
        "undo-cut": "run",
        "rotate-forward": "done",
    }
    done = command(here, tmp_path, people | back)
    assert done.returncode == 6, done.stderr
    assert "former secret is gone" in done.stderr
    assert here.served()


def test_a_rollback_after_a_leak_hands_nobody_a_role_that_lets_nobody_in(here: World, tmp_path: Path) -> None:
    here.known["reason"] = "leaked"
    people = dict.fromkeys(("revoke", "create", "canary", "others"), "run")
    people |= {"keep-logs": "done", "canary-look": "done", "forget-copies": "rollback"}
    back = dict.fromkeys(("undo-create", "undo-canary", "undo-others"), "run") | {"rotate-forward": "done"}
    done = command(here, tmp_path, people | back)
    assert done.returncode == 6, done.stderr
    said = " ".join(done.stderr.replace("│", " ").replace("┆", " ").split())
    for name in ("worker", "bridge", "dump"):
        assert f"{name} keeps wiki_b: its former role wiki_a may not log in" in said, done.stderr
    assert here.served(), "everybody goes on with the new role"
    assert sandboxed(here.folder, f"login wiki_a {OLD}").returncode != 0


def test_a_server_that_does_not_answer_keeps_a_consumer_where_it_is(here: World) -> None:
    here.diagnose()
    here.good("create", "canary")
    before = here.files()
    here.known["pg_port"] = 1
    done = here.book.undo("canary", here.known)
    assert done.returncode == 1, done.stdout
    assert "wiki keeps wiki_b: it is not known whether wiki_a may log in" in done.stderr
    assert here.files() == before
    assert here.served()


BAR = """
barred() { ! login wiki_a any && case $said in *pg_hba.conf*) ;; *) return 1 ;; esac; }
printf '%s\\n' >"$pg/data/pg_hba.conf"
admin -c 'select pg_reload_conf()'
wait_for 10 barred
"""


@pytest.mark.parametrize("line", ["local all all trust", "local all all trust\\nhost all all 127.0.0.1/32 reject"])
def test_a_server_that_has_no_line_for_the_consumers(here: World, line: str) -> None:
    here.sh(BAR.replace("%s", line))
    assert here.present() == {"refused"}
    assert here.diagnose() == {"no-entry"}
    assert here.known["barred_count"] == 3
    assert "wiki  wiki_a  refused, by pg_hba.conf" in str(here.known["consumer_list"])
    assert not here.book.recovered(here.known)
    here.sh(
        """
        printf 'local all all trust\\nhost all all 127.0.0.1/32 scram-sha-256\\n' >"$pg/data/pg_hba.conf"
        admin -c 'select pg_reload_conf()'; wait_for 10 login wiki_a """
        + OLD
    )
    assert here.book.recovered(here.known)


def test_a_password_whose_date_is_over_is_no_wrong_password(here: World) -> None:
    here.sh("admin -c \"alter role wiki_a valid until '2020-01-01'\"")
    assert here.present() == {"refused"}
    assert here.diagnose() == {"expired"}
    assert str(here.known["old_until"]).startswith("2020-01-01")
    here.known["valid_until"] = "2020-01-02"
    assert here.book.run("extend", here.known).returncode == 0
    assert not here.book.verified("extend", here.known), "that is over as well"
    for until in ("infinity", "2999-12-31"):
        here.known["valid_until"] = until
        here.good("extend")
    assert here.book.recovered(here.known)
    assert here.served()
    assert here.book.undo("extend", here.known).returncode == 0
    assert here.diagnose() == {"expired"}


def test_a_role_that_somebody_locked(here: World) -> None:
    here.sh("admin -c 'alter role wiki_a nologin'")
    assert here.present() == {"refused"}
    assert here.diagnose() == {"locked"}
    assert "wiki  wiki_a  refused, since the role may not log in" in str(here.known["consumer_list"])
    here.good("unlock")
    assert here.book.recovered(here.known)
    assert here.served()
    assert here.book.undo("unlock", here.known).returncode == 0
    assert here.diagnose() == {"locked"}
    here.known["reason"] = "leaked"
    found = here.diagnose()
    assert "changed-under" in found, "whoever locked it meant it: the consumers move on"
    assert "locked" not in found, "and it stays locked"
