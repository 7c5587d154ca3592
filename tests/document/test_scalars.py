"""JSON scalars only: what other readers of YAML turn into something else stays what was written."""

import pytest

from holdpoint.document.source import Lines
from holdpoint.document.yaml import load


def value(text):
    tree, problems = load(f"key: {text}\n", Lines("x", (f"key: {text}",)))
    assert problems == ()
    return tree["key"]


@pytest.mark.parametrize("text", ["no", "yes", "on", "off", "y", "N", "True", "NULL", "~", "1:30", "0755", "0x1F", "1_000", ".inf", "-.inf", ".nan", "2026-11-23", "2026-11-23 10:00:00", "1.", ".5", "+1", "1e", "--", "0o17", "null_", "nan"])  # fmt: skip
def test_text(text):
    assert value(text) == text.strip()


@pytest.mark.parametrize(("text", "expected"), [("null", None), ("", None), ("true", True), ("false", False), ("0", 0), ("-0", 0), ("12", 12), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0), ("-2.5E-1", -0.25)])  # fmt: skip
def test_json_scalar(text, expected):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize("text", ["'12'", '"true"', "'null'"])
def test_quotes_make_text(text):
    assert value(text) == text[1:-1]


def test_keys_are_text():
    text = "on: a\n1: b\ntrue: c\n2026-11-23: d\n? e\n: f\n"
    tree, problems = load(text, Lines("x", tuple(text.split("\n"))))
    assert problems == ()
    assert list(tree) == ["on", "1", "true", "2026-11-23", "e"]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 19, "9" * 5000])
def test_numbers_without_bounds_are_refused(number):
    _, problems = load(f"key: {number}\n", Lines("x", (f"key: {number}",)))
    assert [problem.code for problem in problems] == ["number-too-large"]
