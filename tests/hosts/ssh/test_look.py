"""A look at a host is answered by every `sh`, through noise, with few tools, and behind jump hosts."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

from holdpoint.hosts.look import Seen, look
from tests.hosts.ssh.support import WAYS, ssh_machine, way_to
from tests.hosts.support import Watcher
from tests.sshd import Site


@pytest.mark.parametrize("way", WAYS)
def test_a_look_is_answered_whole(tmp_path: Path, ssh_site: Site, way: str) -> None:
    machine = ssh_machine(ssh_site, way_to(ssh_site, way), tmp_path)
    try:
        seen = look(machine, {"cat", "no-such-tool"}, {"no-such-daemon"}, Watcher())
    finally:
        machine.close()
    assert isinstance(seen, Seen)
    assert seen.identity.hostname == os.uname().nodename
    assert seen.user in {pwd.getpwuid(os.getuid()).pw_name, str(os.getuid())}
    assert seen.missing == {"no-such-tool"}
    assert seen.missing_raised == {"no-such-daemon"}
    assert Path(seen.sh).is_absolute()
    assert (seen.sudo == "not installed") is (way == "bare" or shutil.which("sudo") is None)
    assert not (tmp_path / "run1").exists()


def test_what_only_the_path_of_root_has_is_said_to_be_there(tmp_path: Path, ssh_site: Site) -> None:
    server = ssh_site.sshd(f"narrow-{tmp_path.name}", {"PATH": "/usr/bin:/bin"})
    machine = ssh_machine(ssh_site, ssh_site.host(f"narrow-{tmp_path.name}", server.port, server), tmp_path)
    try:
        seen = look(machine, {"chroot", "no-such-tool"}, (), Watcher())
    finally:
        machine.close()
    assert isinstance(seen, Seen)
    assert seen.missing == {"chroot", "no-such-tool"}
    assert seen.beyond == (("chroot", shutil.which("chroot", path="/usr/local/sbin:/usr/sbin:/sbin")),)
