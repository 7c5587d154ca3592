"""Other machines, as a person meets them: who is asked for what, on which tier, and the right host or none."""

from __future__ import annotations

import pytest

from tests.laws.terminal import book, left
from tests.remote.conftest import Remote

READS = (
    """[{id: look, title: Look, run: 'echo "$HOME" >>"$HOME/looked"; uname -n', register: {name: {type: string}}}]"""
)
MEND = """\
  - {id: mend, title: Mend it, effect: change, run: 'echo x >>"$HOME/mended"', undo: {run: 'rm -f "$HOME/mended"'}}
"""
WIPE = """\
  - {id: wipe, title: Wipe it, effect: destroy, run: 'echo x >>"$HOME/wiped"', irreversible: it is gone}
"""


def test_a_host_that_no_inventory_names_is_production_and_nothing_is_dialled_before_a_word(remote: Remote) -> None:
    remote.hosts(web1="").book(book(MEND, diagnostic=READS))
    ran = remote.run("runbook", "lab", "--host", "web1", answers="opening: run\nmend: run").expect(7, ..., ...)
    assert "PRODUCTION   web1" in ran.stdout
    assert "`opening` is on production" in " ".join(ran.stdout.split())
    assert not remote.servers["web1"].log.exists()
    assert not (remote.home("web1") / "looked").exists()


def test_on_production_one_word_covers_the_reads_and_the_name_what_is_destroyed(remote: Remote) -> None:
    remote.hosts(web1="prod", web2="prod").book(book(MEND + WIPE, diagnostic=READS))
    with remote.person("runbook", "lab", "--host", "web1,web2") as child:
        child.expect("May the diagnosis read")
        child.expect(" > ")
        child.sendline("run")
        child.expect("Mend it")
        child.expect(" > ")
        child.sendline("run")
        child.expect("Wipe it")
        child.expect(" > ")
        child.sendline("run")
        child.expect_exact("Here `run` does not suffice")
        child.expect(" > ")
        child.sendline("web1")
        child.expect_exact("Still missing: web2")
        child.expect(" > ")
        assert not (remote.home("web1") / "wiped").exists()
        child.sendline("web1 web2")
        assert left(child) == 0
    assert all((remote.home(name) / "wiped").read_text() == "x\n" for name in ("web1", "web2"))


def test_the_wrong_host_stops_before_anything_is_read(remote: Remote) -> None:
    remote.hosts(web1="tier: staging, expect: {hostname: another}").book(book(MEND, diagnostic=READS))
    ran = remote.run("runbook", "lab", "--host", "web1", answers="mend: run").expect(8, ..., ...)
    text = " ".join(ran.stdout.split())
    assert "this is another machine" in text
    assert "`another`" in text
    assert list(remote.home("web1").iterdir()) == []
    assert not remote.target("web1").exists()


def test_an_unknown_key_is_refused_with_its_finger_print(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(MEND, diagnostic=READS))
    remote.site.known_hosts.write_text("")
    ran = remote.run("runbook", "lab", "--host", "web1", answers="mend: run").expect(8, ..., ...)
    assert "SHA256:" in ran.stdout
    assert list(remote.home("web1").iterdir()) == []


@pytest.mark.parametrize("name", ["-oProxyCommand=touch owned", "a b", "web1;id", "$(touch owned)", "", "web1,,db1"])
def test_a_hostile_name_of_a_host_is_refused(remote: Remote, name: str) -> None:
    remote.hosts(web1="staging").book(book(MEND, diagnostic=READS))
    ran = remote.run("runbook", "lab", f"--host={name}", answers="mend: run").expect(2, ..., ...)
    assert "error[" in ran.stderr
    assert not list(remote.case.folder.rglob("owned"))


