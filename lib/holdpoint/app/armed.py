"""The sandboxes that stand, and their records: what heals one is on disk before anything is made in it.

So a drill that was cut off anywhere is healed from its record alone, whatever became of its document.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from holdpoint.hosts.sandbox import MARKER, Sandbox, named, place
from holdpoint.store import disk


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record that nothing can be healed from, and the folder that it names; empty where that cannot be told."""

    file: Path
    why: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Armed:
    """The records of the sandboxes that stand, in a folder of the state."""

    path: Path

    def make(self, drill: str, libraries: str, heals: str) -> Sandbox:
        """Make an empty sandbox; what heals it is on disk before it is given."""
        mark = secrets.token_hex(8)
        base = place() / named(mark)
        made = Sandbox(base, mark, libraries, heals, drill, os.getpid(), _began(os.getpid()))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {**asdict(made), "base": str(base)}
        disk.write_whole(self._file(made), json.dumps(record).encode())
        try:
            base.mkdir(mode=0o700)
        except OSError:
            self._file(made).unlink()  # whatever is there is not ours to give back
            raise
        (base / MARKER).symlink_to(mark)  # before all else: what has no mark is empty
        disk.sync_folder(base)
        base.chmod(0o755)  # servers in it belong to another user than root
        made.folder.mkdir()
        return made

    def heal(self, sandbox: Sandbox) -> tuple[str, ...]:
        """Heal a sandbox and forget it; names what is left, and then remembers it.

        A record that names what is no sandbox of this user was written by somebody else: nothing is touched then.
        """
        if why := sandbox.foreign():
            named_so = f"the record {self._file(sandbox)} names the folder {sandbox.base}, {why}"
            return (f"nothing was touched: {named_so}; look at it, then remove the record",)
        left = sandbox.heal()
        if not left:
            self._file(sandbox).unlink(missing_ok=True)
        return left

    def standing(self) -> Iterator[Sandbox]:
        """Give the sandboxes that were made and not healed, whoever works in them."""
        yield from (one for one in self._all() if isinstance(one, Sandbox))

    def damaged(self) -> Iterator[Damaged]:
        """Give the records that nothing can be healed from."""
        yield from (one for one in self._all() if isinstance(one, Damaged))

    def cut_off(self) -> Iterator[tuple[Sandbox, datetime]]:
        """Give the sandboxes that nobody works in any more, each with the time when it was begun."""
        for sandbox in self.standing():
            if abandoned(sandbox):
                with suppress(OSError):  # healed by somebody else meanwhile
                    yield sandbox, datetime.fromtimestamp(self._file(sandbox).stat().st_mtime, UTC)

    def _all(self) -> Iterator[Sandbox | Damaged]:
        for file in sorted(self.path.glob("*.json")):
            with suppress(FileNotFoundError):  # healed by somebody else meanwhile
                yield _read(file)

    def _file(self, sandbox: Sandbox) -> Path:
        return self.path / f"{sandbox.mark}.json"


def _read(file: Path) -> Sandbox | Damaged:
    """Read a record back. Raises `FileNotFoundError` where it is gone."""
    try:
        record = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        return Damaged(file, f"it cannot be read: {(error.strerror or str(error)).lower()}")
    except ValueError:
        return Damaged(file, "it is no JSON document")
    if not isinstance(record, dict):
        return Damaged(file, "it is no record of a sandbox")
    base = record.get("base")
    where = base if isinstance(base, str) else ""
    kinds = {field.name: int if field.name == "owner" else str for field in fields(Sandbox)}
    unfit = [name for name, kind in kinds.items() if not isinstance(record.get(name), kind)]
    if unfit or record.keys() != kinds.keys():
        odd = ", ".join(f"`{name}`" for name in unfit or sorted(record.keys() - kinds.keys()))
        return Damaged(file, f"this is missing, or not what a drill writes: {odd}", where)
    if record["mark"] != file.stem:
        return Damaged(file, f"it is that of `{record['mark']}`, and its name says `{file.stem}`", where)
    return Sandbox(**{**record, "base": Path(where)})


def abandoned(sandbox: Sandbox) -> bool:
    """Whether the process that worked in a sandbox is gone."""
    return _began(sandbox.owner) != sandbox.began


def _began(pid: int) -> str:
    """When a process began, in ticks since boot; empty where there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    return ""
