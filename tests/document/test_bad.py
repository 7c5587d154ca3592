"""Every bad document beside its whole message: what a person sees is what is tested."""

import pytest

from holdpoint.document import parse
from holdpoint.document.source import Source
from holdpoint.problem import HoldpointError, Level, draw
from tests.document.samples import HERE, SCHEMA

BAD = sorted((HERE / "bad").glob("*.yaml"))


def test_there_are_enough_of_them():
    assert len(BAD) >= 60


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_message(path):
    source = Source(path.name, path.read_bytes())
    found = parse.problems(source, SCHEMA)
    assert "\n".join(map(draw, found)) + "\n" == path.with_suffix(".expected").read_text()
    if any(problem.level is Level.ERROR for problem in found):
        with pytest.raises(HoldpointError) as caught:
            parse.parse(source, SCHEMA)
        assert caught.value.problems == tuple(problem for problem in found if problem.level is Level.ERROR)
        assert caught.value.exit_code == 2
    else:
        assert parse.parse(source, SCHEMA).id == path.stem


def test_no_message_is_left_without_its_document():
    assert {path.stem for path in (HERE / "bad").glob("*.expected")} == {path.stem for path in BAD}
