"""A trainee at a real terminal: with the runbook, by hand, wrongly, or leaving; graded by what they did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.case import DOOR, Case
from tests.drills.test_prove import drill, fewer, mounting
from tests.laws.terminal import left, person
from tests.needs import require, require_root

PROMPT = r"drill \d\d:\d\d> $"
SHELL = "DRILL > "


def typed(child: Any, *words: str) -> None:
    for word in words:
        child.expect(PROMPT)
        child.sendline(word)


def total(case: Case) -> dict[str, Any]:
    (attempt,) = case.run("drill.history", "--json").json()
    return attempt


def nothing_is_left(case: Case) -> bool:
    return not list(case.state.glob("drills/armed/*"))


def test_with_the_runbook_through_its_gates(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door") as child:
        child.expect("WarmthFalling")
        typed(child, "say I look into it", "diagnose wide", "runbook")
        child.expect("Type run, skip, stop")
        child.sendline("run")
        typed(child, "say it is shut", "done")
        child.expect("PASSED")
        assert "100 of 100" in child.readline()
        assert left(child) == 0
    assert (total(case)["points"], total(case)["passed"]) == (100, True)
    assert nothing_is_left(case)
    (kept,) = case.state.glob("drills/attempts/*/runs/*/journal.jsonl")
    assert json.loads(kept.read_text().splitlines()[0])["kind"] == "run.opened"


def test_by_hand_in_the_shell_of_the_sandbox(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        for line in ("say by hand", "diagnose wide", "hint", "mkdir evidence; cp door evidence/", "rm door", "exit"):
            child.expect_exact(SHELL)
            child.sendline(line)
        typed(child, "say done", "done")
        child.expect("PASSED")
        assert "97 of 100" in child.readline()
        assert left(child) == 0
    assert total(case)["hints"] == 1


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_what_the_shell_finds_by_name_is_the_sandboxs_whatever_the_rc_files_say(case: Case, shell: str) -> None:
    require(shell, "bash")
    made = "|\n  printf '1\\n' >rooms; sha256sum rooms >ledger; mkdir bin own; start cat sleep 1000\n"
    made += "  for one in bin/docker own/dog; do printf '#!/bin/sh\\n' >$one; chmod 755 $one; done"
    drill(case, make=made, values='{door: "{sandbox}/door", dog: "{sandbox}/own/dog"}')
    for name in (".bashrc", ".profile", ".bash_profile"):
        case.write(f"home/{name}", f"PATH={case.folder}/wrong:/usr/bin:/bin; PS1='lost$ '; HISTFILE=~/.bash_history\n")
    home = str(case.repository / "home")
    environ = {"SHELL": f"/bin/{shell}", "HOME": home, "ENV": f"{home}/.profile", "DOCKER_CONTEXT": "production"}
    with person(case, "drill", "open-door", environ=environ) as child:
        typed(child, "shell")
        child.expect(r"parameter +its value here")
        child.expect(r"door\s+\S+/s/door\s")
        for line, answer in (
            ("help", "state what is wrong"),
            ("pwd", r"[\r\n](\S+/s)\r"),
            ("command -v docker", r"[\r\n]/\S+/bin/docker\r"),
            ('[ "$(command -v docker)" -ef "$sandbox/bin/docker" ] && dog && echo o""k', r"[\r\n]ok\r"),
            ('echo "${DOCKER_HOST#unix://${sandbox%/s}}, $DOCKER_CONTEXT."', r"[\r\n]/no-engine\S+, \.\r"),
            ('echo "${PGHOST#${sandbox%/s}}, $PGPORT."', r"[\r\n]/no-server\S+, \.\r"),
            ('echo "${HISTFILE#${sandbox%/s}}"', r"[\r\n]/history\r"),
        ):
            child.expect_exact(SHELL)
            child.sendline(line)
            child.expect(answer)
        child.sendline("exit")
        typed(child, "leave")
        assert left(child) == 3


def test_what_was_killed_is_told_and_the_drill_goes_on(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline("kill -9 $$")
        child.expect_exact(
            "\r\nIt was ended by a signal (Killed). What a run was doing: `inv run.show last`; `inv run.resume last` goes on.\r\n"
        )
        typed(child, "leave")
        assert left(child) == 3


def test_what_is_not_understood_never_offers_to_leave(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door") as child:
        typed(child, "clear")
        child.expect("`clear` is none of the words")
        typed(child, "hin")
        assert "`leave`?" not in child.before
        child.expect("Did you mean `hint`")
        typed(child, 'inv runbook.find "a b" "c"')
        child.expect(r"a b")
        typed(child, "leave")
        assert left(child) == 3


PG = """  pg_host: {type: path, default: /run}
  pg_port: {type: integer, default: 5432}
  db: {type: string, default: ""}
