"""What a run left behind: the changes that were made or may have been, and the values that it had read."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.document.model import Run
from holdpoint.engine.events import RunOpened, Status
from holdpoint.engine.facts import Facts, is_changing, is_local
from holdpoint.engine.state import State, may_have_effect
from holdpoint.engine.target import Target
from holdpoint.planning.plan import Item, Plan, StepItem
from holdpoint.planning.rollback import Done, Left
from holdpoint.shell import Plain, Secret, as_text


def changes_made(facts: Facts) -> tuple[Done, ...]:
    """Every change that was begun and not surely without effect, in the order in which they were begun.

    A change that failed may have been made in part, so it counts as one in doubt.
    """
    begun: list[tuple[int, Done]] = []
    for item in facts.plan.items:
        if not isinstance(item, StepItem) or not is_changing(item):
            continue
        for host in facts.hosts(item):
            progress = facts.progress(item, host)
            if may_have_effect(progress):
                surely = progress.settled is True or (progress.ended is not None and progress.ended.status is Status.OK)
                begun.append((progress.first, Done(item, host, in_doubt=not surely)))
    return tuple(done for _, done in sorted(begun, key=lambda pair: pair[0]))


def unfinished(facts: Facts) -> tuple[tuple[StepItem, str], ...]:
    """The commands that change something, were intended, and whose end is not recorded."""
    return tuple(
        (item, host)
        for item in facts.plan.items
        if isinstance(item, StepItem) and is_changing(item) and isinstance(item.step.action, Run)
        for host in facts.hosts(item)
        if (progress := facts.progress(item, host)).intent is not None
        and progress.ended is None
        and progress.settled is None
    )


def registered(plan: Plan, state: State) -> Mapping[tuple[str, str], Mapping[str, Plain]]:
    """The values that a run registered, by scope and host; what is kept nowhere is not among them."""
    found: dict[tuple[str, str], dict[str, Plain]] = {}
    for item in plan.items:
        if isinstance(item, StepItem):
            for (key, host), progress in state.steps.items():
                if key == item.key and progress.ended is not None:
                    found.setdefault((item.scope, host), {}).update(progress.ended.values)
    return found


def left(facts: Facts) -> Left:
    """Everything that a rollback has to know of a run."""
    found = frozenset(at for at, decided in facts.state.causes.items() if decided.cause.holds)
    return Left(changes_made(facts), registered(facts.plan, facts.state), found)


def opened(
    plan: Plan, run: str, mode: str, targets: Mapping[str, Target], incident: str, holds_as: str = ""
) -> RunOpened:
    """Make a run's first record. `targets` are all machines that the run can reach, by name.

    `holds_as` is the name under which the run that is taken back holds its locks.
    """
    root = plan.scopes[""]
    here = any(is_changing(item) and plan.here in _hosts(plan, item) for item in plan.items)
    beside = (plan.here,) if here and plan.here not in plan.hosts else ()
    return RunOpened(
        run=run,
        runbook=plan.runbook.id,
        title=plan.runbook.title,
        mode=mode,
        of_run=plan.of_run,
        document=plan.runbook.digest,
        plan=plan.digest,
        steps=plan.fingerprints(),
        hosts={name: targets[name].tier.value for name in plan.hosts},
        params={n: str(v) if isinstance(v, Secret) else as_text(v) for n, v in root.params.items()},
        incident=incident,
        file=plan.runbook.file,
        order=plan.hosts,
        beside={name: targets[name].tier.value for name in beside},
        here=plan.here,
        content=plan.content,
        holds_as=holds_as,
    )


def _hosts(plan: Plan, item: Item) -> tuple[str, ...]:
    if not isinstance(item, StepItem):
        return ()
    return item.hosts if item.hosts is not None else (plan.here,) if is_local(item.step) else plan.hosts
