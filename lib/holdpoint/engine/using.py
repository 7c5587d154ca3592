"""A used runbook that fails: whose `on_failure` decides, and what is passed over then. Pure.

It fails on a host where one of its steps stops there, or where its own check of recovery is red at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from holdpoint.document.model import OnFailure
from holdpoint.planning.plan import Item, Plan, Scope


def decides(plan: Plan, item: Item) -> Scope | None:
    """The innermost runbook around an item whose `use` says anything but `stop`; None where a failure stops the run."""
    name = item.scope
    while name:
        scope = plan.scopes[name]
        if scope.use is None or scope.use.on_failure is not OnFailure.STOP:
            return scope if scope.use is not None else None
        name = _around(scope)
    return None


def goes_on(plan: Plan, item: Item) -> bool:
    """Whether the run goes on, somewhere else, after this item failed."""
    scope = decides(plan, item)
    return scope is not None and scope.use is not None and scope.use.on_failure is not OnFailure.ROLLBACK


@dataclass(frozen=True, slots=True)
class PassedOver:
    """The hosts on which a used runbook failed: what failed there, and the place in the plan where it goes on."""

    plan: Plan
    until: dict[str, tuple[int, str]] = field(default_factory=dict)

    def failed(self, index: int, hosts: Iterable[str]) -> None:
        """Note that the item at this place failed on these hosts, in a used runbook after which the run goes on."""
        item = self.plan.items[index]
        scope = decides(self.plan, item)
        assert scope is not None  # noqa: S101 - `goes_on` was asked
        end = self._end(index, scope)
        for host in hosts:
            for one in (host,) if host in self.plan.hosts else self.plan.hosts:
                self.until[one] = (end, item.key)

    def why(self, index: int, host: str) -> str:
        """What failed, where the item at this place is passed over on a host; else an empty text.

        What is done here, for all hosts, is passed over where it failed on each of them.
        """
        if not self.until:
            return ""
        hosts = (host,) if host in self.plan.hosts else self.plan.hosts
        found = [self.until.get(one, (0, "")) for one in hosts]
        return found[0][1] if all(index < end for end, _ in found) else ""

    def _end(self, index: int, scope: Scope) -> int:
        """The place of the first item behind a used runbook, or of the one that its `use` goes to."""
        items = self.plan.items
        behind = next(
            (at for at, one in enumerate(items) if at > index and not one.scope.startswith(scope.name)), len(items)
        )
        assert scope.use is not None  # noqa: S101 - the run's own runbook decides nothing here
        target = f"{_around(scope)}{scope.use.goto}"
        to = (
            at
            for at, one in enumerate(items)
            if at >= behind and (one.key == target or one.key.startswith(f"{target}/"))
        )
        return next(to, behind) if scope.use.goto is not None else behind


def _around(scope: Scope) -> str:
    """The name of the scope in which a runbook is used."""
    assert scope.use is not None  # noqa: S101
    return scope.name.removesuffix(f"{scope.use.id}/")
