"""Nothing changes before a person agreed to exactly that."""

from __future__ import annotations

import re
import socket

import pytest

from tests.case import Case
from tests.laws.terminal import book, left, person

CHANGE = """\
  - {id: mark, title: Make the mark, effect: change, run: 'touch mark', undo: {run: rm -f mark}}
"""
DESTROY = """\
  - {id: wipe, title: Wipe it, effect: destroy, run: 'touch mark', irreversible: it is gone}
"""
EVERY_KIND = """\
  - {id: look, title: Look, effect: read, run: 'touch mark-look'}
  - {id: change, title: Change, effect: change, run: 'touch mark-change', undo: {run: touch mark-undo},
     verify: {run: touch mark-verify}}
  - {id: destroy, title: Destroy, effect: destroy, run: 'touch mark-destroy', irreversible: it is gone}
  - {id: word, title: A word, ask: Which word?, register: {word: {type: string}}}
  - {id: with-word, title: With the word, effect: change, run: 'touch "mark-$word"', irreversible: no}
  - {id: hand, title: By hand, manual: Touch mark-manual.}
  - {id: pause, title: Pause, wait: 1h}
  - {id: call, title: Call, notify: {to: ops, say: It is red}}
  - {id: sub, title: Another, use: other}
"""


@pytest.fixture
def lab(case: Case) -> Case:
    return case.runbook("lab", book(CHANGE).replace("touch mark", f"touch {case.folder}/mark"))


def marks(case: Case) -> list[str]:
    return sorted(path.name for path in case.folder.glob("**/mark*"))


def prod(case: Case) -> None:
    entry = f"  web1: {{tier: prod, expect: {{hostname: {socket.gethostname()}}}}}\n"
    case.write("hosts.yaml", f"schema: holdpoint/hosts/1\nhosts:\n{entry}")


def test_no_terminal_is_no_agreement(lab: Case) -> None:
    ran = lab.run("runbook", "lab").expect(7, ..., ...)
    assert "no terminal; nothing was agreed to" in ran.stdout
    assert marks(lab) == []


def test_a_file_that_does_not_name_the_gate_is_no_agreement(lab: Case) -> None:
    lab.run("runbook", "lab", answers="{}").expect(7, ..., ...)
    assert marks(lab) == []


@pytest.mark.parametrize("typed", ["", "y", "yes", "RUN", "run now", "r", "ok", "\x1b[A"])
def test_anything_but_a_word_typed_whole_asks_again(lab: Case, typed: str) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendline(typed)
        child.expect("Nothing was agreed to")
        child.expect(r" > ")
        assert marks(lab) == []
        child.sendline("stop")
        assert left(child) == 3
    assert marks(lab) == []


