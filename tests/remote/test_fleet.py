"""Many hosts, through the real command: bounded and in order, with a dead one among them, and steps beside them here."""

from __future__ import annotations

import json

from tests.laws.terminal import book
from tests.remote.conftest import Remote

READS = "[{id: look, title: Look, run: 'cat \"$HOME/jobs\"', register: {jobs: {type: integer}}FANOUT}]"
CAUSES = """causes:
  - {id: stuck, title: It is stuck, when: {value: jobs, op: ge, than: 5}, evidence: "{jobs} jobs wait"}
"""
MEND = """\
  - {id: mend, title: Mend it, for: [stuck], effect: change, irreversible: no, run: 'echo x >>"$HOME/mended"; exec sh "$HOME/how"'FANOUT}
"""
INVENTORY = "schema: holdpoint/hosts/1\nhosts:\n  web1: {tier: staging}\n  again: {tier: staging}\n"
NAMES = ("web1", "web2", "web3", "web4")


def fleet(remote: Remote, *, reads: str = "", mend: str = "") -> Remote:
    remote.hosts(**dict.fromkeys(NAMES, "tier: staging, roles: [web]"))
    for name in NAMES:
        (remote.home(name) / "jobs").write_text("7\n")
        (remote.home(name) / "how").write_text("exit 0\n")
    diagnostic = READS.replace("FANOUT", f", fanout: {reads}" if reads else "")
    resolution = MEND.replace("FANOUT", f", fanout: {mend}" if mend else "")
    return remote.book(book(resolution, diagnostic=diagnostic, rest=CAUSES))


def mended(remote: Remote) -> list[str]:
    return [name for name in NAMES if (remote.home(name) / "mended").exists()]


def test_hosts_by_their_role_each_with_values_causes_and_outputs_of_its_own(remote: Remote) -> None:
    fleet(remote, mend="{batches: [1, 50%]}")
    (remote.home("web2") / "jobs").write_text("2\n")
    ran = remote.run("runbook", "lab", "--host", "role:web", "--json", answers="mend: run").expect(0, ..., ...)
    assert mended(remote) == ["web1", "web3", "web4"]
    records = ran.lines()
    values = {
        r["data"]["host"]: r["data"]["values"]
        for r in records
        if r["data"].get("step") == "look" and "values" in r["data"]
    }
    assert values == {name: {"jobs": 2 if name == "web2" else 7} for name in NAMES}
    files = [r["data"]["stdout_file"] for r in records if r["kind"] == "step.result" and r["data"]["stdout_file"]]
    assert len(set(files)) == len(files)
    gates = [tuple(r["data"]["hosts"]) for r in records if r["kind"] == "gate.opened"]
    assert gates == [("web1",), ("web3", "web4")]


def test_a_dead_host_delays_no_other_and_is_named_at_the_end(remote: Remote) -> None:
    fleet(remote, reads="{max_failures: 1}")
    remote.wires["web2"].refuses = True
    ran = remote.run("runbook", "lab", "--host", "role:web", answers="mend: run").expect(4, ..., ...)
    assert mended(remote) == ["web1", "web3", "web4"]
    assert "not all hosts came to the end: `look` failed on web2" in " ".join(ran.stdout.split())
    table = [line.split()[0] for line in ran.stdout.splitlines() if line.startswith("web")]
    assert table == list(NAMES)


def test_more_failures_than_allowed_stop_before_the_next_batch(remote: Remote) -> None:
    fleet(remote, mend="{batches: [2], max_failures: 1, gate_between: false}")
    for name in ("web1", "web2"):
        (remote.home(name) / "how").write_text("exit 3\n")
    ran = remote.run("runbook", "lab", "--host", "role:web", answers="mend: run").expect(4, ..., ...)
    assert mended(remote) == ["web1", "web2"]
    assert "failed with exit 3" in ran.stdout


def test_the_result_is_the_same_in_the_same_order_every_time(remote: Remote) -> None:
    fleet(remote, mend="{batches: [100%]}")

    def ends() -> list[str]:
        ran = remote.run("runbook", "lab", "--host", "web3,web1,web4,web2", answers="mend: run").expect(0, ..., ...)
        return [line for line in ran.stdout.splitlines() if line.startswith(("web", "changed"))]

    assert ends() == ends()
    shown = remote.run("run.show", "last").expect(0, ...).stdout
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("web")] == [
        "web3",
        "web1",
        "web4",
        "web2",
    ]


def test_steps_here_beside_those_there(remote: Remote) -> None:
    local = """\
  - {id: note, title: Note it here, where: local, effect: change, run: 'echo "$HOME" >"$HOME/noted"', undo: {run: 'rm -f "$HOME/noted"'}}
  - {id: mend, title: Mend it there, effect: change, run: 'echo x >>"$HOME/mended"', undo: {run: 'rm -f "$HOME/mended"'}}
"""
    remote.hosts(web1="staging", web2="staging").book(book(local))
    remote.run("runbook", "lab", "--host", "web1,web2", answers="note: run\nmend: run").expect(0, ..., ...)
    here = remote.case.folder / "home" / "noted"
    assert here.read_text() == f"{here.parent}\n"
    assert all((remote.home(name) / "mended").exists() for name in ("web1", "web2"))
    remote.run("run.rollback", "last", answers="undo-note: run\nundo-mend: run").expect(5, ..., ...)
    assert not here.exists()
    assert not any((remote.home(name) / "mended").exists() for name in ("web1", "web2"))


