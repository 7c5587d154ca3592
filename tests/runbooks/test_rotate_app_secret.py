"""rotate-app-secret with a stand-in for docker: a container has the variables that it was made with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from holdpoint.document import conditions
from holdpoint.shell import Plain
from tests.needs import require
from tests.runbooks.conftest import SHELLS, Shelled, shelled

OLD, NEW = "0123456789abcdef0123456789abcdef0123", "fedcba9876543210fedcba9876543210"
DOCKER = """#!/bin/sh
# compose -f FILE exec -T SERVICE printenv KEY, or compose -f FILE up -d SERVICE...
cd "$(dirname "$3")" || exit 1
case $4 in
  exec) sed -n "s/^$8=//p" "container.$6" | grep . ;;
  up) shift 5; for one in "$@"; do cp app.env "container.$one"; done ;;
esac
"""


@dataclass(frozen=True)
class World:
    folder: Path
    book: Shelled
    known: dict[str, Plain]

    def diagnose(self) -> set[str]:
        for step in self.book.runbook.diagnostic:
            self.book.good(step.id, self.known)
            for value in step.register:
                if value.type == "boolean":
                    self.known[value.name] = self.known[value.name] == "true"
        found = {cause.id: conditions.evaluate(cause.when, self.known.get) for cause in self.book.runbook.causes}
        assert None not in found.values(), found
        return {cause for cause, holds in found.items() if holds}

    def present(self) -> bool:
        code = self.book.run("old-in-use", self.known).returncode
        assert code in (0, 1)
        return code == 0

    def good(self, *steps: str) -> None:
        for name in steps:
            self.book.good(name, self.known)
            assert self.book.verified(name, self.known), name

    def set(self, secret: str) -> None:
        (self.folder / "app.env").write_text(f"# settings\nPORT=3000\nAPP_SECRET={secret}\nOTHER_APP_SECRET=stays\n")


@pytest.fixture(params=SHELLS)
def world(request: pytest.FixtureRequest, applets: Path, tmp_path: Path) -> Iterator[World]:
    require("curl", "curl")
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        book = shelled("rotate-app-secret", request.param, applets)
        known: dict[str, Plain] = {p.name: p.default for p in book.runbook.params if p.default is not None}
        known |= {"new_secret": NEW, "env_file": str(tmp_path / "app.env"), "docker": str(tmp_path / "docker")}
        known |= {"compose_file": str(tmp_path / "compose.yaml"), "url": f"http://127.0.0.1:{server.server_port}/"}
        world = World(tmp_path, book, known)
        world.set(OLD)
        (tmp_path / "app.env").chmod(0o640)
        (tmp_path / "container.docmost").write_bytes((tmp_path / "app.env").read_bytes())
        try:
            yield world
        finally:
            server.shutdown()


def test_it_is_changed_and_taken_back(world: World) -> None:
    before = (world.folder / "app.env").read_bytes()
    assert world.present()
    assert world.diagnose() == {"due"}
    assert not world.book.recovered(world.known)
    for step in ("recreate", "set"):
        assert world.book.undo(step, world.known).returncode == 0, f"{step}, which never ran"
    assert not world.book.verified("set", world.known)
    world.good("set", "set")
    assert not world.book.verified("recreate", world.known)
    world.good("recreate", "recreate")
    assert world.book.recovered(world.known)
    assert not world.present()
    assert (world.folder / "app.env").read_bytes() == before.replace(OLD.encode(), NEW.encode())
    assert (world.folder / "app.env").stat().st_mode & 0o777 == 0o640
    for step in ("recreate", "set"):
        assert world.book.undo(step, world.known).returncode == 0
    assert (world.folder / "app.env").read_bytes() == before == (world.folder / "container.docmost").read_bytes()
    world.good("set", "recreate", "forget-copy")
    assert sorted(path.name for path in world.folder.glob("app.env*")) == ["app.env"]
    assert world.diagnose() == set()


def test_a_container_that_was_only_restarted_is_seen(world: World) -> None:
    world.set(NEW)
    assert world.diagnose() == {"not-recreated"}
    world.good("recreate")
    assert world.book.recovered(world.known)


def test_a_second_service_that_has_the_old_one_is_seen_and_made_anew(world: World) -> None:
    world.known["also"] = "worker beat"
    for one in ("docmost", "worker", "beat"):
        (world.folder / f"container.{one}").write_bytes((world.folder / "app.env").read_bytes())
    assert world.diagnose() == {"due"}
    world.good("set")
    (world.folder / "container.docmost").write_bytes((world.folder / "app.env").read_bytes())
    assert world.present()
    assert world.diagnose() == {"not-recreated"}
    assert world.known["differ"] == "worker beat"
    assert not world.book.recovered(world.known)
    assert not world.book.verified("recreate", world.known)
    world.good("recreate")
    assert world.book.recovered(world.known)
    assert world.diagnose() == set()
    assert world.book.undo("recreate", world.known).returncode == 0
    assert OLD in (world.folder / "container.beat").read_text()


@pytest.mark.parametrize("secret", ["REPLACE_WITH_LONG_SECRET_123456789", "tooshort123"])
def test_a_secret_that_can_be_guessed_is_named(world: World, secret: str) -> None:
    world.set(secret)
    (world.folder / "container.docmost").write_bytes((world.folder / "app.env").read_bytes())
    assert world.diagnose() == {"due", "guessable"}


@pytest.mark.parametrize("lines", ["PORT=3000\n", f"APP_SECRET={OLD}\nAPP_SECRET={OLD}\n"])
def test_a_file_that_does_not_set_it_once_stops_before_anything_changes(world: World, lines: str) -> None:
    (world.folder / "app.env").write_text(lines)
    assert world.book.run("places", world.known).returncode == 1


def test_a_container_that_does_not_run_was_not_looked_at(world: World) -> None:
    (world.folder / "container.docmost").write_text("")
    assert world.book.run("old-in-use", world.known).returncode == 2