def test_a_walk_through_opens_no_connection(remote: Remote) -> None:
    remote.hosts(web1="prod", web2="staging").book(book(MEND + WIPE, diagnostic=READS))
    ran = remote.run("runbook", "lab", "--host", "web1,web2", "--dry-run").expect(0, ..., ...)
    assert "mended" in ran.stdout
    assert not any(server.log.exists() for server in remote.servers.values())


def test_a_walk_through_has_no_name_that_a_second_person_could_type(remote: Remote) -> None:
    two = WIPE.replace("irreversible: it is gone", "irreversible: it is gone, gate: {approvers: 2}")
    remote.hosts(web1="prod").book(book(two, diagnostic=READS))
    ran = remote.run("runbook", "lab", "--host", "web1", "--dry-run").expect(0, ..., ...)
    assert "inv run.approve RUN\n" in ran.stdout


def test_a_check_reads_there_and_leaves_nothing(remote: Remote) -> None:
    quiet = """[{id: look, title: Look, run: 'uname -n', register: {name: {type: string}}}]"""
    remote.hosts(web1="staging").book(book(MEND, diagnostic=quiet))
    remote.run("runbook", "lab", "--host", "web1", "--check").expect(0, ..., ...)
    assert list(remote.home("web1").iterdir()) == []
    assert not remote.target("web1").exists()


def test_nothing_but_tombstones_is_left_after_a_run(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(MEND))
    remote.run("runbook", "lab", "--host", "web1", answers="mend: run").expect(0, ..., ...)
    names = sorted(path.name.partition(".")[0] for path in remote.target("web1").rglob("*") if path.is_file())
    assert set(names) <= {"epoch", "reserve", "t"}, names
    remote.run("run.verify", "last").expect(0, ..., ...)
    remote.run("run.rollback", "last", answers="undo-mend: run").expect(5, ..., ...)
    assert not (remote.home("web1") / "mended").exists()


def test_a_cut_of_the_journal_shows_by_what_the_host_remembers(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(MEND))
    remote.run("runbook", "lab", "--host", "web1", answers="mend: run").expect(0, ..., ...)
    journal = remote.journals()[0]
    lines = journal.read_text().splitlines(keepends=True)
    intent = next(number for number, line in enumerate(lines) if '"step.intent"' in line)
    journal.write_text("".join(lines[:intent]))
    assert "web1 executed" in remote.run("run.verify", "last").expect(10, ..., ...).stderr


def test_a_secret_stands_on_no_host_and_in_no_argument_list(remote: Remote) -> None:
    spy = """\
  - {id: mend, title: Mend it, effect: change, irreversible: no,
     run: 'ps -eo args >"$HOME/ps"; env >"$HOME/env"; echo "$word"; printf %s "$word" | base64'}
"""
    text = book(spy, params="params:\n  word: {type: secret, from: {env: WORD}}\n")
    remote.hosts(web1="staging").book(text)
    ran = remote.run("runbook", "lab", "--host", "web1", answers="mend: run", WORD="swordfish-8").expect(0, ..., ...)
    everywhere = [*remote.site.folder.rglob("*"), *remote.case.folder.rglob("*")]
    read = {str(path): path.read_bytes() for path in everywhere if path.is_file()}
    assert not [path for path, data in read.items() if b"swordfish-8" in data or b"c3dvcmRmaXNo" in data]
    assert "swordfish" not in ran.raw + ran.raw_error


def test_a_key_that_the_configuration_revokes_is_refused(remote: Remote) -> None:
    remote.hosts(web1="staging").book(book(MEND, diagnostic=READS))
    revoked = remote.site.folder / "revoked"
    revoked.write_text(f"{remote.servers['web1'].public}\n")
    remote.site.host("web1", remote.wires["web1"].port, remote.servers["web1"], RevokedHostKeys=str(revoked))
    ran = remote.run("runbook", "lab", "--host", "web1", answers="mend: run").expect(8, ..., ...)
    assert "is revoked by" in ran.stdout
    assert list(remote.home("web1").iterdir()) == []
