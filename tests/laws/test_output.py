"""A command's output is data: shown inert, kept whole, bounded in memory; and a journal outlives a full disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.case import Case
from tests.laws.terminal import book
from tests.needs import require_root


def test_markup_and_control_sequences_are_shown_as_they_are(case: Case) -> None:
    printed = r"printf '[red]not red[/red] \033[31mESC\033[0m \033]0;title\007 \302\233 \342\200\256\n'"
    case.runbook("lab", book("  []", diagnostic=f"\n  - id: say\n    title: Say it\n    run: |\n      {printed}"))
    ran = case.run("runbook", "lab").expect(0, ..., ...)
    assert "[red]not red[/red]" in ran.raw
    assert not set(ran.raw) & set("\x1b\x07\x9b\u202e")
    (kept,) = case.state.glob("runs/*/out/*say*.out")
    assert b"\x1b[31mESC" in kept.read_bytes(), "kept whole on disk"


PEAK = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Prints the largest memory of what it runs, in KiB. In a small process of its own: before a program is loaded into it, a
child has the size of its parent, and that counts."""


def test_a_flood_is_kept_whole_and_bounded_in_memory(case: Case) -> None:
    flood = "head -c 100000000 /dev/zero | tr '\\0' 'x'"
    case.runbook(
        "lab", book("  []", diagnostic=f'\n  - {{id: flood, title: A flood, run: "{flood}"}}'.replace("\\", "\\\\"))
    )
    command = case.command(("runbook", "lab"), "holdpoint")
    ran = case.run("-c", PEAK, *command, program="python3").expect(0, ..., ...)
    (kept,) = case.state.glob("runs/*/out/*flood*.out")
    assert kept.stat().st_size == 100_000_000
    peak = int(ran.stdout)
    assert peak < 300 * 1024, f"{peak} KiB"


@pytest.fixture
def small(case: Case) -> Path:
    require_root("mount a filesystem")
    folder = case.folder / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=True)
    yield folder  # type: ignore[misc]
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up_under_the_journal(case: Case, small: Path) -> None:
    """The step fills the disk that the journal lies on; its end is recorded in the room that is kept for it."""
    steps = """\
  - {id: fill, title: Fill it, effect: change, run: 'dd if=/dev/zero of=SMALL/ballast bs=64k 2>/dev/null || true', irreversible: no}
  - {id: next, title: The next, effect: change, run: 'echo x >> FOLDER/mark', irreversible: no}
"""
    case.runbook("lab", book(steps).replace("SMALL", str(small)).replace("FOLDER", str(case.folder)))
    state = {"HOLDPOINT_STATE": str(small / "state")}
    ran = case.run("runbook", "lab", answers="fill: run\nnext: run\n", environ=state)
    journal = next(small.glob("state/runs/*/journal.jsonl"))
    assert '"step":"fill"' in journal.read_text()
    if ran.status != 0:
        assert ran.status == 8, ran
        assert "no room" in ran.stdout + ran.stderr
        assert not (case.folder / "mark").exists(), "nothing is done that is not on disk"
        (small / "ballast").unlink()
        case.run("run.resume", "last", answers="next: run\n", environ=state).expect(0, ..., ...)
    assert (case.folder / "mark").read_text() == "x\n"
    assert os.environ.get("HOLDPOINT_STATE") != state["HOLDPOINT_STATE"]
