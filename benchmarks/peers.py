"""The peers: where each is installed, and how to install it. Never in the project's own environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOW = "`inv bench.setup` installs it"


@dataclass(frozen=True, slots=True)
class Environment:
    """Packages of PyPI that have an environment of their own; `proof` is a module of them."""

    name: str
    packages: tuple[str, ...]
    proof: str


ENVIRONMENTS = (
    Environment("fabric", ("fabric>=3.2.3",), "fabric"),
    Environment("asyncssh", ("asyncssh",), "asyncssh"),
    Environment("libssh2", ("ssh2-python",), "ssh2"),
    Environment("pyinfra", ("pyinfra>=3",), "pyinfra"),
    Environment("ansible", ("ansible-core",), "ansible"),
    Environment("schemas", ("PyYAML", "jsonschema", "fastjsonschema", "jsonschema-rs"), "jsonschema_rs"),
    Environment("plot", ("matplotlib",), "matplotlib"),
)
PROGRAMS = {"ssh": "openssh-client", "sshd": "openssh-server", "clush": "clustershell", "bash": "bash"}
"""Programs, and the Debian package of each."""


def folder() -> Path:
    """Where the environments and the last results are: the user's folder for caches."""
    home = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '')}/.cache"
    return Path(home) / "holdpoint" / "bench"


def python(name: str) -> Path:
    """The Python of an environment, which need not be there."""
    return folder() / name / "bin" / "python"


def lacks(name: str) -> str:
    """Say that an environment is missing; nothing where it is there whole."""
    return "" if (folder() / name / ".made").exists() else f"{name} is not installed; {HOW}"


def program(name: str) -> str | None:
    """Find a program of the system."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def lacks_program(name: str) -> str:
    """Say that a program is missing, and how to get it."""
    return "" if program(name) else f"`{name}` is not installed; {HOW} (Debian's {PROGRAMS[name]}, as root)"


def ours() -> str:
    """The Python of the project."""
    return sys.executable


# --- setup ------------------------------------------------------------------------------------------------------


def install(tell: Callable[[str], None]) -> int:
    """Install what is missing; gives how many of them could not be."""
    failed = 0
    for each in ENVIRONMENTS:
        if not lacks(each.name):
            tell(f"{each.name}: is there")
            continue
        said = _make(each)
        failed += bool(said)
        tell(f"{each.name}: {said or 'installed'}")
    return failed + _install_programs(tell)


def _make(environment: Environment) -> str:
    """Make one environment anew; gives what went wrong. Its stamp is written last, so that half of one counts as none."""
    place = folder() / environment.name
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _run([ours(), "-m", "venv", str(place)])
        pip = [str(python(environment.name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-input", *environment.packages])
        _run([str(python(environment.name)), "-c", f"import {environment.proof}"])
        (place / ".made").touch()
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines()
        return f"could not be installed: {lines[-1] if lines else error}"
    except OSError as error:
        return f"could not be installed: {error}"
    return ""


def _install_programs(tell: Callable[[str], None]) -> int:
    lacking = {name: package for name, package in PROGRAMS.items() if not program(name)}
    if not lacking:
        return 0
    packages = sorted(set(lacking.values()))
    if os.geteuid() != 0 or not program("apt-get"):
        tell(f"{', '.join(lacking)}: root has to type: apt-get install {' '.join(packages)}")
        return len(lacking)
    try:
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        tell(f"{', '.join(lacking)}: could not be installed: {lines[-1] if lines else error}")
        return len(lacking)
    tell(f"{', '.join(lacking)}: installed")
    return 0


def _run(line: list[str]) -> None:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(line, check=True, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
