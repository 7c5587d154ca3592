import os
import shutil
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from holdpoint.problem import HoldpointError
from holdpoint.store.clock import SystemClock
from holdpoint.store.naming import NAME
from holdpoint.store.room import NoRoom, Room, probe
from holdpoint.store.state_folder import StateFolder
from tests.needs import require_root

NOW = datetime(2026, 11, 23, 14, 5, 7, 89000, tzinfo=UTC)


@pytest.fixture
def state(tmp_path):
    folder = StateFolder.default({"HOLDPOINT_STATE": str(tmp_path / "state")})
    yield folder
    for place in folder.stand_ins:
        shutil.rmtree(place, ignore_errors=True)


def begun(state, runbook="disk-full", now=NOW):
    run = state.new_run(runbook, now)
    run.create_journal("anna", SystemClock()).close(finished=True)
    return run


def mode(path):
    return path.stat().st_mode & 0o777


# --- where it is ---


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOLDPOINT_STATE": "/a/b", "XDG_STATE_HOME": "/c", "HOME": "/d"}, "/a/b"),
        ({"HOLDPOINT_STATE": "", "XDG_STATE_HOME": "/c", "HOME": "/d"}, "/c/holdpoint"),
        ({"HOME": "/d"}, "/d/.local/state/holdpoint"),
    ],
)
def test_where_it_is(environ, path):
    folder = StateFolder.default(environ)
    assert str(folder.path) == path
    assert not folder.volatile
    assert folder.warning == ""


@pytest.mark.parametrize("name", ["HOLDPOINT_STATE", "XDG_STATE_HOME", "HOME"])
@pytest.mark.parametrize("value", ["state", "./x", "~/x", "/a\0b"])
def test_a_relative_path_is_refused(name, value):
    with pytest.raises(HoldpointError, match=rf"`\${name}` is not an absolute path"):
        StateFolder.default({name: value})


def test_nothing_is_made_before_it_is_needed(state):
    assert state.runs() == ()
    with pytest.raises(HoldpointError, match="there is no run"):
        state.find("last")
    assert not state.path.exists()


def test_what_stands_there_and_cannot_be_trusted_is_refused(tmp_path):
    place = tmp_path / "state"
    environ = {"HOLDPOINT_STATE": str(place)}
    place.write_text("")
    with pytest.raises(HoldpointError, match="it is not a folder"):
        StateFolder.default(environ)
    with pytest.raises(HoldpointError, match="state folder"):
        StateFolder(place / "below").prepare()
    place.unlink()
    place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(HoldpointError, match="cannot be looked at"):
        StateFolder.default(environ)
    place.unlink()
    place.mkdir()
    for wrong in (0o770, 0o707, 0o1777):
        place.chmod(wrong)
        with pytest.raises(HoldpointError, match="others may write to it"):
            StateFolder.default(environ)
    place.chmod(0o755)
    StateFolder.default(environ).prepare()
    (place / "runs").chmod(0o777)
    with pytest.raises(HoldpointError, match="others may write to it"):
        StateFolder.default(environ).prepare()


def test_what_belongs_to_somebody_else_is_refused(tmp_path):
    require_root("give a folder to somebody else")
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(HoldpointError, match="belongs to user 12345"):
        StateFolder.default({"HOLDPOINT_STATE": str(tmp_path)})


def test_modes_whatever_the_umask(state):
    before = os.umask(0)
    try:
        run = begun(state)
        state.key()
        run.keep("plan.json", b"{}")
    finally:
        os.umask(before)
    for folder in (state.path, state.path / "runs", run.path, run.out):
        assert mode(folder) == 0o700
    for file in (run.journal, run.path / "plan.json", state.path / "key"):
        assert mode(file) == 0o600


# --- runs ---


def test_a_new_run(state):
    run = state.new_run("disk-full", NOW.astimezone(timezone(timedelta(hours=5))))
    assert NAME.fullmatch(run.name)
    assert run.name == f"20261123-1405-disk-full-{7089:04x}"
    assert run.journal == state.path / "runs" / run.name / "journal.jsonl"
    assert run.out.is_dir()
    assert state.runs() == ()  # what was killed before it had a journal is no run
    run.create_journal("anna", SystemClock()).close()
    assert state.runs() == (run,)
    for wrong in ("a/b", ""):
        with pytest.raises(ValueError):
            state.new_run(wrong, NOW)


