"""From what was given to typed values of a runbook's parameters; every problem at once."""

from __future__ import annotations

from collections.abc import Mapping

from holdpoint.document import values
from holdpoint.document.model import Param, Runbook, ValueType
from holdpoint.problem import HoldpointError, Problem, did_you_mean
from holdpoint.shell import Secret, Value, as_text


def bind(runbook: Runbook, given: Mapping[str, Value]) -> dict[str, Value]:
    """Check all values against their parameters and fill defaults in.

    `given` holds texts as typed, and `Secret` for secrets, which come from their own sources and never from
    `--param`. Raises `HoldpointError` with every unknown, missing and unfit value.
    """
    known = {param.name: param for param in runbook.params}
    problems = [_unknown(name, runbook) for name in given if name not in known]
    bound: dict[str, Value] = {}
    for param in runbook.params:
        value = _one(param, given.get(param.name))
        if isinstance(value, Problem):
            problems.append(value)
        else:
            bound[param.name] = value
    if problems:
        raise HoldpointError(problems)
    return bound


def missing(runbook: Runbook, given: Mapping[str, Value]) -> tuple[Param, ...]:
    """The parameters that still need a value from a person or from a secret's source."""
    return tuple(p for p in runbook.params if p.name not in given and p.default is None)


def _one(param: Param, given: Value | None) -> Value | Problem:
    if param.type is ValueType.SECRET:
        if isinstance(given, Secret):
            return given
        found = "nothing" if given is None else "a value in the open"
        hint = "a secret comes from its `from`: the environment, a command or a prompt; never from `--param`"
        return Problem(
            "secret-value", f"parameter `{param.name}` is a secret", found=found, expected="its source", hint=hint
        )
    if given is None and param.default is None:
        hint = f"give it with --param {param.name}=…" + (f" ({param.prompt})" if param.prompt else "")
        return Problem("missing-param", f"parameter `{param.name}` has no value", expected=f"a {param.type}", hint=hint)
    if isinstance(given, Secret):
        return Problem(
            "secret-value", f"parameter `{param.name}` is not a secret, but was given one", expected=f"a {param.type}"
        )
    default = "" if param.default is None else param.default
    return values.check(param, as_text(default if given is None else given))


def _unknown(name: str, runbook: Runbook) -> Problem:
    names = [param.name for param in runbook.params]
    expected = ", ".join(f"`{known}`" for known in names) or "no parameters"
    message = f"runbook `{runbook.id}` has no parameter `{name}`"
    return Problem("unknown-param", message, expected=expected, hint=did_you_mean(name, names))
