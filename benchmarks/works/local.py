"""Steps that read, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.making import ansible_playbook, ours, peer, program, pyinfra
from benchmarks.model import Goal, Ready, Work

STEPS = 20
STEP = "uname -n"


@contextmanager
def prepared(size: int, folder: Path) -> Iterator[Ready]:
    inventory = folder / "inventory.ini"
    inventory.write_text("localhost ansible_connection=local\n")
    (folder / "pyinfra").mkdir()
    steps = [STEP] * size
    yield Ready(
        (
            ours("ours", "ours_local.py", size, STEP),
            program("bash", "bash", "-c", "\n".join(steps), missing=peers.lacks_program("bash")),
            ours("Popen", "popen_local.py", size, STEP),
            peer("invoke", "fabric", "invoke_local.py", size, STEP),
            pyinfra(folder / "pyinfra", "['@local']", steps, {}),
            ansible_playbook(folder, inventory, steps),
        )
    )


WORK = Work(
    "local",
    "Local steps that read",
    prepared,
    (STEPS,),
    "steps",
    goals=(Goal("ours", 0.25, "invoke"), Goal("ours", 4, "bash")),
)
