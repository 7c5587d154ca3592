"""Whether this process may mount, and a namespace of its own in which an ordinary user may too.

What is mounted in there is seen by this process and what it starts, by nobody else, and is gone with the last of them.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

UNSHARE = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "--")
TRY = ("mount", "-t", "tmpfs", "holdpoint-drill", "/tmp")  # noqa: S108 - in the namespace, and gone with it
SYS_ADMIN = 1 << 21
"""The capability that mounting takes; see capabilities(7)."""


def may_mount() -> bool:
    """Whether this process may mount a filesystem in memory."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) & SYS_ADMIN)
    return os.geteuid() == 0


@functools.cache
def refusal() -> str:
    """What this machine says where it lets nobody have a namespace in which they may mount; empty where it does."""
    try:
        tried = subprocess.run([*UNSHARE, *TRY], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        return f"`{UNSHARE[0]}` cannot be started: {error.strerror}"
    said = tried.stderr.strip().splitlines()
    return "" if not tried.returncode else said[-1] if said else f"exit {tried.returncode}"


def begin_anew() -> NoReturn:
    """Begin this program again, with the same words, in a namespace in which it may mount."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - these very words
