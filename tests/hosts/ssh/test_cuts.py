"""Connections that are lost at random moments lose nothing: output and exit code exact, and each change made once.

What is cut differs: the client's process, the server's, the wire between them, also while the command is being sent.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import (
    EndedByPerson,
    Exited,
    LeftRunning,
    NeverStarted,
    Outcome,
    OutOfTouch,
    Unknown,
    Unreachable,
)
from holdpoint.engine.ports import Acquired, Command, Wish
from holdpoint.hosts.agent import STOPPED
from holdpoint.hosts.ssh.machine import SshMachine
from tests.hosts.ssh.support import ssh_machine
from tests.hosts.support import Watcher, claim, command, ticket, wait_for
from tests.sshd import Site, Sshd, Wire

LINES = 20
CUTS = 80
PRINTED = "".join(f"line {number} of the step\n" for number in range(LINES))
SEED = 20261124


@pytest.fixture
def server(ssh_site: Site, tmp_path: Path) -> Sshd:
    return ssh_site.sshd(f"cut-{tmp_path.name}")


@pytest.fixture
def wire(ssh_site: Site, server: Sshd) -> Wire:
    return ssh_site.wire(server.port)


@pytest.fixture
def alias(ssh_site: Site, server: Sshd, wire: Wire, tmp_path: Path) -> str:
    return ssh_site.host(f"cut-{tmp_path.name}", wire.port, server)


def step(made: Path, more: str = "") -> Command:
    loop = (
        f"echo x >>'{made}'; i=0; while [ $i -lt {LINES} ]; do echo line $i of the step; i=$((i+1)); sleep 0.03; done"
    )
    return command(f"{loop}; exit 7 {more}")


def is_exact(outcome: Outcome, made: Path) -> None:
    assert isinstance(outcome, Exited), outcome
    assert (outcome.code, outcome.output.value) == (7, PRINTED.encode())
    assert made.read_text() == "x\n"


@contextmanager
def cutting(cut: Callable[[], bool], chance: random.Random) -> Iterator[list[int]]:
    """Cut again and again, in a thread; gives the number of cuts that hit something, as a list of one.

    Less and less often, so that a machine that is slow to log in gets through at last.
    """
    hit, over = [0], threading.Event()

    def work() -> None:
        while not over.wait(chance.uniform(0.001, 0.12) * (1 + hit[0] / 20)):
            hit[0] += cut()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield hit
    finally:
        over.set()
        thread.join(60)


def run_under_cuts(site: Site, alias: str, folder: Path, cut: Callable[[], bool], cuts: int = CUTS) -> None:
    chance = random.Random(SEED)
    seen = count = 0
    while seen < cuts or count < 2:
        count += 1
        host = ssh_machine(site, alias, folder, f"run{count}", stall=2.0)
        made = folder / f"made-{count}"
        with cutting(cut, chance) as hit:
            outcome = host.change(step(made), ticket(f"run{count}.t1"), Watcher())
            while isinstance(outcome, Unreachable):
                assert not made.exists()
                outcome = host.change(step(made), ticket(f"run{count}.t1"), Watcher())
        host.close()
        is_exact(outcome, made)
        seen += hit[0]


def test_the_server_is_killed(ssh_site: Site, server: Sshd, alias: str, tmp_path: Path) -> None:
    def cut() -> bool:
        return server.hang_up() > 0

    run_under_cuts(ssh_site, alias, tmp_path, cut)


def test_the_wire_is_closed(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    def cut() -> bool:
        return wire.hang_up() > 0

    run_under_cuts(ssh_site, alias, tmp_path, cut)


def test_the_wire_is_closed_after_so_many_bytes(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    """Each connection ends after a number of bytes of its own: in the key exchange, the agent's text, the command."""
    chance = random.Random(SEED)
    for count in range(CUTS):
        host = ssh_machine(ssh_site, alias, tmp_path, f"run{count}", stall=2.0)
        made = tmp_path / f"made-{count}"
        given = command(f"echo x >>'{made}'; printf done; exit 7", values={"padding": "p" * 20_000})
        if chance.random() < 0.75:
            wire.cut_after = chance.randrange(1_000, 60_000)
        else:
            wire.answer_cut_after = chance.randrange(1_000, 6_000)
        outcome = host.change(given, ticket(f"run{count}.t1"), Watcher())
        host.close()
        wire.cut_after = wire.answer_cut_after = None
        if not isinstance(outcome, Exited):
            assert isinstance(outcome, Unreachable | Unknown | OutOfTouch), outcome
            after = ssh_machine(ssh_site, alias, tmp_path, f"run{count}")
            outcome = after.change(given, ticket(f"run{count}.t1"), Watcher())
            after.close()
        assert isinstance(outcome, Exited), outcome
        assert (outcome.code, outcome.output.value, made.read_text()) == (7, b"done", "x\n")


