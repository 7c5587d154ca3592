"""A person with the real command, and hosts on loopback that run a real sshd."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.case import Case, Ran
from tests.laws.terminal import person
from tests.sshd import Site, Sshd, Wire, site


class Remote:
    """Hosts by name, each behind a wire that can be cut, with a home and a shared folder of its own."""

    def __init__(self, case: Case, made: Site) -> None:
        self.case = case
        self.site = made
        self.servers: dict[str, Sshd] = {}
        self.wires: dict[str, Wire] = {}

    def hosts(self, **tiers: str) -> Remote:
        """Start a host for each name, with its tier in the inventory; an empty tier leaves it out of that."""
        lines = ["schema: holdpoint/hosts/1", "hosts:"]
        for name, entry in tiers.items():
            server = self.site.sshd(name, self.environment(name))
            wire = self.site.wire(server.port)
            self.site.host(name, wire.port, server)
            self.servers[name], self.wires[name] = server, wire
            if entry:
                lines.append(f"  {name}: {{{entry if ':' in entry else f'tier: {entry}'}}}")
        if len(lines) > 2:
            self.case.write("hosts.yaml", "\n".join(lines) + "\n")
        return self

    def environment(self, name: str) -> dict[str, str]:
        """What programs find on a host: a shared folder, and a machine id, of its own."""
        identity = self.site.folder / f"machine-id-{name}"
        identity.write_text(f"machine-{name}\n")
        return {"HOLDPOINT_TARGET": str(self.target(name)), "HOLDPOINT_MACHINE_ID": str(identity)}

    def swap(self, name: str, other: str) -> None:
        """Let another machine, with the same host key, answer in the place of a host."""
        folder = self.site.folder / f"sshd-{other}"
        folder.mkdir()
        for file in ("host_key", "host_key.pub"):
            shutil.copy(self.servers[name].folder / file, folder / file)
        self.servers[other] = self.site.sshd(other, self.environment(other))
        self.wires[name].lead_to(self.servers[other].port)

    def home(self, name: str) -> Path:
        return self.site.folder / f"home-{name}"

    def target(self, name: str) -> Path:
        return self.site.folder / f"target-{name}"

    def book(self, text: str) -> Remote:
        self.case.runbook("lab", text)
        return self

    def environ(self, who: str = "ada") -> dict[str, str]:
        """Each person has a state folder of their own."""
        state = str(self.case.folder / f"state-{who}")
        return {"HOLDPOINT_SSH_CONFIG": str(self.site.config), "HOLDPOINT_PERSON": who, "HOLDPOINT_STATE": state}

    def run(self, *words: str, who: str = "ada", answers: str | None = None, **environ: str) -> Ran:
        return self.case.run(*words, answers=answers, environ={**self.environ(who), **environ})

    @contextmanager
    def person(self, *words: str, who: str = "ada") -> Iterator[Any]:
        with person(self.case, *words, environ=self.environ(who)) as child:
            yield child

    def journals(self, who: str = "ada") -> list[Path]:
        return sorted((self.case.folder / f"state-{who}").glob("runs/*/journal.jsonl"))


@pytest.fixture
def remote(case: Case, tmp_path: Path) -> Iterator[Remote]:
    folder = tmp_path / "site"
    folder.mkdir()
    with site(folder) as made:
        yield Remote(case, made)
