"""The banner of a status page: a file that is whole at every moment, a command that is told, and nothing forgotten."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdpoint.app import banner
from tests.case import LIMIT, Case
from tests.incident.support import Handed, Room
from tests.needs import require_root

DECLARE = (
    "incident.declare",
    "the wiki is down",
    "--severity",
    "1",
    "--service",
    "docmost",
    "--users-see-it",
    "--json",
)
UP, DOWN = ("incident.banner", "--up"), ("incident.banner", "--down")
HOSTILE = '<script>alert(1)</script> $(touch gone) `touch gone`; touch gone & "quoted"'
HOOK = """\
#!/bin/sh
printf '%s|%s|%s\\n' "$HOLDPOINT_BANNER" "$HOLDPOINT_INCIDENT" "$(cat)" >>told
"""


def _team(case: Case, banner: str) -> Case:
    return case.write("team.yaml", f"schema: holdpoint/team/1\nbanner: {{{banner}}}\n")


@pytest.fixture
def page(case: Case) -> Path:
    """A file that others read, in a team's repository where one incident is open."""
    path = case.folder / "www" / "banner.html"
    path.parent.mkdir()
    _team(case, f"file: {path}")
    case.run(*DECLARE).expect(0, ..., "")
    return path


def _done(shown: Any) -> set[str]:
    return {one["item"] for one in shown["checklist"] if one["done"]}


def test_up_and_down_and_both_twice(case: Case, page: Path) -> None:
    shown = case.run(*UP, "--say", HOSTILE, "--json").expect(0, ..., "").json()
    text = page.read_text()
    assert "<script>" not in text
    assert (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt; $(touch gone) `touch gone`; touch gone &amp; &#34;quoted&#34;</p>"
        in text
    )
    assert page.stat().st_mode & 0o777 == 0o644
    assert "banner" in _done(shown)
    assert shown["recorded"][0]["kind"] == "banner.setting"
    case.run(*UP, "--say", HOSTILE, "--json").expect(0, ..., "")
    assert page.read_text() == text
    page.chmod(0o640)
    for _ in range(2):
        shown = case.run(*DOWN, "--json").expect(0, ..., "").json()
        assert page.read_bytes() == b""
        assert {"banner", "banner-down"} <= _done(shown)
    assert page.stat().st_mode & 0o777 == 0o640
    again = case.run(*UP, "--json").expect(0, ..., "").json()
    assert "banner-down" not in _done(again)
    assert "<p>We are working on a problem with docmost.</p>" in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["banner.html"]


def test_a_symbolic_link_stays_one_and_text_is_text(case: Case) -> None:
    real = case.repository / "site" / "real.txt"
    real.parent.mkdir()
    real.write_text("old")
    (case.repository / "banner.txt").symlink_to(real)
    _team(case, "file: banner.txt").run(*DECLARE).expect(0, ..., "")
    case.run(*UP, "--say", "<soon>", "--json").expect(0, ..., "")
    assert (case.repository / "banner.txt").is_symlink()
    assert real.read_text().startswith("<soon> (since ")


@pytest.mark.parametrize("link", ["site", "site/banner.txt"])
def test_a_link_of_the_repository_that_leads_out_of_it_takes_no_banner(case: Case, link: str) -> None:
    """A place outside is named as such, in `team.yaml`; the command is told all the same."""
    outside = case.folder / "outside"
    outside.mkdir()
    place = case.repository / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside / "banner.txt" if link.endswith("txt") else outside)
    case.write("bin/hook", HOOK)
    (case.repository / "bin/hook").chmod(0o755)
    _team(case, "file: site/banner.txt, run: [bin/hook]").run(*DECLARE).expect(0, ..., "")
    refused = case.run(*UP, "--json").expect(4, ..., ...).json()
    assert "leads out of the repository" in refused["recorded"][-1]["data"]["why"]
    assert list(outside.iterdir()) == []
    assert (case.repository / "told").read_text().startswith("up|")
    _team(case, f"file: {outside}/banner.txt, run: [bin/hook]").run(*UP, "--json").expect(0, ..., "")
    assert (outside / "banner.txt").read_text()


