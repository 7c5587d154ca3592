"""Which repository a command is about: the nearest folder, from the working folder upwards, that has `runbooks/`."""

from __future__ import annotations

from pathlib import Path


def repository(folder: Path) -> Path:
    """Find it, as Invoke finds `tasks.py`; where there is none, `folder` itself."""
    return next((above for above in (folder, *folder.parents) if (above / "runbooks").is_dir()), folder)
