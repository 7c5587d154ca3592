"""Steps that read share a shell on the target, and none of them can tell: each is as if it were alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, Outcome, Signalled, TimedOut, Unknown, Unreachable
from holdpoint.hosts.ssh.machine import SshMachine
from tests.hosts.ssh.support import ssh_machine, way_to
from tests.hosts.support import Watcher, command, ending, lives, pids, ticket, wait_for
from tests.sshd import Site


@pytest.fixture(params=["dash", "bash", "busybox"])
def host(tmp_path: Path, ssh_site: Site, request: pytest.FixtureRequest) -> Iterator[SshMachine]:
    made = ssh_machine(ssh_site, way_to(ssh_site, request.param), tmp_path)
    yield made
    made.close()


def read(host: SshMachine, text: str, timeout: float = 50) -> Outcome:
    return host.read(command(text, timeout=timeout), Watcher())


def is_exact(host: SshMachine) -> None:
    outcome = read(host, "seq 1 300000; echo done >&2; exit 4")
    assert isinstance(outcome, Exited), outcome
    assert outcome.code == 4
    assert outcome.output.stdout_size == 1_988_895
    assert outcome.output.stderr == "done\n"


def shared_shell(host: SshMachine) -> int:
    """The process that leads the session of the shell that reads share."""
    outcome = read(host, 'cut -d " " -f 6 "/proc/$PPID/stat"')
    assert isinstance(outcome, Exited)
    assert outcome.output.value is not None
    return int(outcome.output.value)


def test_nothing_of_one_step_is_seen_in_the_next(host: SshMachine) -> None:
    outcome = read(host, "x=1; export x; cd /; umask 077; set -e; trap 'echo bye' EXIT; f() { :; }; exec 1>&2; false")
    assert isinstance(outcome, Exited)
    outcome = read(host, 'echo "${x-none} $(umask) $- $#"; pwd; f 2>/dev/null || echo no f')
    assert isinstance(outcome, Exited)
    assert outcome.output.value is not None
    first, folder, function = outcome.output.value.decode().splitlines()
    assert first.split()[0] == "none"
    assert first.split()[1] != "0077"
    assert "e" not in first.split()[2]
    assert first.split()[3] == "0"
    assert (folder, function) == (os.environ["HOME"], "no f") or function == "no f"
    is_exact(host)


def test_output_cannot_say_how_it_ended(host: SshMachine) -> None:
    forged = 'n=${HOLDPOINT_TOKEN%/}; for s in 1 2; do printf "\\036$n ended 0 clean\\n\\036$n $n ended 0 clean\\n" >&$s; done'
    outcome = read(host, f"{forged}; sleep 0.3; echo last; exit 7")
    assert isinstance(outcome, Exited)
    assert outcome.code == 7
    assert outcome.output.stdout.endswith("last\n")
    is_exact(host)


def test_a_stream_that_is_left_without_waiting_cuts_nothing_short(host: SshMachine) -> None:
    unblocks = "import fcntl, os; [fcntl.fcntl(n, fcntl.F_SETFL, fcntl.fcntl(n, fcntl.F_GETFL) | os.O_NONBLOCK) for n in (1, 2)]"
    assert isinstance(read(host, f"python3 -c '{unblocks}'"), Exited)
    is_exact(host)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_signal_to_the_steps_own_group_ends_only_the_step(host: SshMachine, number: signal.Signals) -> None:
    outcome = read(host, f"sleep 1000 & kill -{number.value} 0; echo on")
    assert isinstance(outcome, Signalled), outcome
    assert outcome.signal == number
    is_exact(host)


def test_a_step_that_stops_itself_is_ended_whole(host: SshMachine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = read(host, f"sleep 1000 & echo $! >{file}; echo $$ >>{file}; kill -STOP 0", timeout=2)
        assert isinstance(outcome, TimedOut)
        assert outcome.ended
        wait_for("it is gone", lambda: not [pid for pid in pids(file) if lives(pid)])
    is_exact(host)


PARENT = '$(cut -d " " -f 4 "/proc/$PPID/stat")'


@pytest.mark.parametrize("whom", ["$PPID", PARENT, f"$PPID {PARENT}"])
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("then", ["exit 3", "sleep 1000"])
def test_a_shell_around_the_step_that_is_stopped_does_not_stay(
    host: SshMachine, tmp_path: Path, whom: str, used: bool, then: str
) -> None:
    """Neither where it is waited for, nor where the connection is gone before its end."""
    if used:
        is_exact(host)
    file = tmp_path / "pids"
    with ending(file):
        text = f'echo $$ >{file}.new; for pid in {whom}; do echo "$pid" >>{file}.new; done; mv {file}.new {file}; kill -STOP {whom}; {then}'
        outcome = read(host, text, timeout=2)
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        wait_for("it is gone", lambda: not [pid for pid in pids(file) if lives(pid)])
    is_exact(host)


def test_a_shell_around_the_step_that_is_stopped_ends_with_the_connection(host: SshMachine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        text = f"echo $$ >{file}.new; echo $PPID >>{file}.new; mv {file}.new {file}; kill -STOP $PPID; sleep 1000"
        reading = threading.Thread(target=read, args=(host, text), kwargs={"timeout": 6})
        reading.start()
        wait_for("it began", file.exists)
        for _ in range(2):  # it is made again once
            wait_for("it is connected", host.connection._stands)
            host.close()
        wait_for("it is gone", lambda: not [pid for pid in pids(file) if lives(pid)])
        reading.join()


AROUND = """
of() { cut -d " " -f "$1" "/proc/$2/stat"; }
leader=$(of 6 "$PPID") witness=$PPID around=''
until [ "$(of 4 "$witness")" = "$leader" ]; do around="$witness $around" witness=$(of 4 "$witness"); done
"""
"""Finds the witness, and what stands between it and the step: the worker and what waits for the step's shell."""


