"""From a run to the plan that takes it back: the undo of what was done or is in doubt, in reverse, then the section.

Knows the outcome of the run only as `Done` values, which the engine's state provides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from holdpoint.document.model import Effect, Run, Section, Step, Undo
from holdpoint.planning.build import seal
from holdpoint.planning.plan import Item, Mode, Plan, StepItem
from holdpoint.shell import Plain


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made on a host, or may have been made."""

    item: StepItem
    host: str
    in_doubt: bool


def rollback(
    plan: Plan, of_run: str, done: Sequence[Done], values: Mapping[tuple[str, str], Mapping[str, Plain]]
) -> Plan:
    """Lay the rollback out. `done` is in the order in which the changes were begun."""
    by_step: dict[str, list[Done]] = {}
    for change in reversed(done):
        by_step.setdefault(change.item.key, []).append(change)
    items: list[Item] = []
    not_undone: list[str] = []
    for changes in by_step.values():
        undo = changes[0].item.step.undo
        if undo is None:
            not_undone += [_stays(change) for change in changes]
        else:
            items.append(_undo_item(changes, undo))
    items += [StepItem(step.id, "", step, ()) for step in plan.runbook.rollback]
    taken_back = replace(
        plan, mode=Mode.ROLLBACK, items=tuple(items), of_run=of_run, seeds=values, not_undone=tuple(not_undone)
    )
    return seal(taken_back)


def _stays(change: Done) -> str:
    doubt = " (in doubt whether it was done)" if change.in_doubt else ""
    return f"{change.host}: {change.item.step.title}{doubt}: {change.item.step.irreversible}"


def _undo_item(changes: Sequence[Done], undo: Undo) -> StepItem:
    first = changes[0].item
    step = first.step
    doubtful = ", ".join(change.host for change in changes if change.in_doubt)
    doubt = (
        f"It is in doubt whether the change was made on {doubtful}; this undo is safe either way." if doubtful else ""
    )
    undoing = Step(
        id=f"undo-{step.id}",
        title=undo.title,
        section=Section.ROLLBACK,
        action=undo.action,
        effect=Effect.CHANGE,
        place=undo.place,
        why=doubt or f"Takes back: {step.title}",
        irreversible="an undo is not undone by itself",
        where=step.where,
        become=undo.become or step.become,
        timeout=undo.timeout,
        reads=undo.action.reads if isinstance(undo.action, Run) else frozenset(),
    )
    hosts = tuple(change.host for change in changes)
    return StepItem(f"{first.key.removesuffix(step.id)}undo-{step.id}", first.scope, undoing, (), hosts)
