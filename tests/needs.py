"""What a test needs of the machine. Where it is missing, a test is skipped with the reason; under CI that is a failure."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require(program: str, package: str) -> str:
    """Give the path of a program, or skip naming the Debian package that has it."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        lacking(f"`{program}` is missing: apt-get install {package}")
    return found


def require_root(what: str) -> None:
    """Skip where the test does not run as root, saying what root is needed for."""
    if os.geteuid() != 0:
        lacking(f"only root can {what}")


def lacking(reason: str) -> NoReturn:
    """Skip for `reason`; fail where the environment says `CI=true`, since there everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
