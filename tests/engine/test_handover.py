"""A run that was handed over: whose locks are whose, and what counts as done where the next person is."""

from __future__ import annotations

from dataclasses import replace

from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import Silence
from holdpoint.engine.events import RunHandedOver, RunResumed, RunTakenOver, Status, StepEnded
from holdpoint.engine.loop import Ended
from holdpoint.engine.ports import Claim
from holdpoint.engine.session import Session
from holdpoint.engine.state import replay
from holdpoint.engine.target import Tier
from holdpoint.planning import build
from holdpoint.planning.plan import Plan
from holdpoint.planning.values import bind
from holdpoint.problem import Exit
from holdpoint.shell import Secret, Value
from tests.engine.fakes import World, load
from tests.engine.test_takeover import BOOK, intended

ASKED = """
schema: holdpoint/runbook/1
id: asked
title: What a person said
owner: ops
severity: SEV1
reviewed: 2026-11-23
params: {token: {type: secret, from: {env: TOKEN}}}
symptoms: []
diagnostic:
  - {id: whose, title: Whose is it, ask: "Whose?", register: {team: {type: string}}}
resolution:
  - {id: tell, title: Tell them, notify: {to: ops, say: "Ask {team}"}}
  - {id: one, title: One, effect: change, run: 'one "$team" "$token"', irreversible: no}
prevention: []
rollback: []
"""


def taken(world: World, machine: str = "web1", moved: tuple[str, ...] = ()) -> Session:
    """Hand the run over, and let bob take it."""
    session = world.session()
    if session.state.handed is None:
        session.record(RunHandedOver("web1"))
    session.record(RunTakenOver("ann", "web1", machine, moved, session.plan.digest))
    session.person = "bob"
    return session


def goes_on(session: Session) -> Ended:
    return loop.go(session, RunResumed(1))


def test_a_lock_that_stands_still_is_taken_over_before_anything_else() -> None:
    world = intended("one", sent=True)
    first = world.machine.holder
    assert first is not None
    session = taken(world)
    assert session.state.inherited == {"web1"}
    assert goes_on(session).exit is Exit.OK
    after = world.kinds()[world.kinds().index("run.taken_over") :]
    assert after[1:4] == ["run.resumed", "takeover.begun", "lock.taken"]
    assert world.machine.epoch == first[1] + 1
    assert world.machine.effects == ["one", "two"]
    assert world.machine.holder is None


def test_a_lock_that_nothing_is_left_to_do_under_is_given_back_all_the_same() -> None:
    world = intended("two", sent=True)
    session = world.session()
    session.record(StepEnded("two", "web1", 1, Status.OK, exit=0))
    assert goes_on(taken(world)).exit is Exit.OK
    assert world.machine.holder is None
    assert world.kinds()[-2:] == ["lock.returned", "run.finished"]


def test_on_production_the_opening_question_comes_before_the_lock() -> None:
    world = World(load(BOOK), answers={"opening": ["run"], "one": ["web1", "run"], "two": ["run"]}, tier=Tier.PROD)
    world.answers["one"] = [Silence.NO_TERMINAL]
    world.begin()
    session = taken(world)
    session.state = replace(session.state, inherited=frozenset({"web1"}), owed=frozenset({"web1"}))
    world.machine.holder, world.machine.epoch = (Claim("r1", "ann", world.clock.now(), "Two"), 1), 1
    world.answers["opening"] = [Silence.NO_TERMINAL]
    assert goes_on(session).exit is Exit.NEEDS_PERSON
    assert world.machine.holder[0].person == "ann"
    assert "lock.returned" not in world.kinds()[world.kinds().index("run.taken_over") :], "it was not ours to give back"


def test_whoever_took_it_over_is_not_taken_for_the_first() -> None:
    """The same run is held by somebody who took it back: that is a holder like any other."""
    world = intended("one", sent=True)
    session = taken(world)
    world.machine.holder = (Claim("r1", "ann", world.clock.now(), "Two", "r1.0badf00d"), 5)
    world.machine.epoch = 5
    ended = goes_on(session)
    assert ended.exit is Exit.LOCKED
    assert "held by ann, run r1" in ended.why
    assert "run.resume r1 --take-over" in ended.why
    assert world.machine.effects == ["one"]


def test_the_first_does_not_get_the_lock_of_the_second() -> None:
    world = intended("one", sent=True)
    before = list(world.journal.records)
    session = taken(world)
    session.record(RunResumed(1))
    world.answers["two"] = [Silence.NO_TERMINAL]
    loop.go(session)
    world.machine.holder = (Claim("r1", "bob", world.clock.now(), "Two", session.state.holds_as), world.machine.epoch)
    world.journal.records[:] = before
    ended = world.resume()
    assert ended.exit is Exit.LOCKED
    assert "held by bob" in ended.why


def test_what_was_done_where_the_first_person_was_is_done() -> None:
    world = World(load(ASKED), answers={"whose": ["blue"], "one": [Silence.NO_TERMINAL]})
    values: dict[str, Value] = {"token": Secret("sesame")}

    def plan(here: str, key: bytes) -> Plan:
        return build.plan(
            world.runbook,
            bind(world.runbook, values),
            hosts=("web1",),
            here=here,
            key=key,
            load=world.others.__getitem__,
        )

    annes, bobs = plan("lap1", b"a"), plan("lap2", b"b")
    assert annes.content == bobs.content
    assert annes.digest != bobs.digest
    lap = replace(world.machine)
    session = world.session(annes)
    session.ports = replace(session.ports, machines={"web1": world.machine, "lap1": lap, "lap2": lap})
    session.record(aftermath.opened(annes, "r1", "real", {"web1": world.machine.target, "lap1": lap.target}, ""))
    assert loop.go(session).exit is Exit.NEEDS_PERSON
    assert world.messenger.sent == [("ops", "Ask blue")]
    session.record(RunHandedOver("lap1"))
    session.record(RunTakenOver("ann", "lap1", "lap2", ("whose", "tell"), bobs.digest))
    again = Session(bobs, session.ports, "r1", "bob", replay(world.journal.records))
    world.operator.answers = {"one": ["run"]}
    assert loop.go(again, RunResumed(1)).exit is Exit.OK
    assert len(world.messenger.sent) == 1, "nobody is told twice"
    assert world.machine.effects == ['one "$team" "$token"']


def test_a_run_that_was_taken_back_has_yet_another_name() -> None:
    world = intended("one", sent=True)
    first = replay(world.journal.records).holds_as
    assert len({first, taken(world).state.holds_as, taken(world).state.holds_as}) == 3
