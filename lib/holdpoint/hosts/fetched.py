"""A file of a target on its way into the run's folder: byte for byte, in bounded memory, or not at all.

The stream begins with one line, the SHA-256 that the target computed. What is written went through the masker, so a secret
never reaches the disk; a file that had one is given up. Until all of it is checked it has another name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from holdpoint.hosts.mask import Masker
from holdpoint.shell import Secret

_HEAD = re.compile(rb"[0-9a-f]{64}\n")
HEAD_SIZE = 65


class Fetched:
    """Standard output that is one file. `size` counts the raw stream, as it does for every output."""

    value: bytearray | None = None

    def __init__(self, run_folder: Path, name: str, secrets: Sequence[Secret]) -> None:
        self.size = 0
        self.digest = ""
        self.lost = ""
        """Why the file was not kept."""
        self._name = name
        self._path = run_folder / name
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._masker = Masker(secrets)
        self._came, self._written = hashlib.sha256(), hashlib.sha256()
        self._head = b""
        self._descriptor: int | None = None
        for path in (self._path, self._part):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()

    @property
    def file(self) -> str:
        return self._name if self.digest else ""

    @property
    def length(self) -> int:
        """The size of the file itself."""
        return max(0, self.size - HEAD_SIZE)

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        missing = HEAD_SIZE - len(self._head)
        self._head += data[:missing]
        body = data[missing:] if missing > 0 else data
        if body:
            self._came.update(body)
            self._write(self._masker.feed(body))

    def skip(self, count: int) -> None:
        """Note that this many bytes were dropped on the target before they could be fetched."""
        self.size += count
        self.lost = f"{count} bytes of it were dropped on the target"

    def finish(self) -> str:
        """Check it, and give it its name. To be called once; tells nothing, since a file is no output to read."""
        self._write(self._masker.finish())
        if not self.lost and self._is_whole():
            self._put_in_place()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if not self.digest:
            with contextlib.suppress(OSError):
                self._part.unlink()
        return ""

    def _is_whole(self) -> bool:
        if not _HEAD.fullmatch(self._head):
            self.lost = "the target sent no digest for it"
        elif self._head[:-1].decode() != self._came.hexdigest():
            self.lost = "it changed while it was read, or on its way: what arrived is not what the target's digest says"
        elif self._came.digest() != self._written.digest():
            self.lost = "it holds a secret of this run"
        return not self.lost

    def _put_in_place(self) -> None:
        try:
            os.fsync(self._open())
            self._part.rename(self._path)
        except OSError as error:
            self.lost = f"it cannot be written: {error.strerror}"
        else:
            self.digest = self._came.hexdigest()

    def _write(self, clean: bytes) -> None:
        if self.lost or not clean:
            return
        self._written.update(clean)
        view = memoryview(clean)
        try:
            descriptor = self._open()
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError as error:
            self.lost = f"it cannot be written: {error.strerror}"

    def _open(self) -> int:
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._part, flags, 0o600)
        return self._descriptor
