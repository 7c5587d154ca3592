"""Making sides: the command lines of their processes, and of the tools that are measured as commands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.model import Side

SIDES = Path(__file__).parent / "sides"
ROOT = Path(__file__).parents[1]


def ours(
    name: str, script: str, *arguments: object, divided: int = 1, environ: Mapping[str, str] | None = None
) -> Side:
    """A side in the project's own environment."""
    command = (peers.ours(), str(SIDES / script), *map(str, arguments))
    return Side(name, command, environ or {}, divided=divided)


def peer(name: str, environment: str, script: str, *arguments: object) -> Side:
    """A side in the environment of a peer."""
    command = (str(peers.python(environment)), str(SIDES / script), *map(str, arguments))
    return Side(name, command, missing=peers.lacks(environment))


def program(
    name: str, *line: object, missing: str = "", environ: Mapping[str, str] | None = None, with_output: bool = False
) -> Side:
    """A side that is a command of its own, with its start and its end."""
    how = ["--with-output"] if with_output else []
    command = (peers.ours(), "-I", "-S", str(SIDES / "spawned.py"), *how, *map(str, line))
    return Side(name, command, environ or {}, missing=missing)


def several(name: str, folder: Path, lines: Sequence[Sequence[object]], missing: str = "") -> Side:
    """A side that is several commands, one after the other."""
    file = folder / f"{name.replace(' ', '-')}.json"
    file.write_text(json.dumps([list(map(str, line)) for line in lines]))
    return Side(name, (peers.ours(), "-I", "-S", str(SIDES / "spawned.py"), "--file", str(file)), missing=missing)


# --- tools that are told what to do by files ---------------------------------------------------------------------


def pyinfra(folder: Path, hosts: str, steps: Sequence[str], data: Mapping[str, str]) -> Side:
    """Have pyinfra execute steps; `hosts` is Python text of a list."""
    (folder / "inventory.py").write_text(f"hosts = ({hosts}, {dict(data)!r})\n")
    ran = "".join(f"server.shell(name='{n}', commands=[{text!r}])\n" for n, text in enumerate(steps))
    (folder / "deploy.py").write_text(f"from pyinfra.operations import server\n\n{ran}")
    tool = peers.python("pyinfra").with_name("pyinfra")
    line = (tool, "-y", "--parallel", "10", folder / "inventory.py", folder / "deploy.py")
    return program("pyinfra", *line, missing=peers.lacks("pyinfra"), environ={"HOME": str(folder)})


def ansible_playbook(folder: Path, inventory: Path, steps: Sequence[str], name: str = "ansible") -> Side:
    """Have Ansible execute steps, with pipelining, ten hosts at a time."""
    tasks = [{"name": str(n), "ansible.builtin.shell": text} for n, text in enumerate(steps)]
    playbook = folder / "playbook.json"  # JSON is YAML
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    line = (peers.python("ansible").with_name("ansible-playbook"), "-i", inventory, playbook)
    return program(name, *line, missing=peers.lacks("ansible"), environ=ansible_environ(folder))


def ansible_environ(folder: Path) -> dict[str, str]:
    return {
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote-tmp"),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
    }
