"""Many threads read on one host at once: each gets its own output whole, and waits where the server gives few sessions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited
from tests.hosts.ssh.support import ssh_machine
from tests.hosts.support import Watcher, command
from tests.sshd import Site

THREADS, READS = 8, 4


@pytest.mark.parametrize("sessions", [1, 3, 100])
def test_each_of_many_threads_gets_its_own_output(ssh_site: Site, tmp_path: Path, sessions: int) -> None:
    server = ssh_site.sshd(f"crowd-{tmp_path.name}", {}, f"MaxSessions {sessions}")
    host = ssh_machine(ssh_site, ssh_site.host(f"crowd-{tmp_path.name}", server.port, server), tmp_path)

    def reads(thread: int) -> None:
        for number in range(READS):
            what = f"{thread} {number}"
            left = "sleep 1000 &" if number % 4 == 3 else "sleep 0.2;"  # what is left costs the shell
            text = f"{left} i=0; while [ $i -lt 200 ]; do echo {what} $i; i=$((i + 1)); done; echo {what} >&2; exit {number}"
            outcome = host.read(command(text, spool=f"t{thread}-{number}"), Watcher())
            assert isinstance(outcome, Exited), outcome
            assert outcome.code == number
            assert outcome.output.value == "".join(f"{what} {i}\n" for i in range(200)).encode()
            assert outcome.output.stderr == f"{what}\n"

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(reads, range(THREADS)))
    host.close()
