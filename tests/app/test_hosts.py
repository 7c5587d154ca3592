"""`host.list` and `host.check` through the real command, against real servers on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from holdpoint.engine.ports import Unwatched
from holdpoint.engine.target import Target, Tier
from holdpoint.hosts.machine import Terms
from holdpoint.hosts.ssh.machine import SshMachine
from holdpoint.store import library
from tests.case import Case, Ran
from tests.hosts.support import Watcher, claim, command, ticket, wait_for
from tests.laws.terminal import book
from tests.needs import require_root
from tests.sshd import Site, Sshd, keypair, site

UNAME = socket.gethostname()
NEEDS = "  - {id: mend, title: Mend it, run: frobnicate --all, effect: change, undo: {run: 'true'}}\n"
HOLDS = """\
  - id: hold
    title: Hold it until somebody lets go
    effect: change
    run: 'echo $$ >"$HOME/began"; until test -e "$HOME/go"; do sleep 0.02; done'
    undo: {run: 'true'}
"""


def nothing_needed(case: Case) -> Case:
    """Put a runbook that starts nothing in the place of each that is shipped: this machine need not have their tools."""
    for shipped in library.shipped("runbooks").glob("*.yaml"):
        case.runbook(
            shipped.stem, book("  - {id: rest, title: Rest, wait: 1s}\n").replace("id: lab", f"id: {shipped.stem}")
        )
    return case


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    with site(tmp_path / "site") as one:
        yield one


class Lab:
    """A repository with an inventory, and servers that it names."""

    def __init__(self, case: Case, at: Site, *, alone: bool = True) -> None:
        self.case = nothing_needed(case) if alone else case
        self.site = at
        self.servers: dict[str, Sshd] = {}
        self._entries = ""

    def entry(self, name: str, rest: str = "") -> None:
        self._entries += f"  {name}: {{tier: staging{rest and ', ' + rest}}}\n"
        self.case.write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n{self._entries}")

    def host(self, name: str, rest: str = "", environment: dict[str, str] | None = None, **options: str) -> Sshd:
        """Start a server with a target folder of its own, and name it in the inventory."""
        given = {
            "HOLDPOINT_TARGET": str(self.target(name)),
            "HOLDPOINT_TARGET_MEMORY": str(self.target(name)) + "-memory",
        }
        server = self.site.sshd(name, {**given, **(environment or {})})
        self.site.host(name, server.port, server, **options)
        self.entry(name, rest)
        self.servers[name] = server
        return server

    def named(self, machine_id: str) -> dict[str, str]:
        """The environment of a server that takes itself for this machine."""
        (self.site.folder / "machine-id").write_text(f"{machine_id}\n")
        return {"HOLDPOINT_MACHINE_ID": str(self.site.folder / "machine-id")}

    def target(self, name: str) -> Path:
        return self.site.folder / f"target-{name}"

    def home(self, name: str) -> Path:
        return self.site.folder / f"home-{name}"

    def environ(self) -> dict[str, str]:
        return {"HOLDPOINT_SSH_CONFIG": str(self.site.config)}

    def run(self, *words: str, **more: Any) -> Ran:
        return self.case.run(*words, environ=self.environ(), **more)

    def check(self, *words: str, status: int = 0) -> dict[str, Any]:
        """Give what was found, by host."""
        found = self.run("host.check", "--json", *words).expect(status, ..., "").json()
        return {one["host"]: one for one in found}


@pytest.fixture
def lab(case: Case, made: Site) -> Lab:
    return Lab(case, made)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- list ---


def test_without_an_inventory_the_list_says_how_to_begin_one(case: Case) -> None:
    ran = case.run("host.list").expect(0, ...)
    assert ran.stdout.startswith("host  tier   also as  must be  way\nHOST")
    example = ran.raw.partition("begin one there:\n")[2]
    listed = case.write("hosts.yaml", "\n".join(line[2:] for line in example.splitlines())).run("host.list", "--json")
    assert [one["host"] for one in listed.expect(0, ...).json()] == [UNAME, "web1"]
    assert not case.state.exists()


def test_the_list_has_what_both_files_say_and_connects_to_nothing(lab: Lab) -> None:
    lab.site.host("hop", 9, User="eve")
    lab.site.host("far", 9, User="bob", HostName="10.9.8.7", ProxyJump="hop")
    lab.entry("far", "roles: [web], groups: [eu], expect: {hostname: far1, machine_id: abc}")
    lab.entry("odd")
    lab.site.host("odd", 9, ProxyJump="odd2")
    lab.site.host("odd2", 9, ProxyJump="odd")
    here, far, odd = lab.run("host.list", "--json").expect(0, ...).json()
    assert (here["host"], here["here"], here["way"]) == (UNAME, True, [])
    assert far["way"] == ["eve@127.0.0.1:9", "bob@10.9.8.7:9"]
    assert (far["tier"], far["roles"], far["groups"]) == ("staging", ["web"], ["eu"])
    assert far["expect"] == {"hostname": "far1", "machine_id": "abc"}
    assert "circle" in odd["wrong"]
    shown = " ".join(lab.run("host.list").expect(0, ...).raw.split())
    assert "role:web, group:eu" in shown
    assert "far1, machine id abc" in shown


def test_the_example_of_the_guide_is_an_inventory(case: Case) -> None:
    guide = (Path(__file__).parents[2] / "docs/hosts.md").read_text()
    example = guide.partition("```yaml\n")[2].partition("```")[0]
    listed = case.write("hosts.yaml", example).run("host.list", "--json").expect(0, ...).json()
    assert [one["host"] for one in listed[1:]] == ["web1", "db1", "stage1", "lab1"]
    told = {row.split("`")[1] for row in guide.splitlines() if row.startswith("| `")}
    assert {"tier", "roles", "expect", "prod", "staging", "practice", "local"} <= told


# --- check ---


def test_a_well_host_has_one_line_and_nothing_is_left_anywhere(lab: Lab) -> None:
    lab.host("web1", "expect: {machine_id: abc123}", lab.named("abc123"))
    before = everything(lab.home("web1"))
    ran = lab.run("host.check").expect(0, ...)
    head, row, blank, count = ran.raw.splitlines()
    assert head.split() == ["host", "tier", "state", "is", "it", "user", "sudo", "-n", "free", "took"]
    assert row.split()[:5] == ["web1", "staging", "well", "yes", lab.site.user]
    assert (blank, count) == ("", "1 host: 1 well")
    assert everything(lab.home("web1")) == before
    assert not lab.target("web1").exists()
    assert not lab.case.state.exists()
    wait_for("every server of a connection is gone", lambda: not lab.servers["web1"].pids())
    found = lab.check()["web1"]
    assert (found["state"], found["reached"], found["key"], found["as_expected"]) == ("well", True, "known", True)
    assert found["found"]["hostname"] == UNAME
    assert found["missing"] == found["left_over"] == found["findings"] == []
    assert found["lock"] is None
    assert found["room_kb"] > found["room_needed_kb"] == 2048
    assert os.path.basename(found["sh"]) in {"dash", "bash", "sh"}


def test_who_nobody_described_is_shown_with_what_to_write(lab: Lab) -> None:
    lab.host("web1")
    ran = lab.run("host.check").expect(0, ...)
    assert f"expect: {{hostname: {UNAME}" in " ".join(ran.raw.split())


def test_hosts_are_given_in_their_order_and_the_dead_ones_do_not_hide_the_others(lab: Lab) -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    lab.site.host("dead", port)
    lab.entry("dead", "roles: [db]")
    lab.host("web1", "roles: [db]")
    silent = lab.site.wire(lab.servers["web1"].port)
    silent.stall()
    lab.site.host("silent", silent.port, lab.servers["web1"], ConnectTimeout="1")
    lab.host("web2")
    found = lab.check("--host", "web2,role:db", status=8)
    assert list(found) == ["web2", "dead", "web1"]
    assert [one["state"] for one in found.values()] == ["well", "not reached", "well"]
    assert "refused the connection" in found["dead"]["findings"][0]["text"]
    assert found["dead"]["key"] is None
    assert found["dead"]["way"] == [f"{lab.site.user}@127.0.0.1:{port}"]
    lab.entry("silent")
    ran = lab.run("host.check").expect(8, ...)
    assert [row.split()[0] for row in ran.raw.splitlines()[1:5]] == ["dead", "web1", "web2", "silent"]
    assert "4 hosts: 2 well, 2 NOT REACHED" in ran.raw


def test_a_key_that_is_not_known_or_has_changed(lab: Lab) -> None:
    for name in ("stranger", "changed"):
        server = lab.site.sshd(name)
        lab.site.host(name, server.port, HostKeyAlias=name)
        lab.entry(name)
    other = keypair(lab.site.folder / "other").with_suffix(".pub").read_text().split()
    with lab.site.known_hosts.open("a") as known:
        known.write(f"changed {other[0]} {other[1]}\n")
    found = lab.check(status=8)
    assert [one["state"] for one in found.values()] == ["key refused"] * 2
    assert [one["key"] for one in found.values()] == ["refused"] * 2
    assert "is not known" in found["stranger"]["findings"][0]["text"]
    assert "has changed" in found["changed"]["findings"][0]["text"]


def test_a_wrong_machine_is_said_loudly_and_asked_nothing_more(lab: Lab) -> None:
    lab.host("right", "expect: {machine_id: abc123}", lab.named("abc123"))
    lab.host("wrong", "expect: {machine_id: other}", lab.named("abc123"))
    found = lab.check(status=8)
    assert [one["state"] for one in found.values()] == ["well", "wrong host"]
    assert [one["as_expected"] for one in found.values()] == [True, False]
    assert found["wrong"]["found"]["machine_id"] == "abc123"
    assert found["wrong"]["user"] is None
    ran = lab.run("host.check", "--host", "wrong").expect(8, ...)
    text = " ".join(ran.raw.split())
    assert "WRONG HOST this is another machine" in text
    assert "`abc123`" in text
    assert "expects `other`" in text


def test_a_tool_that_a_runbook_starts_is_missed_where_it_is_missing(lab: Lab) -> None:
    tools = lab.site.folder / "tools"
    tools.mkdir()
    (tools / "frobnicate").write_text("#!/bin/sh\n")
    (tools / "frobnicate").chmod(0o755)
    lab.host("with", environment={"PATH": f"{tools}:{os.environ['PATH']}"})
    lab.host("without")
    lab.case.runbook("lab", book(NEEDS))
    found = lab.check(status=4)
    assert [one["state"] for one in found.values()] == ["well", "lacking"]
    assert found["without"]["missing"] == [{"tool": "frobnicate", "runbooks": ["lab"]}]
    assert "frobnicate (lab)" in lab.run("host.check").expect(4, ...).raw


def test_a_tool_that_only_root_finds_is_not_said_to_lack_but_where_it_is(lab: Lab) -> None:
    lab.host("narrow", environment={"PATH": "/usr/bin:/bin"})
    lab.case.runbook("lab", book(NEEDS.replace("frobnicate --all", "chroot / true")))
    (missing,) = lab.check(status=4)["narrow"]["missing"]
    assert missing == {"tool": "chroot", "runbooks": ["lab"], "at": shutil.which("chroot", path="/usr/sbin:/sbin")}
    text = " ".join(lab.run("host.check").expect(4, ...).raw.split())
    assert f"chroot at {missing['at']} (lab): installed, but `{getpass.getuser()}` does not find it: add" in text
    assert "not installed there" not in text


def test_only_what_the_repositorys_own_runbooks_need_is_missed(case: Case, made: Site) -> None:
    lab = Lab(case, made, alone=False)
    bare = made.folder / "bare"
    bare.mkdir()
    for tool in ("sh", "cat", "uname", "id", "readlink", "ls", "df", "sed", "grep", "mkdir", "rm", "bash"):
        (bare / tool).symlink_to(str(shutil.which(tool)))
    lab.host("web1", environment={"PATH": str(bare)})
    assert len(lab.check(status=4)["web1"]["missing"]) > 1, "no runbook of its own: all of them count"
    lab.case.runbook("lab", book(NEEDS))
    assert lab.check(status=4)["web1"]["missing"] == [{"tool": "frobnicate", "runbooks": ["lab"]}]


def test_the_way_to_a_host_is_asked_for_once(lab: Lab) -> None:
    shims, asked = lab.site.folder / "shims", lab.site.folder / "asked"
    shims.mkdir()
    (shims / "ssh").write_text(f'#!/bin/sh\necho "$*" >>{asked}\nexec {shutil.which("ssh")} "$@"\n')
    (shims / "ssh").chmod(0o755)
    lab.host("web1")
    environ = {**lab.environ(), "PATH": f"{shims}:{os.environ['PATH']}"}
    lab.case.run("host.check", environ=environ).expect(0, ..., "")
    assert len(asked.read_text().splitlines()) == 1


def test_sudo_is_missed_where_runbooks_become_somebody(lab: Lab) -> None:
    tools = lab.site.folder / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(":")):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if program.name not in {"sudo", "sudoedit"}:
                (tools / program.name).unlink(missing_ok=True)
                (tools / program.name).symlink_to(program)
    lab.host("web1", environment={"PATH": str(tools)})
    found = lab.check()["web1"]
    assert (found["sudo"], found["state"]) == ("not installed", "well")
    lab.case.runbook("lab", book(NEEDS.replace("frobnicate --all", "'true', become: root")))
    found = lab.check(status=4)["web1"]
    assert found["state"] == "lacking"
    assert "not installed" in found["findings"][0]["text"]


def test_what_a_killed_run_left_is_told_with_what_to_type(lab: Lab) -> None:
    lab.host("web1")
    lab.case.runbook("lab", book(HOLDS)).write("answers.yaml", "proceed: run\nhold: run\n")
    words = ("runbook", "lab", "--host", "web1", "--answers", "answers.yaml")
    with lab.case.started(*words, environ=lab.environ()) as process:
        wait_for("the step began", (lab.home("web1") / "began").exists)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
        try:
            found = lab.check()["web1"]
            run = found["lock"]["run"]
            assert found["state"] == "see below"
            assert (found["lock"]["person"], found["lock"]["title"]) == ("ada", "The lab is red")
            assert [one["state"] for one in found["left_over"]] == ["running"]
            lock, spool = found["findings"]
            assert f"`inv run.resume {run}` takes it up" in lock["text"]
            assert f"`inv run.resume {run}` finds out" in spool["text"]
        finally:
            (lab.home("web1") / "go").touch()
    wait_for("the step ended", lambda: lab.check()["web1"]["left_over"][0]["state"] == "done")
    lab.run("run.resume", run, "--answers", "answers.yaml").expect(0, ..., ...)
    found = lab.check()["web1"]
    assert (found["state"], found["lock"], found["left_over"]) == ("well", None, [])


def test_a_lock_of_a_run_that_is_over_has_to_be_taken_over(lab: Lab, tmp_path: Path) -> None:
    lab.host("web1")
    steps = HOLDS.replace("until test", "false && until test").replace("done'", "done; true'")
    lab.case.runbook("lab", book(steps)).write("answers.yaml", "proceed: run\nhold: run\n")
    lab.run("runbook", "lab", "--host", "web1", "--answers", "answers.yaml").expect(0, ..., ...)
    run = lab.case.journals()[0].parent.name
    with holding(lab, tmp_path, run):
        found = lab.check(status=4)["web1"]
    assert found["lock"]["standing"] == "it is over"
    assert "--take-over" in found["findings"][0]["text"]


def test_a_lock_of_a_run_from_elsewhere_is_told_and_fails_nothing(lab: Lab, tmp_path: Path) -> None:
    lab.host("web1")
    with holding(lab, tmp_path, "run1") as machine:
        machine.change(command("true"), ticket(epoch=1), Watcher())
        found = lab.check()["web1"]
    assert (found["lock"]["person"], found["lock"]["since"]) == ("ann", "2026-11-23T12:00:00Z")
    assert "talk to ann" in found["findings"][0]["text"]
    assert found["left_over"] == [{"token": "run1.t1", "state": "done"}]


@contextmanager
def holding(lab: Lab, folder: Path, run: str) -> Iterator[Any]:
    """Hold the lock of `web1` for a run."""
    machine = SshMachine(Target("web1", Tier.STAGING), folder / run, Terms(lab.target("web1")), config=lab.site.config)
    try:
        machine.lock(claim(run), Unwatched())
        yield machine
    finally:
        machine.close()


def test_a_shared_folder_of_another_user_is_told_with_what_to_type(lab: Lab) -> None:
    require_root("give a folder to another user")
    shared = lab.target("web1")
    (shared / "locks").mkdir(parents=True)
    os.chown(shared, 65534, 65534)
    lab.host("web1")
    finding = lab.check(status=4)["web1"]["findings"][0]
    assert finding["what"] == "shared"
    assert finding["text"].endswith(f"as root: chown root {shared}")


def test_a_full_disk_lacks_room(lab: Lab) -> None:
    require_root("mount a small filesystem")
    small = lab.target("web1")
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], check=True)
    try:
        lab.host("web1")
        found = lab.check(status=4)["web1"]
        assert everything(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert found["room_kb"] == 1024
    assert found["findings"][0]["what"] == "room"


def test_this_machine_can_be_checked_too(case: Case) -> None:
    found = nothing_needed(case).run("host.check", "--json").expect(0, ..., "").json()
    assert [(one["host"], one["here"], one["key"]) for one in found] == [(UNAME, True, None)]
    assert not case.target.exists()
    assert not case.state.exists()


def test_a_name_that_is_none_is_refused(case: Case) -> None:
    ran = case.run("host.check", "--host", "role:web").expect(2, "", ...)
    assert "no host of `hosts.yaml` has the role `web`" in ran.stderr
    assert "`--host` stands without a value" in case.run("host.check", "--host").expect(2, "", ...).stderr
