"""The ways to a host over SSH that the tests take, and a machine at the end of one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.machine import Agree, Terms
from holdpoint.hosts.ssh.machine import SshMachine
from tests.needs import require
from tests.sshd import Site, with_sh

WAYS = ["dash", "bash", "busybox", "noisy", "bare", "jumps"]
TOOLS = "bash sh cat dd ln mkdir rm wc sleep date grep sed mv ls sync chmod head uname base64 tr python3 touch env"
NOISE = 'echo "Welcome, HOLDPOINT!"; echo "news: 0 mails" >&2; stty -a 2>/dev/null; printf "no newline"\n'
_MADE: dict[tuple[int, str], str] = {}


def way_to(site: Site, name: str) -> str:
    """Give the alias of a host with these traits, whose server is started once."""
    key = (id(site), name)
    if key not in _MADE:
        _MADE[key] = _make(site, name)
    return _MADE[key]


def _make(site: Site, name: str) -> str:
    match name:
        case "noisy":
            server = site.sshd(name)
            home = site.folder / f"home-{name}"
            for file in (".bashrc", ".profile", ".zshenv"):
                (home / file).write_text(NOISE)
            return site.host(name, server.port, server)
        case "bare":
            server = site.sshd(name, {"PATH": str(_bare(site.folder))})
            return site.host(name, server.port, server)
        case "jumps":
            end, first, second = site.sshd("end"), site.sshd("first"), site.sshd("second")
            site.host("first", first.port, first)
            site.host("second", second.port, second)
            return site.host(name, end.port, end, ProxyJump="first,second")
        case program:
            require(program, program)
            server = site.sshd(program, {"PATH": with_sh(site.folder, program)})
            return site.host(program, server.port, server)


def _bare(folder: Path) -> Path:
    """A folder of tools without `setsid`, `flock` and `perl`."""
    place = folder / "bare"
    place.mkdir()
    for tool in TOOLS.split():
        found = shutil.which(tool)
        assert found
        (place / tool).symlink_to(found)
    return place


def ssh_machine(
    site: Site, alias: str, folder: Path, run: str = "run1", agree: Agree | None = None, **more: Any
) -> SshMachine:
    """Give a host, with folders of its own on it."""
    terms = Terms(folder / "target", folder / "memory", agree=agree)
    return SshMachine(Target(alias, Tier.STAGING), folder / run, terms, config=site.config, **{"stall": 20.0, **more})


def uid() -> int:
    return os.getuid()
