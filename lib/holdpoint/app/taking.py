"""Taking in a run that was handed over: the file is verified before anything of it is used, shown or kept."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdpoint.app import handing as handing_over
from holdpoint.app.records import background_of
from holdpoint.engine.events import RunHandedOver, RunOpened, RunTakenOver, StepIntended
from holdpoint.engine.facts import is_local
from holdpoint.engine.state import State, replay
from holdpoint.engine.target import Tier
from holdpoint.hosts.ssh.config import ALIAS
from holdpoint.journal.chain import Chain, Damaged
from holdpoint.journal.chain import read as read_chain
from holdpoint.journal.record import Json
from holdpoint.planning.plan import Plan, StepItem
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.store import handover_file
from holdpoint.store.adopting import adopt
from holdpoint.store.handover_file import DOCUMENTS, OUTPUT, README, RUNS
from holdpoint.views import handing
from holdpoint.views.console import Screen

if TYPE_CHECKING:
    from holdpoint.app.world import World
    from holdpoint.store.run_folder import RunFolder

_SPOOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:-]*", re.ASCII)


def is_file(name: str) -> bool:
    """Whether what was typed for a run is a file that was handed over."""
    named = "/" in name or name.endswith(handover_file.SUFFIX)
    return named and "\0" not in name and Path(name).exists()


def take_in(world: World, file: Path) -> RunFolder:
    """Verify the file, keep its run among those of this person, and show what it is; nothing is done on any host.

    Raises `HoldpointError`: code 10 where a journal or what goes with it was altered, 2 for a file that cannot be
    taken over, or where the run is here already and went on.
    """
    with _unpacked(world, file) as (place, names):
        runs = _runs(file, place, names)
        main = _main(file, runs)
        _unaltered(file, place, names, main)
        for run in runs.values():
            _safe(file, run)
        if (place / DOCUMENTS).is_dir():
            (place / DOCUMENTS).rename(place / RUNS / main.name / DOCUMENTS)
        for run in sorted(runs.values(), key=lambda one: one is main):
            adopt(world.state.run(run.name), place / RUNS / run.name, file)
    _show(world, main)
    return world.state.run(main.name)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the file, whose chain is whole."""

    name: str
    chain: Chain
    state: State
    opened: RunOpened


