"""Dialling: strict host keys on every hop, the right machine, the right key; and a sentence where it does not work."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.document.inventory import Identity
from holdpoint.engine.outcomes import Exited, Outcome, Unreachable
from holdpoint.hosts.ssh.keys import KeyRing
from tests.hosts.ssh.support import ssh_machine
from tests.hosts.support import Watcher, command, ticket, wait_for
from tests.needs import require, require_root
from tests.sshd import Site, Sshd, keypair


@pytest.fixture
def name(tmp_path: Path) -> str:
    return f"dial-{abs(hash(tmp_path.name)) % 10**8}"


@pytest.fixture
def server(ssh_site: Site, name: str) -> Sshd:
    return ssh_site.sshd(name)


def read(site: Site, alias: str, folder: Path, text: str = "echo reached", **more: object) -> Outcome:
    host = ssh_machine(site, alias, folder, **more)
    try:
        return host.read(command(text), Watcher())
    finally:
        host.close()


def why(outcome: Outcome) -> str:
    assert isinstance(outcome, Unreachable), outcome
    assert "\n" not in outcome.why
    return outcome.why


def reached(outcome: Outcome) -> bool:
    return isinstance(outcome, Exited) and outcome.output.value == b"reached\n"


def known(site: Site, folder: Path, line: str) -> dict[str, str]:
    (folder / "known").write_text(f"{line}\n")
    return {"UserKnownHostsFile": str(folder / "known"), "HostKeyAlias": "the-host"}


def test_an_unknown_key_is_refused_with_its_finger_print(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path
) -> None:
    ssh_site.host(name, server.port, **known(ssh_site, tmp_path, f"elsewhere {server.public}"))
    said = why(read(ssh_site, name, tmp_path))
    shown = subprocess.run(["ssh-keygen", "-lf", server.key], capture_output=True, text=True, check=True).stdout.split()
    assert shown[1] in said
    assert f"`ssh {name}` once" in said
    assert (tmp_path / "known").read_text() == f"elsewhere {server.public}\n"


def test_a_changed_key_is_refused_with_both_finger_prints(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path
) -> None:
    other = keypair(tmp_path / "other").with_name("other.pub").read_text()
    ssh_site.host(name, server.port, **known(ssh_site, tmp_path, f"the-host {other}"))
    said = why(read(ssh_site, name, tmp_path))
    assert "has changed" in said
    assert len(set(re.findall("SHA256:[A-Za-z0-9+/]{43}", said))) == 2
    assert f"ssh-keygen -R 'the-host' -f {tmp_path}/known" in said


def test_a_revoked_key_is_refused(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    line = f"the-host {server.public}\n@revoked * {server.public}"
    ssh_site.host(name, server.port, **known(ssh_site, tmp_path, line))
    assert "was revoked" in why(read(ssh_site, name, tmp_path))


def test_an_authority_alone_is_not_enough_and_told(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    ssh_site.host(name, server.port, **known(ssh_site, tmp_path, f"@cert-authority * {server.public}"))
    assert "host certificates are not supported" in why(read(ssh_site, name, tmp_path))


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_the_kind_of_key_that_is_known_is_asked_for(ssh_site: Site, name: str, tmp_path: Path, kind: str) -> None:
    keys = {each: keypair(tmp_path / each, each) for each in ("rsa", "ecdsa")}
    server = ssh_site.sshd(f"{name}-{kind}", None, *(f"HostKey {path}" for path in keys.values()))
    line = keys[kind].with_name(f"{kind}.pub").read_text() if kind in keys else server.public
    ssh_site.host(name, server.port, **known(ssh_site, tmp_path, f"the-host {line}"))
    assert reached(read(ssh_site, name, tmp_path))


def test_the_key_of_a_jump_host_is_checked_too(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    jump = ssh_site.sshd(f"{name}-jump")
    ssh_site.host(name, server.port, server, ProxyJump=f"{name}-jump")
    ssh_site.host(f"{name}-jump", jump.port, **known(ssh_site, tmp_path, f"elsewhere {jump.public}"))
    assert f"the key of `{name}-jump`" in why(read(ssh_site, name, tmp_path))


def test_a_proxy_command_carries_the_connection(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.py"
    copy.write_text(
        "import os, select, socket, sys\ns = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "while True:\n for f in select.select([0, s], [], [])[0]:\n  d = os.read(0, 65536) if f == 0 else s.recv(65536)\n"
        "  if not d: sys.exit()\n  s.sendall(d) if f == 0 else os.write(1, d)\n"
    )
    ssh_site.host(name, server.port, server, ProxyCommand=f"{sys.executable} {copy} %h %p")
    assert reached(read(ssh_site, name, tmp_path))


def test_who_it_is_is_checked_on_every_connection(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    ssh_site.host(name, server.port, server)
    hostname, machine = socket.gethostname(), Path("/etc/machine-id").read_text().strip()
    assert reached(read(ssh_site, name, tmp_path, expect=Identity(hostname, machine)))
    for wrong in (Identity("web9", None), Identity(None, "0" * 32)):
        host = ssh_machine(ssh_site, name, tmp_path, expect=wrong)
        for outcome in (
            host.read(command(f"touch {tmp_path}/made"), Watcher()),
            host.change(command(f"touch {tmp_path}/made"), ticket(), Watcher()),
        ):
            said = why(outcome)
            assert "another machine" in said
            assert (hostname if wrong.hostname else machine) in said
            assert str(wrong.hostname or wrong.machine_id) in said
        host.close()
    assert not (tmp_path / "made").exists()


@contextmanager
def agent(folder: Path, key: Path) -> Iterator[str]:
    require("ssh-agent", "openssh-client")
    path = folder / "agent.sock"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        try:
            wait_for("the agent listens", path.exists)
            environ = {**os.environ, "SSH_AUTH_SOCK": str(path)}
            subprocess.run(["ssh-add", "-q", str(key)], env=environ, check=True, capture_output=True)
            yield str(path)
        finally:
            process.terminate()


def test_a_key_of_the_agent_lets_in(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    with agent(tmp_path, ssh_site.key) as path:
        none = str(tmp_path / "none")
        ssh_site.host(name, server.port, server, IdentityAgent=path, IdentityFile=none, IdentitiesOnly="no")
        assert reached(read(ssh_site, name, tmp_path))
        ssh_site.host(name, server.port, server, IdentityAgent=path, IdentityFile=none, IdentitiesOnly="yes")
        assert "there was no key to try" in why(read(ssh_site, name, tmp_path))


def test_a_pass_phrase_is_asked_for_once_for_all_hosts(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    locked = keypair(tmp_path / "locked", "ed25519", "-N", "open-sesame")
    with server.authorized.open("a") as authorized:
        authorized.write(locked.with_name("locked.pub").read_text())
    ssh_site.host(name, server.port, server, IdentityFile=str(locked))
    assert "has a pass-phrase" in why(read(ssh_site, name, tmp_path))
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return "wrong" if len(asked) == 1 else "open-sesame"

    keys = KeyRing(answer)
    assert reached(read(ssh_site, name, tmp_path, keys=keys))
    assert reached(read(ssh_site, name, tmp_path, keys=keys))
    assert asked == [f"Pass-phrase for {locked}:"] * 2


def test_a_certificate_of_the_user_lets_in(ssh_site: Site, name: str, tmp_path: Path) -> None:
    authority, mine = keypair(tmp_path / "authority"), keypair(tmp_path / "mine")
    line = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", ssh_site.user, str(mine) + ".pub"]
    subprocess.run(line, check=True, capture_output=True)
    server = ssh_site.sshd(name, None, f"TrustedUserCAKeys {authority}.pub")
    server.authorized.write_text("")
    ssh_site.host(name, server.port, server, IdentityFile=str(mine))
    assert reached(read(ssh_site, name, tmp_path))
    (tmp_path / "mine-cert.pub").unlink()
    assert "did not let" in why(read(ssh_site, name, tmp_path))


def test_who_is_not_let_in_is_told_which_keys_were_tried(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path
) -> None:
    stranger, hardware = keypair(tmp_path / "stranger"), tmp_path / "id_sk"
    hardware.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
    hardware.with_name("id_sk.pub").write_text("sk-ssh-ed25519@openssh.com AAAA me\n")
    ssh_site.host(name, server.port, server, IdentityFile=f"{stranger}\n  IdentityFile {hardware}")
    said = why(read(ssh_site, name, tmp_path))
    assert f"did not let `{ssh_site.user}` in; tried: {stranger}" in said
    assert f"not tried: {hardware} (a key in hardware" in said
    assert "authorized_keys" in said


def test_nothing_there_is_said_in_a_sentence(ssh_site: Site, name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ssh_site.host(name, port)
    assert "refused the connection" in why(read(ssh_site, name, tmp_path))
    ssh_site.host(name, port, HostName="no-such-host.invalid")
    assert "is not known" in why(read(ssh_site, name, tmp_path))
    assert "is no name of a host" in why(read(ssh_site, f"-oProxyCommand=touch {tmp_path}/made", tmp_path))
    assert not (tmp_path / "made").exists()


def test_a_log_in_that_failed_leaves_no_thread(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    ssh_site.host(name, server.port, server, IdentityFile=str(keypair(tmp_path / "stranger")))
    before = set(threading.enumerate())
    why(read(ssh_site, name, tmp_path))
    mine = [each for each in set(threading.enumerate()) - before if type(each).__name__ == "PulsedTransport"]
    wait_for("paramiko's threads ended", lambda: not any(each.is_alive() for each in mine))


def test_a_host_that_stalls_is_noticed_within_the_bound(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path
) -> None:
    wire = ssh_site.wire(server.port)
    ssh_site.host(name, wire.port, server)
    host = ssh_machine(ssh_site, name, tmp_path, stall=0.8, connect_timeout=1.0)
    assert reached(host.read(command("echo reached"), Watcher()))
    stood = wire.connections()
    wire.stall()
    wait_for("the client gave it up, though nobody used it", lambda: wire.given_up(stood), 20)
    wire.flow()
    assert reached(host.read(command("echo reached"), Watcher()))
    host.close()


def test_a_quiet_step_is_not_taken_for_a_stall(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    ssh_site.host(name, server.port, server)
    outcome = read(ssh_site, name, tmp_path, "sleep 2; echo reached", stall=0.6)
    assert reached(outcome)


def user_of_tests() -> str:
    """A user who may do nothing in particular."""
    require_root("become another user without being asked")
    require("sudo", "sudo")
    name = "holdpoint-test"
    with turn(), suppress(KeyError):
        return pwd.getpwnam(name).pw_name
    with turn():
        line = ["useradd", "--no-create-home", "--shell", "/bin/sh", name]
        added = subprocess.run(line, check=False, capture_output=True).returncode
    assert added in (0, 9)  # 9: another worker was faster
    return name


@contextmanager
def turn() -> Iterator[None]:
    """Workers share the one user, so they take turns."""
    with Path("/tmp/holdpoint-test.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def let_through(path: Path) -> None:
    """Let everybody pass to a folder of this test."""
    for folder in (path, *path.parents):
        if folder != Path("/tmp") and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)


def test_where_sudo_wants_a_password_it_is_said(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    user = user_of_tests()
    let_through(server.folder)
    server.authorized.chmod(0o644)
    ssh_site.host(name, server.port, server, User=user)
    given = replace(command(f"touch {tmp_path}/made"), become="root")
    with log_in_shell(user, "/bin/sh"):
        host = ssh_machine(ssh_site, name, tmp_path)
        for outcome in (host.read(given, Watcher()), host.change(given, ticket(), Watcher())):
            said = why(outcome)
            assert f"`sudo -n` on `{name}` as `root`" in said
            assert "NOPASSWD" in said
        host.close()
    assert not (tmp_path / "made").exists()


def test_another_user_is_become_with_sudo(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    user = user_of_tests()
    ssh_site.host(name, server.port, server)
    host = ssh_machine(ssh_site, name, tmp_path)
    given = command("id -un; exit 3")
    raised = replace(given, become=user)
    outcome = host.read(raised, Watcher())
    assert isinstance(outcome, Exited), outcome
    assert (outcome.code, outcome.output.value) == (3, f"{user}\n".encode())
    let_through(tmp_path)
    (tmp_path / "target").mkdir()
    (tmp_path / "target").chmod(0o1777)
    outcome = host.change(raised, ticket(), Watcher())
    assert isinstance(outcome, Exited), outcome
    assert (outcome.code, outcome.output.value) == (3, f"{user}\n".encode())
    for unknown in ("no-such-user", "-x", "a b"):
        raised = replace(given, become=unknown)
        for refusal in (host.read(raised, Watcher()), host.change(raised, ticket(f"run1.{len(unknown)}"), Watcher())):
            assert "user" in why(refusal)
    host.close()


@pytest.mark.parametrize("shell", ["tcsh", "fish"])
def test_a_log_in_shell_that_is_not_posix_changes_nothing(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path, shell: str
) -> None:
    user = user_of_tests()
    let_through(server.folder)
    let_through(tmp_path)
    server.authorized.chmod(0o644)
    (tmp_path / "target").mkdir()
    (tmp_path / "target").chmod(0o1777)
    ssh_site.host(name, server.port, server, User=user)
    with log_in_shell(user, require(shell, shell)):
        host = ssh_machine(ssh_site, name, tmp_path)
        given = command('printf %s "$given"; exit 7', values={"given": "it's $x !y `z`"})
        for outcome in (host.read(given, Watcher()), host.change(given, ticket(), Watcher())):
            assert isinstance(outcome, Exited), outcome
            assert (outcome.code, outcome.output.value) == (7, b"it's $x !y `z`")
        host.close()


@pytest.mark.parametrize("shell", ["tcsh", "fish"])
def test_a_change_is_attached_to_again_under_any_log_in_shell(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path, shell: str
) -> None:
    user = user_of_tests()
    let_through(server.folder)
    let_through(tmp_path)
    server.authorized.chmod(0o644)
    for folder in ("target", "seen"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder).chmod(0o1777)
    wire = ssh_site.wire(server.port)
    ssh_site.host(name, wire.port, server, User=user)
    seen = tmp_path / "seen"
    text = f"echo x >>{seen}/made; echo begun; until test -e {seen}/go; do sleep 0.05; done; echo ended; exit 7"
    with log_in_shell(user, require(shell, shell)), ThreadPoolExecutor() as pool:
        host = ssh_machine(ssh_site, name, tmp_path)
        changing = pool.submit(host.change, command(text), ticket(), Watcher())
        wait_for("it began", (seen / "made").exists)
        wire.hang_up()
        (seen / "go").touch()
        outcome = changing.result(60)
        assert isinstance(outcome, Exited), outcome
        assert (outcome.code, outcome.output.value) == (7, b"begun\nended\n")
        outcome = host.read(command(f"cat {seen}/made; exit 3"), Watcher())
        assert isinstance(outcome, Exited), outcome
        assert (outcome.code, outcome.output.value) == (3, b"x\n")
        host.close()


def test_a_log_in_shell_that_is_restricted_is_said_to_be(
    ssh_site: Site, server: Sshd, name: str, tmp_path: Path
) -> None:
    user = user_of_tests()
    let_through(server.folder)
    server.authorized.chmod(0o644)
    ssh_site.host(name, server.port, server, User=user)
    with log_in_shell(user, require("rbash", "bash")):
        host = ssh_machine(ssh_site, name, tmp_path)
        for outcome in (host.read(command("true"), Watcher()), host.change(command("true"), ticket(), Watcher())):
            said = why(outcome)
            assert "The log-in shell there is restricted" in said
        host.close()


def test_a_log_in_shell_that_is_none_is_quoted(ssh_site: Site, server: Sshd, name: str, tmp_path: Path) -> None:
    user = user_of_tests()
    let_through(server.folder)
    server.authorized.chmod(0o644)
    ssh_site.host(name, server.port, server, User=user)
    with log_in_shell(user, require("nologin", "login")):
        host = ssh_machine(ssh_site, name, tmp_path)
        for outcome in (host.read(command("true"), Watcher()), host.change(command("true"), ticket(), Watcher())):
            assert "not available" in why(outcome)
        host.close()


@contextmanager
def log_in_shell(user: str, shell: str) -> Iterator[None]:
    """Give a user this shell for a while."""
    with turn():
        try:
            subprocess.run(["usermod", "-p", "*", "-s", shell, user], check=True, capture_output=True)
            yield
        finally:
            subprocess.run(["usermod", "-s", "/bin/sh", user], check=True, capture_output=True)
