"""Really full filesystems, processes that really hold files, and a runbook's scripts under three shells."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from holdpoint.document.model import Run, Runbook, Step
from holdpoint.document.parse import parse
from holdpoint.document.source import Source
from holdpoint.shell import Plain, script
from tests.needs import lacking, require, require_root

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("dash", "bash", "busybox")
MB = 1024 * 1024
LIMIT = 120


@dataclass(frozen=True)
class Disk:
    """A small filesystem that is mounted at `at`."""

    at: Path

    def fill(self, name: str, megabytes: float) -> Path:
        """Write a file of so many MB, or of all that there is room for."""
        path, left = self.at / name, int(megabytes * MB)
        with suppress(OSError), path.open("wb", buffering=0) as out:
            while left > 0:
                left -= out.write(b"x" * min(left, 65536))
        return path

    def used(self) -> int:
        """The percentage that `df` prints for the blocks."""
        return percent(self.at, "%b %f %a")

    def inodes(self) -> int:
        text = subprocess.run(["stat", "-f", "-c", "%c %d", "--", self.at], capture_output=True, text=True, check=True)
        total, free = map(int, text.stdout.split())
        return -(-(total - free) * 100 // total) if total else 0


def percent(path: Path, form: str) -> int:
    text = subprocess.run(["stat", "-f", "-c", form, "--", path], capture_output=True, text=True, check=True).stdout
    total, free, available = map(int, text.split())
    used = total - free
    return -(-used * 100 // (used + available))


@dataclass
class Disks:
    """Makes filesystems and holders, and clears every one of them up by its own path or process id."""

    folder: Path
    stack: ExitStack
    count: int = 0

    def tmpfs(self, options: str = "size=32m", name: str = "") -> Disk:
        return self._mount(["mount", "-t", "tmpfs", "-o", options, "holdpoint-test"], name)

    def ext4(self, megabytes: int = 64, reserved: int = 0, name: str = "") -> Disk:
        mkfs = require("mkfs.ext4", "e2fsprogs")
        require("losetup", "mount")
        if not Path("/dev/loop-control").exists():
            lacking("there are no loop devices here")
        image = self.folder / f"image{self.count}"
        with image.open("wb") as out:
            out.truncate(megabytes * MB)
        subprocess.run([mkfs, "-q", "-F", "-m", str(reserved), image], check=True, timeout=LIMIT)
        return self._mount(["mount", "-o", "loop", str(image)], name)

    def bind(self, what: Path, name: str = "") -> Disk:
        return self._mount(["mount", "--bind", str(what)], name)

    def hold(self, path: Path, mode: str = "r+b") -> int:
        """Start a process that has the file open until the test is over; give its id."""
        code = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
        held = subprocess.Popen([sys.executable, "-c", code, path, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert held.stdin is not None
        assert held.stdout is not None
        self.stack.callback(held.stdout.close)
        self.stack.callback(held.wait, LIMIT)
        self.stack.callback(held.kill)
        self.stack.callback(held.stdin.close)
        assert held.stdout.readline() == b"open\n"
        return held.pid

    def _mount(self, command: list[str], name: str) -> Disk:
        require_root("mount a filesystem")
        self.count += 1
        at = self.folder / (name or f"disk {self.count}")
        at.mkdir()
        subprocess.run([*command, str(at)], check=True, timeout=LIMIT)
        self.stack.callback(subprocess.run, ["umount", "-l", str(at)], check=True, timeout=LIMIT)
        return Disk(at)


@pytest.fixture
def disks() -> Iterator[Disks]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="holdpoint-")))
        folder.chmod(0o755)
        yield Disks(folder, stack)


@dataclass(frozen=True)
class Shelled:
    """A runbook whose scripts run under one shell, with its own tools where that is busybox."""

    runbook: Runbook
    argv: tuple[str, ...]
    path: str

    def step(self, name: str) -> Step:
        return next(step for step in self.runbook.steps() if step.id == name)

    def script(self, text: str, values: Mapping[str, Plain], reads: frozenset[str]) -> subprocess.CompletedProcess[str]:
        missing = reads - set(values)
        assert not missing, f"nothing is known of {missing}"
        raw = script(text, values, reads).raw()
        env = {"PATH": self.path, "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        return subprocess.run(
            [*self.argv],
            input=raw,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env=env,
            timeout=LIMIT,
            check=False,
            cwd="/",
        )

    def run(self, name: str, values: dict[str, Plain]) -> subprocess.CompletedProcess[str]:
        """Run a step and put what it registers into `values`."""
        step = self.step(name)
        assert isinstance(step.action, Run)
        done = self.script(step.action.script, values, step.action.reads)
        if done.returncode == 0 and step.register:
            lines = dict(re.findall(r"^([a-z][a-z0-9_]*)=(.*)$", done.stdout, re.MULTILINE))
            for one in step.register:
                text = done.stdout.rstrip("\n") if len(step.register) == 1 else lines[one.name]
                values[one.name] = int(text) if one.type == "integer" else text
        return done

    def good(self, name: str, values: dict[str, Plain]) -> str:
        done = self.run(name, values)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def verified(self, name: str, values: dict[str, Plain]) -> bool:
        check = self.step(name).verify
        assert check is not None
        return self.script(check.run.script, values, check.run.reads).returncode == 0

    def undo(self, name: str, values: dict[str, Plain]) -> subprocess.CompletedProcess[str]:
        undo = self.step(name).undo
        assert undo is not None
        assert isinstance(undo.action, Run)
        return self.script(undo.action.script, values, undo.action.reads)

    def recovered(self, values: dict[str, Plain]) -> bool:
        check = self.runbook.recovered
        assert check is not None
        return self.script(check.run.script, values, check.run.reads).returncode == 0


@pytest.fixture(scope="session")
def applets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every tool that busybox has is busybox's."""
    busybox = require("busybox", "busybox")
    folder = tmp_path_factory.mktemp("applets")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name not in ("mount", "umount", "su"):
            (folder / name).symlink_to(busybox)
    return folder


def load(name: str) -> Runbook:
    file = ROOT / "runbooks" / f"{name}.yaml"
    schema = json.loads((ROOT / "schemas" / "runbook.schema.json").read_text())
    return parse(Source(str(file), file.read_bytes()), schema)


def shelled(name: str, shell: str, applets: Path) -> Shelled:
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if shell == "busybox":
        return Shelled(load(name), (str(applets / "sh"),), f"{applets}:{path}")
    return Shelled(load(name), (require(shell, shell),), path)
