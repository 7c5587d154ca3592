import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.needs import lacking, require, require_root

TOP = Path(__file__).parents[2]
LIMIT = 60
"""Seconds after which a process of a test is killed, so that no test waits for ever."""


@pytest.fixture
def begin():
    """Begin a process with pipes to its input and output; it is ended with the test."""
    begun = []

    def begin(*argv, kill_at="", **more):
        environ = {**os.environ, "PYTHONPATH": f"{TOP / 'lib'}:{TOP}", "HOLDPOINT_KILL_AT": kill_at}
        pipe = subprocess.PIPE
        process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, bufsize=1, env=environ, cwd=TOP, **more)
        limit = threading.Timer(LIMIT, process.kill)
        limit.start()
        begun.append((process, limit))
        return process

    yield begin
    for process, limit in begun:
        limit.cancel()
        process.kill()
        process.wait()
        close(process)
        process.stdout.close()


@pytest.fixture
def writer(begin):
    """Begin a process that writes a journal; see `tests/store/writer.py`."""

    def writer(path, person="anna", **more):
        return begin(sys.executable, "-m", "tests.store.writer", str(path), person, **more)

    return writer


def close(process):
    """Close a process's input, whether or not it still reads it."""
    with suppress(BrokenPipeError):
        process.stdin.close()


def tell(process, command):
    """Give a process one command and return its answer; empty where it has ended."""
    try:
        process.stdin.write(command + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return ""
    return process.stdout.readline().strip()


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(request, tmp_path):
    """Give the folder of a filesystem of 4 MiB, of which another process can use up all."""
    require_root("mount a small filesystem")
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "tmpfs":
        argv = ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=200", "tmpfs", str(folder)]
    else:
        image = tmp_path / "image"
        image.write_bytes(bytes(4 << 20))
        made = [require("mkfs.ext4", "e2fsprogs"), "-q", "-m", "0", "-O", "^has_journal", str(image)]
        subprocess.run(made, check=True, capture_output=True)
        argv = ["mount", "-o", "loop", str(image), str(folder)]
    mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    if mounted.returncode:
        lacking(f"a small {request.param} cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


FILLER = """
import os, sys
os.mkdir(sys.argv[1] + "/fill")
fd, end = os.open(sys.argv[1] + "/fill/all", os.O_CREAT | os.O_WRONLY), 0
for piece in (1 << 20, 1 << 16, 4096, 1024):
    try:
        while True:
            os.posix_fallocate(fd, end, piece)
            end += piece
    except OSError:
        pass
os.fsync(fd)
"""


def fill(folder):
    """Have another process take every block that is free."""
    subprocess.run([sys.executable, "-c", FILLER, str(folder)], check=True)
    figures = os.statvfs(folder)
    assert figures.f_bavail * figures.f_frsize < 4096


def give_back(folder):
    """Take the other process's files away."""
    shutil.rmtree(folder / "fill")
