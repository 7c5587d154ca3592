"""What a shell on a target says is told from what a step prints, wherever the stream is cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from holdpoint.hosts.agent import LinkRefused
from holdpoint.hosts.reader import MARK_LIMIT, Marks, Words

STREAM = b"a\x1eb\x1en\n\x1en0 no\n\x1en hello 1.2 b m\nout\n\x1en c ended 3 clean\n\x1e\x1en x\n\x1e"
SAID = [("hello", "1.2", "b", "m"), ("c", "ended", "3", "clean"), ("x",)]
PRINTED = b"a\x1eb\x1en\n\x1en0 no\nout\n\x1e\x1e"


def split(marks: Marks, pieces: Sequence[bytes]) -> tuple[bytes, list[Words]]:
    printed, said = b"", []
    for data in pieces:
        for piece in marks.split(data):
            if isinstance(piece, tuple):
                said.append(piece)
            else:
                printed += piece
    return printed, said


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 13, len(STREAM)])
def test_a_mark_is_found_wherever_the_stream_is_cut(width: int) -> None:
    pieces = [STREAM[at : at + width] for at in range(0, len(STREAM), width)]
    assert split(Marks("n"), [*pieces, b"."]) == (PRINTED + b".", SAID)


def test_what_may_become_a_mark_is_kept_back_and_nothing_else() -> None:
    marks = Marks("n")
    assert split(marks, [b"out\x1e"]) == (b"out", [])
    assert split(marks, [b"n"]) == (b"", [])
    assert split(marks, [b"o"]) == (b"\x1eno", [])


@pytest.mark.parametrize("size", [MARK_LIMIT, 3 * MARK_LIMIT])
@pytest.mark.parametrize("ends", [b"", b"\n"])
def test_a_mark_that_does_not_end_is_refused_and_not_waited_for(size: int, ends: bytes) -> None:
    with pytest.raises(LinkRefused, match="too long"):
        split(Marks("n"), [b"\x1en hello 1.2 b " + b"m" * size + ends])
