"""Operators that are no person: a file of answers, a walk-through, and what a watch shows."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.document.model import Effect
from holdpoint.engine.asked import Answer, Asked, By, Silence
from holdpoint.engine.events import RunResumed, Status, StepEnded, StepIntended
from holdpoint.engine.ports import Wish
from holdpoint.engine.target import Target, Tier
from holdpoint.operators import answers
from holdpoint.operators.console import ConsoleOperator
from holdpoint.operators.interrupts import Interrupts
from holdpoint.operators.scripted import ScriptedOperator, check_answers
from holdpoint.operators.walkthrough import WalkthroughOperator
from holdpoint.problem import HoldpointError
from tests.views.books import (
    CHANGE,
    DOUBT,
    EVENTS,
    LOG_DISK,
    MANUAL,
    NOON,
    OPENED,
    OPENING,
    QUESTIONS,
    RUN_ID,
    VALUE,
    load,
    plan,
    records,
)
from tests.views.screens import same


def console(out, **options):
    return ConsoleOperator("ann", out=out, stdin=io.StringIO(), environ={}, zone=UTC, now=lambda: NOON, **options)


@dataclass
class Shown:
    """A drawing that remembers."""

    questions: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    told: list = field(default_factory=list)

    def show(self, question):
        self.questions.append(question)

    def note(self, text):
        self.notes.append(text)

    def tell(self, record):
        self.told.append(record)

    def watch(self, key, target, effect):
        raise AssertionError("nothing is watched")


# --- a file of answers ------------------------------------------------------------------------------------------


def test_a_file_answers_what_it_names():
    drawing = Shown()
    operator = ScriptedOperator({"restart": "run", "owner": "ops", "truncate": "run"}, "ann", drawing)
    assert operator.ask(CHANGE, None) == Answer("run", "ann", By.SCRIPT)
    assert operator.ask(VALUE, None) == Answer("ops", "ann", By.SCRIPT)
    assert operator.ask(MANUAL, None) is Silence.NOT_IN_FILE
    assert operator.ask(DOUBT, None) is Silence.NOT_IN_FILE
    assert drawing.questions == [CHANGE, VALUE, MANUAL, DOUBT]


@pytest.mark.parametrize("text", ["escalate", "show", "", "RUN", "yes"])
def test_a_file_has_the_words_that_close_a_question(text):
    drawing = Shown()
    operator = ScriptedOperator({"restart": text, "truncate": text}, "ann", drawing)
    assert operator.ask(CHANGE, None) is Silence.NOT_IN_FILE
    assert drawing.questions == [CHANGE]


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_that_the_question_does_not_have_never_breaks_a_run_off(name):
    asked = QUESTIONS[name]
    reply = ScriptedOperator({asked.key: "no such word"}, "ann", Shown()).ask(asked, None)
    assert reply is Silence.NOT_IN_FILE or (asked.kind is Asked.VALUE and reply.text == "no such word")


def test_answers_that_no_question_takes_are_found_beforehand():
    given_ = {"pause": "rn", "trunkate": "run", "space": "97", "opening": "skip", "tell-owner": "run", "owner": ""}
    with pytest.raises(HoldpointError) as raised:
        check_answers(given_, plan(load(LOG_DISK)))
    found = {problem.message: problem.hint for problem in raised.value.problems}
    assert found["`rn` is no answer to `pause`"] == "did you mean `run`?"
    assert found["the file of answers names `trunkate`, which is no step of `log-disk`"] == "did you mean `truncate`?"
    assert "the file of answers names `space`, a step that asks nothing" in found
    assert len(raised.value.problems) >= 5


def test_answers_that_fit_are_let_through():
    check_answers({"pause": "run", "truncate": "skip", "owner": "ops", "tell-owner": "done"}, plan(load(LOG_DISK)))


def test_a_file_is_read_strictly(tmp_path):
    file = tmp_path / "answers.yaml"
    file.write_text("pause: run\nport: 80\nyes: true\n")
    assert answers.read(file) == {"pause": "run", "port": "80", "yes": "true"}
    file.write_text("pause: run\npause: skip\n")
    with pytest.raises(HoldpointError):
        answers.read(file)
    file.write_text("pause: [run]\n")
    with pytest.raises(HoldpointError) as raised:
        answers.read(file)
    assert raised.value.problems[0].place.line == 1
    with pytest.raises(HoldpointError) as raised:
        answers.read(tmp_path / "none.yaml")
    assert "no such file" in raised.value.problems[0].message
    file.write_text("")
    assert answers.read(file) == {}


# --- a walk-through ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_walk_through_shows_everything_and_asks_nobody(name):
    drawing, asked = Shown(), QUESTIONS[name]
    reply = WalkthroughOperator("ann", drawing).ask(asked, None)
    assert reply.by is By.NOBODY
    assert reply.text == {Asked.MANUAL: "not-run", Asked.VALUE: ""}.get(asked.kind, "run")
    assert drawing.questions == [replace(asked, evidence=(), remains=())]  # which nobody knows before a run
    assert "nobody is asked" in drawing.notes[0]


def test_a_check_asks_before_it_reads_on_production_and_for_values():
    inner = ScriptedOperator({"opening": "stop", "owner": "ops", "restart": "stop"}, "ann", Shown())
    operator = WalkthroughOperator("ann", Shown(), asks=inner)
    assert operator.ask(OPENING, None) == Answer("stop", "ann", By.SCRIPT)
    assert operator.ask(VALUE, None) == Answer("ops", "ann", By.SCRIPT)
    assert operator.ask(CHANGE, None) == Answer("run", "ann", By.NOBODY)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_check_never_says_that_nothing_is_executed(name):
    drawing, asked = Shown(), QUESTIONS[name]
    inner = ScriptedOperator({}, "ann", Shown())
    WalkthroughOperator("ann", drawing, asks=inner).ask(asked, None)
    for note in drawing.notes:
        assert note.startswith("Check: nobody is asked")
        assert note.endswith(" Going on.")
    assert bool(drawing.notes) is (asked.kind not in {Asked.OPENING, Asked.VALUE})


# --- what is told -----------------------------------------------------------------------------------------------


def test_a_session_on_a_pipe_looks_like_this():
    out = io.StringIO()
    operator = console(out)
    operator.opening(plan(load(LOG_DISK)), RUN_ID, "real")
    seen = []
    operator._also = seen.append
    every = records(*EVENTS)
    for record in every:
        operator.tell(record)
    assert operator.ask(CHANGE, None) is Silence.NO_TERMINAL
    assert operator.ask(CHANGE, None) is Silence.NO_TERMINAL
    same("session-80", out.getvalue())
    assert "\x1b" not in out.getvalue()
    assert seen == every


@given(st.lists(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")))))
def test_no_output_ever_acts_on_the_terminal(pieces):
    out = io.StringIO()
    watch = console(out).watch("truncate", (Target("db1", Tier.PROD),), Effect.CHANGE)
    for piece in pieces:
        watch.output("stdout", piece)
    watch.close()
    assert all(c == "\n" or c.isprintable() or c in "\u00a0\u3000" or c.isspace() for c in out.getvalue())
    assert not {"\x1b", "\r", "\x9b", "\x85", "\u2028", "\u202e", "\t", "\x0b"} & set(out.getvalue())


def test_output_in_pieces_is_shown_in_lines():
    out = io.StringIO()
    watch = console(out).watch("truncate", (Target("db1", Tier.PROD),), Effect.CHANGE)
    for piece in ("a", "b\nc", "d\r", "\ne"):
        watch.output("stdout", piece)
    watch.close()
    assert [line.strip("│ ") for line in out.getvalue().splitlines()] == ["ab", "cd", "e"]


def test_only_the_output_of_a_change_on_one_host_is_listened_to():
    here, there = Target("db1", Tier.PROD), Target("db2", Tier.PROD)
    operator = console(io.StringIO())
    assert operator.watch("x", (here,), Effect.CHANGE).listens
    assert not operator.watch("x", (here,), Effect.READ).listens
    assert not operator.watch("x", (here, there), Effect.CHANGE).listens


def test_a_change_without_a_terminal_is_left_running_at_an_interrupt():
    interrupts = Interrupts()
    watch = console(io.StringIO(), interrupts=interrupts).watch("x", (Target("db1", Tier.PROD),), Effect.CHANGE)
    assert watch.wish() is Wish.GO_ON
    interrupts.interrupt()
    assert watch.wish() is Wish.LEAVE
    assert watch.wish() is Wish.LEAVE
    interrupts.close()


def test_a_third_interrupt_that_nobody_takes_is_an_interrupt():
    interrupts = Interrupts()
    interrupts.interrupt()
    interrupts.interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupts.interrupt()
    assert interrupts.take() is None
    interrupts.close()


def test_a_run_that_is_taken_up_again_knows_what_was_before():
    out = io.StringIO()
    operator = console(out)
    *earlier, resumed = records(OPENED, StepIntended("pause", "db1", 1, "t", "change", "d", "x", "s"), RunResumed(1))
    operator.recall(earlier)
    operator.opening(plan(load(LOG_DISK)), RUN_ID, "resumed")
    operator.tell(resumed)
    assert "on         PRODUCTION: db1\n" in out.getvalue()
    ended = records(OPENED, *[RunResumed(1)] * 9, StepEnded("pause", "db1", 1, Status.OK, exit=0))[-1]
    operator.tell(ended)
    assert "ok        Stop the shipping of logs  (db1, 9.0 s)\n" in out.getvalue()