"""


def test_a_client_of_postgresql_finds_the_sandboxs_server(case: Case) -> None:
    values = '{door: "{sandbox}/door", pg_host: "{sandbox}/pg/run", pg_port: 5433, db: wiki}'
    usual = "params:\n  pg_user: {type: string, default: postgres}\n"
    drill(case, values=values).runbook("door", DOOR.replace("params:\n", usual + PG))
    with person(case, "drill", "open-door", environ={"PGHOST": "db1.example.org", "PGUSER": "ada"}) as child:
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline('echo "${PGHOST#$sandbox}, $PGPORT, $PGUSER, $PGDATABASE."')
        child.expect(r"[\r\n]/pg/run, 5433, postgres, wiki\.\r")
        child.expect_exact(SHELL)
        child.sendline("exit")
        typed(child, "leave")
        assert left(child) == 3


MANUAL = """  - id: knock
    title: Knock first
    for: [wide]
    effect: change
    manual: Knock at the door
    irreversible: they heard it
  - id: shut
"""


def test_what_is_stated_after_a_step_was_only_shown_counts_and_after_it_was_done_does_not(case: Case) -> None:
    drill(case).runbook("door", DOOR.replace("  - id: shut\n", MANUAL))
    with person(case, "drill", "open-door") as child:
        typed(child, "say I look into it", "runbook")
        child.expect("A DRILL: every change asks first")
        child.expect("Type done, ")
        child.sendline("stop")
        child.expect(r"inv run.resume [\w-]+")
        typed(child, "diagnose wide", child.after)
        child.expect("RESUMED, A DRILL")
        child.expect("Type done, ")
        child.sendline("done")
        child.expect("Type run, skip, stop")
        child.sendline("run")
        typed(child, "diagnose nothing")
        child.expect("something was changed before, so it gives no points")
        typed(child, "say it is shut", "done")
        child.expect("PASSED")
        assert "100 of 100" in child.readline()
        assert left(child) == 0


def test_what_is_stated_in_the_shell_after_the_repair_by_hand_gives_nothing(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        for line, answer in (
            (
                "diagnose draught",
                "NOT noted: `draught` is no cause. Type one of:\r\ntype              which means\r\ndiagnose wide ",
            ),
            ("diagnose nothing", "Noted.\r\n"),
            ("diagnose wide", "Noted. It replaces `nothing`.\r\n"),
            ("diagnose nothing", "Noted. It replaces `wide`.\r\n"),
            ("rm door; diagnose wide", "Noted; but something was changed before, so it gives no points.\r\n"),
        ):
            child.expect_exact(SHELL)
            child.sendline(line)
            child.expect_exact(answer)
        child.sendline("exit")
        typed(child, "help")
        child.expect("have it checked")
        typed(child, "?")
        child.expect("have it checked")
        typed(child, "diagnose inodes")
        child.expect("NOT noted: `inodes` is no cause")
        typed(child, "say done", "done")
        child.expect("diagnosis +0 of 20 +something was wrong")
        left(child)


def test_what_is_pasted_is_one_entry_and_takes_no_hint(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        for line, answer in (
            (
                r"""say "$(printf 'I took a hint already\n99999999999999999 say x\n1 hint \n1 diagnose wide')" """,
                "was told",
            ),
            ("echo 99999999999999999999 say x >>../said; echo '\u00b2 say x' >>../said", ""),
            ("hint", "Feel the draught  (-3 points)"),
        ):
            child.expect_exact(SHELL)
            child.sendline(line)
            child.expect_exact(answer)
        child.sendline("rm door; exit")
        typed(child, "done")
        child.expect("diagnosis +0 of 20 +none was stated")
        child.expect("hints +-3 +1 taken")
        child.expect("say I took a hint already 99999999999999999 say x 1 hint 1 diagnose wide|hint already")
        assert left(child) in (0, 4)


def test_a_wrong_repair_does_not_pass_and_loses_what_it_lost(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "done")
        child.expect("Not yet")
        child.expect("it stands open")
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline("rm -f door rooms; exit")
        typed(child, "done")
        child.expect("NOT PASSED")
        said = child.read()
        assert left(child) == 4
    assert "data was lost; no evidence was kept first" in " ".join(said.split())
    assert "sha256sum: rooms: No such file" in said
    assert "All is green, and data was lost; without it there is no pass." in said
    assert "the team was told nothing" in said
    assert re.search(r"Burn the house: The rooms are gone", said)


def test_a_repair_that_touched_something_else_does_not_pass_however_well_all_else_was_done(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "say I look into it", "found it is cold", "diagnose wide", "shell")
        child.expect_exact(SHELL)
        child.sendline("read pid began <pids/cat; kill -9 $pid; rm -f door; exit")
        typed(child, "say it is shut", "done")
        child.expect("NOT PASSED")
        assert "84 of 100" in child.readline()
        said = " ".join(child.read().split())
        assert left(child) == 4
    assert "All is green, and something was touched that was not the fault's; so there is no pass." in said
    assert "Let the cat out: It was not the cat" in said
    assert not total(case)["passed"]


def test_a_known_wrong_repair_is_a_change_also_where_the_check_does_not_see_it(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline("rm -f rooms; exit")
        typed(child, "diagnose wide")
        child.expect("something was changed before")
        typed(child, "leave")
        assert left(child) == 3


def test_whoever_leaves_leaves_nothing_behind_and_has_no_points(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door") as child:
        typed(child, "diagnose")
        child.expect("Somebody left it open")
        typed(child, "dnoe")
        child.expect("Did you mean `done`?")
        typed(child, "leave")
        said = child.read()
        assert left(child) == 3
    assert "no change was seen" in said
    assert "100 points" not in said
    assert nothing_is_left(case)
    attempt = total(case)
    assert (attempt["left"], attempt["points"], attempt["passed"]) == (True, 0, False)
    assert re.search(r"open-door +left +1 +1 ", case.run("drill.history").expect(0, ...).stdout)


def test_where_nothing_is_wrong_one_has_to_say_so(case: Case) -> None:
    drill(case, **{"break": ""}, truth="{fault: false, causes: []}", traps="[]", answers="{}")
    with person(case, "drill", "open-door") as child:
        typed(child, "say I look", "done")
        child.expect("Say first what was wrong")
        typed(child, "diagnose nothing", "done")
        child.expect("PASSED")
        assert left(child) == 0
    assert total(case)["points"] == 90  # nothing was looked at and kept


def test_the_shell_and_the_runbook_see_what_a_drill_mounted_in_its_namespace(case: Case) -> None:
    require_root("give up what it may")
    require("setpriv", "util-linux")
    words = fewer(mounting(case), "drill", "open-door")
    with person(case, *words, environ={"SHELL": "/bin/sh"}, program="setpriv") as child:
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline('grep -c "$sandbox/disk " /proc/self/mountinfo')
        child.expect("\r\n1\r\n")
        child.sendline("exit")
        typed(child, "diagnose wide", "runbook")
        child.expect("Type run, skip, stop")
        child.sendline("run")
        assert _places(case) == []
        typed(child, "done")
        child.expect("PASSED")
        assert left(child) == 0
    assert nothing_is_left(case)


def _places(case: Case) -> list[str]:
    """What is mounted in the sandboxes of a case, as everybody else sees it."""
    bases = [json.loads(file.read_bytes())["base"] for file in case.state.glob("drills/armed/*.json")]
    assert bases
    return [
        line for line in Path("/proc/self/mountinfo").read_text().splitlines() if any(base in line for base in bases)
    ]


def test_the_runbook_works_from_the_shell_and_its_change_is_the_first(case: Case) -> None:
    drill(case)
    with person(case, "drill", "open-door", environ={"SHELL": "/bin/sh"}) as child:
        typed(child, "shell")
        child.expect_exact(SHELL)
        child.sendline("diagnose wide; runbook")
        child.expect("Type run, skip, stop")
        child.sendline("run")
        child.expect_exact(SHELL)
        child.sendline("exit")
        typed(child, "diagnose wide")
        child.expect("something was changed before")
        typed(child, "inv run.show last")
        child.expect("FINISHED")
        typed(child, "done")
        child.expect("diagnosis +20 of 20")
        assert left(child) == 0


def test_without_a_terminal_nothing_is_made(case: Case) -> None:
    drill(case).run("drill", "open-door").expect(7, "", ...)
    assert nothing_is_left(case)


@pytest.mark.parametrize("what", ["missing", "bad"])
def test_a_drill_that_cannot_be_made_is_refused_in_one_sentence(case: Case, what: str) -> None:
    if what == "missing":
        drill(case, level="1\nneeds: {programs: {no-such-program: no-such-package}}")
        ran = case.run("drill", "open-door").expect(2, "", ...)
        assert "apt-get install no-such-package" in ran.stderr
    else:
        drill(case, make="echo 'no room' >&2; exit 1")
        for name in ("open-door", "door.1"):
            with person(case, "drill", name) as child:
                says = f"the drill `{name}` could not be set up: `it can be made` does not hold: exit 1: no room"
                child.expect(re.escape(says).replace("\\ ", r"\s+"))
                hint = child.read()
                assert left(child) == 4
            assert ("open-door" in hint) == (name == "open-door")
    assert nothing_is_left(case)
