"""What is kept of attempts: whatever ends in the same second, and whatever was cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from holdpoint.store.attempts import Attempts

ENDED = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def test_two_that_end_in_the_same_second_have_a_folder_each(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "drills" / "attempts.jsonl")
    folders = [attempts.folder("open-door", ENDED) for _ in range(3)]
    assert [folder.name for folder in folders] == [
        "20261125-030000-open-door",
        "20261125-030000-open-door-2",
        "20261125-030000-open-door-3",
    ]
    assert all(folder.is_dir() for folder in folders)
