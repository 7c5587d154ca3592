"""The agent by itself, under each shell: at most once, whatever is killed, cut, deleted or forged."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Exited, NeverStarted, Outcome, Superseded, TimedOut, Unknown, Unreachable
from holdpoint.engine.ports import Unwatched, Wish
from holdpoint.hosts.agent import agent_path
from holdpoint.hosts.local import LocalMachine
from holdpoint.shell import Secret
from tests.hosts.support import (
    Watcher,
    bad,
    claim,
    command,
    ending,
    lives,
    machine,
    pids,
    ticket,
    wait_for,
    wipe,
    with_shell,
)
from tests.needs import require

TOKEN = "run1.t1"


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    require(request.param, request.param)
    return with_shell(tmp_path, request.param)


@pytest.fixture
def host(tmp_path: Path, shell: dict[str, str]) -> LocalMachine:
    return machine(tmp_path, environment=shell)


def spool(folder: Path) -> Path:
    return folder / "target" / f"agent-{os.getuid()}" / f"s.{TOKEN}"


def again(folder: Path, shell: dict[str, str], **changed: str) -> LocalMachine:
    """Make the machine that a client has which was started anew."""
    return machine(folder, environment={**shell, **changed})


def begin(host: LocalMachine, folder: Path) -> None:
    """Start a step that waits for the file `gate`, and leave it running."""
    text = f"echo $$ >>{folder}/pids; echo begun; while [ ! -e {folder}/gate ]; do sleep 0.02; done; exit 3"
    host.change(command(text), ticket(), Watcher(Wish.LEAVE, once_seen="begun"))
    wait_for("the step began", lambda: (folder / "pids").exists() and pids(folder / "pids"))


def settle(host: LocalMachine) -> Outcome:
    return host.settle(command("true"), ticket(), Watcher())


def supervisor(folder: Path) -> int:
    return int((spool(folder) / "started").read_text().split()[0])


def test_a_killed_supervisor_leaves_a_doubt_once_the_step_ended(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path
) -> None:
    with ending(tmp_path / "pids"):
        begin(host, tmp_path)
        os.kill(supervisor(tmp_path), signal.SIGKILL)
        with ThreadPoolExecutor() as pool:
            outcome = pool.submit(settle, again(tmp_path, shell))
            (tmp_path / "gate").touch()
            assert isinstance(outcome.result(60), Unknown)
        assert not lives(pids(tmp_path / "pids")[0])
        watchdog = pids(spool(tmp_path) / "dog")[0]
        wait_for("the watchdog ended too", lambda: not lives(watchdog))


def test_when_all_of_it_is_killed_the_outcome_is_in_doubt(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path
) -> None:
    with ending(tmp_path / "pids"):
        begin(host, tmp_path)
        os.kill(supervisor(tmp_path), signal.SIGKILL)
        os.killpg(pids(tmp_path / "pids")[0], signal.SIGKILL)
        assert isinstance(settle(again(tmp_path, shell)), Unknown)
        made = command(f"touch {tmp_path}/made")
        assert isinstance(again(tmp_path, shell).change(made, ticket(), Watcher()), Unknown)
        assert not (tmp_path / "made").exists()


def test_a_person_can_end_what_lost_its_supervisor(host: LocalMachine, shell: dict[str, str], tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        begin(host, tmp_path)
        os.kill(supervisor(tmp_path), signal.SIGKILL)
        outcome = again(tmp_path, shell).settle(command("true", grace=0.2), ticket(), Watcher(Wish.END))
        assert isinstance(outcome, Unknown)
        assert not lives(pids(tmp_path / "pids")[0])


@pytest.mark.parametrize("what", ["HOLDPOINT_BOOT_ID", "HOLDPOINT_MACHINE_ID"])
def test_another_boot_or_machine_is_a_doubt(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path, what: str
) -> None:
    with ending(tmp_path / "pids"):
        begin(host, tmp_path)
        (tmp_path / "other").write_text("0000-other\n")
        assert isinstance(settle(again(tmp_path, shell, **{what: str(tmp_path / "other")})), Unknown)


def test_a_machine_that_never_saw_the_token_cannot_say_it_never_ran(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path
) -> None:
    host.change(command("true"), ticket(), Watcher())
    (tmp_path / "other").write_text("0000-other\n")
    elsewhere = machine(tmp_path, environment={**shell, "HOLDPOINT_MACHINE_ID": str(tmp_path / "other")})
    assert isinstance(elsewhere.settle(command("true"), ticket("run1.t2"), Watcher()), Unknown)


def test_a_deleted_spool_is_a_doubt_and_nothing_runs_again(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path
) -> None:
    given = command(f"echo x >>{tmp_path}/made")
    host.change(given, ticket(), Watcher())
    wipe(spool(tmp_path))
    assert isinstance(settle(again(tmp_path, shell)), Unknown)
    assert isinstance(again(tmp_path, shell).change(given, ticket(), Watcher()), Unknown)
    assert (tmp_path / "made").read_text() == "x\n"


def test_24_starts_at_once_are_one_execution(tmp_path: Path, shell: dict[str, str]) -> None:
    given = command(f"echo x >>{tmp_path}/made; echo made; exit 6", timeout=100)
    machines = [machine(tmp_path, run=f"run{n}", environment=shell) for n in range(24)]
    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(lambda each: each.change(given, ticket(), Watcher()), machines))
    assert (tmp_path / "made").read_text() == "x\n"
    for outcome in outcomes:
        assert isinstance(outcome, Exited), outcome
        assert (outcome.code, outcome.output.value) == (6, b"made\n")


def arguments(folder: Path, *more: str) -> list[str]:
    return [f"target={folder}/target", f"memory_folder={folder}/memory", *more]


def agent(shell: dict[str, str], operation: str, given: list[str], sent: bytes = b"") -> bytes:
    line = ["sh", str(agent_path()), operation, *given]
    return subprocess.run(line, input=sent, env=shell, capture_output=True, timeout=60, check=False).stdout


def test_a_command_that_is_cut_at_any_byte_does_not_start(shell: dict[str, str], tmp_path: Path) -> None:
    text = f"touch {tmp_path}/made".encode()
    terms = arguments(
        tmp_path, f"token={TOKEN}", "digest=d1", "head=h1", "run=run1", f"size={len(text)}", "timeout=9000"
    )
    for cut in range(0, len(text), max(1, len(text) // 24)):
        assert agent(shell, "run", terms, text[:cut]).endswith(b"cut")
        assert agent(shell, "attach", terms).split(b"\n")[-1] in (b"none", b"claimed")
    assert not (tmp_path / "made").exists()
    assert not list((tmp_path / "target").rglob("cmd.*"))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "../x", "-x", "a/b", "a b", "a\nb", "é", "x" * 300, ".hidden", "*", "$(id)"]
)
def test_a_token_that_is_not_a_word_is_refused(shell: dict[str, str], tmp_path: Path, token: str) -> None:
    answer = agent(shell, "run", arguments(tmp_path, f"token={token}", "size=4"), b"true")
    assert b"\nrefused token" in answer
    assert not (tmp_path / "target").exists()


def test_the_command_is_on_no_disk_while_it_runs(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"):
        text = f'echo $$ >{tmp_path}/pids; echo begun; : "$key"; while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done'
        given = command(text, values={"key": Secret("wortschatz-17")})
        host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="begun"))
        wait_for("the command's file is gone", lambda: not list((tmp_path / "target").rglob("cmd.*")))
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or b"wortschatz" not in file.read_bytes(), file
        (tmp_path / "gate").touch()
        assert isinstance(settle(host), Exited)


def test_the_time_out_holds_without_a_client(host: LocalMachine, shell: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        given = command(f'"$python" "$bad" {file}', values=bad("deaf.py"), timeout=2, grace=0.2)
        host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="ready"))
        wait_for("the step was ended", lambda: not lives(pids(file)[0]))
        outcome = settle(again(tmp_path, shell))
        assert isinstance(outcome, TimedOut)
        assert outcome.ended


def test_the_time_out_holds_though_the_spool_was_deleted(host: LocalMachine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        given = command(f'"$python" "$bad" {file}', values=bad("deaf.py"), timeout=3, grace=0.2)
        host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="ready"))
        wipe(spool(tmp_path))
        wait_for("the step was ended", lambda: not lives(pids(file)[0]))
        assert isinstance(settle(host), Unknown)


def test_nothing_starts_under_an_epoch_that_was_passed(
    host: LocalMachine, shell: dict[str, str], tmp_path: Path
) -> None:
    host.lock(claim(), Unwatched())
    other = machine(tmp_path, run="run2", environment=shell)
    other.lock(claim("run2", "bob"), Unwatched(), take_over=True)
    outcome = host.change(command(f"touch {tmp_path}/made"), ticket(epoch=1), Watcher())
    assert isinstance(outcome, Superseded)
    assert "bob" in outcome.holder
    assert "run2" in outcome.holder
    assert not spool(tmp_path).exists()
    assert host.settle(command("true"), ticket(), Watcher()) == NeverStarted()
    assert isinstance(other.change(command("true"), ticket("run2.t1", epoch=2), Watcher()), Exited)
    assert not (tmp_path / "made").exists()


def test_old_output_is_dropped_where_the_spool_has_a_limit(shell: dict[str, str], tmp_path: Path) -> None:
    host = machine(tmp_path, environment=shell, spool_limit=1_000_000)
    with ending(tmp_path / "pids"):
        text = f"echo $$ >{tmp_path}/pids; head -c 5000000 /dev/zero; echo begun >&2; while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done; echo end"
        watcher = Watcher(Wish.LEAVE)
        watcher.wish = lambda: Wish.LEAVE if "begun" in watcher.seen["stderr"] else Wish.GO_ON  # type: ignore[method-assign]
        host.change(command(text), ticket(), watcher)
        out = spool(tmp_path) / "out"
        wait_for("the disk was given back", lambda: out.stat().st_blocks * 512 < 1_500_000)
        (tmp_path / "gate").touch()
        outcome = settle(again(tmp_path, shell))
        assert isinstance(outcome, Exited)
        assert outcome.output.stdout.endswith("end\n")
        assert outcome.output.stdout_size == 5_000_004
        kept = (tmp_path / "run1" / outcome.output.stdout_file).read_bytes()
        assert b"bytes were dropped on the target]" in kept[:100]


def test_a_folder_that_somebody_else_prepared_is_not_used(host: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "target").symlink_to(tmp_path / "elsewhere")
    outcome = host.change(command("true"), ticket(), Watcher())
    assert isinstance(outcome, Unreachable)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_without_setsid_and_proc_tools_the_results_are_the_same(tmp_path: Path, shell: dict[str, str]) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in (
        "sh",
        "cat",
        "dd",
        "ln",
        "mkdir",
        "rm",
        "wc",
        "sleep",
        "date",
        "grep",
        "sed",
        "mv",
        "ls",
        "sync",
        "chmod",
    ):
        place = next(p for folder in shell["PATH"].split(":") if os.access(p := Path(folder) / tool, os.X_OK))
        (bare / tool).symlink_to(place.resolve() if tool != "sh" else place)
    host = machine(tmp_path, environment={**shell, "PATH": str(bare)})
    outcome = host.change(command("echo out; exit 3"), ticket(), Watcher())
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.stdout) == (3, "out\n")
    late = host.change(command("sleep 1000", timeout=0.5, grace=0.2), ticket("run1.t2"), Watcher())
    assert isinstance(late, TimedOut)
    assert late.ended


def test_a_person_can_end_it_though_the_client_was_left(host: LocalMachine, tmp_path: Path) -> None:
    with ending(tmp_path / "pids"), suppress(ProcessLookupError):
        begin(host, tmp_path)
        outcome = host.settle(command("true", grace=0.2), ticket(), Watcher(Wish.END))
        assert not isinstance(outcome, Exited)
        assert not lives(pids(tmp_path / "pids")[0])
