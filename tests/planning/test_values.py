"""Values that were given, and defaults, become typed values; every problem is told at once."""

from __future__ import annotations

import pytest

from holdpoint.planning.values import bind
from holdpoint.problem import HoldpointError
from holdpoint.shell import Secret
from tests.engine.fakes import load
from tests.laws.terminal import book

PARAMS = """\
params:
  name: {type: string}
  count: {type: integer, default: 0, min: 0, max: 9}
  ratio: {type: number, default: 0.5}
  force: {type: boolean, default: false}
  where: {type: path, default: ""}
  token: {type: secret, from: {env: TOKEN}}
"""
BOOK = load(book("  []", params=PARAMS).replace('  where: {type: path, default: ""}\n', ""))
TOKEN = Secret("a-token")


def test_defaults_keep_their_type_also_where_they_are_false() -> None:
    bound = bind(BOOK, {"name": "x", "token": TOKEN})
    assert bound == {"name": "x", "count": 0, "ratio": 0.5, "force": False, "token": TOKEN}


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(HoldpointError) as error:
        bind(BOOK, {"cuont": "1", "count": "10", "force": "maybe", "token": "open"})
    codes = [problem.code for problem in error.value.problems]
    assert sorted(codes) == sorted(["unknown-param", "missing-param", "value-max", "value-type", "secret-value"]), codes
    assert "open" not in str(error.value).replace("in the open", "")


@pytest.mark.parametrize(
    "text", ["it's", "a\nb", "$(id)", "`id`", "a;b", "*", "x" * 100_000, "ünïcode", "\\", '"', "\x01\x7f"]
)
def test_texts_arrive_as_they_are(text: str) -> None:
    assert bind(BOOK, {"name": text, "token": TOKEN})["name"] == text


@pytest.mark.parametrize("text", ["-rf", "a\0b", "\udcff"])
def test_texts_that_are_refused(text: str) -> None:
    with pytest.raises(HoldpointError):
        bind(BOOK, {"name": text, "token": TOKEN})
