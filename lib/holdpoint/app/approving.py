"""The second person: sees what the first was shown, and approves exactly that, from a terminal of their own.

The gate is read where the run is recorded, if that is here, and else on the target, which any account and any machine
that can reach it shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdpoint.app import machines
from holdpoint.app.world import World
from holdpoint.document.model import Effect
from holdpoint.engine.asked import Asked, Question
from holdpoint.engine.events import GateOpened, gate_of, seal_of
from holdpoint.engine.state import replay
from holdpoint.hosts.agent import LinkFailed
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.views.console import Screen
from holdpoint.views.lines import Tone, labelled
from holdpoint.views.questions import Setting, question

if TYPE_CHECKING:
    from holdpoint.hosts.machine import AgentMachine
    from holdpoint.store.run_folder import RunFolder

WORD = "approve"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A gate that waits for another person than `person`."""

    run: str
    person: str
    gate: GateOpened


def approve(world: World, name: str, hosts: Sequence[str] = ()) -> int:
    """Show the gate that waits for another person, and leave their approval on the target after the word `approve`.

    `hosts` names the targets where the run is not recorded here. The approval names a digest of all that was shown, so one
    of another gate, or of an earlier opening of this one, counts for nothing. Raises `HoldpointError`: code 2 where no gate
    waits, or for the person whose run it is; 7 without a terminal, 8 where the target does not answer.
    """
    recorded = None if hosts else _recorded(world, name)
    names = recorded.gate.hosts if recorded else world.fleet.select(hosts)
    targets = [world.fleet.target(host) for host in names]
    with machines.made(world, world.state.run(recorded.run if recorded else name).path, targets) as asked:
        waiting = recorded or _announced(name, asked)
        if waiting.person == world.person:
            raise _own(waiting)
        _show(world, waiting)
        if not _agreed(world):
            world.out.write("Nothing was approved.\n")
            return Exit.STOPPED
        if waiting != (_recorded(world, name) if recorded else _announced(name, asked)):
            raise _nothing(waiting.run, "it is not open any more as it was shown, so nothing was approved; look again")
        host = next(host for host in waiting.gate.hosts if host in asked)
        wrong = asked[host].approve(waiting.run, seal_of(waiting.gate, waiting.person), world.person)
    if wrong:
        raise HoldpointError(Problem("not-approved", f"the approval was not kept: {wrong}"), exit_code=Exit.UNKNOWN)
    world.out.write(f"Approved by {world.person}. The run goes on at its own terminal.\n")
    return Exit.OK


def _recorded(world: World, name: str) -> Waiting | None:
    """The gate of a run that is recorded here; None where no such run is."""
    try:
        folder: RunFolder = world.state.find(name)
    except HoldpointError as error:
        if name == "last" or any(problem.code != "run-unknown" for problem in error.problems):
            raise
        return None
    records = folder.records()
    gate = replay(records).gate
    if gate is None or gate.opened.approvers < 2:  # noqa: PLR2004 - one person alone needs no approval
        raise _nothing(folder.name, f"`run.follow {folder.name}` shows what it is doing")
    return Waiting(folder.name, records[-1].person, gate.opened)


def _announced(run: str, asked: dict[str, AgentMachine]) -> Waiting:
    """The gate of a run of somebody else, as the first of the targets that has one shows it."""
    for name, machine in asked.items():
        try:
            found = machine.gates(run)
        except LinkFailed as error:
            problem = Problem("unreachable", f"{name} cannot be asked for the gate: {error}")
            raise HoldpointError(problem, exit_code=Exit.UNKNOWN) from error
        for raw in found:
            try:
                gate = gate_of({key: value for key, value in raw.items() if key != "person"})
            except ValueError:
                continue
            if name in gate.hosts:
                return Waiting(run, str(raw.get("person")), gate)
    hint = "`--host` names the host that the gate is about; the run's name is in the gate, whole"
    raise _nothing(run, f"no gate of it waits on {', '.join(asked)}. {hint}")


def _show(world: World, waiting: Waiting) -> None:
    """Draw what the first person was shown."""
    gate, screen = waiting.gate, Screen(world.out, plain=world.plain, environ=world.environ)
    shown = Question(
        kind=Asked(gate.asks),
        key=gate.item,
        title=gate.title,
        targets=tuple(world.fleet.target(host) for host in gate.hosts),
        words=(),
        effect=Effect(gate.effect),
        why=gate.why,
        prompt=gate.prompt,
        batch=gate.batch,
        commands=tuple(gate.commands.items()),
        become=gate.become,
        evidence=gate.evidence,
        reverts=gate.reverts,
        proof=gate.proof,
        remains=gate.remains,
    )
    screen.lines(labelled("asked by", f"{waiting.person}, run {waiting.run}", screen.width, Tone.BOLD))
    screen.lines(question(shown, Setting(screen.width, waiting.run, world.clock.now(), asks=False)))


def _agreed(world: World) -> bool:
    if not world.interactive:
        hint = "approve at a terminal; no file and no option does it"
        raise HoldpointError(
            Problem("no-terminal", "an approval needs a person", hint=hint), exit_code=Exit.NEEDS_PERSON
        )
    return world.prompt(f"Type `{WORD}` to approve exactly this; anything else leaves it:") == WORD


def _nothing(run: str, hint: str) -> HoldpointError:
    return HoldpointError(Problem("nothing-to-approve", f"no gate of `{run}` waits for a second person", hint=hint))


def _own(waiting: Waiting) -> HoldpointError:
    message = f"`{waiting.run}` is a run of {waiting.person}, and a second person has to approve it"
    hint = "another person types this, under their own name (their account, or HOLDPOINT_PERSON)"
    return HoldpointError(Problem("own-approval", message, hint=hint))
