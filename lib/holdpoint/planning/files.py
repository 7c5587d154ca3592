"""From `put` and `fetch` to ordinary commands: what reads, what writes, what checks, and what takes back.

A `put` becomes two steps: one that registers what stands at the place now, and the change, which rests on it. So agent,
gates, journal, resume and rollback know nothing of files. Owns the names of what is registered, which no document can
write, and the words for people. Knows the library only as a function that gives bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from holdpoint.document import conditions
from holdpoint.document.model import (
    Check,
    Effect,
    Expect,
    Fetch,
    GateSpec,
    Put,
    Runbook,
    Step,
    Undo,
    ValueType,
)
from holdpoint.planning import file_scripts as scripts
from holdpoint.planning.plan import FileRun, Stood
from holdpoint.problem import HoldpointError, Problem
from holdpoint.shell import Blob

LARGEST = 256 * 1024
"""Bytes of a file that can be put, and of one that can be replaced."""

Files = Callable[[Runbook, str], bytes]
"""Give the bytes of a file that lies beside a runbook; raises `HoldpointError` where there is none that fits."""


def no_files(runbook: Runbook, source: str) -> bytes:
    """Stand for a library that has no files."""
    raise HoldpointError(Problem("no-file", f"there is no `{source}` beside `{runbook.id}`"))


def content(runbook: Runbook, step: Step, put: Put, files: Files) -> Blob:
    """Read the file that a step puts; what is wrong with it is said at the place in the document."""
    try:
        return Blob(files(runbook, put.source))
    except HoldpointError as error:
        raise HoldpointError(tuple(misplaced(step, put, problem) for problem in error.problems)) from error


def misplaced(step: Step, put: Put, problem: Problem) -> Problem:
    """Say at `from` of a `put` what is wrong with its file."""
    where = f": `{problem.place.file}`" if problem.place else ""
    found = f"{problem.found}{where}".removeprefix(": ")
    return replace(
        problem, found=found, message=f"step `{step.id}` cannot put its file: {problem.message}", place=put.place
    )


def look_of(step: Step, put: Put) -> tuple[str, str]:
    """Give the id and the title of the step that looks. The id has a `/`, which no id of a document has."""
    return f"{step.id}/before", f"What stands at {put.to} now?"


def put_steps(step: Step, put: Put, blob: Blob) -> tuple[Step, Step]:
    """Give the step that looks at the place, and the change."""
    look_id, look_title = look_of(step, put)
    before, old = (f"{what}_{step.id.replace('-', '_')}" for what in ("Before", "_before"))
    taken = hashlib.sha256(put.to.encode()).hexdigest()[:16]
    place = {"to": put.to, "temp": f"{put.to.rpartition('/')[0]}/.holdpoint-{taken}", "most": str(LARGEST)}
    new = {"digest": blob.digest, "mode": put.mode.zfill(4) if put.mode else ""}
    look = replace(
        step,
        id=look_id,
        title=look_title,
        why="",
        effect=Effect.READ,
        action=_made(scripts.READ, f"look at {put.to}", {**place, "describes": before, "holds": old}, quiet=True),
        register=tuple(Stood(name, ValueType.STRING, step.place) for name in (before, old)),
        verify=None,
        idempotent=False,
        gate=GateSpec(),
        escalate=(),
        reads=step.reads & _of_condition(step),
    )
    written: dict[str, str | Blob] = {**place, **new, "content": blob, "length": str(len(blob.data))}
    change = replace(
        step,
        action=_made(f"before=${before}\n{scripts.PUT}", _says(put, blob, before), written, reads={before}),
        verify=step.verify or _check(step, put, blob, {**place, **new}),
        undo=Undo(
            action=_made(
                f"before=${before}\nold=${old}\n{scripts.UNDO}", _says_undo(put), {**place, **new}, reads={before, old}
            ),
            title=f"Put back what stood at {put.to}",
            timeout=step.timeout,
            place=step.place,
            become=step.become,
        ),
        reads=step.reads | {before, old},
    )
    return look, change


def fetch_step(step: Step, fetch: Fetch, scope: str) -> Step:
    """Give the step that reads a file; runbooks that are used have folders of their own for what they fetch."""
    says = f"read {fetch.source}, and keep it with the run as {scope}{fetch.name}"
    given = (("from", fetch.source),)
    return replace(step, action=FileRun(scripts.FETCH, says=says, given=given, keeps=f"{scope}{fetch.name}"))


def _made(
    script: str, says: str, given: dict[str, str | Blob], *, reads: set[str] | None = None, quiet: bool = False
) -> FileRun:
    return FileRun(script, reads=frozenset(reads or ()), says=says, given=tuple(given.items()), quiet=quiet)


def _of_condition(step: Step) -> frozenset[str]:
    """The names that the step's own condition reads: a look needs no more."""
    return conditions.names(step.when) if step.when is not None else frozenset()


def _check(step: Step, put: Put, blob: Blob, given: dict[str, str | Blob]) -> Check:
    mode = f", and its mode {put.mode.zfill(4)}" if put.mode else ""
    says = f"the SHA-256 of {put.to} is {_short(blob)}{mode}"
    return Check(_made(scripts.VERIFY, says, given), Expect(), step.place)


def _says(put: Put, blob: Blob, before: str) -> str:
    mode = f"mode {put.mode.zfill(4)}" if put.mode else "the mode of the file that stands there (else 0644)"
    return (
        f"put {put.source} of the library, {len(blob.data)} bytes, sha256 {_short(blob)},\n"
        f"at {put.to}, with {mode} and its owner;\n"
        f"only if there still stands what {before} says.\n"
        "It is written beside its place, checked, made durable and renamed.\n"
        "`show` prints the file, and what differs.\n"
    )


def _says_undo(put: Put) -> str:
    return (
        f"what stood at {put.to} is put back, with its mode and owner; where nothing stood, it is removed.\n"
        "Where somebody changed it since, it is left alone, and this fails."
    )


def _short(blob: Blob) -> str:
    return f"{blob.digest[:16]}..."
