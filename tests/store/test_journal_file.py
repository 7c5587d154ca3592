import os
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdpoint.engine.ports import JournalFailed
from holdpoint.journal.record import encode
from holdpoint.problem import Exit, HoldpointError
from holdpoint.store.clock import FrozenClock, SystemClock
from holdpoint.store.journal_file import RESERVE, JournalFile, Keeping
from holdpoint.store.journal_reader import read_file, records
from holdpoint.store.memory_journal import MemoryJournal
from tests.journal.chains import NOON
from tests.journal.test_record import JSON, TEXT
from tests.store.conftest import tell

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_what_is_appended_is_there_again(path):
    with JournalFile.create(path, "anna", CLOCK) as journal:
        written = [journal.append("a", {"n": n}) for n in range(3)]
        assert journal.records == written
        assert journal.head == written[-1].hash
    with JournalFile.open(path, "bob", CLOCK) as journal:
        assert journal.records == written
        assert journal.cut_off == b""
        written.append(journal.append("b", {}))
    assert records(path) == tuple(written)
    assert [record.person for record in written] == ["anna", "anna", "anna", "bob"]
    assert path.read_bytes() == b"".join(map(encode, written))
    assert path.stat().st_mode & 0o777 == 0o600


@given(data=st.dictionaries(TEXT, JSON, max_size=4), kind=TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_any_data_round_trips(tmp_path_factory, data, kind):
    path = tmp_path_factory.mktemp("journal") / "j"
    with JournalFile.create(path, "anna", CLOCK) as journal:
        written = journal.append(kind, data)
    assert records(path) == (written,)


def test_the_journal_in_memory_makes_the_same_chain(path):
    memory = MemoryJournal("anna", FrozenClock(NOON))
    with JournalFile.create(path, "anna", FrozenClock(NOON)) as journal:
        for n in range(3):
            journal.append("k", {"n": n})
            memory.append("k", {"n": n})
        assert memory.records == journal.records
        assert memory.head == journal.head
    for refusing in (memory.append, MemoryJournal("x", CLOCK).append):
        with pytest.raises(ValueError):
            refusing("k", {"a": "\ud800"})


def test_what_json_cannot_hold_is_refused_and_leaves_no_trace(path):
    with JournalFile.create(path, "anna", CLOCK) as journal:
        journal.append("a", {})
        for data in ({"a": "\ud800"}, {"a": float("nan")}, {"a": object()}):
            with pytest.raises(ValueError):
                journal.append("b", data)
        journal.append("c", {})
    assert [record.kind for record in records(path)] == ["a", "c"]


def test_a_new_journal_never_takes_the_place_of_one(path):
    path.write_text("mine")
    with pytest.raises(JournalFailed, match="cannot be made: File exists"):
        JournalFile.create(path, "anna", CLOCK)
    assert path.read_text() == "mine"
    with pytest.raises(JournalFailed, match="No such file"):
        JournalFile.create(path.parent / "none" / "j", "anna", CLOCK)


def test_what_cannot_be_opened_is_a_problem(path):
    with pytest.raises(HoldpointError, match="No such file") as caught:
        JournalFile.open(path, "anna", CLOCK)
    assert caught.value.exit_code == Exit.USAGE
    path.symlink_to("/etc/passwd")
    with pytest.raises(HoldpointError, match="symbolic"):
        JournalFile.open(path, "anna", CLOCK)
    with pytest.raises(HoldpointError, match="No such file"):
        read_file(path.parent / "none")


def test_damage_is_refused_and_the_file_stays_as_it_is(path):
    with JournalFile.create(path, "anna", CLOCK) as journal:
        for n in range(3):
            journal.append("a", {"n": n})
    data = path.read_bytes().replace(b'"n":1', b'"n":7')
    path.write_bytes(data)
    for opening in (lambda: JournalFile.open(path, "anna", CLOCK), lambda: read_file(path)):
        with pytest.raises(HoldpointError) as caught:
            opening()
        assert caught.value.exit_code == Exit.DAMAGED
        [problem] = caught.value.problems
        assert problem.place.file == str(path)
        assert problem.place.line == 2
        assert path.read_bytes() == data
    # the refusal gave the lock back
    path.write_bytes(data.replace(b'"n":7', b'"n":1'))
    JournalFile.open(path, "anna", CLOCK).close()


def test_opened_after_a_cut_at_every_byte(path):
    with JournalFile.create(path, "anna", CLOCK) as journal:
        written = [journal.append("a", {"text": "é\n", "n": n}) for n in range(3)]
    data = path.read_bytes()
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut] + b"\0" * (cut % 3))
        with JournalFile.open(path, "bob", CLOCK) as journal:
            count = data[:cut].count(b"\n")
            assert journal.records == written[:count]
            good = sum(len(encode(record)) for record in written[:count])
            assert journal.cut_off == data[good:cut] + b"\0" * (cut % 3)
            assert path.stat().st_size == good
            if cut % 10 == 0:
                journal.append("after", {})
        if cut % 10 == 0:
            assert [record.kind for record in records(path)] == ["a"] * count + ["after"]


# --- durability ---


class Sync:
    """Makes nothing durable but keeps count, and fails when told."""

    def __init__(self):
        self.calls = 0
        self.sizes = []
        self.error = None

    def __call__(self, fd):
        self.calls += 1
        self.sizes.append(os.fstat(fd).st_size)
        if self.error is not None:
            raise self.error


def test_every_record_is_made_durable_after_it_was_written_and_before_append_returns(path):
    sync = Sync()
    with JournalFile.create(path, "anna", CLOCK, Keeping(sync=sync)) as journal:
        sync.sizes.clear()
        for n in range(3):
            journal.append("a", {"n": n})
            assert sync.sizes == [path.stat().st_size]
            sync.sizes.clear()


