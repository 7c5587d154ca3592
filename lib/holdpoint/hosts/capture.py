"""What an execution prints: masked, written to files whole, handed to the watcher as text, kept in bounded memory.

Owns the output files of a run folder, the tails and the raw value. Knows nothing of processes or targets. A file that
cannot be written is given up, with a note in the tail; the execution goes on. An output that is a file is kept by
`fetched`.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from pathlib import Path

from holdpoint.engine.outcomes import TAIL_LIMIT, VALUE_LIMIT, Captured
from holdpoint.engine.ports import Command, Watch
from holdpoint.hosts.fetched import Fetched
from holdpoint.hosts.mask import Masker, mask
from holdpoint.shell import Secret

STDOUT, STDERR = "stdout", "stderr"
SUFFIX = {STDOUT: ".out", STDERR: ".err"}
FOLDER = "out"


class _Stream:
    """One of the two streams."""

    digest = lost = ""

    def __init__(self, name: str, path: Path, secrets: Sequence[Secret], watch: Watch, *, quiet: bool) -> None:
        self.size = 0
        self._quiet = quiet
        self.note = ""
        self._name = name
        self._path = path
        self._watch = watch
        self._masker = Masker(secrets)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = bytearray()
        self._descriptor: int | None = None
        self.value: bytearray | None = bytearray()

    @property
    def file(self) -> str:
        return "" if self._descriptor is None else f"{FOLDER}/{self._path.name}"

    @property
    def length(self) -> int:
        return self.size

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        if self.value is not None:
            if self.size > VALUE_LIMIT:
                self.value = None
            else:
                self.value += data
        self._keep(self._masker.feed(data))

    def skip(self, count: int) -> None:
        """Note that this many bytes were dropped on the target before they could be fetched."""
        self.size += count
        self.value = None
        self._keep(self._masker.finish() + f"\n[{count} bytes were dropped on the target]\n".encode())

    def finish(self) -> str:
        self._keep(self._masker.finish(), last=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
        start = 0
        tail = bytes(self._tail[-TAIL_LIMIT:])
        while start < min(3, len(tail)) and len(self._tail) > TAIL_LIMIT and tail[start] & 0xC0 == 0x80:  # noqa: PLR2004
            start += 1
        return tail[start:].decode("utf-8", "replace") + self.note

    def _keep(self, masked: bytes, *, last: bool = False) -> None:
        if self._quiet:
            return
        if masked:
            self._write(masked)
            self._tail += masked[-2 * TAIL_LIMIT :]
            if len(self._tail) > 16 * TAIL_LIMIT:
                del self._tail[: -TAIL_LIMIT - 1]
        if self._watch.listens and (text := self._decoder.decode(masked, last)):
            self._watch.output(self._name, text)

    def _write(self, masked: bytes) -> None:
        if self.note:
            return
        view = memoryview(masked)
        try:
            if self._descriptor is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
                self._descriptor = os.open(self._path, flags, 0o600)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            kept = self.size - len(view)
            self.note = f"\n[from about byte {kept} on, the output could not be kept in its file: {error.strerror}]"


class Capture:
    """The output of one execution, under `out/` in the run's folder; of a sensitive one, nothing is kept."""

    def __init__(self, run_folder: Path, command: Command, watch: Watch) -> None:
        folder, secrets = run_folder / FOLDER, command.hidden()
        quiet = {STDOUT: command.sensitive or command.quiet, STDERR: command.sensitive}
        self._secrets = secrets
        paths = {name: folder / (command.spool + suffix) for name, suffix in SUFFIX.items()}
        for path in paths.values():
            path.unlink(missing_ok=True)
        self._streams: dict[str, _Stream | Fetched] = {
            name: _Stream(name, path, secrets, watch, quiet=quiet[name]) for name, path in paths.items()
        }
        if command.keeps:
            self._streams[STDOUT] = Fetched(run_folder, command.keeps, secrets)

    def feed(self, stream: str, data: bytes) -> None:
        self._streams[stream].feed(data)

    def skip(self, stream: str, count: int) -> None:
        self._streams[stream].skip(count)

    def offset(self, stream: str) -> int:
        """Give how much of the raw stream was seen: where to attach again."""
        return self._streams[stream].size

    def finish(self) -> Captured:
        """Close the files and say what was captured. To be called once."""
        out, err = self._streams[STDOUT], self._streams[STDERR]
        stdout, stderr = out.finish(), err.finish()
        return Captured(
            stdout=stdout,
            stderr=stderr,
            stdout_size=out.length,
            stderr_size=err.length,
            stdout_file=out.file,
            stderr_file=err.file,
            value=None if out.value is None else bytes(out.value),
            secret=out.value is not None and mask(bytes(out.value), self._secrets) != bytes(out.value),
            digest=out.digest,
            lost=out.lost,
        )
