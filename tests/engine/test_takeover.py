"""A takeover, a rollback and a resume never let two runs change one host at a time, and say what is so."""

from __future__ import annotations

import pytest

from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import Silence
from holdpoint.engine.events import DoubtSettled, RunResumed, TakeoverBegun
from holdpoint.engine.executing import Executing
from holdpoint.engine.outcomes import Captured, Exited, Unknown, Unreachable
from holdpoint.engine.ports import Claim, Standing, UnlockAnswer
from holdpoint.engine.state import replay
from holdpoint.planning.rollback import rollback
from holdpoint.problem import Exit
from tests.engine.fakes import Killed, World, load

BOOK = """
schema: holdpoint/runbook/1
id: two
title: Two changes
owner: ops
severity: SEV1
reviewed: 2026-11-23
symptoms: []
diagnostic: []
resolution:
  - {id: one, title: One, effect: change, run: one, undo: {run: un-one}}
  - {id: two, title: Two, effect: change, run: two, irreversible: no}
prevention: []
rollback: []
"""
RUN = {"one": ["run"], "two": ["run"]}


def intended(at: str, *, sent: bool = False) -> World:
    """A run that was killed after the intent of a step: before its first byte, or before its result."""
    for point in range(200):
        world = World(load(BOOK), answers={key: list(words) for key, words in RUN.items()})
        world.points.kill_at = point
        with pytest.raises(Killed):
            world.begin()
        last = world.journal.records[-1] if world.journal.records else None
        found = last is not None and last.kind == "step.intent" and last.data["step"] == at
        if found and last and (last.data["token"] in world.machine.tokens) is sent:
            return world
    raise AssertionError("no such point")


def test_what_was_only_intended_starts_at_once_where_nobody_held_the_host_since() -> None:
    world = intended("one")
    world.answers.clear()
    world.answers["two"] = ["run"]
    assert world.resume().exit is Exit.OK
    assert world.machine.effects == ["one", "two"]


def test_after_another_run_held_the_host_it_is_asked_for_again() -> None:
    world = intended("one")
    world.machine.holder, world.machine.epoch = None, 7  # somebody took it over, and gave it back
    world.operator.answers["one"] = [Silence.NO_TERMINAL]
    assert world.resume().exit is Exit.NEEDS_PERSON
    assert world.machine.effects == []


def test_after_a_takeover_nothing_starts_before_the_target_answered() -> None:
    world = intended("one")
    world.machine.holder = (Claim("r9", "bob", world.clock.now(), "Two"), 5)
    world.machine.epoch = 5
    world.machine.alive = ["r9.x"]
    session = world.session()
    session.take_over = True
    session.record(RunResumed(1))
    ended = loop.go(session)
    assert ended.exit is Exit.UNKNOWN
    assert "still runs on web1" in ended.why
    assert world.machine.effects == []


def test_a_doubt_that_is_to_be_done_again_leaves_the_question_of_the_takeover_open() -> None:
    world = World(load(BOOK), answers={"one": ["run"]})
    world.machine.outcomes = {"one": Unknown("lost")}
    world.answers["one"] = ["run", Silence.NO_TERMINAL]
    world.begin()
    session = world.session()
    session.record(RunResumed(1))
    session.record(TakeoverBegun("web1", "r9", "bob"))
    session.record(DoubtSettled("one", "web1", 1, happened=False, by="ann"))
    assert "web1" in replay(world.journal.records).unanswered
    world.machine.alive = ["r9.x"]
    world.answers["one"] = ["run"]
    ended = loop.go(session)
    assert ended.exit is Exit.UNKNOWN, "the step of the run that was taken over lives still"


def test_a_rollback_asks_for_the_steps_of_every_run() -> None:
    world = World(load(BOOK), answers={"one": ["run"], "two": ["stop"], "undo-one": ["run"]})
    assert world.begin().exit is Exit.STOPPED
    state = replay(world.journal.records)
    plan = rollback(world.plan(), "r1", aftermath.left(world.session().facts()), world.others.__getitem__)
    del state
    world.machine.alive = ["r9.x"]
    world.journal.records.clear()
    session = world.session(plan, "r2")
    session.record(aftermath.opened(plan, "r2", "real", {"web1": world.machine.target}, ""))
    ended = loop.go(session)
    assert ended.exit is Exit.UNKNOWN
    assert world.machine.effects == ["one"]


