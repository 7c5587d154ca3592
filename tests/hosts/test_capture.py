"""What a watch hears of an output is for it to say; what is kept is the same for all."""

from pathlib import Path

from holdpoint.engine.outcomes import Captured
from holdpoint.engine.ports import Watch
from holdpoint.hosts.capture import STDERR, STDOUT, Capture
from holdpoint.hosts.crew import ThreadCrew
from tests.hosts.support import Watcher, command

PRINTED = b"caf\xc3\xa9 \xff\n" * 20_000


class Elsewhere(Watcher):
    """Looks away, and would notice if it were told."""

    listens = False


def captured(folder: Path, watch: Watch) -> Captured:
    capture = Capture(folder, command("true"), watch)
    for at in range(0, len(PRINTED), 7):
        capture.feed(STDOUT, PRINTED[at : at + 7])
    capture.feed(STDERR, b"and so on\n")
    return capture.finish()


def test_who_looks_away_is_told_nothing_and_the_output_is_kept_as_for_anybody(tmp_path: Path) -> None:
    looks, away = Watcher(), Elsewhere()
    seen, unseen = captured(tmp_path / "a", looks), captured(tmp_path / "b", away)
    assert away.seen == {STDOUT: "", STDERR: ""}
    assert looks.seen[STDOUT] == PRINTED.decode(errors="replace")[-100_000:]
    assert seen == unseen
    assert (tmp_path / "b" / unseen.stdout_file).read_bytes() == PRINTED


def test_several_at_once_hand_output_over_to_who_listens_only() -> None:
    def job(watch: Watch) -> bool:
        watch_listens = watch.listens
        if watch_listens:
            watch.output(STDOUT, "x")
        return watch_listens

    looks, away = Watcher(), Elsewhere()
    assert [answer for _, answer in ThreadCrew().carry_out([job, job], looks)] == [True, True]
    assert [answer for _, answer in ThreadCrew().carry_out([job, job], away)] == [False, False]
    assert looks.seen[STDOUT] == "xx"
    assert away.seen[STDOUT] == ""
