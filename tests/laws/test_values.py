"""A value arrives in a step byte for byte, whatever it holds and whatever shell reads it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdpoint.shell import Script, Secret
from tests.needs import require

SHELLS = {"dash": ("dash", []), "bash": ("bash", []), "busybox": ("busybox", ["sh"])}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize("name", SHELLS)
def test_byte_for_byte(name: str) -> None:
    program, words = SHELLS[name]
    shell = require(program, name)

    @given(TEXTS)
    @example("'")
    @example("it's $(id) `id` ; * ? [a] \\ \" \n\n")
    @example("\x01\x7f\u0081\u0088\u0090ÿ")
    @example("-n\r\t")
    def arrives(text: str) -> None:
        script = Script('printf %s "$one"; printf %s "$two"', (("one", text), ("two", Secret(text))))
        done = subprocess.run([shell, *words], input=script.raw().encode(), capture_output=True, check=True)
        assert done.stdout == text.encode() * 2

    arrives()


def test_100_kb() -> None:
    text = "x'\n" * 34_000
    script = Script('printf %s "$value" | wc -c', (("value", text),))
    done = subprocess.run(["sh"], input=script.raw().encode(), capture_output=True, check=True)
    assert int(done.stdout) == len(text)