def test_runs_of_one_instant_have_different_names(state):
    made = []
    threads = [
        threading.Thread(target=lambda: made.extend(state.new_run("x", NOW).name for _ in range(10))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40


def test_runs_come_in_the_order_of_their_time(state):
    runs = [
        begun(state, name, NOW + timedelta(seconds=after))
        for name, after in (("z", 0), ("a", 0.001), ("m", 1), ("b", 40), ("a", 60), ("a", 86_400))
    ]
    assert list(state.runs()) == runs
    assert state.find("last") == runs[-1]
    (state.path / "runs" / "notes").mkdir()
    (state.path / "runs" / "20261123-1405-x-00ff").write_text("a file")
    assert list(state.runs()) == runs


def test_finding_one(state):
    first, second = begun(state, "disk-full"), begun(state, "log-disk", NOW + timedelta(days=1))
    assert state.find(first.name) == first
    assert state.find("20261123") == first
    assert state.find(second.name[-4:] if first.name[-4:] != second.name[-4:] else second.name) == second
    assert state.find(f"log-disk-{second.name[-4:]}") == second
    with pytest.raises(HoldpointError) as caught:
        state.find("202611")
    [problem] = caught.value.problems
    assert problem.message == "`202611` could be 2 runs"
    assert first.name in problem.found
    assert second.name in problem.found
    with pytest.raises(HoldpointError) as caught:
        state.find(first.name.replace("full", "fill"))
    assert caught.value.problems[0].hint == f"did you mean `{first.name}`?"
    with pytest.raises(HoldpointError) as caught:
        state.find("log-disk")
    assert second.name in caught.value.problems[0].hint
    with pytest.raises(HoldpointError) as caught:
        state.find("zzz")
    assert "the last runs: " in caught.value.problems[0].hint


def test_an_exact_name_wins_over_longer_ones(state):
    short = begun(state, "a")
    longer = begun(state, f"a-{short.name[-4:]}")
    assert longer.name.startswith(short.name)
    assert state.find(short.name) == short


@pytest.mark.parametrize("text", ["", "-last", "--take-over", "../runs/x", "/etc", "a/b", "a\0"])
def test_what_is_no_name_is_refused(state, text):
    begun(state)
    with pytest.raises(HoldpointError, match="not the name of a run"):
        state.find(text)


def test_many_candidates_are_cut_short(state):
    for second in range(12):
        begun(state, "x", NOW + timedelta(seconds=second))
    with pytest.raises(HoldpointError) as caught:
        state.find("2026")
    assert caught.value.problems[0].found.count("`") == 16
    assert "the last 8 of 12" in caught.value.problems[0].found


def test_files_beside_the_journal(state):
    run = begun(state)
    assert run.kept("plan.json") is None
    run.keep("plan.json", b"one")
    run.keep("plan.json", b"two")
    assert run.kept("plan.json") == b"two"
    assert sorted(os.listdir(run.path)) == ["journal.jsonl", "out", "plan.json"]
    for wrong in ("journal.jsonl", "out", "../x", ".x", "", "a/b"):
        with pytest.raises(ValueError):
            run.keep(wrong, b"")


# --- the key ---


def test_the_key_is_made_once(state):
    key = state.key()
    assert len(key) == 32
    assert state.key() == key
    assert StateFolder(state.path).key() == key
    assert sorted(os.listdir(state.path)) == ["key", "runs"]


def test_all_who_make_the_key_at_once_get_the_same(state):
    keys = []
    start = threading.Barrier(8)

    def get():
        start.wait()
        keys.append(state.key())

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_key_that_cannot_be_right_is_refused(state):
    state.key()
    key = state.path / "key"
    key.write_bytes(b"short")
    with pytest.raises(HoldpointError, match="5 bytes, not 32"):
        state.key()
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    with pytest.raises(HoldpointError, match="others may use it"):
        state.key()


# --- no room ---


def test_room(tmp_path):
    assert probe(tmp_path) == Room()
    assert probe(tmp_path / "not" / "there" / "yet") == Room()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    refused = probe(tmp_path / "file")
    assert isinstance(refused, NoRoom)
    assert "Not a directory" in refused.why
    assert isinstance(probe(tmp_path, room=1 << 60), NoRoom)
    assert isinstance(probe(Path("/proc/self")), NoRoom)


def test_the_folder_in_memory_stands_in(state):
    first = begun(state)
    key = state.key()
    memory = state.memory_folder()
    assert memory.volatile
    assert str(memory.path).startswith("/dev/shm/")
    assert mode(memory.path) == 0o700
    assert "a reboot of this machine loses the journal of this run" in memory.warning
    assert str(memory.path) in memory.warning
    assert memory.key() == key
    second = begun(memory, now=NOW + timedelta(minutes=1))
    assert second.volatile
    assert state.runs() == (first, second)
    assert state.find("last") == second
    assert state.find(second.name) == second
    assert state.memory_folder() == memory
    # a name that is taken in memory is not given again on disk
    assert state.new_run("disk-full", NOW + timedelta(minutes=1)).name != second.name


def test_states_that_are_apart_have_memory_apart(tmp_path):
    one, two = (StateFolder.default({"HOLDPOINT_STATE": str(tmp_path / n)}) for n in "ab")
    assert not set(one.stand_ins) & set(two.stand_ins)


def test_a_place_in_memory_that_somebody_took_is_passed_over(state, tmp_path):
    environ = {"HOLDPOINT_STATE": str(state.path), "XDG_RUNTIME_DIR": str(tmp_path)}
    folder = StateFolder.default(environ)
    begun(StateFolder(folder.stand_ins[0]))
    assert len(folder.runs()) == 1
    folder.stand_ins[0].chmod(0o777)
    memory = folder.memory_folder()
    assert memory.path.parent == tmp_path
    assert folder.runs() == ()
    with pytest.raises(HoldpointError, match="others may write to it"):
        state.memory_folder()


def test_where_there_is_no_memory_it_says_so(tmp_path):
    with pytest.raises(HoldpointError, match="no folder in memory"):
        StateFolder(tmp_path, stand_ins=(tmp_path / "none" / "x",)).memory_folder()
