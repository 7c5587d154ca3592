"""The harness of the benchmarks: how sides take turns, what is made of their figures, and who is missing. No time is asserted."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.__main__ import chosen
from benchmarks.making import SIDES, program
from benchmarks.model import (
    FLOOR,
    Against,
    Figures,
    Goal,
    Quantity,
    Ready,
    Result,
    Sample,
    Side,
    Work,
    as_data,
    from_data,
    judged,
)
from benchmarks.running import FEW, SLOW, in_turns, measured, sizes
from benchmarks.works import ALL
from rich.console import Console

from benchmarks import drawing, page, peers, told

NOTED = """\
import sys
sys.path.insert(0, {sides!r})
from serving import serve

def once():
    print("noise on standard output")
    with open({log!r}, "a") as log:
        log.write({name!r})
    {then}

serve(once)
"""


def _side(folder: Path, name: str, then: str = "pass", **more: object) -> Side:
    """A side that writes its name into a file whenever it does its work."""
    script = folder / f"{name}.py"
    script.write_text(NOTED.format(sides=str(SIDES), log=str(folder / "log"), name=name, then=then))
    return replace(Side(name, (sys.executable, str(script))), **more)


def _samples(*seconds: float, **more: float) -> tuple[Sample, ...]:
    return tuple(Sample(one, cpu=more.get("cpu", 0.0), peak=1.0, servers=more.get("servers", 0.0)) for one in seconds)


# --- taking turns -----------------------------------------------------------------------------------------------


def test_sides_take_turns_after_a_warm_up_that_does_not_count(tmp_path: Path) -> None:
    ready = Ready((_side(tmp_path, "a"), _side(tmp_path, "b")))
    figures = in_turns(ready, tmp_path, 3, lambda _: None)
    assert (tmp_path / "log").read_text() == "ab" * 4
    assert [(each.side, len(each.samples)) for each in figures] == [("a", 3), ("b", 3)]
    assert all(sample.seconds > 0 and sample.peak > 0 for each in figures for sample in each.samples)


def test_a_peer_that_fails_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    told_: list[str] = []
    bad = _side(tmp_path, "b", "raise RuntimeError('no route')")
    dies = _side(tmp_path, "c", "import os; os._exit(3)")
    figures = in_turns(Ready((_side(tmp_path, "a"), bad, dies)), tmp_path, 2, told_.append)
    assert [(each.side, len(each.samples), each.failed) for each in figures] == [
        ("a", 2, ""),
        ("b", 0, "RuntimeError: no route"),
        ("c", 0, "it ended with exit code 3"),
    ]
    assert told_ == ["  b failed: RuntimeError: no route", "  c failed: it ended with exit code 3"]
    assert (tmp_path / "log").read_text() == "abcaa"


def test_a_program_that_is_not_there_is_a_failure_of_its_side(tmp_path: Path) -> None:
    (figures,) = in_turns(Ready((Side("x", (str(tmp_path / "nothing"),)),)), tmp_path, 1, lambda _: None)
    assert "cannot be started" in figures.failed


def test_a_missing_peer_is_named_with_what_installs_it(tmp_path: Path) -> None:
    sides = (_side(tmp_path, "a"), _side(tmp_path, "b", missing="b is not installed; `inv bench.setup` installs it"))
    figures = in_turns(Ready(sides), tmp_path, 1, lambda _: None)
    assert (tmp_path / "log").read_text() == "aa"
    assert figures[1] == Figures("b", missing="b is not installed; `inv bench.setup` installs it")


def test_a_command_is_counted_with_what_it_used(tmp_path: Path) -> None:
    good = program("good", sys.executable, "-c", "x = bytearray(60_000_000)")
    bad = program("bad", sys.executable, "-c", "import sys; sys.exit('not today')")
    figures = in_turns(Ready((good, bad)), tmp_path, 1, lambda _: None)
    assert figures[0].middle(Quantity.PEAK) > 57
    assert figures[0].middle(Quantity.CPU) > 0
    assert figures[1].failed == "RuntimeError: exit 1: not today"


def test_a_slow_side_is_measured_in_few_rounds(tmp_path: Path) -> None:
    told_ = f"return {{'seconds': {SLOW + 1}}}"
    figures = in_turns(Ready((_side(tmp_path, "a", told_), _side(tmp_path, "b"))), tmp_path, FEW + 2, lambda _: None)
    assert [len(each.samples) for each in figures] == [FEW, FEW + 2]


def test_what_a_round_repeats_is_divided(tmp_path: Path) -> None:
    (figures,) = in_turns(
        Ready((_side(tmp_path, "a", "return {'seconds': 8.0, 'cpu': 4.0}", divided=4),)), tmp_path, 1, lambda _: None
    )
    assert (figures.middle(), figures.middle(Quantity.CPU)) == (2.0, 1.0)


def test_what_a_round_leaves_is_cleared_away_after_it_was_measured(tmp_path: Path) -> None:
    side = _side(tmp_path, "a")
    script = Path(side.command[1])
    script.write_text(
        script.read_text().replace(
            "serve(once)", f"serve(once, lambda: open({str(tmp_path / 'log')!r}, 'a').write('.'))"
        )
    )
    in_turns(Ready((side,)), tmp_path, 1, lambda _: None)
    assert (tmp_path / "log").read_text() == "a.a."


def test_the_servers_count_is_of_their_round_alone(tmp_path: Path) -> None:
    counted = iter(range(100))
    ready = Ready((_side(tmp_path, "a"),), lambda: float(next(counted)))
    (figures,) = in_turns(ready, tmp_path, 2, lambda _: None)
    assert [sample.servers for sample in figures.samples] == [1.0, 1.0]


@contextmanager
def _broken(_size: int, _folder: Path) -> Iterator[Ready]:
    raise OSError("there is no sshd")
    yield


def test_a_work_that_cannot_be_prepared_does_not_end_the_others() -> None:
    (result,) = measured((Work("x", "X", _broken),), 1, lambda _: None)
    assert result.figures[0].failed == "it could not be prepared: there is no sshd"


# --- what is made of it -----------------------------------------------------------------------------------------


def test_goals_hold_medians_against_each_other() -> None:
    figures = (
        Figures("ours", _samples(1.0, 3.0, 2.0, cpu=0.8)),
        Figures("peer", _samples(1.0, 1.0, 9.0, servers=4.0)),
        Figures("gone", missing="not installed"),
    )
    verdicts = [
        judged(goal, 100, figures)
        for goal in (
            Goal("ours", 2, "peer"),
            Goal("ours", 1.5, "peer"),
            Goal("ours", 1.8, "peer"),
            Goal("ours", 900, "peer", Against.MORE),
            Goal("ours", 8, against=Against.ALONE, quantity=Quantity.CPU, per_size=True, called="CPU a host"),
            Goal("ours", 1.5, "peer", divided=2, called=FLOOR),
            Goal("ours", 1, "gone"),
        )
    ]
    assert [verdict.figure for verdict in verdicts] == [2.0, 2.0, 2.0, 1000.0, pytest.approx(8.0), 1.0, None]
    assert [told.word(verdict) for verdict in verdicts] == [
        *("kept", "missed", "missed (a tie)", "missed (a tie)", "kept", "kept", "not measured")
    ]
    assert told.goal(verdicts[0]) == "ours: 2.00 x peer (at most 2 x)"
    assert told.goal(verdicts[3]) == "ours: 1,000.0 ms more than peer (at most 900 ms)"


RESULT = Result(
    "hosts",
    "Steps on many hosts",
    100,
    "hosts",
    False,
    (
        Figures("ours", _samples(1.5, 1.0, 1.25, servers=0.5)),
        Figures("a peer with a long name indeed", _samples(0.0005, 0.0004, 0.0006)),
        Figures("gone", missing="gone is not installed; `inv bench.setup` installs it"),
        Figures("bad", failed="RuntimeError: exit 1"),
    ),
    (judged(Goal("ours", 2, "gone"), 100, ()),),
)


def test_json_holds_everything_and_is_read_back() -> None:
    data = json.loads(json.dumps(as_data([RESULT], {"cores": 2})))
    assert from_data(data) == (RESULT,)
    ours, _, gone, bad = data["results"][0]["sides"]
    assert (ours["rounds"], ours["median"]["seconds"], ours["least"], ours["most"]) == (3, 1.25, 1.0, 1.5)
    assert (gone["rounds"], gone["missing"]) == (0, "gone is not installed; `inv bench.setup` installs it")
    assert bad["failed"] == "RuntimeError: exit 1"
    assert data["results"][0]["goals"][0]["kept"] is None


def test_the_table_fits_into_80_columns_and_names_who_is_missing() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    told.show(RESULT, console)
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "1.25 s" in text
    assert "500 us" in text
    assert "missing        gone: gone is not installed; `inv bench.setup` installs it" in text
    assert "failed         bad: RuntimeError: exit 1" in text
    assert "…" not in text


def test_the_page_is_written_between_its_marks() -> None:
    part = page.page(
        [RESULT], {"date": "2026-11-25", "processor": "P", "cores": 2, "system": "S", "python": "3", "rounds": 3}
    )
    text = page.written(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", part)
    assert text.startswith(f"before\n{page.BEGIN}\nMeasured on 2026-11-25: P, 2 cores")
    assert text.endswith(f"{page.END}\nafter\n")
    assert "old" not in text
    assert "| ours | 1.25 s, 1.00-1.50 s | " in text
    assert page.written(text, part) == text
    with pytest.raises(ValueError, match="has no"):
        page.written("nothing", part)


def test_a_later_result_counts() -> None:
    later = replace(RESULT, figures=(Figures("ours", _samples(7.0)),), verdicts=())
    documents = [as_data([RESULT], {}), as_data([later, replace(later, size=200)], {})]
    assert [(each.size, each.figures[0].middle()) for each in page.merged(documents)] == [(100, 7.0), (200, 7.0)]


def test_what_grows_is_drawn_by_side_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grown = [
        replace(RESULT, growth=True, size=size, figures=(Figures("ours", _samples(1.0, 2.0)),)) for size in (1, 10)
    ]
    assert drawing.series([RESULT, *grown]) == {
        "hosts": {"title": RESULT.title, "unit": "hosts", "lines": {"ours": [(1, 1.5, 1.0, 2.0), (10, 1.5, 1.0, 2.0)]}}
    }
    assert list(drawing.draw(grown, tmp_path)) == ["no plot: plot is not installed; `inv bench.setup` installs it"]
    assert list(drawing.draw([RESULT], tmp_path)) == []


# --- works and peers --------------------------------------------------------------------------------------------


def test_every_work_has_a_name_of_its_own_and_goals_name_sides(tmp_path: Path) -> None:
    names = [work.name for work in ALL]
    assert len({*names}) == len(names)
    assert chosen(["journal"]) == tuple(work for work in ALL if work.name == "journal")
    assert chosen([]) == ALL
    for number, work in enumerate(ALL):
        if not work.growth:
            folder = tmp_path / str(number)
            folder.mkdir()
            with work.prepared(2, folder) as ready:
                sides = {side.name for side in ready.sides}
            assert {name for goal in work.goals for name in (goal.side, goal.peer) if name} <= sides, work.name


def test_sizes_up_to_a_largest() -> None:
    work = Work("x", "X", _broken, (10, 100, 1000))
    assert sizes(work, None) == (10, 100, 1000)
    assert sizes(work, 100) == (10, 100)
    assert sizes(work, 5) == (5,)


def test_an_environment_counts_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert peers.lacks("fabric") == "fabric is not installed; `inv bench.setup` installs it"
    peers.python("fabric").parent.mkdir(parents=True)
    assert peers.lacks("fabric")
    (peers.folder() / "fabric" / ".made").touch()
    assert not peers.lacks("fabric")
    assert not str(peers.folder()).startswith(sys.prefix)
