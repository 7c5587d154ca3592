"""Clusters of a test's own that are really damaged, made by the library that the drills use, and what three shells see of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from holdpoint.document import conditions
from holdpoint.shell import Plain
from tests.needs import lacking, require
from tests.runbooks.conftest import LIMIT, ROOT, SHELLS, Shelled, load, shelled

LIBRARIES = ("sandbox", "postgres")


@dataclass(frozen=True)
class Cluster:
    """A cluster in a sandbox, made by the library that the drills use."""

    sandbox: Path

    def sh(self, script: str) -> str:
        libraries = "\n".join((ROOT / "drills" / "lib" / f"{name}.sh").read_text() for name in LIBRARIES)
        done = subprocess.run(
            ["sh", "-c", f"sandbox='{self.sandbox}'\nset -eu\n{libraries}\n{script}"],
            cwd=self.sandbox,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def values(self, name: str) -> dict[str, Plain]:
        own: dict[str, Plain] = {
            "pg_bin": f"{self.sandbox}/bin",
            "pg_host": f"{self.sandbox}/pg/run",
            "pg_data": f"{self.sandbox}/pg/data",
            "pg_log": f"{self.sandbox}/pg/log",
            "backup_folder": f"{self.sandbox}/backup",
            "copy_folder": f"{self.sandbox}/copy",
            "db": "wiki",
        }
        params = {param.name: param.default for param in load(name).params if param.default is not None}
        return {**params, **{key: value for key, value in own.items() if key in params}}


@pytest.fixture
def make() -> Iterator[Callable[..., Cluster]]:
    """Make clusters, checksums on or off, and do something to each."""
    require("setpriv", "util-linux")
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        lacking("PostgreSQL's server is not here")
    with ExitStack() as stack:

        def made(script: str = "", sums: str = "checksums") -> Cluster:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="holdpoint-")))
            folder.chmod(0o755)
            cluster = Cluster(folder)
            stack.callback(cluster.sh, "pg_end; unmount_all")
            cluster.sh(f"pg_make {sums}\npg_seed\npg_backup wiki-daily 60\n{script}")
            return cluster

        yield made


def diagnose(book: Shelled, known: dict[str, Plain]) -> set[str]:
    """Run the diagnosis as the engine would; give the causes that hold, and leave none unknown."""
    for step in book.runbook.diagnostic:
        if step.when is None or conditions.evaluate(step.when, known.get):
            book.good(step.id, known)
    found = {cause.id: conditions.evaluate(cause.when, known.get) for cause in book.runbook.causes}
    assert None not in found.values(), found
    return {cause for cause, holds in found.items() if holds}


def looks(
    name: str, cluster: Cluster, applets: Path, causes: set[str], symptoms: set[str], *, recovered: bool = False
) -> None:
    """What each shell sees; looking changes nothing, so one cluster serves them all."""
    for shell in SHELLS:
        book, known = shelled(name, shell, applets), cluster.values(name)
        seen = {step.id for step in book.runbook.symptoms if book.run(step.id, known).returncode == 0}
        assert (shell, seen) == (shell, symptoms)
        assert (shell, diagnose(book, known)) == (shell, causes)
        assert (shell, book.recovered(known)) == (shell, recovered)
