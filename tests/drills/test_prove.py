"""A drill is proven by its runbook, and each way in which a drill can be no good is told; nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from holdpoint.hosts import process
from tests.case import DOOR, Case
from tests.hosts.support import wait_for
from tests.needs import require, require_root

DRILL = """schema: holdpoint/drill/1
id: open-door
title: The door was left open
runbook: door
level: 1
teaches: An open door lets the warmth out
page: "[FIRING] WarmthFalling"
values: {door: "{sandbox}/door"}
make: |
  printf '1\\n2\\n' >rooms
  sha256sum rooms >ledger
  start cat sleep 1000
break: printf 'wide\\nopen\\n' >door
check: |
  if [ -e door ]; then echo "it stands open"; exit 1; fi
  echo "it is shut"
kept: sha256sum -c --quiet ledger
safe: running cat
restart: "true"
heal: end_all
answers: {shut: run}
truth: {fault: true, causes: [wide]}
traps:
  - {id: wait, title: Wait, run: "true", leaves: red, why: It stays open}
  - {id: burn, title: Burn the house, run: rm -f rooms door, leaves: lost, why: The rooms are gone, seen: test ! -e rooms}
  - {id: cat, title: Let the cat out, run: stop cat; rm -f door, leaves: unsafe, why: It was not the cat, seen: "! running cat"}
hints: [Feel the draught, Look where it comes from, Look at the door]
expert: The draught, then the door.
"""
POLISH = """    verify: {run: 'test ! -e "$door"'}
  - {id: polish, title: Polish the handle, for: [wide], effect: change, irreversible: it shines, run: "true"}
