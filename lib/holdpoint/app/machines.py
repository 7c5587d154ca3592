"""The machines of a run: this one, and others over SSH. Owns which is which, and where the environment moves their folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.engine.target import Target
from holdpoint.hosts.local import LocalMachine
from holdpoint.hosts.lock import Names
from holdpoint.hosts.machine import AgentMachine, Terms
from holdpoint.problem import HoldpointError, Problem

if TYPE_CHECKING:
    from holdpoint.app.world import World

Agree = Callable[[Target, str], None]
"""Is told which target's disk has no room, and why; returns after a person's yes to a folder in memory, or raises."""


@contextmanager
def made(
    world: World,
    run_folder: Path,
    targets: Iterable[Target],
    *,
    environ: Mapping[str, str] | None = None,
    memory_allowed: bool = False,
    agree: Agree | None = None,
) -> Iterator[dict[str, AgentMachine]]:
    """Give the machines by name; those over SSH are dialled when they are first asked, and hung up at the end."""
    with ExitStack() as stack:
        machines: dict[str, AgentMachine] = {}
        for machine in each(world, run_folder, targets, environ=environ, memory_allowed=memory_allowed, agree=agree):
            machines[machine.target.name] = machine
            stack.callback(machine.close)
        yield machines


def each(
    world: World,
    run_folder: Path,
    targets: Iterable[Target],
    *,
    environ: Mapping[str, str] | None = None,
    memory_allowed: bool = False,
    agree: Agree | None = None,
    changes: bool = True,
    prompt: Callable[[str], str] | None = None,
) -> list[AgentMachine]:
    """Give the machine of each target; whoever asks closes them. Without `changes`, one may stand behind two names.

    `prompt` asks a person for a secret, in the place of the world's own.
    """
    told, shared = list(targets), Names()
    over_ssh = (
        _over_ssh(world, run_folder, prompt or world.prompt_secret)
        if any(target.name != world.local.name for target in told)
        else None
    )
    made: list[AgentMachine] = []
    for target in told:
        names = shared if changes else Names()
        asks = partial(agree, target) if agree is not None else None
        if target.name == world.local.name or over_ssh is None:
            terms = Terms(
                target_folder=_named(world.environ, "HOLDPOINT_TARGET"),
                memory_folder=_named(world.environ, "HOLDPOINT_TARGET_MEMORY"),
                memory_allowed=memory_allowed,
                agree=asks,
                names=names,
            )
            seen = world.environ if environ is None else environ
            made.append(LocalMachine(target, run_folder, terms, environment=seen))
        else:
            made.append(over_ssh(target, Terms(agree=asks, names=names)))
    return made


def _over_ssh(
    world: World, run_folder: Path, prompt: Callable[[str], str] | None
) -> Callable[[Target, Terms], AgentMachine]:
    """Give what makes a machine over SSH; the keys are loaded once for all of them."""
    from holdpoint.hosts.ssh.keys import KeyRing  # noqa: PLC0415 - a run on this machine needs no SSH
    from holdpoint.hosts.ssh.machine import SshMachine  # noqa: PLC0415 - as above

    keys = KeyRing(prompt)

    def make(target: Target, terms: Terms) -> AgentMachine:
        entry = world.fleet.entry(target.name)
        expect = entry.expect if entry else None
        return SshMachine(target, run_folder, terms, keys=keys, expect=expect, environ=world.environ)

    return make


def _named(environ: Mapping[str, str], name: str) -> Path | None:
    """A folder of this machine that the environment names; told to the agent, since `sudo` would drop it."""
    named = environ.get(name)
    if named and not Path(named).is_absolute():
        raise HoldpointError(
            Problem("target-folder", f"`${name}` is no absolute path", found=f"`{named}`", expected="`/…`")
        )
    return Path(named) if named else None
