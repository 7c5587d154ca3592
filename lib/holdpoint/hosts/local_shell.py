"""A shell of another user on this machine, raised with `sudo -n`. Owns its process and pipes."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Mapping

from holdpoint.hosts.agent import LinkFailed
from holdpoint.hosts.capture import STDERR, STDOUT
from holdpoint.hosts.process import see_off
from holdpoint.hosts.raised import user_name
from holdpoint.hosts.started import Ended, Event

BLOCK = 65536
GLANCE = 0.02


class LocalShell:
    """A shell that reads its text from standard input; what it starts is ended by the text itself, see `read.sh`."""

    def __init__(self, become: str, environment: Mapping[str, str] | None) -> None:
        line = ["sudo", "-n", "-u", user_name(become), "--", "sh"]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                line, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True, env=environment
            )
        except OSError as error:
            raise LinkFailed(f"{error.filename or 'sudo'}: not found; install it to become `{become}`") from error
        self._selector = selectors.DefaultSelector()
        for name, stream in ((STDOUT, self._process.stdout), (STDERR, self._process.stderr)):
            if stream is not None:
                self._selector.register(stream, selectors.EVENT_READ, name)

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        with contextlib.suppress(OSError, ValueError):  # who is gone shows in its answer
            while view and self._process.stdin is not None:
                view = view[os.write(self._process.stdin.fileno(), view) :]

    def next(self, patience: float) -> Event | None:
        deadline = time.monotonic() + patience
        while self._selector.get_map():
            for key, _ in self._selector.select(min(GLANCE, max(0.0, deadline - time.monotonic()))):
                if data := os.read(key.fd, BLOCK):
                    return str(key.data), data
                self._selector.unregister(key.fileobj)
            if self.exited() is not None:
                self._finish_input()
            if time.monotonic() >= deadline:
                return None
        try:
            return Ended(self._process.wait(max(0.0, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            return None

    def exited(self) -> Ended | None:
        code = self._process.poll()
        return None if code is None else Ended(code)

    def complaint(self) -> str:
        return ""

    def close(self) -> None:
        self._finish_input()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        see_off(self._process)

    def _finish_input(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
