"""The protocol where no sshd is installed: the same machine against a server of Paramiko's inside the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from holdpoint.engine.outcomes import Exited, NeverStarted, TimedOut, Unreachable
from holdpoint.engine.ports import Acquired, Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.machine import Terms
from holdpoint.hosts.ssh.machine import SshMachine
from tests.hosts.ssh.server import Server
from tests.hosts.support import Watcher, claim, command, ticket, wait_for
from tests.needs import require


class Here:
    """A server, a client's configuration that knows it, and a machine at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        client, host = paramiko.RSAKey.generate(2048), paramiko.RSAKey.generate(2048)
        client.write_private_key_file(str(folder / "id"))
        (folder / "home").mkdir()
        self.server = Server(host, client, folder / "home")
        (folder / "known_hosts").write_text(f"far {host.get_name()} {host.get_base64()}\n")
        options = {
            "HostName": "127.0.0.1",
            "Port": self.server.port,
            "User": "whoever",
            "HostKeyAlias": "far",
            "IdentityFile": folder / "id",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": folder / "known_hosts",
            "GlobalKnownHostsFile": "/dev/null",
        }
        (folder / "config").write_text("Host far\n" + "".join(f"  {key} {value}\n" for key, value in options.items()))
        self.machine = self.another()

    def another(self) -> SshMachine:
        return SshMachine(
            Target("far", Tier.STAGING),
            self.folder / "run1",
            Terms(self.folder / "target", self.folder / "memory"),
            config=self.folder / "config",
        )


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    require("ssh", "openssh-client")
    made = Here(tmp_path)
    try:
        yield made
    finally:
        made.machine.close()
        made.server.close()


def test_a_read(here: Here) -> None:
    outcome = here.machine.read(command('echo "$0 out"; echo err >&2; exit 7'), Watcher())
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.stderr) == (7, "err\n")
    assert not (here.folder / "target").exists()


def test_a_read_that_never_ends_is_ended(here: Here) -> None:
    outcome = here.machine.read(command("sleep 100", timeout=0.5, grace=0.2), Watcher())
    assert isinstance(outcome, TimedOut)
    assert outcome.ended


def test_a_change_under_its_lock_and_its_tombstone(here: Here) -> None:
    assert here.machine.lock(claim(), Unwatched()) == Acquired(1)
    outcome = here.machine.change(command("echo x >>once; echo done"), ticket(), Watcher())
    assert isinstance(outcome, Exited)
    assert outcome.output.stdout == "done\n"
    again = here.another().change(command("echo x >>once; echo done"), ticket(), Watcher())
    assert isinstance(again, Exited)
    here.machine.forget(ticket())
    assert (here.folder / "home" / "once").read_text() == "x\n"
    assert list(here.machine.heads("run1") or {}) == [ticket().token]


def test_a_connection_that_is_cut_is_dialled_again_and_attached_to(here: Here) -> None:
    script = "echo x >>once; echo begun; until test -e go; do sleep 0.05; done; echo ended"
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.append(here.machine.change(command(script), ticket(), Watcher())))
    thread.start()
    wait_for("it began", (here.folder / "home" / "once").exists)
    here.server.hang_up()
    (here.folder / "home" / "go").touch()
    thread.join(60)
    (outcome,) = outcomes
    assert isinstance(outcome, Exited)
    assert outcome.output.stdout == "begun\nended\n"
    assert (here.folder / "home" / "once").read_text() == "x\n"


def test_what_was_never_sent_was_never_started(here: Here) -> None:
    assert isinstance(here.machine.settle(command("true"), ticket(), Watcher()), NeverStarted)


def test_another_key_is_refused(here: Here) -> None:
    other = paramiko.RSAKey.generate(2048)
    (here.folder / "known_hosts").write_text(f"far {other.get_name()} {other.get_base64()}\n")
    outcome = here.another().read(command("true"), Watcher())
    assert isinstance(outcome, Unreachable)
    assert "SHA256:" in outcome.why
