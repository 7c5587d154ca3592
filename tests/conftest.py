"""What every test has: a case of its own. Under CI a skipped test fails the session, since there everything is there."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.case import Case

_SKIPPED: list[str] = []


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def pytest_configure() -> None:
    """Have what the tests start hear SIGINT, also where they run in the background of a shell, which has it ignored."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _SKIPPED.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") == "true" and _SKIPPED and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") == "true" and _SKIPPED:
        terminalreporter.section("skipped, which under CI=true is a failure")
        for name in _SKIPPED:
            terminalreporter.write_line(name)