def test_a_template_of_the_team(case: Case, page: Path) -> None:
    case.write("templates/en/banner.html", "<b>{{ title }}: {{ say }}</b>\n")
    case.run(*UP, "--say", "a & b", "--json").expect(0, ..., "")
    assert page.read_text() == "<b>the wiki is down: a &amp; b</b>\n"


# --- the command ---


def test_the_command_is_told_by_variables_and_input_and_no_shell_reads_the_text(case: Case) -> None:
    case.write("bin/hook", HOOK)
    (case.repository / "bin/hook").chmod(0o755)
    _team(case, "run: [./bin/hook]")
    incident = case.run(*DECLARE).expect(0, ..., "").json()["incident"]
    case.run(*UP, "--say", HOSTILE, "--json").expect(0, ..., "")
    case.run(*DOWN, "--json").expect(0, ..., "")
    up, down = (case.repository / "told").read_text().splitlines()
    assert up.startswith(f"up|{incident}|{HOSTILE} (since ")
    assert down == f"down|{incident}|"
    assert not (case.repository / "gone").exists()


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ("[sh, -c, 'echo no token >&2; exit 3']", "the command `sh` failed with exit code 3: no token"),
        ("[sleep, '600']", "the command `sleep` did not end in time and was ended"),
        ("[./nothing]", "the command `FOLDER/repository/nothing` cannot be started: no such file or directory"),
    ],
)
def test_a_command_that_fails_is_on_record_and_loud(case: Case, run: str, why: str) -> None:
    page = case.folder / "banner.txt"
    _team(case, f"file: {page}, run: {run}, within: 2s").run(*DECLARE).expect(0, ..., "")
    ran = case.run(*UP).expect(4, ..., ...)
    assert f"NOT DONE: the banner is not put up: {why}; `inv incident.banner --up`" in ran.stderr
    assert "The banner is NOT put up" in ran.stdout
    assert page.read_text(), "what fails of the two keeps the other from nothing"
    assert "banner" not in _done(case.run("incident.show", "--json").json())
    assert "NOT DONE: the banner" in case.run("run.list").stderr
    _team(case, f"file: {page}, run: ['true']")
    case.run(*UP).expect(0, ..., "")


@pytest.mark.parametrize("place", [".", "/"])
def test_a_folder_is_no_place_for_it(case: Case, place: str) -> None:
    _team(case, f"file: {place}").run(*DECLARE).expect(0, ..., "")
    assert "is not a file" in case.run(*UP, "--json").expect(4, ..., ...).json()["recorded"][-1]["data"]["why"]


def test_a_file_that_cannot_be_written(case: Case) -> None:
    _team(case, f"file: {case.folder}/no/such/banner.txt").run(*DECLARE).expect(0, ..., "")
    ran = case.run(*UP).expect(4, ..., ...)
    assert "`FOLDER/no/such/banner.txt` cannot be written: no such file or directory" in ran.stderr


def test_nothing_is_said_of_a_banner(case: Case) -> None:
    case.run(*DECLARE).expect(0, ..., "")
    ran = case.run(*UP).expect(2, "", ...)
    assert "`banner: {file: PATH}` or `banner: {run: [COMMAND]}` in `team.yaml`" in ran.stderr
    assert "`--up` or `--down`" in case.run("incident.banner").expect(2, "", ...).stderr
    case.run("incident.banner", "--up", "--down").expect(2, "", ...)


# --- never forgotten ---


def test_one_that_stands_after_the_end_is_said_until_it_is_down(case: Case, page: Path) -> None:
    case.run(*UP, "--json").expect(0, ..., "")
    end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w", "--sent", "--json")
    incident = case.run("incident.resolve", *end).expect(0, ..., ...).json()["incident"]
    said = f"incident {incident}: BANNER: it still stands, and the incident is over; `inv incident.banner --down --incident {incident}`"
    assert said in case.run("run.list").raw_error
    case.run(*DOWN, "--incident", incident).expect(0, ..., "")
    assert "BANNER" not in case.run("run.list").raw_error
    assert page.read_bytes() == b""


