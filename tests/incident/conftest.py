from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.case import Case
from tests.incident.alerting import Served, served
from tests.incident.support import Room
from tests.store.conftest import small_disk

__all__ = ["small_disk"]


@pytest.fixture
def room(case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Room:
    return Room(case, monkeypatch, capsys)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Served]]:
    """One door for all tests that record nothing."""
    case = Case(tmp_path_factory.mktemp("door"))
    with served(case) as door:
        yield case, door
    assert list(case.state.glob("incidents/*/journal.jsonl")) == []
