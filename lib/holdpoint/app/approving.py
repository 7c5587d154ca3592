"""The second person: sees what the first was shown, and approves exactly that, from a terminal of their own."""

from __future__ import annotations

from holdpoint.app import machines
from holdpoint.app.world import World
from holdpoint.engine.events import GateOpened
from holdpoint.engine.state import replay
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store.run_folder import RunFolder
from holdpoint.views.inert import inert

WORD = "approve"


def approve(world: World, name: str) -> int:
    """Show the gate that waits for another person, and leave their approval on the target after the word `approve`.

    Raises `HoldpointError`: code 2 where no gate waits, or for the person whose run it is; 7 without a terminal.
    """
    folder = world.state.find(name)
    gate = _waiting(world, folder)
    for line in _shown(gate):
        world.out.write(inert(line) + "\n")
    if not world.interactive:
        hint = "approve at a terminal; no file and no option does it"
        raise HoldpointError(
            Problem("no-terminal", "an approval needs a person", hint=hint), exit_code=Exit.NEEDS_PERSON
        )
    if world.prompt(f"Type `{WORD}` to approve exactly this; anything else leaves it:") != WORD:
        world.out.write("Nothing was approved.\n")
        return Exit.STOPPED
    target = world.fleet.target(gate.hosts[0])
    with machines.made(world, folder.path, [target]) as asked:
        wrong = asked[target.name].approve(folder.name, gate.digest, world.person)
    if wrong:
        raise HoldpointError(Problem("not-approved", f"the approval was not kept: {wrong}"), exit_code=Exit.UNKNOWN)
    world.out.write(f"Approved by {world.person}. The run goes on at its own terminal.\n")
    return Exit.OK


def _waiting(world: World, folder: RunFolder) -> GateOpened:
    records = folder.records()
    gate = replay(records).gate
    if gate is None or gate.opened.approvers < 2:  # noqa: PLR2004 - one person alone needs no approval
        hint = f"`run.follow {folder.name}` shows what it is doing"
        raise HoldpointError(
            Problem("nothing-to-approve", f"no gate of `{folder.name}` waits for a second person", hint=hint)
        )
    if records[-1].person == world.person:
        message = f"`{folder.name}` is a run of {world.person}, and a second person has to approve it"
        hint = "another person types this, under their own name (their account, or HOLDPOINT_PERSON)"
        raise HoldpointError(Problem("own-approval", message, hint=hint))
    return gate.opened


def _shown(gate: GateOpened) -> list[str]:
    lines = [f"{gate.title}  ({gate.item})", f"effect: {gate.effect.upper()}; {gate.reverts}"]
    for host, script in gate.commands.items():
        lines += [f"on {host}:", *(f"  {line}" for line in script.splitlines())]
    return lines
