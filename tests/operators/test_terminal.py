"""A person at a real terminal: what they type, and what of it counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).parents[2]
PROMPT = "PRODUCTION db1 > "
STAGING = "staging stage1, stage2 > "


def spawn(*arguments, rows=50, **environ):
    clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    environment = {**clean, "PYTHONPATH": f"{ROOT / 'lib'}:{ROOT}", "TERM": "xterm", **environ}
    return pexpect.spawn(
        sys.executable,
        ["-m", "tests.operators.child", *map(str, arguments)],
        env=environment,
        cwd=str(ROOT),
        dimensions=(rows, 80),
        timeout=20,
        encoding="utf-8",
    )


def reply(child):
    child.expect(r"reply: (.*)\r\n")
    return child.match[1]


def test_only_a_whole_word_answers():
    child = spawn("ask", "change", "", "")
    for typed, said in (
        ("", "Enter alone does nothing."),
        ("rn", "Did you mean `run`?"),
        ("y", "`y` is none of the words."),
        ("RUN", "Did you mean `run`?"),
        ("run it", "is none of the words."),
    ):
        child.expect_exact(STAGING)
        child.sendline(typed)
        child.expect_exact(said)
        child.expect_exact("Nothing was agreed to.")
    child.expect_exact(STAGING)
    child.sendline(" run ")
    assert reply(child) == "Answer(text='run', person='ann', by=<By.HAND: 'hand'>)"


def test_a_host_is_named_where_something_is_destroyed():
    child = spawn("ask", "destroy", "", "")
    child.expect_exact(PROMPT)
    child.sendline("run")
    child.expect_exact("Here `run` does not suffice: type db1.")
    child.expect_exact(PROMPT)
    child.sendline("db1")
    child.expect_exact("inv run.approve")
    assert "text='run'" in reply(child)


def test_every_host_is_named():
    child = spawn("ask", "both", "", "")
    child.expect_exact("PRODUCTION db1, db2 > ")
    child.sendline("db2")
    child.expect_exact("Still missing: db1.")
    child.expect_exact("PRODUCTION db1, db2 > ")
    child.sendline("db2, db1")
    assert "text='run'" in reply(child)


def test_show_prints_everything_and_asks_again():
    child = spawn("ask", "destroy", "", "")
    child.expect_exact(PROMPT)
    child.sendline("show")
    child.expect_exact("--and-a-very-long-option --so-that-this-line-has-to-be-wrapped")
    child.expect_exact(r"\x1b[31m[red]")
    child.expect_exact(PROMPT)
    child.sendline("stop")
    assert "text='stop'" in reply(child)


def test_what_is_longer_than_the_screen_is_read_a_screen_at_a_time_and_agrees_to_nothing():
    child = spawn("ask", "long", "", "", rows=24)
    child.expect_exact("the command has 65 lines")
    child.expect_exact(STAGING)
    child.sendline("show")
    seen = ""
    for _ in range(3):
        child.expect_exact("\r\n")  # what was typed
        child.expect(r"\d+ more lines: Enter goes on, q ends > ")
        assert child.before.count("\n") == 23
        seen += child.before
        child.sendline("")
    assert [f"step {number}\r\n" in seen for number in range(1, 51)] == [True] * 50
    child.expect(r"\d+ more lines: Enter goes on, q ends > ")
    child.sendline("run")
    child.expect_exact(STAGING)
    child.sendline("stop")
    assert "text='stop'" in reply(child)


def test_the_time_of_a_gate_runs_on_while_it_is_read():
    child = spawn("ask", "long", "2", "", rows=24)
    child.expect_exact(STAGING)
    child.sendline("show")
    child.expect_exact("Enter goes on, q ends > ")
    assert "ELAPSED" in reply(child)


def test_what_was_typed_before_the_question_does_not_answer_it(tmp_path):
    child = spawn("ask", "destroy", "", tmp_path / "go")
    child.expect_exact("ready")
    child.send("db1\ndb1\ndb")
    child.expect_exact("db1\r\ndb1\r\ndb")
    (tmp_path / "go").touch()
    child.expect_exact(PROMPT)
    child.sendline("skip")
    assert "text='skip'" in reply(child)


def test_the_rest_of_a_paste_does_not_answer_the_next_question():
    child = spawn("twice", "change")
    child.expect_exact(STAGING)
    child.send("stop\nrun\nrun\n")
    assert "text='stop'" in reply(child)
    child.expect_exact(STAGING)
    child.sendline("skip")
    assert "text='skip'" in reply(child)


def test_the_end_of_input_is_no_answer():
    child = spawn("ask", "change", "", "")
    child.expect_exact(STAGING)
    child.sendeof()
    assert reply(child) == "<Silence.CLOSED: 'the input was closed'>"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_no_answer(number):
    child = spawn("ask", "change", "", "")
    child.expect_exact(STAGING)
    if number == signal.SIGINT:
        child.sendintr()
    else:
        child.kill(number)
    assert reply(child) == "<Silence.INTERRUPTED: 'interrupted'>"


def test_the_time_runs_out_and_not_before():
    before = datetime.now(UTC)
    child = spawn("ask", "change", "0.3", "")
    assert reply(child) == "<Silence.ELAPSED: 'the time was up'>"
    assert (datetime.now(UTC) - before).total_seconds() >= 0.3


def test_control_characters_are_no_part_of_an_answer():
    child = spawn("ask", "change", "", "")
    child.expect_exact(STAGING)
    child.send("\x1b[Crun\n")
    child.expect_exact("`[Crun` is none of the words.")
    child.expect_exact(STAGING)
    child.sendline("stop")
    reply(child)


def test_a_value_is_free_text_and_not_empty():
    child = spawn("ask", "value", "", "")
    child.expect_exact("practice box > ")
    child.sendline("")
    child.expect_exact("An empty answer is none.")
    child.expect_exact("practice box > ")
    child.sendline("the team of Zoë & co.")
    assert "text='the team of Zoë & co.'" in reply(child)


def test_a_secret_is_not_echoed():
    child = spawn("ask", "value-hidden", "", "")
    child.expect_exact("It is not shown")
    child.expect_exact("practice box > ")
    child.sendline("hunter2")
    child.expect_exact("reply: ")
    assert "hunter2" not in child.before
    child.expect_exact("hunter2")


def test_nobody_is_there_without_a_terminal():
    done = subprocess.run(
        [sys.executable, "-m", "tests.operators.child", "ask", "destroy", "", ""],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'lib'}:{ROOT}"},
        input="db1\nrun\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "reply: <Silence.NO_TERMINAL: 'no terminal'>" in done.stdout
    assert "##  PRODUCTION   db1" in done.stdout
    assert "\x1b" not in done.stdout


# --- watching ---------------------------------------------------------------------------------------------------


def watching(tmp_path, effect, text=""):
    output = ""
    if text:
        output = tmp_path / "output"
        output.write_text(text)
    child = spawn("watch", effect, tmp_path / "done", output)
    child.expect_exact("watching")
    return child


def wish(child):
    child.expect(r"wish: (\S+)\r\n")
    return child.match[1]


def test_a_read_is_ended_by_an_interrupt(tmp_path):
    child = watching(tmp_path, "read")
    child.sendintr()
    assert wish(child) == "end"


@pytest.mark.parametrize("word", ["leave", "end"])
def test_a_change_is_ended_or_left_only_by_a_word(tmp_path, word):
    child = watching(tmp_path, "change")
    child.sendintr()
    child.expect_exact("It runs on while you choose")
    child.expect_exact("wait, leave or end> ")
    child.sendline("laeve")
    child.expect_exact("Did you mean `leave`?")
    child.expect_exact("wait, leave or end> ")
    child.sendline(word)
    assert wish(child) == word


@pytest.mark.parametrize("word", ["wait", ""])
def test_waiting_is_the_default(tmp_path, word):
    child = watching(tmp_path, "change")
    child.sendintr()
    child.expect_exact("wait, leave or end> ")
    child.sendline(word)
    child.expect_exact("Watching on.")
    (tmp_path / "done").touch()
    assert wish(child) == "go-on"


def test_a_second_interrupt_leaves_it_running(tmp_path):
    child = watching(tmp_path, "destroy")
    child.sendintr()
    child.expect_exact("wait, leave or end> ")
    child.sendintr()
    assert wish(child) == "leave"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_a_change_running(tmp_path, number):
    child = watching(tmp_path, "change")
    child.kill(number)
    assert wish(child) == "leave"


def test_a_step_can_end_while_the_menu_is_open(tmp_path):
    child = watching(tmp_path, "change")
    child.sendintr()
    child.expect_exact("wait, leave or end> ")
    (tmp_path / "done").touch()
    child.expect_exact("It ended while you were choosing.")
    assert wish(child) == "go-on"


def test_a_sign_of_life_is_rewritten_in_place(tmp_path):
    child = watching(tmp_path, "change")
    child.expect(r"\r\x1b\[K.*truncate  \(db1\)")
    (tmp_path / "done").touch()
    assert wish(child) == "go-on"


def test_output_is_bounded_and_inert(tmp_path):
    text = "".join(f"line {n} \x1b[31m[red]\u202e\n" for n in range(1000))
    child = watching(tmp_path, "change", text)
    shown = child.before
    assert shown.count("line ") == 20
    assert r"line 0 \x1b[31m[red]\u202e" in shown
    (tmp_path / "done").touch()
    child.expect_exact("... 975 more lines")
    child.expect_exact("line 999")
    wish(child)
