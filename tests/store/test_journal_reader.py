import itertools
import threading

import pytest

from holdpoint.problem import Exit, HoldpointError
from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile
from holdpoint.store.journal_reader import PAUSE, follow, go_on, read_file, records
from tests.journal.chains import lines
from tests.store.conftest import tell

LINES = lines(3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


class Meanwhile:
    """What happens between two looks: one action each time, and then the end."""

    def __init__(self, *actions):
        self.actions = list(actions)
        self.pauses = []

    def __call__(self, pause):
        self.pauses.append(pause)
        if not self.actions:
            return True
        self.actions.pop(0)()
        return False


def adding(path, data):
    def add():
        with path.open("ab") as file:
            file.write(data)

    return add


def test_follows_another_process(path, writer):
    process = writer(path)
    assert process.stdout.readline() == "ready\n"
    assert tell(process, "a") == "0"
    meanwhile = Meanwhile(
        lambda: tell(process, "b"), lambda: None, lambda: (tell(process, "c"), tell(process, "d 100000"))
    )
    assert [record.kind for record in follow(path, meanwhile)] == ["a", "b", "c", "d"]
    assert len(meanwhile.pauses) == 4
    assert min(meanwhile.pauses) >= 0.2


def test_a_record_is_seen_once_it_is_whole(path):
    path.touch()
    for cut in range(1, len(LINES[1])):
        path.write_bytes(LINES[0])
        seen = []
        meanwhile = Meanwhile(
            adding(path, LINES[1][:cut]),
            lambda seen=seen: seen.append(len(seen)),
            adding(path, LINES[1][cut:]),
            adding(path, LINES[2]),
        )
        following = follow(path, meanwhile)
        assert next(following).seq == 0
        assert next(following).seq == 1
        assert seen == [0]  # nothing was yielded between the two halves
        assert [record.seq for record in following] == [2]


def test_a_torn_end_is_cut_off_by_a_resume_that_writes_as_many_bytes(path):
    path.write_bytes(LINES[0])
    torn = b'{"data":{"text":"' + b"x" * (len(LINES[1]) - 17)
    meanwhile = Meanwhile(adding(path, torn), lambda: path.write_bytes(LINES[0] + LINES[1]))
    assert [record.seq for record in follow(path, meanwhile)] == [0, 1]


def test_damage_and_loss_end_it(path):
    path.write_bytes(b"".join(LINES[:2]))
    with pytest.raises(HoldpointError) as caught:
        list(follow(path, Meanwhile(adding(path, LINES[0]))))
    assert caught.value.exit_code == Exit.DAMAGED
    path.write_bytes(b"".join(LINES[:2]))
    with pytest.raises(HoldpointError, match="lost records") as caught:
        list(follow(path, Meanwhile(lambda: path.write_bytes(LINES[0]))))
    assert caught.value.exit_code == Exit.DAMAGED
    path.unlink()
    with pytest.raises(HoldpointError, match="cannot be read"):
        list(follow(path))


def test_an_event_ends_it(path):
    path.write_bytes(b"".join(LINES))
    ended = threading.Event()
    following = follow(path, ended.wait)
    assert len(list(itertools.islice(following, 3))) == 3
    ended.set()
    assert list(following) == []


def test_the_pause_is_a_fifth_of_a_second():
    assert PAUSE >= 0.2
    assert go_on(0) is False


def test_a_journal_can_be_read_while_it_is_written(path):
    with JournalFile.create(path, "anna", SystemClock()) as journal:
        written = journal.append("a", {})
        with path.open("ab") as file:
            file.write(b'{"data":{"a')
        chain = read_file(path)
        assert chain.records == (written,)
        assert chain.torn == b'{"data":{"a'
        assert records(path) == (written,)
