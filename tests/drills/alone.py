"""A machine of a drill's own, and the ledger of everything on it: run as `python -m tests.drills.alone`, by `test_ledger`.

Nobody else is on that machine, so that whatever differs is the drill's doing: its processes, network and shared memory
are new namespaces; each folder of the disk is an overlay, whose upper layer holds exactly what was written; loop devices
are the kernel's, and told apart by the name of the file behind them. Left out are what a drill may leave, its state, and
what Python keeps of Holdpoint itself.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pty
import select
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 300.0
TICK = 0.001
OTHERS = ("/tmp", "/run", "/var")
NOT_DISKS = ("/proc", "/sys", "/dev", "/run/lock")
LISTENS, UP = "0A", 1


# --- the machine ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """`layers` are the folders of the disk, each with descriptors: what was written to it, and it as it was."""

    layers: dict[Path, tuple[int, int]]
    state: Path
    covered: frozenset[str]
    """The mounts that lie below the layers, by number: nobody here reaches them, and others take them away."""

    @classmethod
    def make(cls, scratch: Path, state: Path) -> Machine:
        """Cut this process off from the machine that it is on. It has to be the first one of namespaces of its own."""
        _loopback_up()
        covered = frozenset(number for number, place in _mounted() if not _is_apart(place))
        _mount("drill-layers", str(scratch), "tmpfs")
        upper = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
        layers: dict[Path, tuple[int, int]] = {}
        below = [(place, os.open(place, os.O_PATH)) for place in _disks()]
        for number, (place, descriptor) in enumerate(below):
            for kind in ("written", "work"):
                os.mkdir(f"{kind}{number}", dir_fd=upper)
            fds = "/proc/self/fd"
            layer = f"upperdir={fds}/{upper}/written{number},workdir={fds}/{upper}/work{number}"
            _mount("drill-disk", str(place), "overlay", f"lowerdir={fds}/{descriptor},{layer}")
            layers[place] = os.open(f"written{number}", os.O_RDONLY | os.O_DIRECTORY, dir_fd=upper), descriptor
        _mount("drill-memory", "/dev/shm", "tmpfs")
        os.chdir(Path.cwd())  # through the new mounts
        return cls(layers, state, covered)

    def ledger(self) -> dict[str, list[str]]:
        """Everything that could be left behind."""
        _reap()
        return {
            "processes": sorted(_processes()),
            "mounts": sorted(str(place) for number, place in _mounted() if number not in self.covered),
            "loop devices": sorted(_loops()),
            "ports": sorted(_ports()),
            "sockets": sorted(_lines("/proc/net/unix", lambda field: field[7] if len(field) > 7 else "")),
            "shared memory": sorted([*os.listdir("/dev/shm"), *_segments()]),
            "files": sorted(self._files()),
        }

    def _files(self) -> Iterator[str]:
        """What was written and is still there, or is gone; of a folder, that it is new or is another's."""
        for place, (written, was) in self.layers.items():
            top = Path(f"/proc/self/fd/{written}")
            for folder, folders, files in os.walk(f"{top}/"):
                below = Path(folder).relative_to(top)
                folders[:] = [name for name in folders if not self._left_out(place / below / name)]
                for name in files:
                    seen = (Path(folder) / name).lstat()
                    gone = " (gone)" if stat.S_ISCHR(seen.st_mode) and not seen.st_rdev else ""
                    yield f"{place / below / name}{gone} {seen.st_size} {seen.st_mtime_ns} {seen.st_ino}"
                for name in folders:
                    if place / below / name in self.state.parents:  # others may open these up meanwhile
                        continue
                    if _face(Path(folder) / name) != _face(Path(f"/proc/self/fd/{was}") / below / name):
                        yield f"{place / below / name}/"

    def _left_out(self, folder: Path) -> bool:
        return folder == self.state or (folder.name == "__pycache__" and "drills" not in folder.parts)


def _face(folder: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        seen = folder.lstat()
        return seen.st_mode, seen.st_uid, seen.st_gid
    return None


def _mounted() -> list[tuple[str, Path]]:
    fields = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [(field[0], Path(field[4].encode().decode("unicode_escape"))) for field in fields]


def _is_apart(place: Path) -> bool:
    return any(place.is_relative_to(one) for one in NOT_DISKS)


def _disks() -> list[Path]:
    """Every folder of the root, and every mount below one but for those that others make for a moment."""
    tops = {place for place in Path("/").iterdir() if place.is_dir() and not place.is_symlink()}
    nested = {
        place
        for _, place in _mounted()
        if len(place.parts) > 2 and not any(place.is_relative_to(one) for one in OTHERS)
    }
    disks = {place for place in tops | nested if place.is_dir() and not _is_apart(place)}
    return sorted(disks, key=lambda place: (len(place.parts), place))


def _mount(source: str, place: str, kind: str, data: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), place.encode(), kind.encode(), 0, data.encode()):
        raise OSError(ctypes.get_errno(), f"mount {kind} at {place}: {os.strerror(ctypes.get_errno())}")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, 0x8914, struct.pack("16sH14s", b"lo", UP, b""))  # SIOCSIFFLAGS


