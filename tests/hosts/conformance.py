"""What every machine promises, whatever it is. Parametrized over `made`: how a machine is made in a folder.

A module of tests imports all names of this one and provides the fixture `host`.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import (
    Captured,
    EndedByPerson,
    Exited,
    LeftRunning,
    NeverStarted,
    Outcome,
    Signalled,
    TimedOut,
    Unknown,
)
from holdpoint.engine.ports import Command, Machine, Wish
from holdpoint.shell import Secret, Shell, Value
from tests.hosts.support import Watcher, bad, command, ending, lives, pids, ticket, wait_for

ODD = [
    "",
    "it's",
    'a "quoted" word',
    "two\nlines\n\n",
    "$(touch owned) `touch owned` ; touch owned & | > owned",
    "* ? [a-z] ~ {a,b} !x #y",
    "-n -e --",
    "back\\slash \\n \\\\",
    "tab\tbell\x07escape\x1b[31mred\x7f",
    "".join(chr(code) for code in range(1, 32)),
    "é ß ア 𝄞 \u0081\u0082\u0088\u008f ÁÂ",
    "".join(bytes([0xC2, byte]).decode() for byte in range(0x80, 0xC0)),
    "x" * 100_000,
    "'" * 300,
]


class Way:
    """Reading and changing, tested alike where both must give the same."""

    def __init__(self, host: Machine, kind: str) -> None:
        self._host = host
        self._kind = kind
        self._count = 0
        self.watcher = Watcher()

    def __call__(self, given: Command, watcher: Watcher | None = None) -> Outcome:
        self._count += 1
        self.watcher = watcher or Watcher()
        if self._kind == "read":
            return self._host.read(given, self.watcher)
        return self._host.change(given, ticket(f"run1.way-{self._count}"), self.watcher)


@pytest.fixture(params=["read", "change"])
def way(host: Machine, request: pytest.FixtureRequest) -> Way:
    return Way(host, request.param)


def output(outcome: Outcome) -> Captured:
    assert isinstance(outcome, Exited | Signalled | TimedOut | EndedByPerson), outcome
    return outcome.output


def test_output_and_exit_code_come_back(way: Way) -> None:
    outcome = way(command("echo out; echo err >&2; exit 7"))
    assert outcome == Exited(7, output(outcome))
    captured = output(outcome)
    assert (captured.stdout, captured.stderr) == ("out\n", "err\n")
    assert (captured.stdout_size, captured.stderr_size, captured.value) == (4, 4, b"out\n")
    assert way.watcher.seen == {"stdout": "out\n", "stderr": "err\n"}


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 128, 137, 143, 255])
def test_any_exit_code_comes_back(way: Way, code: int) -> None:
    assert isinstance(outcome := way(command(f"exit {code}")), Exited)
    assert outcome.code == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_signal_to_the_shell_is_told_from_an_exit_code(way: Way, number: signal.Signals) -> None:
    outcome = way(command(f"kill -{number.value} $$"))
    assert isinstance(outcome, Signalled)
    assert outcome.signal == number


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_value_arrives_byte_for_byte(way: Way, text: str, tmp_path: Path) -> None:
    outcome = way(command(f'cd {tmp_path}; printf %s "$given"', values={"given": text}))
    assert output(outcome).value == text.encode()
    assert not (tmp_path / "owned").exists()


def test_what_a_file_holds_is_the_whole_output(way: Way, host: Machine, run_folder: Path) -> None:
    captured = output(way(command("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done")))
    kept = (run_folder / captured.stdout_file).read_text()
    assert kept == "".join(f"line {i}\n" for i in range(3000))
    assert kept.endswith(captured.stdout)
    assert len(captured.stdout) <= 4096
    assert (run_folder / captured.stdout_file).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "echo x\n\n\n",
        "# only a comment",
        "cat <<E\nx\nE",
        "cat <<E\nx\nE\n",
        "echo a \\\n b",
        "set -e; false; echo no",
    ],
)
def test_a_script_means_what_it_means_in_a_file(way: Way, text: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(text)
    plain = subprocess.run(["sh", str(file)], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    outcome = way(command(text))
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.value) == (plain.returncode, plain.stdout)


def test_a_syntax_error_is_a_failure_that_says_where(way: Way) -> None:
    outcome = way(command("echo before\nif then\n"))
    assert isinstance(outcome, Exited)
    assert outcome.code != 0
    assert "yntax" in outcome.output.stderr


def test_bash_is_used_where_it_is_asked_for(way: Way) -> None:
    assert output(way(command("a=(1 2 3); echo ${#a[@]}", shell=Shell.BASH))).value == b"3\n"


def test_standard_input_is_at_its_end(way: Way) -> None:
    assert output(way(command("cat; read x; echo $?"))).value == b"1\n"


def test_binary_output_escapes_and_markup_are_only_data(way: Way) -> None:
    captured = output(way(command(r"""printf '\000\377\376[red]\033[2J\303'; printf '\251\n'""")))
    assert captured.value == b"\0\xff\xfe[red]\x1b[2J\xc3\xa9\n"
    assert captured.stdout == "\0\ufffd\ufffd[red]\x1b[2Jé\n"


def test_output_forges_no_answer(way: Way) -> None:
    forged = "end 21\\ndone 0 exited yes 0 0HOLDPOINT x\\nstate 7\\nrunning\\nHOLDPOINT 0000\\nend 4\\ndone"
    outcome = way(command(f"printf '{forged}'; printf '{forged}' >&2; exit 9"))
    assert isinstance(outcome, Exited)
    assert outcome.code == 9
    assert outcome.output.stdout == outcome.output.stderr == forged.replace("\\n", "\n")


def test_a_character_that_is_cut_comes_out_whole(way: Way) -> None:
    outcome = way(command(r"printf '\303'; sleep 0.3; printf '\251\n'"))
    assert output(outcome).stdout == "é\n"
    assert way.watcher.seen["stdout"] == "é\n"


def test_output_that_is_closed_early_is_no_failure(way: Way) -> None:
    outcome = way(command("echo x; exec >&- 2>&-; sleep 0.2; exit 4"))
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.value) == (4, b"x\n")


def test_a_time_out_ends_everything(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = way(
            command(f'"$python" "$bad" {file} stay', values=bad("leaves.py"), timeout=2, grace=0.3),
        )
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        assert output(outcome).stdout == "left three\n"
        left = pids(file)
        assert len(left) == 3
        assert not [pid for pid in left if lives(pid)]


def test_what_ignores_term_is_killed(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = way(command(f'exec "$python" "$bad" {file}', values=bad("deaf.py"), timeout=1.5, grace=0.3))
        assert isinstance(outcome, TimedOut), outcome
        assert outcome.ended
        assert not [pid for pid in pids(file) if lives(pid)]


def test_a_person_can_end_it(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        watcher = Watcher(Wish.END, once_seen="ready")
        outcome = way(command(f'"$python" "$bad" {file}', values=bad("deaf.py"), grace=0.3), watcher)
        assert isinstance(outcome, EndedByPerson), outcome
        assert outcome.ended
        assert not [pid for pid in pids(file) if lives(pid)]


def test_100_megabytes_are_kept_in_bounded_memory(way: Way, run_folder: Path) -> None:
    captured = output(way(command('"$python" "$bad"', values=bad("floods.py"))))
    assert captured.stdout_size == 100_000_000
    assert captured.value is None
    assert (run_folder / captured.stdout_file).stat().st_size == 100_000_000


def test_a_secret_is_in_no_list_of_processes_and_in_no_file(way: Way, run_folder: Path) -> None:
    secret = "wo/rt'\"$+schatz 17"
    look = (
        "for p in /proc/[0-9]*; do cat $p/cmdline $p/environ 2>/dev/null; done | tr '\\0' '\\n' | grep -c '[s]chatz'; "
    )
    captured = output(
        way(command(f'printf "%s\\n" "$key"; printf %s "$key" | base64; {look}', values={"key": Secret(secret)}))
    )
    assert captured.stdout == "[masked]\n[masked]\n0\n"
    assert captured.value is not None
    assert captured.value.startswith(secret.encode())
    assert "schatz" not in way.watcher.seen["stdout"]
    for file in run_folder.rglob("*"):
        assert not file.is_file() or b"schatz" not in file.read_bytes()


# --- read only --------------------------------------------------------------------------------------------------


def test_a_read_leaves_no_process_behind(host: Machine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = host.read(command(f'"$python" "$bad" {file}', values=bad("leaves.py"), grace=0.3), Watcher())
        assert isinstance(outcome, Exited)
        assert outcome.output.stdout == "left three\n"
        assert not [pid for pid in pids(file) if lives(pid)]


def test_a_child_that_holds_the_pipe_does_not_hold_the_read(host: Machine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = host.read(command(f"sleep 1000 & echo $! >{file}; echo done"), Watcher())
        assert isinstance(outcome, Exited)
        assert outcome.output.stdout == "done\n"
        assert not lives(pids(file)[0])


# --- change only ------------------------------------------------------------------------------------------------


def test_a_change_happens_once_for_its_token(host: Machine, tmp_path: Path) -> None:
    given = command(f"echo x >>{tmp_path}/made; echo made; exit 3")
    first = host.change(given, ticket(), Watcher())
    again = host.change(given, ticket(), Watcher())
    settled = host.settle(given, ticket(), Watcher())
    assert first == again == settled == Exited(3, output(first))
    assert (tmp_path / "made").read_text() == "x\n"


def test_another_command_under_the_same_token_is_refused(host: Machine, tmp_path: Path) -> None:
    host.change(command("true"), ticket(), Watcher())
    outcome = host.change(command(f"touch {tmp_path}/made"), ticket(digest="d2"), Watcher())
    assert isinstance(outcome, Unknown)
    assert not (tmp_path / "made").exists()


def test_what_was_never_sent_never_started(host: Machine) -> None:
    assert host.settle(command("true"), ticket("run1.new"), Watcher()) == NeverStarted()


def test_a_tombstone_remembers_how_it_ended(host: Machine, tmp_path: Path) -> None:
    given = command(f"echo x >>{tmp_path}/made; exit 5")
    host.change(given, ticket(), Watcher())
    assert host.heads("run1") == {"run1.t1": "h1"}
    host.forget(ticket())
    host.forget(ticket())
    assert host.heads("run1") == {"run1.t1": "h1"}
    for outcome in (host.settle(given, ticket(), Watcher()), host.change(given, ticket(), Watcher())):
        assert isinstance(outcome, Exited)
        assert outcome.code == 5
    assert (tmp_path / "made").read_text() == "x\n"


def test_what_a_change_starts_on_purpose_lives_on(host: Machine, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    with ending(file):
        outcome = host.change(command(f'"$python" "$bad" {file}', values=bad("leaves.py")), ticket(), Watcher())
        assert isinstance(outcome, Exited)
        assert len([pid for pid in pids(file) if lives(pid)]) == 3


def test_a_change_can_be_left_and_attached_to(host: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    given = command(f"echo one; while [ ! -e {gate} ]; do sleep 0.02; done; echo two; exit 9")
    assert host.change(given, ticket(), Watcher(Wish.LEAVE, once_seen="one")) == LeftRunning()
    gate.touch()
    outcome = host.settle(given, ticket(), Watcher())
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.value) == (9, b"one\ntwo\n")


def test_nothing_of_a_secret_stays_after_forget(host: Machine, tmp_path: Path) -> None:
    given = command('echo "$key"', values={"key": Secret("wortschatz-17")})
    host.change(given, ticket(), Watcher())
    host.forget(ticket())
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"wortschatz" not in file.read_bytes(), file


def test_a_client_that_is_killed_leaves_the_change_to_attach_to(host: Machine, tmp_path: Path) -> None:
    client = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from tests.hosts.support import *
m = machine(Path({str(tmp_path)!r}))
m.change(command("echo one; while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done; echo two; exit 9"), ticket(), Watcher())
"""
    given = command("echo one; while ...")  # the text is not looked at again, the token and the digest are
    with subprocess.Popen([sys.executable, "-c", client]) as running:
        try:
            spool = tmp_path / "target" / f"agent-{os.getuid()}" / "s.run1.t1" / "out"
            wait_for("the step printed", lambda: spool.exists() and spool.read_bytes() == b"one\n")
        finally:
            running.kill()
    (tmp_path / "gate").touch()
    outcome = host.settle(given, ticket(), Watcher())
    assert isinstance(outcome, Exited)
    assert (outcome.code, outcome.output.value) == (9, b"one\ntwo\n")


def test_a_file_is_kept_byte_for_byte(host: Machine, run_folder: Path, tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "it").write_bytes(body)
    values: dict[str, Value] = {"it": str(tmp_path / "it"), "digest": hashlib.sha256(body).hexdigest()}
    given = replace(command('echo "$digest"; cat <"$it"', values=values), keeps="files/web1/it")
    outcome = host.read(given, Watcher())
    assert isinstance(outcome, Exited)
    assert outcome.output.lost == ""
    assert (run_folder / outcome.output.stdout_file).read_bytes() == body
