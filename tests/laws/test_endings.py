"""How a run ends, where a person would be misled otherwise: checks, rollbacks of nothing, and rollbacks that were cut off."""

from __future__ import annotations

from tests.case import Case
from tests.laws.terminal import book, left, person

WORK = """\
  - {id: mend, title: Mend it, effect: change, manual: Mend it., undo: {manual: Unmend it.}}
  - {id: look, title: Look at it, effect: read, run: 'test -e FOLDER/mended'}
"""
TWO = """\
  - {id: one, title: The first, effect: change, run: 'echo x >> FOLDER/one', undo: {run: 'rm -f FOLDER/one'}}
  - {id: two, title: The second, effect: change, run: 'echo x >> FOLDER/two', undo: {run: 'rm -f FOLDER/two'}}
"""
PROOF = "recovered: {run: 'test -e FOLDER/mended'}\nescalation:\n  - {after: 15m, to: backup, say: It is red}\n"


def put(case: Case, text: str) -> Case:
    return case.runbook("lab", text.replace("FOLDER", str(case.folder)))


def test_a_check_of_work_for_a_person_looks_at_nothing_that_rests_on_it(case: Case) -> None:
    ran = put(case, book(WORK, rest=PROOF)).run("runbook", "lab", "--check").expect(0, ..., ...)
    assert "depends on a change that was not made" in " ".join(ran.stdout.split())
    assert "called" not in ran.stdout
    assert "the check ended; what was shown was not done" in ran.stdout


def test_rollback_at_a_gate_with_nothing_to_take_back_is_a_stop(case: Case) -> None:
    ran = put(case, book(TWO)).run("runbook", "lab", "--json", answers="one: rollback")
    assert ran.status == 3
    assert ran.lines()[-1]["data"]["exit"] == 3
    assert "there is nothing to take back" in " ".join(ran.stderr.split())


def test_rollback_after_a_change_takes_it_back(case: Case) -> None:
    put(case, book(TWO)).run("runbook", "lab", answers="one: run\ntwo: rollback\nundo-one: run").expect(5, ..., ...)
    assert not (case.folder / "one").exists()


def test_a_rollback_that_was_cut_off_before_its_first_record_is_begun_anew(case: Case) -> None:
    put(case, book(TWO)).run("runbook", "lab", answers="one: run\ntwo: run").expect(0, ..., ...)
    run = case.journals()[0].parent.name
    answers = "undo-one: run\nundo-two: run"
    case.run("run.rollback", run, answers=answers, environ={"HOLDPOINT_KILL_AT": "record:0:before"}).expect(
        -9, ..., ...
    )
    assert f"`run.rollback {run}` goes on" in case.run("run.resume", run).raw_error
    case.run("run.rollback", run, answers=answers).expect(5, ..., ...)


def test_a_rollback_clears_away_what_its_run_left_on_the_target(case: Case) -> None:
    secret = """\
  - {id: one, title: The first, effect: change, run: 'echo "$word"', irreversible: no}
"""
    text = book(secret, params="params:\n  word: {type: secret, from: {env: WORD}}\n")
    environ = {"WORD": "swordfish", "HOLDPOINT_KILL_AT": "forget:before"}
    put(case, text).run("runbook", "lab", answers="one: run", environ=environ).expect(-9, ..., ...)
    assert any("swordfish" in file.read_text() for file in case.target.rglob("out"))
    case.run("run.rollback", "last", environ={"WORD": "swordfish"}).expect(5, ..., ...)
    assert not list(case.target.rglob("out"))


def test_a_rollback_that_is_left_before_it_began_says_how_to_go_on(case: Case) -> None:
    slow = """\
  - {id: one, title: The first, effect: change, run: 'echo x > FOLDER/one; until test -e FOLDER/go; do sleep 0.05; done', undo: {run: 'rm -f FOLDER/one'}}
"""
    put(case, book(slow))
    (case.folder / "answers.yaml").write_text("one: run\n")
    with case.started("runbook", "lab", "--answers", str(case.folder / "answers.yaml")) as process:
        while not (case.folder / "one").exists():
            assert process.poll() is None
        process.kill()
        process.wait()
    run = case.journals()[-1].parent.name
    with person(case, "run.rollback", run) as child:
        child.expect(" s +The first")
        child.sendintr()
        child.expect("wait, leave or end> ")
        child.sendline("leave")
        child.expect_exact(f"`run.rollback {run}`")
        assert left(child) == 3
    (case.folder / "go").touch()


def test_an_endless_file_of_answers_is_refused(case: Case) -> None:
    said = put(case, book(TWO)).run("runbook", "lab", "--answers", "/dev/zero").expect(2, ..., ...).stderr
    assert "too large" in said


def test_a_relative_target_folder_is_refused(case: Case) -> None:
    ran = put(case, book(TWO)).run("runbook", "lab", environ={"HOLDPOINT_TARGET": "here"}, answers="one: run")
    assert "`$HOLDPOINT_TARGET` is no absolute path" in ran.expect(2, ..., ...).stderr


HANDS = """\
  - {id: slow, title: Slow it, effect: change, manual: Slow it., undo: {manual: Let it go.}}
  - {id: one, title: The first, effect: change, run: 'echo x >> FOLDER/one', undo: {run: 'rm -f FOLDER/one'}}
"""


def test_a_stop_at_the_first_work_for_a_person_gives_the_host_free(case: Case) -> None:
    put(case, book(HANDS))
    case.run("runbook", "lab", answers="slow: stop").expect(3, ..., ...)
    assert '"lock.returned"' in case.journals()[0].read_text()
    case.run("runbook", "lab", answers="slow: stop").expect(3, ..., ...)


def test_a_rollback_of_work_that_was_only_asked_for_asks_for_its_undo(case: Case) -> None:
    put(case, book(HANDS))
    case.run("runbook", "lab", answers="slow: stop").expect(3, ..., ...)
    ran = case.run("run.rollback", "last", answers="undo-slow: done").expect(5, ..., ...)
    assert "It is in doubt whether the change was made" in " ".join(ran.stdout.split())