def test_a_file_is_put_on_every_host_and_taken_back(remote: Remote) -> None:
    put = """\
  - {id: limit, title: Put the limit, put: {from: files/limit.conf, to: TARGET, mode: "0640"}}
"""
    remote.hosts(web1="staging", web2="staging")
    place = remote.site.folder / "shared.conf"
    remote.book(book(put.replace("TARGET", str(place))))
    remote.case.write("runbooks/files/limit.conf", b"limit = 1\n\0binary")
    place.write_text("old\n")
    remote.run("runbook", "lab", "--host", "web1", answers="limit: run").expect(0, ..., ...)
    assert place.read_bytes() == b"limit = 1\n\0binary"
    assert place.stat().st_mode & 0o777 == 0o640
    remote.run("run.rollback", "last", answers="undo-limit: run").expect(5, ..., ...)
    assert place.read_text() == "old\n"


def test_a_file_is_fetched_from_every_host_byte_for_byte(remote: Remote) -> None:
    fetch = "  - {id: keep, title: Keep it, fetch: {from: TARGET, name: kept.bin}}\n"
    place = remote.site.folder / "data.bin"
    place.write_bytes(bytes(range(256)) * 5000)
    remote.hosts(web1="staging", web2="staging").book(book(fetch.replace("TARGET", str(place))))
    remote.run("runbook", "lab", "--host", "web1,web2").expect(0, ..., ...)
    folder = remote.journals()[0].parent / "files"
    assert all((folder / name / "kept.bin").read_bytes() == place.read_bytes() for name in ("web1", "web2"))


def test_a_resume_goes_on_with_the_hosts_in_the_order_that_was_given(remote: Remote) -> None:
    fleet(remote, mend="{batches: [2]}")
    remote.run("runbook", "lab", "--host", "web4,web1,web3", answers="mend: stop").expect(3, ..., ...)
    remote.run("run.resume", "last", answers="mend: run").expect(0, ..., ...)
    opened = json.loads(remote.journals()[0].read_text().splitlines()[0])
    assert opened["data"]["order"] == ["web4", "web1", "web3"]
    assert mended(remote) == ["web1", "web3", "web4"]


UNDO = """\
  - {id: mend, title: Mend it, effect: change, run: 'echo x >>"$HOME/mended"', undo: {run: 'rm -f "$HOME/mended"'}FANOUT}
  - {id: more, title: More of it, effect: change, run: 'echo x >>"$HOME/more"', undo: {run: 'rm -f "$HOME/more"'}FANOUT}
"""


def test_a_host_that_is_dead_keeps_no_other_from_being_taken_back(remote: Remote) -> None:
    remote.hosts(**dict.fromkeys(NAMES, "staging")).book(book(UNDO.replace("FANOUT", "")))
    hosts = ",".join(NAMES)
    remote.run("runbook", "lab", "--host", hosts, answers="mend: run\nmore: run").expect(0, ..., ...)
    remote.wires["web2"].refuses = True
    remote.wires["web2"].hang_up()
    back = "undo-mend: run\nundo-more: run"
    ran = remote.run("run.rollback", "last", answers=back).expect(6, ..., ...)
    assert "could not be done on web2" in " ".join(ran.stdout.split())
    assert mended(remote) == ["web2"]
    remote.wires["web2"].refuses = False
    remote.run("run.resume", "last", answers=back).expect(5, ..., ...)
    assert mended(remote) == []
    assert not any((remote.home(name) / "more").exists() for name in NAMES)


def test_a_host_that_dies_before_its_lock_counts_as_failed(remote: Remote) -> None:
    remote.hosts(**dict.fromkeys(NAMES, "staging"))
    remote.book(book(UNDO.replace("FANOUT", ", fanout: {batches: [100%], max_failures: 1}")))
    remote.wires["web3"].refuses = True
    ran = remote.run("runbook", "lab", "--host", ",".join(NAMES), answers="mend: run\nmore: run").expect(4, ..., ...)
    assert mended(remote) == ["web1", "web2", "web4"]
    assert "`mend` failed on web3" in " ".join(ran.stdout.split())


def test_a_machine_with_two_names_is_changed_under_neither(remote: Remote) -> None:
    fleet(remote)
    remote.site.host("again", remote.wires["web1"].port, remote.servers["web1"])
    remote.case.write("hosts.yaml", INVENTORY)
    ran = remote.run("runbook", "lab", "--host", "web1,again", answers="mend: run").expect(8, ..., ...)
    said = " ".join(ran.stdout.split())
    assert "`again` and `web1` are the same machine (machine id machine-web1); leave one of the two names out" in said
    assert mended(remote) == []
