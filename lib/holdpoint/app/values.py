"""Values for a runbook's parameters: from the command line, from a secret's own source, from a person."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.app.world import World
from holdpoint.document.model import Param, Runbook, ValueType
from holdpoint.planning.values import bind, missing
from holdpoint.problem import HoldpointError, Problem
from holdpoint.shell import Secret, Value
from holdpoint.store import secrets


def parse_params(texts: tuple[str, ...]) -> dict[str, str]:
    """Read `name=value` texts; raises for every one that has no name, no sign, or a name that was given before."""
    values: dict[str, str] = {}
    problems = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            hint = "write --param mount=/var/log"
            problems.append(Problem("bad-param", "a parameter is not `name=value`", found=f"`{text}`", hint=hint))
        elif name in values:
            problems.append(Problem("twice-param", f"parameter `{name}` is given twice"))
        else:
            values[name] = value
    if problems:
        raise HoldpointError(problems)
    return values


def resolve(world: World, runbook: Runbook, given: Mapping[str, str], *, ask: bool) -> dict[str, Value]:
    """Bind all values. `ask` is false in a walk-through: there nobody is asked, and a secret is only stood in for."""
    values: dict[str, Value] = dict(given)
    problems: list[Problem] = []
    for param in missing(runbook, given):
        try:
            found = _one(world, param, ask=ask)
        except HoldpointError as error:
            problems += error.problems
        else:
            if found is not None:
                values[param.name] = found
    try:
        bound = bind(runbook, values)
    except HoldpointError as error:
        raise HoldpointError((*problems, *_others(error, problems))) from error
    if problems:
        raise HoldpointError(problems)
    return bound


def _one(world: World, param: Param, *, ask: bool) -> Value | None:
    if param.type is ValueType.SECRET:
        if not ask:
            return Secret(f"{param.name} is not read in a walk-through")
        return secrets.resolve(param, environ=world.environ, prompt=world.prompt_secret)
    if ask and world.interactive:
        return world.prompt(param.prompt or f"Value for {param.name}?")
    return None


def _others(error: HoldpointError, problems: list[Problem]) -> list[Problem]:
    """A secret whose source failed is reported once, by its source."""
    failed = {problem.code for problem in problems}
    return [problem for problem in error.problems if not (failed and problem.code == "secret-value")]
