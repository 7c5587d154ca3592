"""Where the state folder is, before anything in it is looked at. Cheap to import, as the end of every command asks."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from holdpoint.problem import HoldpointError, Problem

RUNS, INCIDENTS = "runs", "incidents"


def named(environ: Mapping[str, str]) -> Path:
    """Find it: `$HOLDPOINT_STATE`, else `holdpoint` in the XDG state folder. Raises `HoldpointError` for a relative path."""
    home = environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    for name, below in (("HOLDPOINT_STATE", ""), ("XDG_STATE_HOME", "holdpoint")):
        if value := environ.get(name):
            return _absolute(value, name) / below
    return _absolute(home, "HOME") / ".local" / "state" / "holdpoint"


def _absolute(value: str, name: str) -> Path:
    if "\0" in value or not Path(value).is_absolute():
        raise HoldpointError(
            Problem("state-folder", f"`${name}` is not an absolute path", found=f"`{value}`", expected="`/…`")
        )
    return Path(value)


def stand_ins(path: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Name the places in memory; each state folder has its own, so that states that are kept apart stay apart."""
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    places = [Path("/dev/shm") / f"holdpoint-{os.geteuid()}-{mark}"]  # noqa: S108 - owner and mode are checked
    if Path(runtime := environ.get("XDG_RUNTIME_DIR", "")).is_absolute():
        places.append(Path(runtime) / f"holdpoint-{mark}")
    return tuple(places)


def has_incidents(environ: Mapping[str, str]) -> bool:
    """Tell whether there may be an incident, on disk or in memory."""
    path = named(environ)
    return any((place / INCIDENTS).is_dir() for place in (path, *stand_ins(path, environ)))
