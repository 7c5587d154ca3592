"""Where a question is asked: the hosts by tier, so that production looks like nothing else."""

from __future__ import annotations

from itertools import groupby

from holdpoint.engine.ports import Target, Tier
from holdpoint.views.inert import inert
from holdpoint.views.lines import Line, Tone, cells, labelled, line, rule, wrap

FEW = 3
"""As many of anything are told one by one."""
_TIERS = {
    Tier.PROD: "PRODUCTION",
    Tier.STAGING: "staging",
    Tier.PRACTICE: "practice",
    Tier.LOCAL: "this machine",
}


def banner(targets: tuple[Target, ...], width: int) -> list[Line]:
    """The hosts by tier. Production stands between two rules of its own, with or without colour."""
    drawn: list[Line] = []
    for tier, group in _by_tier(targets):
        names = ", ".join(map(_named, group))
        drawn += _production(names, width) if tier is Tier.PROD else [rule(width, "─", f"{_TIERS[tier]}: {names}")]
    return drawn


def places(targets: tuple[Target, ...], width: int) -> list[Line]:
    """The hosts by tier, beside a label."""
    drawn: list[Line] = []
    for index, (tier, group) in enumerate(_by_tier(targets)):
        text = f"{_TIERS[tier]}: {', '.join(map(_named, group))}"
        drawn += labelled("" if index else "on", text, width, Tone.PROD if tier is Tier.PROD else Tone.BOLD)
    return drawn


def _by_tier(targets: tuple[Target, ...]) -> list[tuple[Tier, list[Target]]]:
    """Production first."""
    ordered = sorted(targets, key=lambda target: (target.tier is not Tier.PROD, target.tier))
    return [(tier, list(group)) for tier, group in groupby(ordered, key=lambda target: target.tier)]


def _named(target: Target) -> str:
    """The own machine is said to be it, also where another tier stands before it."""
    return f"{_TIERS[Tier.LOCAL]}: {target.name}" if target.here else target.name


def _production(names: str, width: int) -> list[Line]:
    edge = line("#" * width, Tone.PROD)
    inside = []
    for index, piece in enumerate(wrap(names, width - 20)):
        head = "##  PRODUCTION   " if index == 0 else "##               "
        filling = " " * max(0, width - len(head) - cells(piece) - 2)
        inside.append(line(f"{head}{piece}{filling}##", Tone.PROD))
    return [edge, *inside, edge]


def place(targets: tuple[Target, ...]) -> str:
    if not targets:
        return ""
    tier = _TIERS[Tier.PROD] if any(t.tier is Tier.PROD for t in targets) else _TIERS[targets[0].tier]
    names = ", ".join(map(_named, targets)) if len(targets) <= FEW else f"{len(targets)} hosts"
    return f"{tier} {inert(names)} "
