"""rotate-secrets where something is not as the person thinks: a name that is misspelt, a way back that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runbooks.conftest import shelled
from tests.runbooks.test_rotate_secrets import OLD, World, begin, command


@pytest.fixture
def here(applets: Path) -> Iterator[World]:
    yield from begin(shelled("rotate-secrets", "dash", applets))


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
