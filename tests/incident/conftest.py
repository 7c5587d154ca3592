from __future__ import annotations

import pytest

from tests.case import Case
from tests.incident.support import Room
from tests.store.conftest import small_disk

__all__ = ["small_disk"]


@pytest.fixture
def room(case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Room:
    return Room(case, monkeypatch, capsys)