def _reap() -> None:
    """What lost its parent is ours to wait for."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _processes() -> Iterator[str]:
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with suppress(OSError):
                yield Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]


def _lines(path: str, told: Callable[[list[str]], str]) -> Iterator[str]:
    yield from (told(line.split()) for line in Path(path).read_text().splitlines()[1:])


def _ports() -> Iterator[str]:
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS or kind.startswith("udp"):
                yield f"{kind} {fields[1]}"


def _segments() -> Iterator[str]:
    for kind in ("shm", "sem", "msg"):
        yield from (f"{kind} {line.split()[1]}" for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:])


def _loops() -> Iterator[str]:
    """The loop devices whose file lies in a sandbox of ours: the temporary folder has a name of its own."""
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            if os.environ["TMPDIR"] in (behind := file.read_text()):
                yield behind.strip()


# --- a drill on it ----------------------------------------------------------------------------------------------


@dataclass
class Proof:
    """`inv drill.prove` that shows how far it is; no terminal's end ends what it left behind."""

    process: subprocess.Popen[bytes]
    screen: int
    seen: str = ""

    @classmethod
    def begin(cls, command: list[str]) -> Proof:
        screen, inner = pty.openpty()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        return cls(process, screen)

    def read(self, until: Callable[[], bool]) -> bool:
        """Read what it shows until something is so; false where it ended first."""
        deadline = time.monotonic() + LIMIT
        while not until():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the drill did not come so far; it shows {self.seen[-2000:]!r}")
            if select.select([self.screen], [], [], TICK)[0]:
                try:
                    self.seen += os.read(self.screen, 65536).decode(errors="replace")
                except OSError:  # nobody has the other end any more
                    return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.screen)


def begun() -> int:
    """How many processes began on this machine so far."""
    return int(Path("/proc/loadavg").read_text().split()[-1])


def killed(holdpoint: list[str], drill: str, at: str, later: int) -> str:
    """Prove a drill, and kill that so many processes after a stage has begun; gives what it showed."""
    proof = Proof.begin([*holdpoint, "drill.prove", "--only", drill])
    if not proof.read(lambda: at in proof.seen):
        raise EOFError(f"the drill ended before `{at}`: {proof.seen[-2000:]}")
    since = begun()
    proof.read(lambda: begun() >= since + later)
    proof.kill()
    return proof.seen


def main(spec: dict[str, Any]) -> dict[str, Any]:
    """Take the ledger, prove a drill to its end or kill it on the way, heal, and take the ledger again, each time."""
    machine = Machine.make(Path(spec["scratch"]), Path(spec["state"]))
    os.makedirs(os.environ["TMPDIR"])
    holdpoint = [*_becomes(spec["user"], spec["holdpoint"], spec["state"]), spec["holdpoint"]]
    before, rounds = machine.ledger(), []
    for at, later in spec["kills"]:
        if at:
            killed(holdpoint, spec["drill"], at, later)
        else:
            done(*holdpoint, "drill.prove", "--only", spec["drill"])
        stood = _differences(before, machine.ledger())
        done(*holdpoint, "drill.heal")
        rounds.append({"at": f"{at}, {later}", "stood": len(stood), "left": _differences(before, machine.ledger())})
    return {"rounds": rounds}


def _becomes(user: int, *places: str) -> list[str]:
    """Give the words that make a program an ordinary user's, who is let to what it needs: on this machine only."""
    if not user:
        return []
    os.makedirs(places[-1], exist_ok=True)
    for place in (sys.executable, os.path.realpath(sys.executable), *places):
        for folder in Path(place).parents:
            os.chmod(folder, stat.S_IMODE(folder.stat().st_mode) | 0o055)
    for mine in (places[-1], os.environ["TMPDIR"], os.environ["HOME"]):
        os.chown(mine, user, user)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def done(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{command}: exit {ran.returncode}: {ran.stdout}{ran.stderr}")


def _differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    found = []
    for kind, had in before.items():
        found += [f"{kind}: new: {one}" for one in after[kind] if one not in had]
        found += [f"{kind}: gone: {one}" for one in had if one not in after[kind]]
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
