"""The sandbox of a drill on this machine: its folder, its scripts, and giving back all that stands outside the folder.

Everything that a drill starts carries its mark in the environment, so what is left of it can be found.
"""

from __future__ import annotations

import errno
import os
import shlex
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdpoint.hosts import memory, mounts, process

MARK = "HOLDPOINT_DRILL"
MARKER = "mark"
"""The link in its folder that leads to its mark: a link is there as a whole or not at all."""
TAIL = 4000
PATIENCE = 180.0
HEAL_PATIENCE = 60.0
KILL_PATIENCE = 5.0
TICK = 0.05
TIME_IS_UP = 124
_NAMED = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - where temporary files are looked for


@dataclass(frozen=True, slots=True)
class Told:
    """How a script ended, and the last of what it printed."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One sandbox. `folder` is what scripts know as `$sandbox`; beside it lie logs and the state of runs in it."""

    base: Path
    mark: str
    libraries: str
    heals: str
    drill: str
    owner: int
    began: str
    """With `owner`, the process that works in it."""

    @property
    def folder(self) -> Path:
        return self.base / "s"

    def environ(self) -> dict[str, str]:
        """What everything in it finds: runs keep their state and the shared folder of the target in here."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HOLDPOINT_", "PG"))},
            MARK: f"{self.mark}/",
            "HOLDPOINT_STATE": str(self.base / "state"),
            "HOLDPOINT_TARGET": str(self.base / "target"),
            "HOLDPOINT_TARGET_MEMORY": str(self.base / "memory"),
        }

    def run(self, script: str, patience: float = PATIENCE) -> Told:
        """Execute a script to its end; what it starts in sessions of their own goes on."""
        named = f"sandbox={shlex.quote(str(self.folder))}"
        text = f"exec </dev/null\nset -eu\n{named}\n{self.libraries}\n{script}\n"
        log = self.base / "log"
        with tempfile.TemporaryFile() as given, log.open("ab+") as out:
            given.write(text.encode())
            given.seek(0)
            at = out.seek(0, os.SEEK_END)
            running = subprocess.Popen(
                ["sh", "/dev/stdin"],  # which it opens anew, so that the first line can close it
                stdin=given,
                stdout=out,
                stderr=out,
                cwd=self.folder if self.folder.is_dir() else self.base,
                env=self.environ(),
                start_new_session=True,
            )
            try:
                code = running.wait(patience)
            except subprocess.TimeoutExpired:
                code = TIME_IS_UP
                with suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
                running.wait()
            finally:
                if running.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(running.pid, signal.SIGKILL)
            out.seek(max(at, out.seek(0, os.SEEK_END) - TAIL))
            return Told(code, out.read().decode("utf-8", "replace").strip())

    def values(self) -> dict[str, str]:
        """What `make` found out: lines `name=value` of its file `values`."""
        return self._lines("values")

    def params(self, values: Mapping[str, object]) -> list[str]:
        """Give the options that tell a runbook its parameters here; what `make` found out wins."""
        given = {**filled(values, self.folder), **self.values()}
        return [word for name, value in given.items() for word in ("--param", f"{name}={value}")]

    def secrets(self) -> dict[str, str]:
        """What a run in it finds in its environment: lines `NAME=value` of the file `environment`."""
        return self._lines("environment")

    def _lines(self, name: str) -> dict[str, str]:
        with suppress(FileNotFoundError):
            lines = (self.folder / name).read_text().splitlines()
            return {key: value for key, equals, value in (line.partition("=") for line in lines) if equals}
        return {}

    # --- giving back

    def foreign(self) -> str:
        """Say why its folder is none that a drill of this user made, so that nothing of it may be touched; empty where it is.

        One that is gone is none, and neither is one that is empty: it was made and not marked yet.
        """
        if str(self.base) != os.path.realpath(self.base):
            return f"which is no plain path from the root: `{os.path.realpath(self.base)}` is where it leads"
        if self.base.name != named(self.mark):
            return f"and a drill would have called it `{named(self.mark)}`"
        if str(self.base) in mounts.below(self.base):
            return f"over which something is mounted: `umount {shlex.quote(str(self.base))}`"
        try:
            status = self.base.lstat()
            if not stat.S_ISDIR(status.st_mode):
                return "which is no folder"
            if status.st_uid != os.geteuid():
                return f"which belongs to user {status.st_uid}, and this is user {os.geteuid()}"
            marker = self.base / MARKER
            if not os.path.lexists(marker):
                return "which does not say that a drill made it" if any(self.base.iterdir()) else ""
            is_ours = marker.is_symlink() and str(marker.readlink()) == self.mark
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"which cannot be looked at: {(error.strerror or str(error)).lower()}"
        return "" if is_ours else "which is marked as that of another drill"

    def heal(self) -> tuple[str, ...]:
        """Give back all that stands outside the folder, and remove it; names what is left. May be done again.

        Processes end first: what they hold has to be known before anything else makes them let go of it.
        """
        shared = self._end_all()
        refused = ""
        if self.folder.is_dir():
            try:
                self.run(self.heals, HEAL_PATIENCE)
            except OSError as error:
                refused = f"what the drill itself gives back: {(error.strerror or str(error)).lower()}"
        shared |= self._end_all() | memory.noted_in(self.base)
        mounts.give_back(self.base)
        memory.end(memory.left_of(shared))
        strays = (*self._strays(), *(f"shared memory {name}" for name in memory.left_of(shared)))
        left = (*strays, refused) if refused else strays
        if not left and (stays := mounts.remove(self.base, MARKER)):
            return (stays,)
        return left

    def _strays(self) -> tuple[str, ...]:
        """Name what of it stands outside its folder: processes, mounts and loop devices."""
        return (
            *(f"process {pid}" for pid in self._processes()),
            *(f"mount {place}" for place in mounts.below(self.base)),
            *(f"loop device {device}{self._kept()}" for device in mounts.loops_below(self.base)),
        )

    def _kept(self) -> str:
        """Say who has something of it mounted in a namespace of its own, as another drill's engine may; empty for nobody."""
        pids = mounts.keepers(self.base)
        named = ", ".join(f"{pid} ({process.name(pid)})" for pid in pids)
        who, ends = ("process", "that ends") if len(pids) == 1 else ("each of the processes", "they end")
        return f", which {who} {named} still has mounted: it goes when {ends}" if pids else ""

    def _processes(self) -> list[int]:
        pids = {*process.carriers(f"{MARK}={self.mark}/".encode()), *process.nameless(self.base)}
        return sorted(pids - {os.getpid()})

    def _end_all(self) -> set[str]:
        """Kill every process; gives the shared memory that they held, which outlives them. Nothing in here is needed again.

        They are stopped first, so that what they hold is known when they end.
        """
        held = set[str]()
        deadline = time.monotonic() + KILL_PATIENCE
        while (pids := self._processes()) and time.monotonic() < deadline:
            process.stop(pids)
            held |= memory.held_by(pids)
            process.send_each(signal.SIGKILL, pids)
            time.sleep(TICK)
        return held


def place() -> Path:
    """Give the folder in which sandboxes are made. Raises `OSError` where no temporary file can be.

    The folder that somebody happens to stand in, which Python takes last, is none.
    """
    folder = Path(tempfile.gettempdir()).resolve()
    meant = {Path(named).resolve() for named in (*map(os.environ.get, _NAMED), *_USUAL) if named}
    if folder == Path.cwd() and folder not in meant:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return folder


def named(mark: str) -> str:
    """Give the name of the folder of a sandbox with this mark."""
    return f"hpd-{mark[:8]}"


def filled(values: Mapping[str, object], folder: Path) -> dict[str, str]:
    """Put the sandbox's folder in the place of `{sandbox}`."""
    return {name: str(value).replace("{sandbox}", str(folder)) for name, value in values.items()}