def test_the_end_of_input_is_no_agreement(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendeof()
        assert left(child) == 7
    assert marks(lab) == []


def test_run_is_an_agreement(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendline("run")
        assert left(child) == 0
    assert marks(lab) == ["mark"]


def test_what_was_typed_before_the_question_answers_nothing(case: Case) -> None:
    text = book(
        CHANGE,
        diagnostic=f"\n  - {{id: slow, title: Slow, run: 'until test -e {case.folder}/go; do sleep 0.05; done'}}",
    )
    case.runbook("lab", text.replace("touch mark", f"touch {case.folder}/mark"))
    with person(case, "runbook", "lab") as child:
        child.expect("come back")
        child.sendline("run")
        (case.folder / "go").touch()
        child.expect(r"this machine \S+ > ")
        assert marks(case) == []
        child.sendline("stop")
        assert left(child) == 3
    assert marks(case) == []


def test_a_document_that_changed_while_the_gate_was_open(lab: Case) -> None:
    with person(lab, "runbook", "lab") as child:
        child.expect(r" > ")
        file = lab.repository / "runbooks/lab.yaml"
        file.write_text(file.read_text().replace("Make the mark", "Make another mark"))
        child.sendline("run")
        child.expect("was changed since this run was planned")
        assert left(child) == 2
    assert marks(lab) == []


def test_a_gate_expires(case: Case) -> None:
    text = book(CHANGE.replace("}}", "}, gate: {expires: 1s}}")).replace("touch mark", f"touch {case.folder}/mark")
    case.runbook("lab", text)
    with person(case, "runbook", "lab") as child:
        child.expect(r" > ")
        assert left(child) == 7
    assert marks(case) == []


def test_destroy_on_production_wants_the_name(case: Case) -> None:
    case.runbook("lab", book(DESTROY).replace("touch mark", f"touch {case.folder}/mark"))
    prod(case)
    with person(case, "runbook", "lab") as child:
        child.expect(r" > ")
        child.sendline("run")
        child.expect("PROD")
        child.expect(r" > ")
        child.sendline("run")
        child.expect("Nothing was agreed to")
        child.expect(r" > ")
        assert marks(case) == []
        child.sendline("web1")
        assert left(child) == 0
    assert marks(case) == ["mark"]


def test_no_file_passes_a_gate_on_production(case: Case) -> None:
    case.runbook("lab", book(CHANGE).replace("touch mark", f"touch {case.folder}/mark"))
    prod(case)
    ran = case.run("runbook", "lab", answers="opening: run\nmark: run\n").expect(7, ..., ...)
    assert "only a person at a terminal can answer it" in ran.stdout
    assert marks(case) == []


def test_a_second_person_from_another_terminal(case: Case) -> None:
    text = book(CHANGE.replace("}}", "}, gate: {approvers: 2}}")).replace("touch mark", f"touch {case.folder}/mark")
    case.runbook("lab", text)
    with person(case, "runbook", "lab") as first:
        first.expect(r" > ")
        first.sendline("run")
        with person(case, "run.approve", "last") as same:
            same.expect("a second person has to approve it")
            assert left(same) == 2
        assert marks(case) == []
        with person(case, "run.approve", "last", environ={"HOLDPOINT_PERSON": "bob"}) as second:
            second.expect("Make the mark")
            second.expect("touch ")
            second.sendline("approve")
            assert left(second) == 0
        assert left(first) == 0
    assert marks(case) == ["mark"]


def test_a_walk_through_executes_nothing(case: Case) -> None:
    inner = book("  - {id: look, title: Look, effect: read, run: touch mark-other}").replace("id: lab", "id: other")
    diagnostic = (
        "\n  - {id: first, title: First, run: 'touch mark-first; echo 1', register: {one: {type: integer}}}"
        "\n  - {id: second, title: Second, run: 'touch \"mark-$one\"'}"
    )
    rest = (
        "recovered: {run: touch mark-recovered}\n"
        "causes:\n  - {id: it, title: It, when: {value: one, op: eq, than: 1}, evidence: 'it is {one}'}\n"
    )
    text = book(EVERY_KIND.replace("title: Change,", "title: Change, for: [it],"), diagnostic=diagnostic, rest=rest)
    case.runbook("lab", text.replace("mark-", f"{case.folder}/mark-")).runbook(
        "other", inner.replace("mark-", f"{case.folder}/mark-")
    )
    ran = case.run("runbook", "lab", "--dry-run").expect(0, ..., ...)
    assert marks(case) == []
    assert not case.target.exists()
    assert not case.state.exists()
    for key in re.findall(r"id: ([a-z-]+)", EVERY_KIND):
        title = re.search(rf"id: {key}, title: ([A-Za-z ]+)", EVERY_KIND)
        assert title
        shown = title[1].strip() if key != "sub" else "mark-other"
        assert shown in ran.stdout


def test_a_check_reads_and_changes_nothing(case: Case) -> None:
    diagnostic = "\n  - {id: first, title: First, run: 'echo 41', register: {one: {type: integer}}}"
    resolution = """\
  - {id: change, title: Change, effect: change, run: 'touch "FOLDER/mark-$one"', undo: {run: touch mark-undo}}
  - {id: later, title: Look later, effect: read, run: 'echo later'}
"""
    case.runbook("lab", book(resolution, diagnostic=diagnostic).replace("FOLDER", str(case.folder)))
    ran = case.run("runbook", "lab", "--check").expect(0, ..., ...)
    assert marks(case) == []
    assert not case.target.exists(), "a check leaves nothing on the target"
    assert "one = 41" in ran.stdout
    assert "depends on a change that was not made" in ran.stdout


def test_reads_leave_nothing_on_the_target(case: Case) -> None:
    case.runbook("lab", book("  - {id: look, title: Look, effect: read, run: 'true'}"))
    case.run("runbook", "lab").expect(0, ..., ...)
    assert not case.target.exists()


def test_an_approval_of_an_earlier_opening_counts_for_nothing(case: Case) -> None:
    text = book(CHANGE.replace("}}", "}, gate: {approvers: 2}}").replace("touch mark", f"touch {case.folder}/mark"))
    case.runbook("lab", text)
    with person(case, "runbook", "lab") as first:
        first.expect(" > ")
        first.sendline("run")
        first.expect("Waiting for the second person")
        with person(case, "run.approve", "last", environ={"HOLDPOINT_PERSON": "bob"}) as second:
            second.expect("approve")
            first.sendintr()
            assert left(first) == 3
            second.sendline("approve")
            second.expect("nothing was approved|no gate of")
            assert left(second) == 2
    with person(case, "run.resume", "last") as again:
        again.expect(" > ")
        again.sendline("run")
        again.expect("Waiting for the second person")
        again.sendintr()
        assert left(again) == 3
    assert not (case.folder / "mark").exists()
