from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.views.console import Screen, colour_of, paint
from holdpoint.views.inert import inert, output_lines, typed
from holdpoint.views.lines import Segment, Tone, cells, chop, verbatim, wrap

ANY = st.one_of(st.text(), st.binary().map(lambda data: data.decode(errors="replace")), st.text("\x1b[31m\r\t\n ab"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[red]x[/red]", "[red]x[/red]"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\u202eb", r"a\u202eb"),
        ("a\x9bb", r"a\x9bb"),
        ("a\u2066b\u200b", r"a\u2066b\u200b"),
        ("a\rb", r"a\x0db"),
        ("a\tb", "a       b"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
        ("schön 日本\u00a0x", "schön 日本\u00a0x"),
    ],
)
def test_what_would_act_on_a_terminal_is_shown(text, shown):
    assert inert(text) == shown


@given(ANY)
def test_nothing_that_acts_on_a_terminal_comes_through(text):
    assert not [c for c in inert(text) if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert inert(inert(text)) == inert(text)


@given(ANY, st.sampled_from(Tone), st.booleans())
def test_only_our_own_colours_are_painted(text, tone, colour):
    painted = paint((Segment(text, tone),), colour=colour)
    code, reset = ("", "") if not colour else (painted.partition("m")[0] + "m", "\x1b[0m")
    inner = painted
    if painted.startswith("\x1b["):
        assert colour
        inner = painted.removeprefix(code).removesuffix(reset)
    assert "\x1b" not in inner
    assert "\n" not in inner


@given(ANY, st.integers(2, 30))
def test_a_line_that_is_cut_is_whole_again_when_joined(text, width):
    for at_spaces in (True, False):
        pieces = chop(text, width, at_spaces=at_spaces)
        assert "".join(pieces) == text
        assert all(cells(piece) <= width for piece in pieces)


@given(ANY, st.integers(24, 120))
def test_a_script_is_shown_whole_behind_its_gutter(text, width):
    lines = verbatim(text, width)
    assert "".join(line[2].text for line in lines) == inert(text.rstrip("\n")).replace("\n", "")


@given(ANY, st.integers(10, 60))
def test_prose_fits(text, width):
    assert all(cells(line) <= width for line in wrap(text, width))


def test_a_progress_bar_becomes_lines():
    assert output_lines("1 %\r2 %\r\n3 %\n") == ["1 %", "2 %", "3 %"]


def test_what_is_typed_loses_control_characters():
    assert typed(" \x1b[Arun\x7f\u202e ") == "[Arun"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "plain", "colour"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({}, True, True, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"TERM": "dumb"}, True, False, False),
        ({"FORCE_COLOR": "0"}, True, False, False),
        ({"FORCE_COLOR": "0"}, False, False, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False),
    ],
)
def test_colour_is_asked_for_or_absent(environ, terminal, plain, colour):
    out = Terminal() if terminal else io.StringIO()
    assert colour_of(out, plain=plain, environ=environ) is colour


def test_a_screen_that_is_gone_does_not_stop_a_run():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    screen = Screen(Gone(), environ={})
    screen.lines([(Segment("one"),)])
    screen.text("two")


def test_a_screen_without_unicode_gets_ascii():
    raw = io.BytesIO()
    screen = Screen(io.TextIOWrapper(raw, encoding="ascii"), environ={})
    screen.lines([(Segment("│ ", Tone.FRAME), Segment("schön"))])
    assert raw.getvalue() == b"| sch\\xf6n\n"
