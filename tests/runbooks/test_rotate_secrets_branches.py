"""rotate-secrets where something is not as the person thinks: a name that is misspelt, a way back that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runbooks.conftest import shelled
from tests.runbooks.test_rotate_secrets import World, begin, command


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
