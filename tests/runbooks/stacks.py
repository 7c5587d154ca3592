"""A compose project of real PostgreSQL, real Redis and stand-ins, broken for real, and runbooks run on it with scripted answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.case import Case, Ran
from tests.needs import lacking, require
from tests.runbooks.conftest import ROOT

LIMIT = 240
SERVICES = {"wiki": ("docmost", "docmost-down"), "nocode": ("backend", "baserow-down")}


@dataclass(frozen=True)
class Done:
    """What a run told, by its events."""

    ran: Ran
    events: list[dict[str, Any]]

    @property
    def exit(self) -> int:
        return self.ran.status

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["kind"] == kind]

    @property
    def run(self) -> str:
        return str(self.data("run.opened")[0]["run"])

    def causes(self, scope: str = "") -> set[str]:
        return {
            data["cause"] for data in self.data("cause.decided") if data["holds"] and data["item"] == f"{scope}causes"
        }

    def proofs(self) -> list[object]:
        """Red before, green after: of the runbook itself, not of one that it used."""
        return [data["green"] for data in self.data("proof.looked") if "/" not in data["item"]]

    def changed(self) -> list[str]:
        """The changes that were begun; where a run only looks, there are none."""
        left_out = self.results("skipped")
        return [
            data["step"]
            for data in self.data("step.intent")
            if data["effect"] != "read" and data["step"] not in left_out
        ]

    def results(self, status: str) -> dict[str, dict[str, Any]]:
        return {data["step"]: data for data in self.data("step.result") if data["status"] == status}


@dataclass(frozen=True)
class Stack:
    """One made stack; `sh` is what a person, or a fault, does to it."""

    sandbox: Path
    kind: str

    def sh(self, script: str) -> str:
        parts = [(ROOT / "drills" / "lib" / f"{name}.sh").read_text() for name in ("sandbox", "compose", self.kind)]
        done = subprocess.run(
            ["sh", "-c", f"sandbox='{self.sandbox}' drills='{ROOT}/drills'\nset -eu\n" + "\n".join([*parts, script])],
            cwd=self.sandbox,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def good(self) -> None:
        """All is as it was made: up, and nothing that users wrote is lost."""
        self.sh(f"stack_wait 60 {self.kind}_healthy; {self.kind}_check; {self.kind}_kept")

    @property
    def values(self) -> dict[str, str]:
        known = dict(line.split("=", 1) for line in (self.sandbox / "values").read_text().splitlines())
        volume = {"wiki": "wiki_db_data", "nocode": "nocode_pgdata"}[self.kind]
        ports = yaml.safe_load((self.sandbox / "docker" / "ports.json").read_text())
        at = self.sandbox
        more = {"docker": f"{at}/bin/docker", "compose_file": f"{at}/stack/compose.yaml", "docker_root": str(at)}
        more |= {"limit": "100", "pg_host": f"{at}/docker/net", "pg_port": str(ports["db"])}
        more |= {"pg_data": f"{at}/docker/volumes/{volume}", "pg_bin": f"{at}/programs", "pg_log": f"{at}/programs/log"}
        more |= {"backup_folder": f"{at}/backup", "copy_folder": f"{at}/copy"}
        return {**known, **more}

    def run(self, case: Case, answers: Mapping[str, str], *words: str, values: Mapping[str, str] | None = None) -> Done:
        """Run the runbook of this stack with these words at its gates; every gate that is not named refuses."""
        given = [
            part for key, value in {**self.values, **(values or {})}.items() for part in ("--param", f"{key}={value}")
        ]
        return self.command(case, answers, "runbook", SERVICES[self.kind][1], *given, *words)

    def command(self, case: Case, answers: Mapping[str, str], *words: str) -> Done:
        file = case.folder / "answers.yaml"
        file.write_text(yaml.safe_dump(dict(answers)))
        ran = case.run(*words, "--answers", str(file), "--json", cwd=ROOT, limit=LIMIT)
        return Done(ran, [line for line in ran.lines() if isinstance(line, dict) and "kind" in line])

    def back(self, case: Case, done: Done, answers: Mapping[str, str]) -> Done:
        return self.command(case, answers, "run.rollback", done.run)


@contextmanager
def stack(kind: str, before: str = "") -> Iterator[Stack]:
    """Make one; it and every process of it are gone afterwards."""
    for program, package in (("redis-server", "redis-server"), ("curl", "curl"), ("setpriv", "util-linux")):
        require(program, package)
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        lacking("PostgreSQL's server is not here")
    with TemporaryDirectory(prefix="holdpoint-") as name:
        made = Stack(Path(name), kind)
        (made.sandbox / "backup").mkdir()
        try:
            made.sh(f"{before}\n{kind}_make")
            yield made
        finally:
            made.sh("stack_end")


def repaired(done: Done, cause: str, *steps: str) -> None:
    assert done.exit == 0, done.ran.stderr
    assert done.causes() == {cause}
    assert done.proofs() == [False, True], "red before, green after"
    assert done.changed() == list(steps)


def looked(done: Done, *causes: str) -> dict[str, str]:
    """A look finds these causes, changes nothing, and comes to its end; give the evidence."""
    assert done.causes() == set(causes), done.ran.stderr
    assert done.changed() == []
    assert "Traceback" not in done.ran.stderr
    return {data["cause"]: data["evidence"] for data in done.data("cause.decided") if data["holds"]}
