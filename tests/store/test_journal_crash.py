import signal
import sys

import pytest

from holdpoint.engine.ports import JournalFailed
from holdpoint.problem import HoldpointError
from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile, Keeping
from holdpoint.store.journal_reader import records
from holdpoint.store.room import ROOM_FILES, NoRoom, probe
from holdpoint.store.state_folder import StateFolder
from tests.store.conftest import close, fill, give_back, tell

CLOCK = SystemClock()


# --- killed ---


@pytest.mark.parametrize("seq", [0, 1, 3])
@pytest.mark.parametrize(("point", "is_there"), [("before", 0), ("torn", 0), ("written", 1), ("durable", 1)])
def test_killed_at_every_point(tmp_path, writer, seq, point, is_there):
    path = tmp_path / "journal.jsonl"
    process = writer(path, kill_at=f"record:{seq}:{point}")
    assert process.stdout.readline() == "ready\n"
    answers = [tell(process, f"step.intent {n * 100}") for n in range(5)]
    close(process)
    assert process.wait(20) == -signal.SIGKILL
    assert answers == [*map(str, range(seq)), *[""] * (5 - seq)]
    with JournalFile.open(path, "bob", CLOCK) as journal:
        assert len(journal.records) == seq + is_there
        assert bool(journal.cut_off) == (point == "torn")
        journal.append("after", {})
    assert [record.kind for record in records(path)] == ["step.intent"] * (seq + is_there) + ["after"]


def test_a_point_of_the_host(begin):
    script = "from holdpoint.store.crash import crash_point as c; c('effect:1:before'); print(1); c('effect:1:after')"
    for point, said in (("effect:1:before", ""), ("effect:1:after", "1\n")):
        process = begin(sys.executable, "-uc", script, kill_at=point)
        assert process.communicate()[0] == said
        assert process.returncode == -signal.SIGKILL
    process = begin(sys.executable, "-uc", script, kill_at="effect:11:before")
    assert process.wait() == 0


@pytest.mark.parametrize("attempt", range(5))
def test_killed_at_any_instant_nothing_acknowledged_is_lost(tmp_path, writer, attempt):
    path = tmp_path / "journal.jsonl"
    process = writer(path)
    process.stdin.write("a 3000\n" * 500)
    process.stdin.flush()
    for _ in range(10 + 37 * attempt):
        process.stdout.readline()
    process.kill()
    acknowledged = 9 + 37 * attempt + len(process.stdout.readlines())
    with JournalFile.open(path, "bob", CLOCK) as journal:
        assert acknowledged <= len(journal.records) <= acknowledged + 1


# --- a full disk ---


def test_a_full_disk_stops_before_the_next_effect_and_what_was_begun_is_recorded(small_disk):
    path = small_disk / "journal.jsonl"
    with JournalFile.create(path, "anna", CLOCK) as journal:
        assert journal.reserve_note == ""
        assert journal.append("step.intent", {}).seq == 0
        fill(small_disk)
        used = 0
        while used < 200_000:  # the result of what was begun, and much more, has room
            journal.append("step.result", {"text": "x" * 4000})
            used += 4000
        count = len(journal.records)
        with pytest.raises(JournalFailed, match=r"is full: no further change is begun"):
            journal.append("step.intent", {})
        journal.append("run.stopped", {})
        with pytest.raises(JournalFailed, match="is full"):  # noqa: PT012 - which one it is, is not known
            for _ in range(200):
                journal.append("step.result", {"text": "x" * 4000})
        assert len(journal.records) > count + 1
        assert records(path) == tuple(journal.records)
        give_back(small_disk)
        journal.append("step.intent", {})  # room came back
        assert records(path) == tuple(journal.records)


def test_without_the_reserve_the_full_disk_is_felt_at_once(small_disk):
    """Shows that the test above owes its room to the reserve, and that half a record is taken back."""
    path = small_disk / "journal.jsonl"
    with JournalFile.create(path, "anna", CLOCK, Keeping(reserve=0)) as journal:
        journal.append("step.intent", {})
        (small_disk / "little").write_bytes(bytes(8192))
        fill(small_disk)
        (small_disk / "little").unlink()
        size = path.stat().st_size
        with pytest.raises(JournalFailed, match="is full"):
            journal.append("step.result", {"text": "x" * 100_000})
        assert path.stat().st_size == size
        assert records(path) == tuple(journal.records)
        journal.append("step.result", {"text": "x" * 1000})
        assert records(path) == tuple(journal.records)


def test_a_run_that_stopped_on_a_full_disk_is_taken_up_there(small_disk, writer):
    path = small_disk / "journal.jsonl"
    process = writer(path, kill_at="record:2:torn")
    assert process.stdout.readline() == "ready\n"
    assert tell(process, "step.intent") == "0"
    assert tell(process, "step.result") == "1"
    fill(small_disk)
    assert tell(process, "step.result") == ""
    with JournalFile.open(path, "bob", CLOCK) as journal:
        assert journal.cut_off
        assert len(journal.records) == 2
        journal.append("run.resumed", {})
    with JournalFile.open(path, "bob", CLOCK) as journal:  # nothing was torn: the reserve is that of before
        for _ in range(10):
            journal.append("step.result", {"text": "x" * 1000})


def test_what_is_left_of_the_reserve_is_found_again_on_a_full_disk(small_disk):
    path = small_disk / "journal.jsonl"
    with JournalFile.create(path, "anna", CLOCK) as journal:
        fill(small_disk)
        while path.stat().st_size < 200_000:
            journal.append("step.result", {"text": "x" * 4000})
    with JournalFile.open(path, "bob", CLOCK) as journal:
        with pytest.raises(JournalFailed, match="is full"):
            journal.append("step.intent", {})
        for _ in range(10):
            journal.append("step.result", {"text": "x" * 4000})


def test_no_journal_is_begun_on_a_full_disk(small_disk):
    small_disk.chmod(0o700)
    state = StateFolder.default({"HOLDPOINT_STATE": str(small_disk)})
    run = state.new_run("disk-full", CLOCK.now())
    fill(small_disk)
    with pytest.raises(JournalFailed, match="is full"):
        run.create_journal("anna", CLOCK)
    assert not run.journal.exists()
    assert state.runs() == ()
    room = probe(small_disk)
    assert isinstance(room, NoRoom)
    assert "has no room left" in room.why
    assert [name.name for name in small_disk.iterdir() if "holdpoint-room" in name.name] == []


def test_used_up_inodes_are_no_room(small_disk):
    small_disk.chmod(0o700)
    state = StateFolder.default({"HOLDPOINT_STATE": str(small_disk / "state")})
    state.prepare()
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012
        for number in range(100_000):
            (small_disk / f"empty-{number}").touch()
    room = probe(state.path)
    assert isinstance(room, NoRoom)
    assert "inodes are used up" in room.why
    with pytest.raises(HoldpointError, match="No space left"):
        state.new_run("disk-full", CLOCK.now())
    with pytest.raises(HoldpointError, match="cannot be made"):
        state.key()
    for number in range(ROOM_FILES // 2):  # a few are not enough for a run
        (small_disk / f"empty-{number}").unlink()
    assert isinstance(probe(state.path), NoRoom)
