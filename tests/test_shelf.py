"""The use cases of the library, through the real command: list, show, find, lint, new, docs."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from holdpoint.app import shelf
from holdpoint.document.search import Card, rank, words
from holdpoint.store import shellcheck
from holdpoint.store.library import Library
from tests.case import DOOR, LIMIT, Case

SHIPPED = [file.stem for file in (Path(__file__).resolve().parents[1] / "runbooks").glob("*.yaml")]
WINDOW = DOOR.replace("id: door", "id: window", 1).replace("The door is open", "A window is open")
BROKEN = DOOR.replace("id: door", "id: broken", 1).replace("severity: SEV3", "severity: SEV9")
WARNED = DOOR.replace("id: door", "id: warned", 1).replace("wc -l <", "rm -f x; wc -l <")


# --- list ---


def test_list(case: Case) -> None:
    ran = case.runbook().runbook("window", WINDOW).run("runbook.list").expect(0, ...)
    rows = [re.split(r"  +", line) for line in ran.stdout.splitlines()]
    assert rows[0] == ["runbook", "severity", "reviewed", "services", "from", "title"]
    assert ["door", "SEV3", "2026-11-23", "house", "runbooks", "The door is open"] in rows
    assert ["window", "SEV3", "2026-11-23", "house", "runbooks", "A window is open"] in rows
    assert any(row[0] == "disk-full" and "holdpoint" in row for row in rows)


def test_list_as_json(case: Case) -> None:
    listed = case.runbook().run("runbook.list", "--json").expect(0, ...).json()
    (door,) = [entry for entry in listed if entry["id"] == "door"]
    assert door == {
        "id": "door",
        "title": "The door is open",
        "severity": "SEV3",
        "owner": "ops",
        "services": ["house"],
        "reviewed": "2026-11-23",
        "alerts": ["DoorOpen"],
        "matches": ["a draught in the hall"],
        "symptoms": ["The door stands open"],
        "file": "runbooks/door.yaml",
        "proven": "",
    }


def test_list_leaves_out_what_cannot_be_read_and_says_so(case: Case) -> None:
    ran = case.runbook().runbook("broken", BROKEN).run("runbook.list").expect(0, ..., ...)
    assert "broken" not in ran.stdout
    assert ran.stderr == "left out, since they cannot be read: 1 error; `inv runbook.lint` shows them\n"


def test_list_notices_a_change_at_once(case: Case) -> None:
    case.runbook().run("runbook.list").expect(0, ...)
    cache = case.state / "cards.json"
    assert json.loads(cache.read_text())["cards"]
    case.runbook(text=DOOR.replace("The door is open", "The door is ajar"))
    assert "The door is ajar" in case.run("runbook.list").expect(0, ...).stdout


@pytest.mark.parametrize(
    "cache", ["", "[]", '{"of": "0.1.0", "cards": {"x": [1]}}', '{"of": "0.0.1", "cards": {}}', "\0"]
)
def test_a_cache_that_is_no_cache_is_no_matter(case: Case, cache: str) -> None:
    case.state.mkdir(mode=0o700)
    (case.state / "cards.json").write_text(cache)
    assert "The door is open" in case.runbook().run("runbook.list").expect(0, ...).stdout


def test_a_cache_that_cannot_be_kept_is_no_matter(case: Case) -> None:
    case.runbook()
    nowhere = {"HOLDPOINT_STATE": "/dev/null/x"}
    assert "The door is open" in case.run("runbook.list", environ=nowhere).expect(0, ..., "").stdout
    (case.state / "cards.json").mkdir(parents=True, mode=0o700)
    case.state.chmod(0o700)
    assert "The door is open" in case.run("runbook.list").expect(0, ..., "").stdout


def test_listings_at_once_share_a_cache(case: Case) -> None:
    for number in range(12):
        case.runbook(f"door-{number}", DOOR.replace("id: door", f"id: door-{number}", 1))
    with case.started("runbook.list", "--json") as one, case.started("runbook.list", "--json") as other:
        told = [process.communicate(timeout=LIMIT)[0] for process in (one, other)]
    assert told[0] == told[1]
    assert len(json.loads(told[0])) == 12 + len(SHIPPED)
    kept = json.loads((case.state / "cards.json").read_text())["cards"]
    assert len(kept) == 12 + len(SHIPPED)
    assert [file.name for file in case.state.glob(".cards*")] == []


def test_a_cache_that_others_can_write_is_not_believed(case: Case) -> None:
    case.runbook().run("runbook.list").expect(0, ...)
    cache = case.state / "cards.json"
    cache.write_text(cache.read_text().replace("The door is open", "something else"))
    case.state.chmod(0o777)
    assert "something else" not in case.run("runbook.list").expect(0, ...).stdout


def test_a_copy_under_another_name_is_not_listed_as_the_first(case: Case) -> None:
    case.runbook().run("runbook.list").expect(0, ...)
    listed = case.runbook("copy").run("runbook.list", "--json").expect(0, ..., ...).json()
    assert [entry["id"] for entry in listed if entry["id"] == "door"] == ["door"]


def test_a_library_of_many(case: Case) -> None:
    for number in range(12):
        case.runbook(f"door-{number}", DOOR.replace("id: door", f"id: door-{number}", 1))
    for _ in ("fresh", "from the cache"):
        listed = case.run("runbook.list", "--json").expect(0, ...).json()
        assert len([entry for entry in listed if entry["id"].startswith("door-")]) == 12


def test_from_a_folder_within_the_repository(case: Case) -> None:
    inner = case.runbook().repository / "deep/er"
    inner.mkdir(parents=True)
    for program in ("holdpoint", "inv"):
        assert "The door is open" in case.run("runbook.list", cwd=inner, program=program).expect(0, ...).stdout


# --- show, docs ---


def test_show(case: Case) -> None:
    ran = case.runbook().run("runbook.show", "door").expect(0, ...)
    for text in ("The door is open", "a draught in the hall", 'mv -- "$door" "$door.shut"', "Fit a spring"):
        assert text in ran.stdout
    assert case.run("runbook.show", "door", "--json").json()["id"] == "door"


def test_docs_on_standard_output(case: Case) -> None:
    ran = case.runbook().run("runbook.docs").expect(0, ...)
    assert "# The door is open\n" in ran.stdout
    assert {"door", *SHIPPED} == {page["id"] for page in case.run("runbook.docs", "--json").json()}


def test_docs_in_a_folder(case: Case) -> None:
    ran = case.runbook().run("runbook.docs", "--out", "pages/all").expect(0, ...)
    names = [f"{name}.md" for name in (*sorted({"door", *SHIPPED}), "index")]
    assert ran.stdout.splitlines() == [f"pages/all/{name}" for name in names]
    pages = case.repository / "pages/all"
    assert {page.name for page in pages.iterdir()} == set(names)
    before = {page.name: page.read_bytes() for page in pages.iterdir()}
    case.run("runbook.docs", "--out", "pages/all").expect(0, ...)
    assert before == {page.name: page.read_bytes() for page in pages.iterdir()}


def test_docs_where_nothing_can_be_written(case: Case) -> None:
    ran = case.runbook().write("pages", "a file").run("runbook.docs", "--out", "pages").expect(2, "", ...)
    assert ran.stderr.startswith("pages: error[docs-folder]: the pages cannot be written there: ")


def test_docs_tell_what_is_left_out(case: Case) -> None:
    ran = case.runbook().runbook("broken", BROKEN).run("runbook.docs").expect(2, ..., ...)
    assert "# The door is open\n" in ran.stdout
    assert "runbooks/broken.yaml:5:11: error" in ran.stderr


def test_docs_of_one(case: Case) -> None:
    ran = case.runbook().run("runbook.docs", "--name", "door").expect(0, ...)
    assert ran.stdout.startswith("# The door is open\n")
    assert "# A disk is full" not in ran.stdout
    case.run("runbook.docs", "--name", "dor").expect(2, "", ...)


# --- find ---


def test_a_message_finds_its_runbook(case: Case) -> None:
    case.runbook()
    for text in (
        "no space left on device",
        "cp: /x: NO SPACE LEFT ON DEVICE",
        "ENOSPC",
        "NodeFilesystemSpaceFillingUp",
    ):
        ran = case.run("runbook.find", text, "--json").expect(0, ...)
        assert ran.json()[0]["id"] == "disk-full", text
    for text in (
        "ERROR:  out of shared memory",
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
        "HTTP/1.1 502 Bad Gateway",
    ):
        found = case.run("runbook.find", text, "--json").expect(0, ...).json()
        assert {one["id"] for one in found[:2]} == {"docmost-down", "baserow-down"}, text
    ran = case.run("runbook.find", "a draught in the hall").expect(0, ...)
    assert ran.stdout.splitlines()[1].startswith("door ")
    assert "matches: a draught in the hall" in ran.stdout


def test_what_fits_is_as_wide_as_every_other_table(case: Case) -> None:
    told = case.run("runbook.find", "no space left on device").expect(0, ...).stdout.splitlines()
    assert told[1].startswith("disk-full ")
    assert max(map(len, told)) <= 80


def test_nothing_fits(case: Case) -> None:
    case.run("runbook.find", "xyzzy").expect(0, "No runbook fits that; `inv runbook.list` shows all there are.\n")
    assert case.run("runbook.find", "xyzzy", "--json").json() == []


def _card(name: str, **more: object) -> Card:
    empty = Card(name, "", "SEV3", "ops", (), "2026-11-23", (), (), (), ())
    return empty._replace(**more)  # type: ignore[arg-type]


DISK = _card("disk-full", title="A disk is full", matches=("No space left on device",), alerts=("NodeDiskFull",))
CERT = _card("certificate", title="A certificate ran out", symptoms=("The handshake fails",), services=("web",))
QUEUE = _card("queue", title="The queue is full", texts=("a disk can be full as well", "restart the worker"))
ALL = (QUEUE, CERT, DISK)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("disk full", "disk-full"),
        ("Disk FULL!", "disk-full"),
        ("disc ful", "disk-full"),
        ("node disk full", "disk-full"),
        ("ERROR [db] write failed: No space left on device (28)", "disk-full"),
        ("certificates", "certificate"),
        ("certifcate", "certificate"),
        ("handshake", "certificate"),
        ("web", "certificate"),
        ("worker", "queue"),
        ("the queue", "queue"),
        ("Ｄｉｓｋ", "disk-full"),
    ],
)
def test_the_best_comes_first(query: str, best: str) -> None:
    assert rank(query, ALL)[0].card.id == best


LOCKED = _card("locked", title="A file stays locked", matches=("could not write to the lock file: no such device",))
SAID = _card("said", title="A write to the disk is slow")


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("write", "said"),  # one word of five that a system says
        ("could not write lock file", "locked"),  # most of them
        ("could not write to the lock file: no such device", "locked"),
    ],
)
def test_words_of_what_a_system_says_count_by_how_many_are_there(query: str, best: str) -> None:
    assert rank(query, (LOCKED, SAID))[0].card.id == best


@pytest.mark.parametrize("query", ["", " ", "…", "xyzzy"])
def test_what_means_nothing_finds_nothing(query: str) -> None:
    assert rank(query, ALL) == ()
    assert rank(query, ()) == ()


def test_words() -> None:
    assert words("NodeDISKFull disk_full-2 Naïve") == ("node", "disk", "full", "disk", "full", "2", "naive")


# --- lint ---


def test_lint_without_problems(case: Case) -> None:
    case.runbook().run("runbook.lint", "--name", "door").expect(0, "1 runbook: no problems\n")
    assert case.run("runbook.lint", "--name", "door", "--json").json() == []


def test_lint_tells_everything_at_once(case: Case) -> None:
    worse = BROKEN.replace("effect: change", "effect: chnage").replace("reviewed: 2026-11-23", "reviewed: soon")
    ran = case.runbook("broken", worse).run("runbook.lint").expect(2, ...)
    assert len(re.findall(r"runbooks/broken\.yaml:\d+:\d+: error\[", ran.stdout)) >= 3
    assert "did you mean `change`?" in ran.stdout
    problems = case.run("runbook.lint", "--json").expect(2, ...).json()
    assert {problem["place"]["line"] for problem in problems} >= {5, 9, 23}


def test_warnings_alone_are_no_failure(case: Case) -> None:
    ran = case.runbook("warned", WARNED).run("runbook.lint", "--name", "warned").expect(0, ...)
    assert "warning[" in ran.stdout


def test_lint_of_a_file_anywhere(case: Case) -> None:
    ran = case.write("drafts/broken.yaml", BROKEN).run("runbook.lint", "--name", "drafts/broken.yaml").expect(2, ...)
    assert "drafts/broken.yaml:5:11: error" in ran.stdout
    ran = case.run("runbook.lint", "--name", "drafts/none.yaml", "--name", "no-such").expect(2, ...)
    assert "drafts/none.yaml: error[no-file]" in ran.stdout
    assert "there is no runbook `no-such`" in ran.stdout


def test_lint_asks_shellcheck(case: Case) -> None:
    blunder = DOOR.replace("id: door", "id: blunder", 1).replace(
        'mv -- "$door" "$door.shut"', "mv -- $door door.shut", 1
    )
    ran = case.runbook("blunder", blunder).run("runbook.lint", "--name", "blunder").expect(0, ...)
    line = next(number for number, text in enumerate(blunder.splitlines(), 1) if "mv -- $door" in text)
    assert f"runbooks/blunder.yaml:{line}:16: warning[SC2086]: double quote" in ran.stdout
    assert "SC2086" in case.run("runbook.lint", "--name", "runbooks/blunder.yaml").expect(0, ...).stdout
    assert "SC2086" in case.run("runbook.lint").expect(0, ...).stdout


WITHOUT_AN_END = DOOR.replace("id: door", "id: loop", 1).replace(
    """    run: mv -- "$door" "$door.shut"
