"""A read and a change start in the same folder: at home, as a command over SSH does."""

from __future__ import annotations

from tests.case import Case
from tests.laws.terminal import book


def test_reads_and_changes_start_at_home(case: Case) -> None:
    steps = "  - {id: mark, title: Mark it, effect: change, run: 'pwd -P', irreversible: no}"
    case.runbook("lab", book(steps, diagnostic="\n  - {id: look, title: Look, run: 'pwd -P'}"))
    case.run("runbook", "lab", answers="mark: run\n").expect(0, ..., ...)
    printed = [path.read_text() for path in sorted(case.state.glob("runs/*/out/*.out"))]
    assert printed == [f"{(case.folder / 'home').resolve()}\n"] * 2


def test_a_relative_path_is_refused_before_anything_runs(case: Case) -> None:
    params = "params:\n  file: {type: path, prompt: Which file}\n"
    case.runbook(
        "lab", book("  []", params=params, diagnostic="\n  - {id: look, title: Look, run: 'test -e \"$file\"'}")
    )
    ran = case.run("runbook", "lab", "--param", "file=work/x").expect(2, ..., ...)
    assert "parameter `file` is not absolute" in ran.stderr
