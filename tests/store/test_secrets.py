import os
import select
import sys
import time

import pytest

from holdpoint.document.model import FromCommand, FromEnv, FromPrompt, Param, ValueType
from holdpoint.problem import HoldpointError, Place, draw
from holdpoint.store.secrets import LIMIT, resolve

PLACE = Place("runbooks/x.yaml", 9, 3)


def resolved(source, *, environ=None, prompt=None, seconds=10.0, text=""):
    param = Param("token", ValueType.SECRET, PLACE, prompt=text, source=source)
    environ = {"PATH": os.environ["PATH"], **(environ or {})}
    return resolve(param, environ=environ, prompt=prompt, seconds=seconds).reveal()


def refused(source, **more):
    with pytest.raises(HoldpointError) as caught:
        resolved(source, **more)
    [problem] = caught.value.problems
    assert problem.place == PLACE
    assert "`token`" in problem.message
    return draw(problem)


def sh(script):
    return FromCommand(("sh", "-c", script))


@pytest.mark.parametrize(
    ("printed", "secret"),
    [
        ("hunter22", "hunter22"),
        (r"hunter22\n\n", "hunter22"),
        (r"\n hunter22 \n", "\n hunter22 "),
        (r"-----BEGIN\nabc\n-----END\n", "-----BEGIN\nabc\n-----END"),
        ("p\u00e4ss", "p\u00e4ss"),
    ],
)
def test_from_a_command(printed, secret):
    assert resolved(sh(f"printf -- '{printed}'")) == secret


def test_the_command_is_run_without_a_shell_and_without_input(tmp_path):
    assert resolved(FromCommand(("echo", "$HOME; `id` *"))) == "$HOME; `id` *"
    assert resolved(sh("cat; echo over")) == "over"
    assert resolved(sh('echo "$X"'), environ={"X": "from-environ"}) == "from-environ"


def test_a_secret_as_long_as_a_pipe_and_longer():
    text = "x" * (LIMIT - 1)
    assert resolved(FromCommand((sys.executable, "-c", f"print('x' * {LIMIT - 1})"))) == text


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo hunter22; echo 'no such entry' >&2; exit 3", "failed with exit code 3"),
        ("echo hunter22; kill -9 $$", "was ended by signal 9"),
        ("printf ''", "it is empty"),
        (r"printf '\n\n'", "it is empty"),
        ("echo abc", "fewer than 4 characters"),
        (r"printf 'hunter22\0x'", "NUL"),
        (r"printf 'hunter22\377'", "not UTF-8"),
        ("yes hunter22", "too much output"),
        ("echo hunter22; sleep 60", "did not end in time"),
        ("echo hunter22; trap '' TERM; sleep 60 & wait; sleep 60", "did not end in time"),
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_any_of_it(script, why):
    seconds = 0.5 if "in time" in why else 10
    text = refused(sh(script), seconds=seconds)
    assert why in text
    assert "hunter22" not in text
    assert ("no such entry" in text) == ("no such entry" in script)


def test_no_part_of_it_stands_in_the_traceback():
    with pytest.raises(HoldpointError) as caught:
        resolved(sh(r"printf 'hunter22\377'"))
    assert caught.value.__suppress_context__  # the decoder's error has the bytes


def test_the_errors_of_the_command_are_shown_without_control_characters():
    text = refused(sh(r"printf '\033[31mgpg: no key\033[0m\a\n' >&2; exit 2"))
    assert "gpg: no key" in text
    assert "\033" not in text
    assert "\a" not in text


def test_a_command_that_is_not_there():
    assert "cannot be started: No such file" in refused(FromCommand(("no-such-program-1",)))
    assert "cannot be started" in refused(FromCommand(()))
    assert "cannot be started" in refused(FromCommand(("echo", "a\0b")))


@pytest.mark.parametrize("before", ["", "trap '' TERM;"], ids=["", "ignores TERM"])
def test_what_it_leaves_behind_is_ended_and_not_waited_for(tmp_path, before):
    started = time.monotonic()
    file = tmp_path / "pid"
    assert resolved(sh(f"{before} echo hunter22; sleep 50 & echo $! >{file}"), seconds=30) == "hunter22"
    assert time.monotonic() - started < 20
    try:
        process = os.pidfd_open(int(file.read_text()))
    except ProcessLookupError:
        return
    ended, _, _ = select.select([process], [], [], 20)
    os.close(process)
    assert ended


def test_from_the_environment():
    assert resolved(FromEnv("DB_TOKEN"), environ={"DB_TOKEN": "hunter22\n"}) == "hunter22\n"
    assert "the variable `DB_TOKEN` is not set" in refused(FromEnv("DB_TOKEN"))
    assert "it is empty" in refused(FromEnv("DB_TOKEN"), environ={"DB_TOKEN": ""})
    text = refused(FromEnv("DB_TOKEN"), environ={"DB_TOKEN": "hunter22\udcff"})
    assert "not UTF-8" in text
    assert "hunter22" not in text


def test_from_the_person():
    asked = []

    def prompt(text):
        asked.append(text)
        return "hunter22"

    assert resolved(FromPrompt(), prompt=prompt) == "hunter22"
    assert resolved(FromPrompt(), prompt=prompt, text="The token?") == "hunter22"
    assert asked == ["token: ", "The token?"]
    assert "there is no terminal" in refused(FromPrompt())
    assert "fewer than 4" in refused(FromPrompt(), prompt=lambda _: "abc")


def test_a_parameter_without_a_source_is_a_defect():
    with pytest.raises(ValueError):
        resolved(None)


def test_what_the_command_printed_is_taken_out_of_its_complaint():
    drawn = refused(sh("echo hunter22; echo 'bad permissions for hunter22' >&2; exit 3"))
    assert "hunter22" not in drawn
    assert "bad permissions for [masked]" in drawn
