"""The sandboxes that stand, and their records: what heals one is on disk before anything is made in it.

So a drill that was cut off anywhere is healed from its record alone, whatever became of its document.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from holdpoint.hosts.sandbox import Sandbox
from holdpoint.store import disk


@dataclass(frozen=True, slots=True)
class Armed:
    """The records of the sandboxes that stand, in a folder of the state."""

    path: Path

    def make(self, drill: str, libraries: str, heals: str) -> Sandbox:
        """Make an empty sandbox; what heals it is on disk before it is given."""
        mark = secrets.token_hex(8)
        base = Path(tempfile.gettempdir()).absolute() / f"hpd-{mark[:8]}"
        made = Sandbox(base, mark, libraries, heals, drill, os.getpid(), _began(os.getpid()))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {**asdict(made), "base": str(base)}
        disk.write_whole(self._file(made), json.dumps(record).encode())
        try:
            base.mkdir(mode=0o700)
        except OSError:
            self._file(made).unlink()  # whatever is there is not ours to give back
            raise
        base.chmod(0o755)  # servers in it belong to another user than root
        made.folder.mkdir()
        return made

    def heal(self, sandbox: Sandbox) -> tuple[str, ...]:
        """Heal a sandbox and forget it; names what is left, and then remembers it."""
        left = sandbox.heal()
        if not left:
            self._file(sandbox).unlink(missing_ok=True)
        return left

    def standing(self) -> Iterator[Sandbox]:
        """Give the sandboxes that were made and not healed, whoever works in them."""
        for file in sorted(self.path.glob("*.json")):
            with suppress(OSError, ValueError, TypeError):
                record = json.loads(file.read_bytes())
                yield Sandbox(**{**record, "base": Path(record["base"])})

    def _file(self, sandbox: Sandbox) -> Path:
        return self.path / f"{sandbox.mark}.json"


def abandoned(sandbox: Sandbox) -> bool:
    """Whether the process that worked in a sandbox is gone."""
    return _began(sandbox.owner) != sandbox.began


def _began(pid: int) -> str:
    """When a process began, in ticks since boot; empty where there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    return ""
