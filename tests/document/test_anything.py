"""Whatever is in a file, the answer is a runbook or problems, never a traceback."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.document import shelltext, texts
from holdpoint.document.model import Runbook
from holdpoint.problem import HoldpointError, draw
from tests.document.samples import WHOLE, load, problems
from tests.document.test_schema import TREE, VALUES, leaves, replaced

MANY = settings(max_examples=100, deadline=None)
SOME = settings(max_examples=30, deadline=None)
PIECES = st.sampled_from(["\n", "  ", "- ", ": ", "{", "}", "[", "]", "'", '"', "|", ">", "&a ", "*a", "!t ", "#", "%", "@", "`", "\t", "\0", "---", "...", "? ", "<<: ", "$(", "${", "é", "\U0001f600", "null", "1e999"])  # fmt: skip


def answer(data, name="small.yaml"):
    found = problems(data, name)
    for problem in found:
        assert draw(problem)
        assert problem.message
    try:
        runbook = load(data, name)
    except HoldpointError as refused:
        said = refused.problems
    else:
        assert isinstance(runbook, Runbook)
        return
    assert said
    assert set(said) <= set(found) or len(found) > 100


@MANY
@given(st.binary(max_size=300))
def test_bytes(data):
    answer(data)


@MANY
@given(st.lists(PIECES | st.text(max_size=5), max_size=40))
def test_pieces_of_yaml(pieces):
    answer("".join(pieces).encode("utf-8", "surrogatepass"))


@MANY
@given(VALUES)
def test_structures(value):
    answer(json.dumps(value))


@SOME
@given(path=st.sampled_from(list(leaves(TREE))), depth=st.integers(1, 8), value=VALUES)
def test_a_valid_document_with_one_part_replaced(path, depth, value):
    answer(json.dumps(replaced(TREE, path[:depth], value)), "whole.yaml")


@MANY
@given(st.integers(0, len(WHOLE)), st.integers(0, 60), PIECES)
def test_a_valid_document_with_some_text_replaced(start, length, piece):
    answer(WHOLE[:start] + piece + WHOLE[start + length :], "whole.yaml")


@MANY
@given(st.text(alphabet="ab$(){}'\"`\\#<> \n=;|&E-:?", max_size=60))
def test_any_script_can_be_scanned(script):
    known = frozenset({"a", "b"})
    assert shelltext.reads(script, known) <= known
    shelltext.unknown(script, known)


@MANY
@given(st.text(alphabet="ab{}_ ", max_size=30))
def test_any_text_can_be_filled(text):
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert texts.fill(doubled, {}.get) == text
    assert "(a not known)" in texts.fill("{a}" + text, {}.get)
