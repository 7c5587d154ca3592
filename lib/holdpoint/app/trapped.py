"""Which of a drill's known wrong repairs its sandbox shows: each is looked for by a script of its own, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdpoint.drill.model import Trap
from holdpoint.hosts.sandbox import Sandbox

_FOUND = "holdpoint-trap:"


def shown(sandbox: Sandbox, traps: Iterable[Trap]) -> tuple[str, ...]:
    """Give the ids of those whose `seen` ends with 0, in their order; one that leaves no trace is never given."""
    looked_for = [trap for trap in traps if trap.seen]
    if not looked_for:
        return ()
    told = sandbox.run(_looking(looked_for)).text.splitlines()
    return tuple(trap.id for trap in looked_for if f"{_FOUND}{trap.id}" in told)


def _looking(traps: Sequence[Trap]) -> str:
    """Write one script that looks for all of them; `set -e` holds in each, since none is part of a condition."""
    each = [
        f"( set -eu\n{trap.seen.rstrip()}\n) >/dev/null 2>&1\n[ $? -ne 0 ] || echo '{_FOUND}{trap.id}'"
        for trap in traps
    ]
    return "\n".join(("set +e", *each, ":"))