def test_a_run_that_ends_after_a_takeover_gives_the_lock_back_once_the_target_answered() -> None:
    world = intended("two", sent=True)
    session = world.session()
    session.record(RunResumed(1))
    session.record(TakeoverBegun("web1", "r9", "bob"))
    assert loop.go(session).exit is Exit.OK
    assert world.machine.holder is None
    assert world.kinds()[-3:] == ["target.answered", "lock.returned", "run.finished"]


def test_a_lock_that_could_not_be_given_back_is_not_called_free() -> None:
    world = World(load(BOOK), answers={key: list(words) for key, words in RUN.items()})

    def refused(_: Claim) -> UnlockAnswer:
        return Unreachable("there is no room on the target")

    world.machine.unlock = refused  # type: ignore[method-assign]
    assert world.begin().exit is Exit.OK
    assert "lock.returned" not in world.kinds()
    assert world.journal.records[-2].data == {"host": "web1", "why": "there is no room on the target"}


def test_a_lock_that_somebody_else_holds_is_not_called_free() -> None:
    world = World(load(BOOK), answers={"one": ["run"], "two": ["stop"]})

    def taken(_: str) -> Exited:
        world.machine.holder = (Claim("r9", "bob", world.clock.now(), "Two"), 9)
        return Exited(0, Captured())

    world.machine.outcomes = {"one": taken}
    world.begin()
    returned = next(record for record in world.journal.records if record.kind == "lock.returned")
    assert returned.data["note"] == "it was not held by this run any more"


def test_a_finished_run_that_kept_its_lock_is_taken_over() -> None:
    world = World(load(BOOK), answers={key: list(words) for key, words in RUN.items()})
    world.machine.holder = (Claim("r0", "bob", world.clock.now(), "Two"), 1)
    world.runs.stand["r0"] = Standing.OVER
    ended = world.begin()
    assert ended.exit is Exit.LOCKED
    assert "is over and could not give it back: `run.resume r1 --take-over`" in ended.why


def test_rollback_at_the_first_gate_stops_and_says_that_there_is_nothing_to_take_back() -> None:
    world = World(load(BOOK), answers={"one": ["rollback"]})
    ended = world.begin()
    assert (ended.exit, ended.wants) == (Exit.STOPPED, "")
    assert ended.why.endswith("nothing was changed, so there is nothing to take back")


MANUAL = BOOK.replace(
    "effect: change, run: one, undo: {run: un-one}", "effect: change, manual: do, undo: {manual: undo}"
)


def test_work_that_a_person_left_out_is_not_taken_back() -> None:
    world = World(load(MANUAL), answers={"one": ["skip"], "two": ["stop"]})
    world.begin()
    assert aftermath.changes_made(world.session().facts()) == ()


def test_work_that_was_tried_and_then_left_out_is() -> None:
    world = World(load(MANUAL), answers={"one": ["failed"], "two": ["stop"]})
    world.begin()
    world.answers["one"] = ["skip"]
    world.resume()
    assert [done.item.key for done in aftermath.changes_made(world.session().facts())] == ["one"]


def test_what_was_superseded_is_not_said_to_run() -> None:
    from holdpoint.engine.outcomes import Superseded

    world = World(load(BOOK), answers={key: list(words) for key, words in RUN.items()})
    world.machine.outcomes = {"one": Superseded("bob, run r9")}
    ended = world.begin()
    assert ended.exit is Exit.LOCKED
    progress = replay(world.journal.records).steps["one", "web1"]
    assert progress.settled is False
    assert not progress.touched


def test_a_run_whose_output_lies_on_the_target_still_is_not_over() -> None:
    world = World(load(BOOK), answers={key: list(words) for key, words in RUN.items()})
    world.machine.forgets = False
    ended = world.begin()
    assert ended.exit is Exit.UNKNOWN
    assert "could not be cleared away on web1" in ended.why
    assert world.machine.holder is None
    world.machine.forgets = True
    session = world.session()
    Executing(session).clear_up()
    session.record(RunResumed(1))
    assert loop.go(session).exit is Exit.OK
    assert world.machine.effects == ["one", "two"]