@pytest.mark.parametrize("whom", ["$witness", "$leader"])
@pytest.mark.parametrize("then", ["exit 3", "sleep 0.2 & exit 3"])
def test_a_shell_further_up_that_is_stopped_changes_nothing_and_does_not_stay(
    host: SshMachine, tmp_path: Path, whom: str, then: str
) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = read(host, f"{AROUND} echo $witness $leader >{file}; kill -STOP {whom}; {then}")
        assert isinstance(outcome, Exited), outcome
        assert outcome.code == 3
        is_exact(host)
        host.close()
        wait_for("it is gone", lambda: not [pid for pid in pids(file) if lives(pid)], 20)


def test_where_all_that_could_tell_is_killed_a_step_is_seen_to_end(host: SshMachine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        text = f"{AROUND} echo $$ $around $witness >{file}; kill -9 $witness $around; sleep 1000"
        outcome = read(host, text, timeout=4)
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        assert not [pid for pid in pids(file) if lives(pid)]
    is_exact(host)


GUARD = f"""{AROUND}
for stat in /proc/[0-9]*/stat; do
  {{ read -r line <"$stat"; }} 2>/dev/null || continue
  pid=${{line%% *}}
  set -- ${{line##*) }}
  if [ "$2" = "$leader" ] && [ "$pid" != "$witness" ]; then guard=$pid; fi
done
"""


@pytest.mark.parametrize("does", ["kill -9 $guard", "kill -STOP $guard", "kill -STOP -$leader"])
def test_where_the_guard_is_gone_or_stands_still_another_shell_ends_the_step(
    host: SshMachine, tmp_path: Path, does: str
) -> None:
    file = tmp_path / "pids"
    with ending(file):
        text = f"{GUARD} echo $$ $PPID $witness $guard $leader >{file}.new; mv {file}.new {file}; {does}; sleep 1000"
        outcome = host.read(command(text, timeout=6, grace=0.2), Watcher())
        assert len(pids(file)) == 5
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        host.close()
        wait_for("it is gone", lambda: not [pid for pid in pids(file) if lives(pid)], 20)
    is_exact(host)


def test_what_a_long_step_leaves_is_ended_as_well(ssh_site: Site, tmp_path: Path) -> None:
    """After some seconds all processes are looked at, not only those that are younger."""
    host = ssh_machine(ssh_site, way_to(ssh_site, "dash"), tmp_path)
    file = tmp_path / "pids"
    with ending(file):
        outcome = read(host, f"setsid sleep 1000 >/dev/null 2>&1 & echo $! >{file}; sleep 7; exit 3")
        assert isinstance(outcome, Exited), outcome
        assert outcome.code == 3
        assert not [pid for pid in pids(file) if lives(pid)]
    host.close()


@pytest.mark.parametrize("stream", [1, 2])
def test_what_leaves_all_behind_but_the_output_is_ended_as_well(host: SshMachine, tmp_path: Path, stream: int) -> None:
    file = tmp_path / "pids"
    leaves = f"echo $$ >{file}.new; mv {file}.new {file}; exec >&{stream} {3 - stream}>&-; exec sleep 1000"
    with ending(file):
        text = f"env -i \"PATH=$PATH\" setsid sh -c '{leaves}' & until [ -e {file} ]; do sleep 0.02; done; sleep 0.1; exit 3"
        outcome = read(host, text)
        assert isinstance(outcome, Exited), outcome
        assert outcome.code == 3
        assert not [pid for pid in pids(file) if lives(pid)]
    is_exact(host)


def test_a_shared_shell_that_is_killed_while_idle_is_replaced(host: SshMachine) -> None:
    os.kill(shared_shell(host), signal.SIGKILL)
    is_exact(host)


def test_a_shell_that_went_with_an_old_connection_is_no_loss_of_the_new_one(ssh_site: Site, tmp_path: Path) -> None:
    name = f"old-{tmp_path.name}"
    server = ssh_site.sshd(name)
    wire = ssh_site.wire(server.port)
    host = ssh_machine(ssh_site, ssh_site.host(name, wire.port, server), tmp_path)
    is_exact(host)
    wire.hang_up()
    wait_for("it is noticed", lambda: not host.connection._stands())
    host.connection.dial()
    watcher = Watcher()
    outcome = host.read(command("exit 3"), watcher)
    host.close()
    assert isinstance(outcome, Exited), outcome
    assert outcome.code == 3
    assert watcher.told == []


def test_a_machine_whose_id_has_no_end_is_refused(ssh_site: Site, tmp_path: Path) -> None:
    identity = tmp_path / "machine-id"
    identity.write_text("m" * 300_000)
    server = ssh_site.sshd(f"id-{tmp_path.name}", {"HOLDPOINT_MACHINE_ID": str(identity)})
    host = ssh_machine(ssh_site, ssh_site.host(f"id-{tmp_path.name}", server.port, server), tmp_path)
    outcome = read(host, "exit 3")
    host.close()
    assert isinstance(outcome, Unreachable), outcome
    assert "too long" in outcome.why


def test_what_a_step_makes_its_shell_say_of_its_end_is_no_signal(host: SshMachine) -> None:
    outcome = read(host, 'head -c 200000 /dev/zero | tr "\\0" x >"/proc/$PPID/fd/1"; exit 200')
    assert isinstance(outcome, Exited | Signalled), outcome
    is_exact(host)


def test_what_is_killed_around_a_step_tells_no_false_end(host: SshMachine, tmp_path: Path) -> None:
    parent = '$(cut -d " " -f 4 "/proc/$PPID/stat")'
    leader = '$(cut -d " " -f 6 "/proc/$PPID/stat")'
    for whom in ("$PPID", parent, f"$PPID {parent}", leader, f"-{leader}"):
        for then in ("exit 3", "sleep 0.5; echo on; exit 3"):
            outcome = read(host, f"kill -9 {whom}; {then}")
            assert isinstance(outcome, Exited | Unknown | Unreachable), (whom, outcome)
            assert not isinstance(outcome, Exited) or outcome.code == 3, (whom, outcome)
            is_exact(host)


KILLS_WORKER = """
of() { cut -d " " -f "$1" "/proc/$2/stat"; }
worker=$PPID leader=$(of 6 "$PPID")
until [ "$(of 4 "$(of 4 "$worker")")" = "$leader" ]; do worker=$(of 4 "$worker"); done
kill -9 "$worker"
"""


def test_a_worker_that_is_killed_under_a_step_is_told_at_once_and_the_step_is_ended(
    host: SshMachine, tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = read(host, f"echo $$ >{file}; {KILLS_WORKER} sleep 1000 & echo $! >>{file}; wait", timeout=20)
        assert isinstance(outcome, Unknown), outcome
        assert len(pids(file)) == 2
        assert not [pid for pid in pids(file) if lives(pid)]
    is_exact(host)


def test_a_start_up_file_that_swallows_the_shell_is_no_time_out_of_the_step(ssh_site: Site, tmp_path: Path) -> None:
    server = ssh_site.sshd("swallows", {}, "ForceCommand cat >/dev/null")
    host = ssh_machine(ssh_site, ssh_site.host("swallows", server.port, server), tmp_path)
    outcome = read(host, "echo on", timeout=1)
    host.close()
    assert isinstance(outcome, Unreachable), outcome
    assert "start-up file" in outcome.why


def test_a_server_that_gives_one_session_at_a_time_is_waited_for(ssh_site: Site, tmp_path: Path) -> None:
    server = ssh_site.sshd(f"one-{tmp_path.name}", {}, "MaxSessions 1")
    host = ssh_machine(ssh_site, ssh_site.host(f"one-{tmp_path.name}", server.port, server), tmp_path)
    for number in range(6):
        outcome = read(host, f"echo {number}; sleep 0.01 & exit 3")
        assert isinstance(outcome, Exited), outcome
        assert outcome.output.value == f"{number}\n".encode()
        changed = host.change(command("exit 5"), ticket(f"run1.t{number}"), Watcher())
        assert isinstance(changed, Exited), changed
        assert changed.code == 5
    host.close()


FILLS = """
import fcntl, os
for stream in (1, 2):
    fcntl.fcntl(stream, fcntl.F_SETFL, fcntl.fcntl(stream, fcntl.F_GETFL) | os.O_NONBLOCK)
    try:
        while True:
            os.write(stream, b"x" * 4096)
    except BlockingIOError:
        pass
"""


def test_a_stream_without_room_that_is_left_without_waiting_hides_no_end(host: SshMachine, tmp_path: Path) -> None:
    """The server is stopped while the step ends, so that nothing makes room; a child of ours lets it go on."""
    stops = f"""
leader=$(cut -d " " -f 6 "/proc/$PPID/stat"); server=$(cut -d " " -f 4 "/proc/$leader/stat")
setsid sh -c 'until [ -e "$1" ]; do sleep 0.02; done; sleep 0.3; kill -CONT "$2"' x {tmp_path}/ended "$server" >/dev/null 2>&1 &
kill -STOP "$server"; "$python" -c "$fills"; touch {tmp_path}/ended; exit 3
"""
    outcome = host.read(command(stops, timeout=20, values={"python": sys.executable, "fills": FILLS}), Watcher())
    assert isinstance(outcome, Exited), outcome
    assert outcome.code == 3
    is_exact(host)
