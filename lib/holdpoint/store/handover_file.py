"""The one file with which a run or an incident is handed over: a gzip'd tar of plain files, written whole, and read with distrust.

Owns the names that may stand in it, and its limits. Knows nothing of what the files say.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from holdpoint.problem import Exit, HoldpointError, Place, Problem
from holdpoint.store import disk

SUFFIX = ".handover"
LARGEST = 1024 * 1024 * 1024
"""Bytes of all that is in it, together."""
MOST = 20_000
"""Files in it."""
README = "README.txt"
HOSTS = "hosts.yaml"
DOCUMENTS = "documents"
RUNS = "runs"
_WORD = r"[A-Za-z0-9_%@:][A-Za-z0-9._%@:+~-]*"
_RUN = r"[0-9]{8}-[0-9]{4}-[a-z][a-z0-9-]{0,63}-[0-9a-f]{4}"
INCIDENTS = "incidents"
_INCIDENT = r"[0-9]{8}-[0-9]{4}-[a-z0-9][a-z0-9-]{0,63}-[0-9a-f]{4}"
OUTPUT = re.compile(rf"{RUNS}/{_RUN}/(?:out/{_WORD}|files/{_WORD}/{_WORD})", re.ASCII)
"""What commands printed, and files that were fetched."""
_NAMES = re.compile(
    rf"{README}|{HOSTS}|{DOCUMENTS}/[a-z][a-z0-9-]{{0,63}}\.yaml"
    rf"|{INCIDENTS}/{_INCIDENT}/journal\.jsonl"
    rf"|{RUNS}/{_RUN}/(?:journal\.jsonl|agent-[A-Za-z0-9._%~-]+)|{OUTPUT.pattern}",
    re.ASCII,
)
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1024 * 1024
Member = bytes | Path
"""What a file of it holds: these bytes, or those of the file at the path."""


def may_hold(name: str) -> bool:
    """Whether a file of this name can stand in it."""
    folder, _, last = name.rpartition("/")
    fits = len(folder) <= tarfile.LENGTH_PREFIX and len(last) <= tarfile.LENGTH_NAME
    return fits and _NAMES.fullmatch(name) is not None


def digest(member: Member) -> str:
    """SHA-256, in hexadecimal. Raises `OSError`."""
    if isinstance(member, bytes):
        return hashlib.sha256(member).hexdigest()
    with member.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def reserved(path: Path) -> Iterator[Path]:
    """Take a name that nothing has, before anything rests on it; give it free again where the block fails.

    Raises `HoldpointError` where it is taken, or cannot be.
    """
    try:
        disk.write_new(path, b"")
    except FileExistsError as error:
        hint = "give another name; nothing was handed over"
        raise HoldpointError(Problem("file-exists", "this file is there already", _place(path), hint=hint)) from error
    except OSError as error:
        hint = "give a file in another folder; nothing was handed over"
        problem = Problem("no-file", f"the file cannot be made: {_said(error)}", _place(path), hint=hint)
        raise HoldpointError(problem) from error
    try:
        yield path
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def write(path: Path, members: Mapping[str, Member]) -> None:
    """Put the file in its place, whole and durably; mode 600. Raises `OSError`, and `ValueError` for an unfit name."""
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as packed:
                _pack(packed, members)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise
    disk.sync_folder(path.parent)


def _pack(packed: gzip.GzipFile, members: Mapping[str, Member]) -> None:
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, member in members.items():
            if not may_hold(name):
                raise ValueError(f"no name for a file of a handover: {name!r}")
            with io.BytesIO(member) if isinstance(member, bytes) else member.open("rb") as data:
                info = tarfile.TarInfo(name)
                info.mode = 0o600
                info.size = len(member) if isinstance(member, bytes) else member.stat().st_size
                tar.addfile(info, data)


# --- reading ----------------------------------------------------------------------------------------------------


def unpack(path: Path, into: Path) -> tuple[str, ...]:
    """Write every file of it below a folder that is ours and empty; give their names.

    Nothing but plain files of the known names is taken. Raises `HoldpointError` for whatever else is in it, and for a
    file that was cut or is none of ours; what was written until then is for the caller to clear away.
    """
    try:
        with _opened(path) as file, gzip.GzipFile(fileobj=file, mode="rb") as packed:
            return tuple(_unpacked(packed, path, into))
    except EOFError as error:
        raise HoldpointError(_unfit(path, "it was cut off, or is none at all")) from error
    except (zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise HoldpointError(_unfit(path, f"it cannot be unpacked: {str(error).lower()}")) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise HoldpointError(Problem("no-file", f"the file cannot be read: {_said(error)}", _place(path))) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise HoldpointError(_unfit(path, "it is not a regular file"))
        yield file


def _unpacked(packed: gzip.GzipFile, path: Path, into: Path) -> Iterator[str]:
    """Read headers and contents one after the other. A header that announces another one is no plain file either."""
    total = 0
    for count in range(MOST + 1):
        header = _exactly(packed, _BLOCK)
        if not header.strip(b"\0"):
            break
        info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        total += info.size
        if why := _refused(info) or _beyond(count, total):
            raise HoldpointError(_unfit(path, why))
        _take(packed, info, into / info.name, path)
        yield info.name
    while rest := packed.read(_CHUNK):
        if rest.strip(b"\0"):
            raise HoldpointError(_unfit(path, "something follows its end"))


def _beyond(count: int, total: int) -> str:
    if count >= MOST:
        return f"it holds more than {MOST:,} files"
    return f"it holds more than {LARGEST:,} bytes" if total > LARGEST else ""


def _refused(info: tarfile.TarInfo) -> str:
    """Say why this is not to be taken; empty where it is a plain file of a name that we give."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in info.name[:80])
    if info.type != tarfile.REGTYPE or info.linkname or info.size < 0:
        return f"`{shown}` is not a plain file"
    return "" if _NAMES.fullmatch(info.name) else f"`{shown}` has no place in it"


def _take(packed: gzip.GzipFile, info: tarfile.TarInfo, to: Path, path: Path) -> None:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(to, flags, 0o600)
    except FileExistsError as error:
        raise HoldpointError(_unfit(path, f"`{info.name}` stands in it twice")) from error
    with os.fdopen(descriptor, "wb") as file:
        left = info.size
        while left:
            part = _exactly(packed, min(left, _CHUNK))
            file.write(part)
            left -= len(part)
        file.flush()
        os.fsync(descriptor)
    _exactly(packed, -info.size % _BLOCK)


def _exactly(packed: gzip.GzipFile, count: int) -> bytes:
    """Read so many bytes; raises `EOFError` where there are fewer."""
    parts: list[bytes] = []
    while count:
        part = packed.read(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _unfit(path: Path, why: str) -> Problem:
    hint = "have it made anew where it comes from, and sent whole; nothing was taken from it"
    return Problem("handover-file", f"this file cannot be taken over: {why}", _place(path), hint=hint)


def _place(path: Path) -> Place:
    return Place(str(path), 0, 0)


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def altered(file: Path, why: str) -> HoldpointError:
    """Refuse a file that is not what its maker wrote (exit 10)."""
    hint = "do not go on with it: ask the person who made it for the file again, by another way"
    problem = Problem("handover-altered", f"this file was damaged or altered: {why}", Place(str(file), 0, 0), hint=hint)
    return HoldpointError(problem, exit_code=Exit.DAMAGED)
