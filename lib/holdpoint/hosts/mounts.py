"""What is mounted below a folder, the loop devices of files in it, and removing it without leaving its own mount.

Knows nothing of sandboxes. Every path is as the kernel tells it: bytes, with blanks written as octal numbers.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
LOOPS = Path("/sys/block")
LOOKS, TICK = 20, 0.05
"""How often it is looked whether what was given back is gone: a loop device goes a moment after its last user."""
_OCTAL = re.compile(rb"\\([0-7]{3})")
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def below(folder: Path) -> list[str]:
    """Give what is mounted at a folder and below, the innermost first; as often as it is mounted there."""
    with suppress(OSError):
        return _mounted(MOUNTS, os.path.realpath(folder))
    return []


def _mounted(table: Path, top: str) -> list[str]:
    fields = [line.split(b" ") for line in table.read_bytes().splitlines()]
    places = [os.fsdecode(_OCTAL.sub(_byte, field[4])) for field in fields]
    return sorted((place for place in places if _within(place, top)), reverse=True)


def loops_below(folder: Path) -> list[str]:
    """Give the loop devices whose file lies below a folder, also where the file was deleted meanwhile."""
    top = os.path.realpath(folder)
    found = []
    for told in LOOPS.glob("loop*/loop/backing_file"):
        with suppress(OSError):
            if _within(os.fsdecode(told.read_bytes().rstrip(b"\n")), top):
                found.append(f"/dev/{told.parts[-3]}")
    return sorted(found)


def keepers(folder: Path) -> list[int]:
    """Give a process of each other namespace in which something is still mounted below a folder; nobody here can unmount it."""
    top, own = os.path.realpath(folder), _namespace(Path("/proc/self"))
    found = dict[str, int]()
    for told in sorted(Path("/proc").glob("[0-9]*"), key=lambda place: int(place.name)):
        with suppress(OSError):
            namespace = _namespace(told)
            if namespace != own and namespace not in found and _mounted(told / "mountinfo", top):
                found[namespace] = int(told.name)
    return list(found.values())


def _namespace(process: Path) -> str:
    return str((process / "ns/mnt").readlink())


def give_back(folder: Path) -> None:
    """Unmount everything at a folder and below, and let go of the loop devices. What cannot be is still there after.

    All of it is made private first: of a tree that shows another one (`mount --rbind`), that one would be unmounted too.
    """
    places = below(folder)
    for place in places:
        _done("mount", "--make-private", place)
    for place in places:
        if not _done("umount", place):
            _done("umount", "-l", place)
    for _ in range(LOOKS):
        devices = loops_below(folder)
        if not devices:
            return
        for device in devices:
            _done("losetup", "-d", device)
        time.sleep(TICK)


def remove(folder: Path, last: str) -> str:
    """Remove a folder with all that is in it; of what lies in it directly, the file `last` goes last.

    Never enters what is mounted in there, and never follows a link. Says what stays and why; empty where nothing does.
    """
    try:
        top = os.open(folder, _OPEN)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return _said(folder, error)
    try:
        home = _mount_of(top)
        for name in sorted(os.listdir(top), key=lambda name: name == last):  # noqa: PTH208 - a descriptor
            _remove(top, name, home)
        folder.rmdir()
    except RecursionError:
        return f"folder {folder}: it is too deep"
    except OSError as error:
        return _said(folder, error)
    finally:
        os.close(top)
    return ""


def _remove(parent: int, name: str, home: tuple[int, bytes]) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    folder = _opened(parent, name)
    try:
        if _mount_of(folder) != home:
            raise OSError(0, "something is mounted there", name)
        if os.fstat(folder).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(folder, stat.S_IRWXU)
        for inner in os.listdir(folder):  # noqa: PTH208 - a descriptor
            _remove(folder, inner, home)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _opened(parent: int, name: str) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=parent)
    except PermissionError:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)  # one's own, closed to oneself
        return os.open(name, _OPEN, dir_fd=parent)


def _mount_of(descriptor: int) -> tuple[int, bytes]:
    """Tell the mount that a descriptor leads to: a bind mount has the same device as what it shows."""
    lines: Iterator[bytes] = iter(())
    with suppress(OSError):
        lines = iter(Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().splitlines())
    return os.fstat(descriptor).st_dev, next((line for line in lines if line.startswith(b"mnt_id:")), b"")


def _said(folder: Path, error: OSError) -> str:
    where = f" at `{error.filename}`" if error.filename and str(error.filename) != str(folder) else ""
    return f"folder {folder}: {(error.strerror or str(error)).lower()}{where}"


def _within(place: str, top: str) -> bool:
    return place == top or place.startswith(f"{top}/")


def _byte(octal: re.Match[bytes]) -> bytes:
    return bytes([int(octal[1], 8) & 0xFF])


def _done(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