def test_what_was_read_is_made_durable_before_it_is_relied_on(path):
    with JournalFile.create(path, "anna", CLOCK, Keeping(sync=lambda _: None)) as journal:
        journal.append("step.intent", {})
    sync = Sync()
    JournalFile.open(path, "anna", CLOCK, Keeping(sync=sync)).close()
    assert sync.sizes == [path.stat().st_size]
    sync.error = OSError(5, "Input/output error")
    with pytest.raises(JournalFailed, match="cannot be made ready"):
        JournalFile.open(path, "anna", CLOCK, Keeping(sync=sync))
    JournalFile.open(path, "anna", CLOCK).close()  # the lock was given back


def test_a_failed_fdatasync_is_never_tried_over(path):
    sync = Sync()
    journal = JournalFile.create(path, "anna", CLOCK, Keeping(sync=sync))
    first = journal.append("a", {})
    sync.error = OSError(5, "Input/output error")
    with pytest.raises(JournalFailed, match=r"did not take record 1 .*Input/output error"):
        journal.append("b", {})
    sync.error = None
    calls, size = sync.calls, path.stat().st_size
    for _ in range(3):
        with pytest.raises(JournalFailed, match="did not take record 1"):
            journal.append("c", {})
    assert journal.records == [first]
    journal.close()
    assert (sync.calls, path.stat().st_size) == (calls, size)
    with JournalFile.open(path, "anna", CLOCK) as journal:  # from what the disk has
        assert journal.records[0] == first
        journal.append("d", {})
    assert records(path)[-1].kind == "d"


def test_an_append_that_was_interrupted_is_the_last_one(path):
    """A second record with the same number would damage the journal."""
    sync = Sync()
    with JournalFile.create(path, "anna", CLOCK, Keeping(sync=sync)) as journal:
        sync.error = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            journal.append("a", {})
        sync.error = None
        with pytest.raises(JournalFailed, match="interrupted while record 0"):
            journal.append("b", {})
    assert [record.kind for record in records(path)] == ["a"]


def test_a_closed_journal_takes_nothing(path):
    journal = JournalFile.create(path, "anna", CLOCK)
    journal.close()
    journal.close()
    with pytest.raises(JournalFailed, match="is closed"):
        journal.append("a", {})


# --- one writer ---


def test_a_second_writer_is_refused_and_told_who_has_it(path, writer):
    process = writer(path, "anna")
    assert process.stdout.readline() == "ready\n"
    assert tell(process, "step.intent") == "0"
    with pytest.raises(HoldpointError) as caught:
        JournalFile.open(path, "bob", CLOCK)
    assert caught.value.exit_code == Exit.LOCKED
    message = caught.value.problems[0].message
    assert f"process {process.pid}" in message
    assert "person `anna`" in message
    assert len(records(path)) == 1  # reading needs no lock
    process.kill()
    process.wait()
    with JournalFile.open(path, "bob", CLOCK) as journal:
        assert journal.append("a", {}).seq == 1


def test_the_lock_does_not_pass_to_a_child(path):
    journal = JournalFile.create(path, "anna", CLOCK)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        journal.close()
        JournalFile.open(path, "bob", CLOCK).close()
        child.communicate(b"\n")


def test_threads_take_turns(path):
    with JournalFile.create(path, "anna", CLOCK, Keeping(sync=lambda _: None)) as journal:
        threads = [
            threading.Thread(target=lambda: [journal.append("a", {"x": "y" * n}) for n in range(100)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(records(path)) == 400


# --- room ---


def test_room_is_kept_and_given_back(path):
    def taken():
        return path.stat().st_blocks * 512

    with JournalFile.create(path, "anna", CLOCK) as journal:
        if journal.reserve_note:
            pytest.skip(journal.reserve_note)
        assert taken() >= RESERVE
        for _ in range(100):
            journal.append("a", {"text": "x" * 10_000})
            assert taken() >= path.stat().st_size + RESERVE
    assert taken() >= path.stat().st_size + RESERVE  # a run that stopped can be resumed on a full disk
    journal = JournalFile.open(path, "anna", CLOCK)
    journal.close(finished=True)
    assert taken() < path.stat().st_size + 8192
    assert len(records(path)) == 100


def test_a_record_longer_than_the_reserve(path):
    with JournalFile.create(path, "anna", CLOCK) as journal:
        journal.append("a", {"text": "x" * (3 * RESERVE)})
        journal.append("b", {})
    assert len(records(path)) == 2


def test_where_no_room_can_be_kept_it_goes_on_and_says_so(path):
    with JournalFile.create(path, "anna", CLOCK, Keeping(reserve=0)) as journal:
        assert journal.reserve_note == "no room is kept for the journal, as was asked"
        journal.append("step.intent", {})
    assert len(records(path)) == 1


LIMITED = """
import resource, sys
from pathlib import Path
from holdpoint.engine.ports import JournalFailed
from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile
journal = JournalFile.create(Path(sys.argv[1]), "anna", SystemClock())
journal.append("a", {})
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    journal.append("b", {"text": "x" * 5000})
except JournalFailed as failure:
    print(failure)
print(Path(sys.argv[1]).stat().st_size)
journal.append("c", {})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append("d", {"text": "x" * 5000})
"""


def test_a_short_write_is_taken_back(path, begin):
    """The kernel writes up to the limit, and refuses the rest."""
    process = begin(sys.executable, "-c", LIMITED, str(path))
    said = process.communicate()[0].splitlines()
    assert process.returncode == 0
    written = records(path)
    assert [record.kind for record in written] == ["a", "c", "d"]
    assert "is full" in said[0]
    assert int(said[1]) == len(encode(written[0]))
