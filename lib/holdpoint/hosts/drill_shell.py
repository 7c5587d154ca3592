"""The shell of a drill: whatever is typed in it by its bare name is the sandbox's, and not this machine's.

Owns how it is started, and what it finds in its environment.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from holdpoint.hosts.sandbox import Sandbox
from holdpoint.hosts.trainee import Trainee

_WITHOUT_FILES = {"bash": ("--norc", "--noprofile"), "zsh": ("-f",), "fish": ("--no-config",)}
"""How a shell is kept from reading files, which would put other programs first on the PATH; the others read `$ENV`."""
_DATABASE = {"PGHOST": "pg_host", "PGPORT": "pg_port", "PGUSER": "pg_user", "PGDATABASE": "db"}
"""Where PostgreSQL's clients look for a server that they are not told, and the runbook's parameter for it."""
_DROPPED = ("ENV", "BASH_ENV", "PROMPT_COMMAND", "DOCKER_CONTEXT")


def command() -> list[str]:
    """Give the person's own shell, without the person's own files."""
    shell = os.environ.get("SHELL") or "sh"
    return [shell, *_WITHOUT_FILES.get(Path(shell).name, ())]


def environ(sandbox: Sandbox, trainee: Trainee, values: Mapping[str, object]) -> dict[str, str]:
    """What a program that the trainee starts finds. `values` are the runbook's parameters in the sandbox.

    Docker's client reaches no engine, but where the sandbox has one of its own, whose client says where it is. PostgreSQL's
    clients reach the sandbox's server, or none: else they would ask the one that this machine has at its usual place.
    """
    kept = {name: value for name, value in sandbox.environ().items() if name not in _DROPPED}
    folders = (str(trainee.programs), *_folders(sandbox, values), os.environ.get("PATH", os.defpath))
    return {
        **kept,
        "DOCKER_HOST": f"unix://{sandbox.base}/no-engine-outside-of-the-drill",
        **_server(sandbox, values),
        "HISTFILE": str(sandbox.base / "history"),
        **sandbox.secrets(),
        "PATH": ":".join(folders),
        "PS1": "DRILL > ",  # its name may tell what is wrong
        "BASH_FUNC_help%%": "() { words; }",  # else bash's own is found first
        "sandbox": str(sandbox.folder),
    }


def looking(sandbox: Sandbox, check: str, *, fault: bool) -> str:
    """Write the script that ends with 0 where the sandbox is as the trainee found it, as far as its check can see."""
    lines = [
        f"PATH={shlex.quote(os.environ.get('PATH', os.defpath))}",
        " ".join(("unset DOCKER_HOST PS1", *_DATABASE, *sandbox.secrets())),
        f"cd {shlex.quote(str(sandbox.folder))} || exit 0",
        "( set -eu",
        f"sandbox={shlex.quote(str(sandbox.folder))}",
        sandbox.libraries,
        check,
        ") </dev/null >/dev/null 2>&1",
        "[ $? -ne 0 ]" if fault else "[ $? -eq 0 ]",
    ]
    return "\n".join(lines) + "\n"


def own_programs(sandbox: Sandbox, values: Mapping[str, object]) -> Iterator[Path]:
    """Give the programs of the sandbox that the runbook is told one by one."""
    for place in _places(sandbox, values):
        if place.is_file() and os.access(place, os.X_OK):
            yield place


def _server(sandbox: Sandbox, values: Mapping[str, object]) -> dict[str, str]:
    if Path(str(values.get("pg_host", ""))).is_relative_to(sandbox.folder):
        return {name: str(values[key]) for name, key in _DATABASE.items() if key in values}
    return {"PGHOST": f"{sandbox.base}/no-server-outside-of-the-drill"}


def _folders(sandbox: Sandbox, values: Mapping[str, object]) -> Iterator[str]:
    """Give `$sandbox/bin`, and the folders of programs that the runbook is told."""
    told = [Path(str(value)) for name, value in values.items() if name.endswith("_bin")]
    for folder in dict.fromkeys((sandbox.folder / "bin", *told)):
        if folder.is_relative_to(sandbox.folder) and folder.is_dir():
            yield str(folder)


def _places(sandbox: Sandbox, values: Mapping[str, object]) -> Iterator[Path]:
    for value in values.values():
        place = Path(str(value))
        if place.is_relative_to(sandbox.folder):
            yield place
