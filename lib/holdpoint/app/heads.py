"""What the targets remember of a run, held against its journal: a cut before the last change shows here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdpoint.engine.ports import Machine
from holdpoint.journal.record import Record
from holdpoint.problem import Exit, HoldpointError, Problem

CUT = "the journal was cut or altered: look at the host itself, and write down what was done by hand"


def remembered(
    run: str, machines: Mapping[str, Machine], records: Iterable[Record], hint: str = CUT
) -> dict[str, int | None]:
    """Count the changes that each target remembers of the run; None for one that does not answer.

    Raises `HoldpointError` with exit code 10 for every change whose record the journal lacks.
    """
    hashes = {record.hash for record in records}
    heads = {host: machine.heads(run) for host, machine in machines.items()}
    problems = [
        Problem(
            "journal-cut",
            f"{host} executed `{token}` for a record that the journal of `{run}` does not hold",
            found="no such record",
            expected=f"a record with the hash {head[:16]}…",
            hint=hint,
        )
        for host, known in heads.items()
        for token, head in sorted((known or {}).items())
        if head not in hashes
    ]
    if problems:
        raise HoldpointError(problems, exit_code=Exit.DAMAGED)
    return {host: None if known is None else len(known) for host, known in heads.items()}