@contextmanager
def _unpacked(world: World, file: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    world.state.prepare()
    place = Path(tempfile.mkdtemp(prefix=".handover-", dir=world.state.path / "runs"))
    try:
        yield place, handover_file.unpack(file, place)
    finally:
        with suppress(OSError):
            shutil.rmtree(place)


def _runs(file: Path, place: Path, names: tuple[str, ...]) -> dict[str, Run]:
    """Read every journal, and check its chain: a torn end has no place in a file that was written whole."""
    runs: dict[str, Run] = {}
    for name in dict.fromkeys(name.split("/")[1] for name in names if name.startswith(f"{RUNS}/")):
        journal = place / RUNS / name / "journal.jsonl"
        if not journal.exists():
            raise _unfit(file, f"run `{name}` has no journal in it")
        shown = f"{file}: {RUNS}/{name}/journal.jsonl"
        chain = read_chain(journal.read_bytes(), shown)
        if isinstance(chain, Damaged):
            raise chain.error()
        if chain.torn:
            raise handover_file.altered(file, f"the journal of `{name}` ends in the middle of a record")
        try:
            state = replay(chain.records)
        except (ValueError, TypeError, AttributeError) as error:  # whoever made it chose what stands in its records
            raise _unfit(file, f"it was written by another version of Holdpoint: {error}") from error
        if state.opened is None or state.opened.run != name:
            raise handover_file.altered(file, f"the journal of `{name}` is that of another run")
        runs[name] = Run(name, chain, state, state.opened)
    return runs


def _main(file: Path, runs: dict[str, Run]) -> Run:
    """Find the run that was handed over; a rollback brings the run along that it takes back."""
    found = [run for run in runs.values() if run.chain.records[-1].kind == RunHandedOver.kind]
    if len(found) != 1:
        raise _unfit(file, "it holds no run whose last record is that it was handed over")
    (main,) = found
    if set(runs) != {main.name, *([main.opened.of_run] if main.opened.of_run else [])}:
        raise _unfit(file, "it holds other runs than the one that was handed over")
    return main


def _unaltered(file: Path, place: Path, names: tuple[str, ...], main: Run) -> None:
    """Compare everything beside the journal with what the journal says of it."""
    own = f"{RUNS}/{main.name}/journal.jsonl"
    found = {name: handover_file.digest(place / name) for name in names if name not in (README, own)}
    outputs = {name: one for name, one in found.items() if OUTPUT.fullmatch(name)}
    handed = main.state.handed
    assert handed is not None  # noqa: S101 - it is the last record
    files = {name: one for name, one in found.items() if name not in outputs}
    if files != dict(handed.files):
        differing = sorted(set(files.items()) ^ set(handed.files.items()))
        raise handover_file.altered(file, f"`{differing[0][0]}` is not what the journal says that it is")
    if handing_over.of_outputs(outputs) != handed.outputs:
        raise handover_file.altered(file, "the outputs are not those that the journal says they are")


def _safe(file: Path, run: Run) -> None:
    """Refuse names that could lead somewhere else: whoever made the file may have made the whole chain."""
    opened = run.chain.records[0].data
    names: list[tuple[Json, re.Pattern[str]]] = []
    for key in ("hosts", "beside"):
        hosts = opened.get(key)
        if not isinstance(hosts, dict) or not set(map(str, hosts.values())) <= set(Tier):
            raise _unfit(file, f"the journal of `{run.name}` does not say on which hosts it works")
        names += [(host, ALIAS) for host in hosts]
    order = opened.get("order")
    names += [(host, ALIAS) for host in order] if isinstance(order, list) else [(None, ALIAS)]
    spools = (record.data.get("spool") for record in run.chain.records if record.kind == StepIntended.kind)
    names += [(spool, _SPOOL) for spool in spools if spool != ""]
    for name, form in names:
        if not isinstance(name, str) or form.fullmatch(name) is None:
            shown = repr(name)[:60]
            raise _unfit(file, f"the journal of `{run.name}` holds a name that Holdpoint does not give: {shown}")


def _show(world: World, run: Run) -> None:
    targets = tuple(world.fleet.target(name, tier) for name, tier in run.opened.hosts.items())
    notes = [
        f"{target.name} is not named by hosts.yaml here, so what machine it is will not be checked by that."
        for target in targets
        if target.name != world.local.name and world.fleet.entry(target.name) is None
    ]
    told = handing.Handing(
        run.name, run.chain.records, targets, background_of(world, run.chain.records), tuple(notes), world.zone
    )
    screen = Screen(world.out, plain=world.plain, environ=world.environ)
    screen.lines(handing.summary(told, screen.width))


# --- going on ---------------------------------------------------------------------------------------------------


def may_go_on_here(world: World, run: str, state: State) -> None:
    """Refuse a run that changes the first person's own machine, at any other one."""
    opened, handed = state.opened, state.handed
    if opened is None or handed is None:
        return
    same = handed.machine_id != "" and handed.machine_id == handing_over.machine_mark(world)
    if opened.beside and not (same and world.local.name == state.here):
        message = (
            f"run `{run}` changes {state.here} itself, the machine of the person who began it, and this is another"
        )
        hint = f"it can go on there, or be taken back there: `run.resume {run} --take-over`"
        raise HoldpointError(Problem("another-machine", message, hint=hint))
    if world.local.name == state.here and world.local.name in opened.hosts and not same:
        message = f"run `{run}` works on {state.here}; this machine has that name too, and is another one"
        hint = f"name this machine otherwise in hosts.yaml (an entry that expects it), so that {state.here} is reached over SSH"
        raise HoldpointError(Problem("another-machine", message, hint=hint))


def taken_over(world: World, state: State, plan: Plan, came: handing.From | None) -> RunTakenOver:
    """Make the record with which this person goes on; `came` is what the journal says of the handing over."""
    return RunTakenOver(
        from_person=came.person if came else "",
        from_machine=came.machine if came else state.here,
        machine=world.local.name,
        moved=moving(plan),
        plan=plan.digest,
    )


def moving(plan: Plan) -> tuple[str, ...]:
    """The steps that are done where the person is."""
    return tuple(
        item.key for item in plan.items if isinstance(item, StepItem) and is_local(item.step) and item.hosts is None
    )


def _unfit(file: Path, why: str) -> HoldpointError:
    hint = "have it made anew with `run.handover`"
    return HoldpointError(
        Problem("handover-file", f"this file cannot be taken over: {why}", Place(str(file), 0, 0), hint=hint)
    )