def test_the_wire_stalls(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for count in range(6):
        host = ssh_machine(ssh_site, alias, tmp_path, f"run{count}", stall=0.8)
        made = tmp_path / f"made-{count}"
        with ThreadPoolExecutor() as pool:
            under_way = pool.submit(host.change, step(made), ticket(f"run{count}.t1"), Watcher())
            if count % 2:
                wait_for("the step began", made.exists)
            threading.Event().wait(chance.uniform(0, 0.2))
            wire.stall()
            stood = wire.connections()
            wait_for("the client gave it up", partial(wire.given_up, stood))
            wire.flow()
            outcome = under_way.result(60)
        host.close()
        if isinstance(outcome, Unreachable):  # it stalled before anything was sent
            after = ssh_machine(ssh_site, alias, tmp_path, f"run{count}")
            outcome = after.change(step(made), ticket(f"run{count}.t1"), Watcher())
            after.close()
        is_exact(outcome, made)


def client(config: Path, alias: str, folder: Path, run: str, made: Path) -> None:
    site = Site.__new__(Site)
    site.config = config
    ssh_machine(site, alias, folder, run).change(step(made), ticket(f"{run}.t1"), Watcher())


def test_the_client_is_killed(ssh_site: Site, alias: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.hosts.ssh.support", "tests.hosts.ssh.test_cuts"])
    for count in range(CUTS // 4):
        run, made = f"run{count}", tmp_path / f"made-{count}"
        for _ in range(4):
            process = context.Process(target=client, args=(ssh_site.config, alias, tmp_path, run, made))
            process.start()
            process.join(chance.uniform(0.02, 0.3))
            process.kill()
            process.join()
            process.close()
        host = ssh_machine(ssh_site, alias, tmp_path, run)
        outcome = host.change(step(made), ticket(f"{run}.t1"), Watcher())
        host.close()
        is_exact(outcome, made)


def test_24_starts_at_once_are_one_execution(ssh_site: Site, alias: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    machines = [ssh_machine(ssh_site, alias, tmp_path, f"run{count}") for count in range(24)]
    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(lambda each: each.change(step(made), ticket(), Watcher()), machines))
    for each in machines:
        each.close()
    for outcome in outcomes:
        is_exact(outcome, made)


def begun(host: SshMachine, made: Path, gate: Path) -> Command:
    given = command(f"echo x >>'{made}'; echo begun; while [ ! -e '{gate}' ]; do sleep 0.02; done; exit 7")
    host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="begun"))
    return given


def test_a_host_that_stays_away_leaves_a_doubt(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    host = ssh_machine(ssh_site, alias, tmp_path, patience=1.0)
    made, gate = tmp_path / "made", tmp_path / "gate"
    given = command(f"echo x >>'{made}'; while [ ! -e '{gate}' ]; do sleep 0.02; done; exit 7")
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(host.change, given, ticket(), Watcher())
        wait_for("the step began", made.exists)
        wire.refuses = True
        wire.hang_up()
        assert isinstance(under_way.result(60), OutOfTouch)
    wire.refuses = False
    gate.touch()
    outcome = host.settle(given, ticket(), Watcher())
    host.close()
    assert isinstance(outcome, Exited)
    assert (outcome.code, made.read_text()) == (7, "x\n")


def test_a_person_can_leave_while_the_host_is_away(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    host = ssh_machine(ssh_site, alias, tmp_path, patience=600.0)
    made, gate = tmp_path / "made", tmp_path / "gate"
    watcher = Watcher()
    given = command(f"echo x >>'{made}'; while [ ! -e '{gate}' ]; do sleep 0.02; done; exit 7")
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(host.change, given, ticket(), watcher)
        wait_for("the step began", made.exists)
        wire.refuses = True
        wire.hang_up()
        watcher._wish = Wish.LEAVE
        assert under_way.result(60) == LeftRunning()
    gate.touch()
    host.close()


def test_a_person_is_heard_while_a_host_is_dialled_that_says_nothing(
    ssh_site: Site, wire: Wire, alias: str, tmp_path: Path
) -> None:
    host, made = ssh_machine(ssh_site, alias, tmp_path, connect_timeout=600.0), tmp_path / "made"
    given = command(f"echo x >>'{made}'")
    wire.stall()
    assert isinstance(host.read(given, Watcher(Wish.END)), EndedByPerson)
    assert host.change(given, ticket(), Watcher(Wish.LEAVE)) == LeftRunning()
    answer = host.lock(claim(), Watcher(Wish.END))
    assert isinstance(answer, Unreachable)
    assert answer.why == STOPPED
    host.close()  # which would wait for ten minutes, did it wait for the dial
    wire.flow()
    assert host.settle(given, ticket(), Watcher()) == NeverStarted()
    assert not made.exists()
    host.close()


@pytest.mark.parametrize("after", [200, 2000, 8000, 30_000])
def test_a_connection_that_is_lost_at_the_lock_or_before_the_agent_answers_is_made_again(
    ssh_site: Site, wire: Wire, alias: str, tmp_path: Path, after: int
) -> None:
    host, made = ssh_machine(ssh_site, alias, tmp_path), tmp_path / "made"
    host.connect()
    wire.cut_next(after)
    assert host.lock(claim(), Watcher()) == Acquired(1)
    wire.cut_next(after)
    assert isinstance(host.change(command(f"echo x >>'{made}'; exit 3"), ticket(), watcher := Watcher()), Exited)
    assert made.read_text() == "x\n"
    assert [told.partition(":")[0] for told in watcher.told] in ([], [f"lost {alias}", f"regained {alias}"])
    host.close()


def test_a_read_is_repeated_once(ssh_site: Site, wire: Wire, alias: str, tmp_path: Path) -> None:
    host = ssh_machine(ssh_site, alias, tmp_path)
    seen = tmp_path / "seen"
    given = command(f"[ -e '{tmp_path}/gate' ] && wait=0 || wait=1000; echo $$ >>'{seen}'; sleep $wait; echo done")
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(host.read, given, Watcher())
        wait_for("it began", seen.exists)
        (tmp_path / "gate").touch()
        wire.hang_up()
        outcome = under_way.result(60)
        assert isinstance(outcome, Exited), outcome
        assert outcome.output.value == b"done\n"
        first = int(seen.read_text().split()[0])
        wait_for("what was left of the first is gone", lambda: not Path(f"/proc/{first}").exists())
        (tmp_path / "gate").unlink()
        wire.refuses = True
        under_way = pool.submit(host.read, given, Watcher())
        wait_for("it began", lambda: len(seen.read_text().split()) > 2)
        wire.hang_up()
        outcome = under_way.result(60)
        assert isinstance(outcome, Unreachable), outcome
    host.close()
