import os
import time

import pytest

from holdpoint.store.messenger import CommandMessenger


def sent(command, text="The disk is full", to="backup", seconds=10.0):
    environ = {"PATH": os.environ["PATH"], "HOLDPOINT_NOTIFY": command}
    return CommandMessenger(environ, seconds=seconds).send(to, text)


def test_the_command_gets_the_message_and_whom_it_is_for(tmp_path):
    file = tmp_path / "got"
    said = sent(f'cat >{file}; printf %s "$HOLDPOINT_TO" >>{file}', "The disk is füll\n$(id)")
    assert said == "sent to `backup` by the command of `$HOLDPOINT_NOTIFY`"
    assert file.read_text() == "The disk is füll\n$(id)\nbackup"


@pytest.mark.parametrize("environ", [{}, {"HOLDPOINT_NOTIFY": ""}, {"HOLDPOINT_NOTIFY": "  "}])
def test_without_a_command_it_is_for_pasting(environ):
    said = CommandMessenger(environ).send("backup", "x")
    assert said == "not sent: `$HOLDPOINT_NOTIFY` is not set; the message to `backup` is printed here for pasting"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo one >&2; echo 'no route' >&2; exit 7", "failed with exit code 7: no route"),
        ("kill -9 $$", "was ended by signal 9"),
        ("no-such-program-1", "failed with exit code 127"),
        ("sleep 60", "did not end in time and was ended, so whether it was delivered is not known"),
        ("yes", "gave too much output"),
    ],
)
def test_failure_is_told_loudly_and_never_raised(command, why):
    said = sent(command, seconds=0.5 if "in time" in why else 10)
    assert said.startswith("NOT SENT to `backup`: the command of `$HOLDPOINT_NOTIFY` ")
    assert why in said


@pytest.mark.parametrize(
    ("to", "text"), [("a\0b", "x"), ("x" * 3_000_000, "x"), ("\ud800", "x")], ids=["NUL", "long", "surrogate"]
)
def test_what_cannot_be_handed_over_is_a_failure_too(to, text):
    assert sent("cat", text, to).startswith("NOT SENT to ")


def test_text_that_is_no_utf8_is_sent_all_the_same(tmp_path):
    assert sent(f"cat >{tmp_path}/got", "a\udcffb").startswith("sent to")
    assert (tmp_path / "got").read_bytes() == b"a?b\n"


def test_a_long_message_to_a_command_that_does_not_read():
    assert sent("exit 0", "x" * 1_000_000).startswith("sent to")
    assert sent("sleep 0.3", "x" * 1_000_000).startswith("sent to")
    assert sent("cat >/dev/null", "x" * 5_000_000).startswith("sent to")


def test_the_address_of_a_hook_is_not_told():
    said = sent("echo 'curl: (22) https://me:pw@hooks.example.com/services/T0/SECRET?x=1 said 404' >&2; exit 22")
    assert "https://hooks.example.com/… said 404" in said
    assert "SECRET" not in said
    assert "pw" not in said


def test_what_it_leaves_behind_is_not_waited_for():
    started = time.monotonic()
    assert sent("sleep 50 & exit 0", seconds=30).startswith("sent to")
    assert time.monotonic() - started < 20
