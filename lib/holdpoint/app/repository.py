"""Which repository a command is about: the nearest folder, from the working folder upwards, that has `runbooks/` or `.git`.

A repository that lies within another one is one of its own, with or without runbooks: what is written goes into it.
"""

from __future__ import annotations

from pathlib import Path


def repository(folder: Path) -> Path:
    """Find it, as Invoke finds `tasks.py`; where there is none, `folder` itself."""
    return next((above for above in (folder, *folder.parents) if _is_one(above)), folder)


def _is_one(folder: Path) -> bool:
    """`.git` is a folder in a clone, and a file in a worktree and in a submodule."""
    return (folder / "runbooks").is_dir() or (folder / ".git").exists()
