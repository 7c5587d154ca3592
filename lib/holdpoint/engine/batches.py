"""How a step goes over several hosts: batch by batch, or one after the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from holdpoint.engine.facts import Facts
from holdpoint.planning.plan import StepItem


def next_batch(facts: Facts, item: StepItem, among: Sequence[str], ready: Collection[str]) -> tuple[str, ...]:
    """The first batch of the step that has a host which is ready."""
    return next(batch for batch in batches(facts, item, among) if any(host in ready for host in batch))


def batches(facts: Facts, item: StepItem, among: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Cut the hosts that a step applies to into its batches; the last size of the document repeats.

    `among` are the hosts that came as far as this step: one that was lost before takes nobody's place.
    """
    hosts = [host for host in among if facts.applies(item, host) is not False]
    fanout = item.step.fanout
    sizes = (fanout.batches or ("100%",)) if fanout is not None else (1,)
    cut: list[tuple[str, ...]] = []
    while hosts:
        size = sizes[min(len(cut), len(sizes) - 1)]
        count = size if isinstance(size, int) else max(1, len(among) * int(size.rstrip("%")) // 100)
        cut.append(tuple(hosts[:count]))
        del hosts[:count]
    return tuple(cut)