""",
    """    run: |
      for unit in "$door" "$door.shut"; do
        ls -- $unit
      don
""",
)


def _places(case: Case, environ: dict[str, str] | None = None) -> tuple[set[int], str]:
    words = ("runbook.lint", "--name", "loop", "--json")
    ran = case.runbook("loop", WITHOUT_AN_END).run(*words, environ=environ).expect(2, ..., ...)
    return {one["place"]["line"] for one in ran.json() if one["level"] == "error"}, ran.stderr


def test_a_script_that_no_shell_can_parse_is_an_error_of_its_line(case: Case) -> None:
    lines, said = _places(case)
    first = WITHOUT_AN_END.splitlines().index('      for unit in "$door" "$door.shut"; do') + 1
    assert lines
    assert lines <= set(range(first, first + 3))
    assert said == ""


@pytest.mark.parametrize("how", [(), ("--check",), ("--dry-run",)])
def test_a_script_that_no_shell_can_parse_is_not_run(case: Case, how: tuple[str, ...]) -> None:
    case.runbook("loop", WITHOUT_AN_END)
    said = case.run("runbook", "loop", "--param", "door=/tmp/x", *how).expect(2, "", ...).stderr
    assert "error[shell-syntax]: `sh` cannot parse this" in said
    assert case.journals() == []


def test_without_shellcheck_the_shell_parses_and_it_is_said_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.runbook("loop", WITHOUT_AN_END)
    found = shellcheck.linters()
    monkeypatch.setattr(shellcheck, "linters", lambda: shellcheck.Linters(None, found.shells))
    monkeypatch.chdir(case.repository)
    out, error = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", error)
    at = shelf.Desk(Library.of(case.repository), None)
    assert shelf.lint(at, ("loop", "disk-full")) == 2
    assert "error[shell-syntax]: `sh` cannot parse this" in out.getvalue()
    assert error.getvalue().count("ShellCheck is not installed, so scripts were only parsed (`sh -n`)") == 1


# --- new ---


def test_a_new_runbook_lints_clean_and_walks_through(case: Case) -> None:
    ran = case.run("runbook.new", "slow-disk").expect(0, ...)
    assert ran.stdout.startswith("FOLDER/repository/runbooks/slow-disk.yaml\n")
    case.run("runbook.lint", "--name", "slow-disk").expect(0, "1 runbook: no problems\n")
    case.run("runbook", "slow-disk", "--dry-run").expect(0, ...)


def test_a_new_runbook_is_never_written_over_another(case: Case) -> None:
    case.runbook().run("runbook.new", "door").expect(2, "", ...)
    assert (case.repository / "runbooks/door.yaml").read_text() == DOOR
    ran = case.run("runbook.new", "disk-full").expect(2, "", ...)
    assert "there is a runbook `disk-full` already" in ran.stderr
    (case.repository / "runbooks/gone.yaml").symlink_to("nowhere.yaml")
    case.run("runbook.new", "gone").expect(2, "", ...)
    assert not (case.repository / "runbooks/nowhere.yaml").exists()


@pytest.mark.parametrize("name", ["../up", "Door", "a b", "door.yaml", "", "ä"])
def test_a_new_runbook_needs_a_name_that_can_be_one(case: Case, name: str) -> None:
    before = sorted(case.repository.rglob("*"))
    case.run("runbook.new", name).expect(2, "", ...)
    assert sorted(case.repository.rglob("*")) == before
