"""From a run to the plan that takes it back: the undo of what was done or is in doubt, in reverse, then the section.

Knows the outcome of the run only as `Done` values, which the engine's state provides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from holdpoint.document.model import Effect, Expect, OnFailure, Run, Section, Undo
from holdpoint.planning.build import Load, laid_out, seal
from holdpoint.planning.files import Files, no_files
from holdpoint.planning.plan import Item, Mode, Plan, StepItem
from holdpoint.shell import Plain


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made on a host, or may have been made."""

    item: StepItem
    host: str
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class Left:
    """What a run left behind. `done` is in the order in which the changes were begun."""

    done: Sequence[Done]
    values: Mapping[tuple[str, str], Mapping[str, Plain]]
    found: frozenset[tuple[str, str, str]]


def rollback(plan: Plan, of_run: str, left: Left, load: Load, files: Files = no_files) -> Plan:
    """Lay the rollback out: every undo, in reverse, then the section. Raises `HoldpointError` like `plan`."""
    by_step: dict[str, list[Done]] = {}
    for change in reversed(left.done):
        by_step.setdefault(change.item.key, []).append(change)
    items: list[Item] = []
    not_undone: list[str] = []
    for changes in by_step.values():
        undo = changes[0].item.step.undo
        if undo is None:
            not_undone += [_stays(change) for change in changes]
        else:
            items.append(_undo_item(changes, undo))
    scopes, section = laid_out(plan, plan.runbook.rollback, load, files)
    taken_back = replace(
        plan,
        mode=Mode.ROLLBACK,
        scopes=scopes,
        items=(*items, *section),
        of_run=of_run,
        seeds=left.values,
        found=left.found,
        not_undone=tuple(not_undone),
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
    undoing = replace(
        step,
        id=f"undo-{step.id}",
        title=undo.title,
        section=Section.ROLLBACK,
        action=undo.action,
        effect=Effect.CHANGE,
        place=undo.place,
        why=doubt or f"Takes back: {step.title}",
        causes=(),
        when=None,
        register=(),
        expect=Expect(),
        verify=None,
        undo=None,
        irreversible="an undo is not undone by itself",
        become=undo.become or step.become,
        timeout=undo.timeout,
        retry=None,
        on_failure=OnFailure.STOP,
        goto=None,
        idempotent=False,
        reads=undo.action.reads if isinstance(undo.action, Run) else frozenset(),
    )
    hosts = tuple(change.host for change in changes)
    return StepItem(f"{first.key.removesuffix(step.id)}undo-{step.id}", first.scope, undoing, (), hosts)