"""


def drill(case: Case, **changed: str) -> Case:
    """Write the drill, with lines in the place of those that begin with a key."""
    text = DRILL
    for key, value in changed.items():
        at = text.index(f"\n{key}:") + 1
        end = at + len(text[at:].split("\n", 1)[0])
        while text[end + 1 :].startswith("  "):
            end += 1 + len(text[end + 1 :].split("\n", 1)[0])
        text = f"{text[:at]}{key}: {value}{text[end:]}" if value else text[:at] + text[end + 1 :]
    return case.runbook().write("drills/open-door.yaml", text)


def proven(case: Case, *words: str, code: int = 0, environ: dict[str, str] | None = None) -> dict[str, Any]:
    ran = case.run("drill.prove", "--only", "open-door", "--json", *words, environ=environ).expect(code, ..., ...)
    (proof,) = ran.json()
    assert not list(case.state.glob("drills/armed/*"))
    return proof


def test_a_drill_is_proven_by_its_runbook(case: Case) -> None:
    proof = proven(drill(case))
    assert [stage["stage"] for stage in proof["stages"]] == [
        "it can be made",
        "green before the fault",
        "the fault can be set",
        "red with the fault",
        "nothing is lost before the repair",
        "nothing else is touched before the repair",
        "the runbook repairs it",
        "it finds the cause",
        "green after the repair",
        "the repair is taken for no trap",
        "green after a restart",
        "no data was lost",
        "nothing else was touched",
        "all is given back",
        "trap wait",
        "trap burn",
        "trap cat",
    ]
    assert proof["proven"]


@pytest.mark.parametrize(
    ("changed", "stage", "note"),
    [
        ({"make": "exit 3"}, "it can be made", "exit 3"),
        ({"check": "echo never; exit 1"}, "green before the fault", "never"),
        ({"check": '"true"'}, "red with the fault", ""),
        ({"answers": "{shut: skip}"}, "the runbook repairs it", "exit 4"),
        ({"truth": "{fault: true, causes: []}"}, "it finds the cause", "found `wide`, and right is none"),
        ({"check": "test ! -e door && test ! -e door.shut"}, "green after the repair", ""),
        ({"restart": "touch door"}, "green after a restart", "it stands open"),
        ({"kept": "test ! -e door"}, "nothing is lost before the repair", ""),
        ({"safe": "test ! -e door"}, "nothing else is touched before the repair", ""),
        ({"kept": "test ! -e door.shut"}, "no data was lost", ""),
        ({"safe": "test ! -e door.shut"}, "nothing else was touched", ""),
        ({"traps": "[{id: mend, title: Mend, run: rm door, leaves: red, why: no}]"}, "trap mend", "the check is green"),
        ({"traps": "[{id: a, title: A, run: 'true', leaves: lost, why: no}]"}, "trap a", "the data is all there"),
        ({"traps": "[{id: a, title: A, run: 'true', leaves: unsafe, why: no}]"}, "trap a", "`safe` sees nothing"),
        (
            {"traps": "[{id: a, title: A, run: 'true', leaves: red, why: no, seen: test -e door}]"},
            "trap a",
            "its `seen` ends with 0 before it was done",
        ),
        (
            {"traps": "[{id: a, title: A, run: 'true', leaves: red, why: no, seen: test -e soot}]"},
            "trap a",
            "its `seen` does not see that it was done",
        ),
        (
            {"traps": "[{id: a, title: A, run: touch door.shut, leaves: red, why: no, seen: test -e door.shut}]"},
            "the repair is taken for no trap",
            "its `seen` ends with 0: a",
        ),
    ],
)
def test_what_is_wrong_with_a_drill_is_told(case: Case, changed: dict[str, str], stage: str, note: str) -> None:
    proof = proven(drill(case, **changed), code=4)
    assert not proof["proven"]
    failed = [one for one in proof["stages"] if not one["holds"]]
    assert [one["stage"] for one in failed] == [stage]
    assert note in failed[0]["note"]


def test_a_change_without_which_all_is_well_is_named(case: Case) -> None:
    drill(case, answers="{shut: run, polish: run}").runbook(
        "door", DOOR.replace("    verify: {run: 'test ! -e \"$door\"'}\n", POLISH)
    )
    assert proven(case)["changes_nothing"] == []
    assert proven(case, "--full")["changes_nothing"] == ["polish"]


def test_where_nothing_is_wrong_nothing_is_found_and_nothing_done(case: Case) -> None:
    case = drill(case, **{"break": ""}, truth="{fault: false, causes: []}", traps="[]", answers="{}")
    case.runbook("door", DOOR.replace("run: 'wc -l", 'run: \'test ! -e "$door" && echo 0 || wc -l'))
    assert proven(case)["proven"]


def test_the_list_of_runbooks_says_what_proves_each_and_how_long_ago(case: Case) -> None:
    def told() -> str:
        return next(book["proven"] for book in case.run("runbook.list", "--json").json() if book["id"] == "door")

    drill(case)
    assert told() == ""
    proven(case)
    assert told() == "by 1, today"
    assert "by 1, today" in case.run("runbook.list").stdout
    case.runbook("door", DOOR + "\n")
    assert told() == "before it changed"
    drill(case, answers="{shut: skip}")
    proven(case, code=4)
    assert told() == "NOT by 1 of 1"


def test_a_drill_that_is_killed_anywhere_is_healed(case: Case) -> None:
    drill(case, **{"break": "echo there >there; sleep 1000"})
    with case.started("drill.prove", "--only", "open-door") as running:
        wait_for("the fault is being set", lambda: list(case.state.glob("drills/armed/*.json")) and _sandboxes(case))
        running.send_signal(signal.SIGKILL)
        running.wait(60)
    bases = _sandboxes(case)
    case.run("drill.heal").expect(0, ..., "")
    assert not [base for base in bases if base.exists()]
    assert not list(case.state.glob("drills/armed/*"))
    case.run("drill.heal").expect(0, "Nothing to heal: no drill left anything standing.\n", "")


def test_whoever_interrupts_a_proof_leaves_nothing_standing(case: Case) -> None:
    drill(case, **{"break": "echo there >there; sleep 1000"})
    with case.started("drill.prove", "--only", "open-door") as running:
        wait_for("the fault is being set", lambda: len(_sandboxes(case)) > 1)
        running.send_signal(signal.SIGINT)
        assert running.wait(60)
    assert not list(case.state.glob("drills/armed/*"))


def test_a_program_that_shows_no_mark_is_ended_where_it_works_in_the_sandbox(case: Case) -> None:
    make = "|\n  : >rooms\n  sha256sum rooms >ledger\n  start cat env -i sleep 1000\n"
    drill(case, make=make, heal='"true"', traps="[]")
    place = case.folder / "sandboxes"
    place.mkdir()
    assert proven(case, environ={"TMPDIR": str(place)})["proven"]
    assert process.nameless(place) == []


def _sandboxes(case: Case) -> list[Path]:
    import json

    bases = [Path(json.loads(file.read_bytes())["base"]) for file in case.state.glob("drills/armed/*.json")]
    return [base for base in bases if (base / "s" / "there").exists()]


def test_it_is_refused_where_the_machine_is_production(case: Case) -> None:
    entry = f"prod1: {{tier: prod, expect: {{hostname: {socket.gethostname()}}}}}"
    drill(case).write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n  {entry}\n")
    proof = proven(case, code=4)
    assert proof["missing"] == "this machine is `prod`, and drills break things only where it is `local` or `practice`"
    assert proof["stages"] == []


@pytest.mark.parametrize("tier", ["prod", "staging"])
def test_it_is_refused_where_an_entry_has_this_machines_name_and_may_mean_it(case: Case, tier: str) -> None:
    short = socket.gethostname().partition(".")[0]
    drill(case).write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n  {short}: {{tier: {tier}}}\n")
    proof = proven(case, code=4)
    assert f"`{short}` of `hosts.yaml` is `{tier}`, has this machine's name" in proof["missing"]
    assert "add `expect: {machine_id: ID}`" in proof["missing"]
    assert proof["stages"] == []
    entry = f"{short}: {{tier: {tier}, expect: {{machine_id: that-of-another}}}}"
    case.write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n  {entry}\n")
    assert proven(case)["proven"]


def test_a_program_may_be_there_in_any_version(case: Case, tmp_path: Path) -> None:
    needs = f"1\nneeds: {{programs: {{'{tmp_path}/*/bin/no-such-server': its-package}}}}"
    assert "apt-get install its-package" in proven(drill(case, level=needs), code=4)["missing"]
    program = tmp_path / "17" / "bin" / "no-such-server"
    program.parent.mkdir(parents=True)
    program.touch()
    assert "apt-get install its-package" in proven(drill(case, level=needs), code=4)["missing"]
    program.chmod(0o755)
    assert proven(drill(case, level=needs))["proven"]


def test_a_disk_without_room_for_it_is_told_before_anything_is_made(case: Case) -> None:
    place = case.folder / "sandboxes"
    place.mkdir()
    drill(case, level="1\nneeds: {room: 999999999}")
    proof = proven(case, code=4, environ={"TMPDIR": str(place)})
    assert re.fullmatch(
        rf"it takes 999999999 MB of {place}, which has \d+ MB left: set TMPDIR to a folder with more room",
        proof["missing"],
    )
    assert not list(place.iterdir())


def test_nothing_outside_the_sandbox_is_touched(case: Case) -> None:
    require_root("mount a small filesystem")
    make = '|\n  mount_tmpfs 1m 100 "$sandbox/disk"\n  : >rooms\n  sha256sum rooms >ledger\n  start cat sleep 1000\n'
    make += '  port=$(free_port)\n  start web python3 -m http.server "$port" --bind 127.0.0.1\n'
    drill(case, make=make, heal='"true"')
    place = case.folder / "sandboxes"
    place.mkdir()
    before = _ledger(place)
    assert proven(case, environ={"TMPDIR": str(place)})["proven"]
    assert _ledger(place) == before


def mounting(case: Case) -> Case:
    """A drill that mounts, and that is green only where its checks see that."""
    make = '|\n  mount_tmpfs 1m 100 "$sandbox/disk"\n  : >rooms\n  sha256sum rooms >ledger\n  start cat sleep 1000\n'
    check = '|\n  grep -q "$sandbox/disk " /proc/self/mountinfo || { echo "nothing is mounted"; exit 1; }\n  test ! -e door\n'
    return drill(case, level="1\nneeds: {mounts: true}", make=make, check=check, heal="end_all && unmount_all")


def fewer(case: Case, *words: str) -> tuple[str, ...]:
    """Words for `setpriv`: Holdpoint as root that may not mount."""
    return ("--bounding-set=-sys_admin", "--inh-caps=-sys_admin", case.command((), "holdpoint")[0], *words)


def test_who_may_not_mount_does_so_in_a_namespace_or_is_told_why_not(case: Case) -> None:
    require_root("give up what it may")
    require("setpriv", "util-linux")
    words = fewer(mounting(case), "drill.prove", "--only", "open-door", "--json")
    (proof,) = case.run(*words, program="setpriv").expect(0, ..., ...).json()
    assert proof["proven"]
    fake = case.folder / "bin"
    fake.mkdir()
    (fake / "unshare").write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    (fake / "unshare").chmod(0o755)
    ran = case.run(*words, program="setpriv", environ={"PATH": f"{fake}:{os.environ['PATH']}"})
    (proof,) = ran.expect(4, ..., ...).json()
    assert proof["missing"] == (
        "it mounts a small filesystem, and this machine lets only root do so "
        "(unshare: unshare failed: Operation not permitted): begin it with `sudo`"
    )


def _ledger(place: Path) -> dict[str, object]:
    """What stands on the machine: mounts, users, and processes that know the place of the sandboxes."""
    return {
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if "/sandboxes/" in line],
        "users": hashlib.sha256(Path("/etc/passwd").read_bytes()).hexdigest(),
        "processes": [pid for pid in process.carriers(str(place).encode()) if pid != os.getpid()],
        "sandboxes": sorted(place.iterdir()),
    }


def test_the_document_is_checked_and_everything_is_said_at_once(case: Case) -> None:
    text = (
        DRILL.replace("id: open-door", "id: shut-door")
        .replace("safe: running cat\n", "")
        .replace("level: 1", "level: 9")
    )
    case.runbook().write("drills/open-door.yaml", text)
    ran = case.run("drill.prove", "--only", "open-door").expect(2, "", ...)
    assert "`level` cannot be the number `9`" in ran.stderr
    case.write("drills/open-door.yaml", text.replace("level: 9", "level: 1"))
    ran = case.run("drill.prove", "--only", "open-door").expect(2, "", ...)
    assert "the id is not the name of the file" in ran.stderr
    assert "nothing would refuse this trap" in ran.stderr
    ran = case.run("drill.prove", "--only", "open-dor").expect(2, "", ...)
    assert "there is no drill `open-dor`" in ran.stderr
    assert "open-door" in ran.stderr


def test_a_drill_names_a_runbook_that_there_is(case: Case) -> None:
    drill(case, runbook="dorr")
    ran = case.run("drill.prove", "--only", "open-door").expect(2, "", ...)
    assert "there is no runbook `dorr`" in ran.stderr
    assert "did you mean `door`?" in ran.stderr
    assert "drills/open-door.yaml:4:10:" in ran.stderr


def test_a_proof_has_its_table_where_the_runbook_cannot_be_read(case: Case) -> None:
    drill(case).runbook("door", "schema: nonsense\n")
    ran = case.run("drill.prove", "--only", "open-door").expect(4, ..., ...)
    assert "0 of 1 drills proven." in ran.stdout
    assert not list(case.state.glob("drills/armed/*"))


def test_the_list_has_every_drill_but_the_bad_one_which_it_names(case: Case) -> None:
    drill(case).write(
        "drills/shut-door.yaml", DRILL.replace("id: open-door", "id: shut-door").replace("level: 1", "level: 9")
    )
    for words in (("drill.list", "--all"), ("drill.list", "--json")):
        ran = case.run(*words).expect(2, ..., ...)
        assert "open-door" in ran.stdout
        assert "shut-door" not in ran.stdout
        assert "drills/shut-door.yaml" in ran.stderr
        assert "`level` cannot be the number `9`" in ran.stderr
    assert "shut-door.yaml" in case.run("drill.prove").expect(2, "", ...).stderr