@pytest.mark.parametrize(
    ("at", "shown"),
    [("banner:begun", False), ("record:2:durable", False), ("banner:done", True), ("record:3:torn", True)],
)
def test_killed_in_between_it_is_done_once_more(room: Room, case: Case, page: Path, at: str, shown: bool) -> None:
    ran = case.run(*UP, environ={"HOLDPOINT_KILL_AT": at})
    assert ran.status == -signal.SIGKILL, ran.raw_error
    assert page.exists() == shown
    room.clock = Handed(datetime.now(UTC) + timedelta(minutes=5))
    assert room.show(json=True)["loud"][-1]["text"] == "whether the banner was put up is not on record"
    room.said(lambda: banner.put(room.world(json=True), up=True, say="", incident=None))
    assert room.show(json=True)["banner"]["standing"] == "done"
    assert page.read_text()


@pytest.mark.parametrize("whose", ["the same", "another"])
def test_while_somebody_sets_it_nobody_else_does(case: Case, whose: str) -> None:
    """Else the record could say the one, and the page show the other; the place is one for all incidents."""
    case.write("bin/hook", '#!/bin/sh\n[ "$HOLDPOINT_BANNER" = down ] || { touch began; read -r word <go; }\n')
    (case.repository / "bin/hook").chmod(0o755)
    os.mkfifo(case.repository / "go")
    _team(case, "file: page.txt, run: [bin/hook], within: 60s")
    first = case.run(*DECLARE).expect(0, ..., "").json()["incident"]
    other = case.run(*DECLARE).expect(0, ..., "").json()["incident"] if whose == "another" else first
    with case.started(*UP, "--incident", first, "--json") as setting:
        end = time.monotonic() + LIMIT
        while not (case.repository / "began").exists():
            assert time.monotonic() < end, "it never began"
            time.sleep(0.05)
        bob = {"HOLDPOINT_PERSON": "bob"}
        refused = case.run(*DOWN, "--incident", other, environ=bob).expect(9, "", ...).stderr
        assert f"the banner is being put up by ada for {first}" in refused.replace("RUN-the-wiki-is-down", first)
        (case.repository / "go").write_text("on\n")
        setting.communicate(timeout=LIMIT)
        assert setting.returncode == 0
    assert (case.repository / "page.txt").read_text()
    case.run(*DOWN, "--incident", first, "--json", environ=bob).expect(0, ..., "")
    assert (case.repository / "page.txt").read_bytes() == b""


def test_two_incidents_have_one_place(case: Case, page: Path) -> None:
    """What is taken down for the one leaves the banner of the other, and says so."""
    (first,) = case.state.glob("incidents/*")
    second = case.run("incident.declare", "two", "--severity", "1", "--json").expect(0, ..., ...).json()["incident"]
    case.run(*UP, "--say", "one", "--incident", first.name, "--json").expect(0, ..., "")
    case.run(*UP, "--say", "two", "--incident", second, "--json").expect(0, ..., "")
    assert "<p>two</p>" in page.read_text()
    ran = case.run(*DOWN, "--incident", second, "--json").expect(0, ..., ...)
    assert f"the banner of {first.name} is up again in its place" in ran.raw_error
    assert "<p>one</p>" in page.read_text()
    case.run(*DOWN, "--incident", first.name, "--json").expect(0, ..., "")
    assert page.read_bytes() == b""


def test_another_account_writes_over_it_and_its_owner_stays(case: Case, page: Path) -> None:
    require_root("give a file to somebody else")
    page.write_text("")
    os.chown(page, 12345, 12345)
    case.run(*UP, "--json").expect(0, ..., "")
    assert (page.stat().st_uid, page.stat().st_gid) == (12345, 12345)
