"""The laws of the engine: agreement before change, intent before effect, and a run that is taken up anywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import By, Silence
from holdpoint.engine.outcomes import (
    Captured,
    EndedByPerson,
    Exited,
    LeftRunning,
    NotRun,
    Outcome,
    Signalled,
    Superseded,
    TimedOut,
    Unknown,
    Unreachable,
)
from holdpoint.engine.ports import Claim, Standing
from holdpoint.engine.session import Session
from holdpoint.engine.target import Tier
from holdpoint.planning.plan import Plan
from holdpoint.planning.rollback import rollback
from holdpoint.problem import Exit
from tests.engine.fakes import FakeJournal, FakeWatch, Killed, World, load, printed

HEAD = """
schema: holdpoint/runbook/1
id: log-disk
title: The log disk is full
owner: ops
severity: SEV1
services: [wiki]
alerts: []
matches: []
reviewed: 2026-11-23
"""
TWO = (
    HEAD
    + """
params:
  mount: {type: path, default: /var/log}
symptoms:
  - {id: full, title: It is full, run: 'is_full "$mount"'}
diagnostic:
  - {id: space, title: How full is it, run: 'used_of "$mount"', register: {used: {type: integer}}}
causes:
  - {id: big, title: Large files, when: {value: used, op: ge, than: 90}, evidence: "{used} % are used"}
resolution:
  - {id: first, title: Do the first, for: [big], effect: change, run: 'first "$used"', undo: {run: unfirst}}
  - {id: second, title: Do the second, effect: destroy, run: second, irreversible: it is gone,
     verify: {run: second_is_done}}
prevention:
  - {id: rotate, title: Give it a limit, action: {owner: ops, due: 14d}}
rollback:
  - {id: tell, title: Tell the owner, manual: Tell them what is gone.}
recovered: {run: has_room}
escalation:
  - {after: 15m, to: backup, say: 'The disk of {mount} is still full'}
"""
)


def world(**kwargs: object) -> World:
    made = World(load(TWO), **{"answers": {"first": ["run"], "second": ["run"]}, **kwargs})  # type: ignore[arg-type]

    def room(_: str) -> Exited:
        return Exited(0 if "second" in made.machine.effects else 1, Captured())

    made.machine.outcomes = {"used_of": printed("97\n"), "has_room": room, "second_is_done": room}
    return made


def test_a_run_repairs_and_proves_it() -> None:
    one = world()
    ended = one.begin()
    assert (ended.exit, ended.why) == (Exit.OK, "recovered: the check was red before and is green now")
    assert one.machine.effects == ['first "$used"', "second"]
    assert one.results() == {"full": "ok", "space": "ok", "first": "ok", "second": "ok", "rotate": "ok"}
    assert one.machine.holder is None


def boundaries() -> int:
    one = world()
    one.begin()
    return one.points.passed


def test_killed_at_every_boundary_and_resumed() -> None:
    assert boundaries() >= 40
    for point in range(boundaries()):
        one = world()
        one.points.kill_at = point
        with pytest.raises(Killed):
            one.begin()
        ended = one.resume()
        assert ended.exit is Exit.OK, (point, ended)
        assert one.machine.effects == ['first "$used"', "second"], point


def test_killed_twice() -> None:
    for point in range(boundaries()):
        for second in range(12):
            one = world()
            one.points.kill_at = point
            with pytest.raises(Killed):
                one.begin()
            one.points.kill_at = one.points.passed + second
            try:
                one.resume()
            except Killed:
                one.resume()
            assert one.machine.effects == ['first "$used"', "second"], (point, second)


@pytest.mark.parametrize("silence", sorted(set(Silence) - {Silence.ELAPSED}))
def test_silence_at_a_gate_agrees_to_nothing(silence: Silence) -> None:
    one = world(answers={"first": [silence]})
    ended = one.begin()
    assert ended.exit is (Exit.STOPPED if silence is Silence.INTERRUPTED else Exit.NEEDS_PERSON)
    assert one.machine.effects == []


@pytest.mark.parametrize(("word", "code"), [("stop", Exit.STOPPED), ("rollback", Exit.STOPPED)])
def test_other_words_change_nothing(word: str, code: Exit) -> None:
    one = world(answers={"first": [word]})
    ended = one.begin()
    assert ended.exit is code
    assert one.machine.effects == []
    assert one.machine.holder is None


def test_skip_leaves_the_step_out() -> None:
    one = world(answers={"first": ["skip"], "second": ["run"]})
    assert one.begin().exit is Exit.OK
    assert one.machine.effects == ["second"]
    assert one.results()["first"] == "skipped operator"


def test_a_value_that_changed_voids_the_agreement() -> None:
    one = world()
    used = iter(["97", "98", "98", "98"])
    one.machine.outcomes["used_of"] = lambda _: printed(next(used))

    def slow(_: object) -> str:
        one.clock.time += timedelta(minutes=11)
        one.operator.answers["first"] = ["run"]
        return "run"

    one.operator.answers["first"] = [slow]
    assert one.begin().exit is Exit.OK
    gates = [q for q in one.operator.questions if q.key == "first"]
    assert [{n: v for _, n, v in gate.values}["used"] for gate in gates] == ["97", "98"]
    assert gates[0].digest != gates[1].digest


def test_a_value_that_did_not_change_keeps_it() -> None:
    one = world()

    def slow(_: object) -> str:
        one.clock.time += timedelta(minutes=11)
        return "run"

    one.operator.answers["first"] = [slow]
    assert one.begin().exit is Exit.OK
    assert len([q for q in one.operator.questions if q.key == "first"]) == 1
    assert one.machine.reads.count('used_of "$mount"') == 2


def test_a_document_that_changed_while_the_gate_was_open() -> None:
    one = world()

    def edit(_: object) -> str:
        one.documents.changed = "`log-disk` differs from what was planned"
        return "run"

    one.operator.answers["first"] = [edit]
    assert one.begin().exit is Exit.USAGE
    assert one.machine.effects == []


def test_in_doubt_is_asked_about_and_never_repeated() -> None:
    one = world(answers={"first": ["run"], "second": ["run"]})
    one.machine.outcomes["first"] = Unknown("the machine was rebooted")
    one.operator.answers["first"] = ["run", "happened"]
    assert one.begin().exit is Exit.OK
    assert one.machine.effects.count('first "$used"') == 1
    assert "doubt.settled" in one.kinds()


def test_in_doubt_and_not_done_opens_the_gate_anew() -> None:
    one = world()
    answers = iter([Unknown("gone"), Exited(0, Captured())])
    one.machine.outcomes["first"] = lambda _: next(answers)
    one.operator.answers["first"] = ["run", "again", "run"]
    assert one.begin().exit is Exit.OK
    kinds = [q.kind.value for q in one.operator.questions if q.key == "first"]
    assert kinds == ["gate", "doubt", "gate"]


def test_in_doubt_with_nobody_there() -> None:
    one = world()
    one.machine.outcomes["first"] = Unknown("gone")
    one.operator.answers["first"] = ["run", Silence.NO_TERMINAL]
    ended = one.begin()
    assert ended.exit is Exit.UNKNOWN
    assert one.machine.holder is not None, "the lock stays where something is in doubt"


def test_in_doubt_is_settled_by_its_verify_when_green() -> None:
    one = world()
    one.machine.outcomes = {
        "second_is_done": one.machine.outcomes["second_is_done"],
        "second": Unknown("gone"),
        **one.machine.outcomes,
    }
    assert one.begin().exit is Exit.OK
    assert one.machine.effects.count("second") == 1
    assert [q.kind.value for q in one.operator.questions if q.key == "second"] == ["gate"]


def test_a_failed_step_stops_and_may_be_tried_again_after_a_new_agreement() -> None:
    one = world()
    outcomes = iter([Exited(7, Captured()), Exited(0, Captured())])
    one.machine.outcomes["first"] = lambda _: next(outcomes)
    ended = one.begin()
    assert ended.exit is Exit.FAILED
    assert "`first` failed with exit 7 on web1" in ended.why
    assert one.resume().exit is Exit.OK
    assert len([q for q in one.operator.questions if q.key == "first"]) == 2


def test_a_time_out_that_was_not_seen_to_end_is_in_doubt() -> None:
    one = world(answers={"first": ["run", Silence.NO_TERMINAL]})
    one.machine.outcomes["first"] = TimedOut(ended=False, output=Captured())
    assert one.begin().exit is Exit.UNKNOWN


def test_nothing_wrong() -> None:
    one = world()
    one.machine.outcomes = {"used_of": printed("12"), "is_full": Exited(1, Captured())}
    ended = one.begin()
    assert ended.exit is Exit.OK
    assert "no cause was found" in ended.why
    assert one.operator.questions == []


def test_something_wrong_without_a_cause_calls_for_help() -> None:
    one = world()
    one.machine.outcomes = {"used_of": printed("12"), "has_room": Exited(1, Captured())}
    ended = one.begin()
    assert ended.exit is Exit.FAILED
    assert one.messenger.sent == [("backup", "The log disk is full [r1]: The disk of /var/log is still full")]


def test_green_at_the_start_asks_whether_to_go_on() -> None:
    one = world(answers={"proceed": ["stop"]})
    one.machine.outcomes = {"used_of": printed("97")}
    assert one.begin().exit is Exit.STOPPED
    assert one.machine.effects == []


def test_a_value_that_was_not_read_skips_what_rests_on_it() -> None:
    text = TWO.replace("run: 'used_of \"$mount\"',", "run: 'used_of \"$mount\"', on_failure: continue,")
    one = World(load(text), {"first": ["run"], "second": ["run"]})
    one.machine.outcomes = {"used_of": Exited(1, Captured()), "has_room": Exited(1, Captured())}
    ended = one.begin()
    assert ended.exit is Exit.FAILED
    assert one.machine.effects == []


def test_production_asks_before_it_reads_and_wants_the_name_before_it_destroys() -> None:
    one = world(answers={"opening": ["run"], "first": ["run"], "second": ["run"]}, tier=Tier.PROD)
    assert one.begin().exit is Exit.OK
    assert [(q.key, q.agree) for q in one.operator.questions] == [
        ("opening", ("run",)),
        ("first", ("run",)),
        ("second", ("web1",)),
    ]


def test_a_script_passes_no_gate_on_production() -> None:
    one = world(answers={"opening": ["run"]}, tier=Tier.PROD, by=By.SCRIPT)
    assert one.begin().exit is Exit.NEEDS_PERSON
    assert one.machine.reads == []


def test_a_lock_that_is_held_names_who() -> None:
    one, two = world(), world()
    one.answers["first"] = ["run", Silence.NO_TERMINAL]
    one.machine.outcomes["first"] = Unknown("gone")
    one.begin()
    two.machine.holder, two.machine.epoch = one.machine.holder, one.machine.epoch
    session: Session = two.session(run="r2")
    session.record(aftermath.opened(session.plan, "r2", "real", {"web1": two.machine.target}, ""))
    ended = loop.go(session)
    assert ended.exit is Exit.LOCKED
    assert "web1 is held by ann, run r1 (The log disk is full), since 2026-11-23 03:00 UTC" in ended.why


def test_escalation_in_time_while_a_gate_waits() -> None:
    one = world()

    def later(_: object) -> Silence:
        one.clock.time += timedelta(minutes=16)
        return Silence.ELAPSED

    one.operator.answers["first"] = [later, "run"]
    assert one.begin().exit is Exit.OK
    assert one.messenger.sent == [("backup", "The log disk is full [r1]: The disk of /var/log is still full")]


def test_rollback_takes_back_in_reverse_and_lists_what_stays() -> None:
    one = world()
    one.begin()
    session = one.session()
    plan = rollback(session.plan, "r1", aftermath.left(session.facts()), one.others.__getitem__)
    assert plan.not_undone == ("web1: Do the second: it is gone",)
    one.answers |= {"undo-first": ["run"], "tell": ["done"]}
    one.journal = FakeJournal(one.clock, one.points)
    one.machine.journal = one.journal
    again = one.session(plan, run="r2")
    again.record(aftermath.opened(plan, "r2", "real", {"web1": one.machine.target}, ""))
    assert loop.go(again).exit is Exit.ROLLED_BACK
    assert one.machine.effects[-1] == "unfirst"


def test_a_rollback_never_reports_success_when_a_part_failed() -> None:
    one = world()
    one.begin()
    session = one.session()
    plan = rollback(session.plan, "r1", aftermath.left(session.facts()), one.others.__getitem__)
    for outcome, words in ((Exited(1, Captured()), ["run"]), (Exited(0, Captured()), ["skip"])):
        one.answers |= {"undo-first": list(words), "tell": ["done"]}
        one.machine.outcomes = {"unfirst": outcome}
        one.journal = FakeJournal(one.clock, one.points)
        one.machine.journal, one.machine.tokens = one.journal, {}
        again = one.session(plan, run="r2")
        again.record(aftermath.opened(plan, "r2", "real", {"web1": one.machine.target}, ""))
        assert loop.go(again).exit is Exit.ROLLBACK_FAILED


def test_a_gate_that_expires_agrees_to_nothing() -> None:
    text = TWO.replace("undo: {run: unfirst}}", "undo: {run: unfirst}, gate: {expires: 5m}}")
    one = World(
        load(text), {"first": [lambda _: one.clock.wait(timedelta(minutes=6), FakeWatch()) and Silence.ELAPSED]}
    )
    one.machine.outcomes = world().machine.outcomes | {"has_room": Exited(1, Captured())}
    ended = one.begin()
    assert ended.exit is Exit.NEEDS_PERSON
    assert one.machine.effects == []


def test_a_second_person_approves() -> None:
    text = TWO.replace("undo: {run: unfirst}}", "undo: {run: unfirst}, gate: {approvers: 2, expires: 5m}}")
    for approved, code, effects in (([], Exit.NEEDS_PERSON, 0), (["ann"], Exit.NEEDS_PERSON, 0), (["bob"], Exit.OK, 2)):
        one = world()
        one.runbook = load(text)
        one.machine.approved = approved
        assert one.begin().exit is code
        assert len(one.machine.effects) == effects
        assert one.machine.announced != []
        assert one.machine.shown == (one.machine.announced[-1:] if effects == 0 else [])


def test_what_one_person_passes_alone_is_shown_to_no_other() -> None:
    one = world()
    assert one.begin().exit is Exit.OK
    assert one.machine.effects
    assert one.machine.announced == []


def test_goto_passes_over_what_lies_between() -> None:
    text = TWO.replace("undo: {run: unfirst}}", "undo: {run: unfirst}, on_failure: goto, goto: third}").replace(
        "prevention:\n",
        "  - {id: third, title: The third, effect: change, run: third, irreversible: no}\nprevention:\n",
    )
    one = world(answers={"first": ["run"], "third": ["run"]})
    one.runbook = load(text)
    one.machine.outcomes |= {"first": Exited(1, Captured()), "has_room": Exited(1, Captured())}
    one.begin()
    assert one.results()["second"] == "skipped condition"
    assert one.machine.effects == ['first "$used"', "third"]


def test_retries_are_agreed_to_at_once_and_counted() -> None:
    text = TWO.replace(
        "undo: {run: unfirst}}", "undo: {run: unfirst}, idempotent: true, retry: {max: 2, backoff: 1s, exit: [75]}}"
    )
    one = world()
    one.runbook = load(text)
    outcomes = iter([Exited(75, Captured()), Exited(75, Captured()), Exited(0, Captured())])
    one.machine.outcomes["first"] = lambda _: next(outcomes)
    assert one.begin().exit is Exit.OK
    gates = [q for q in one.operator.questions if q.key == "first"]
    assert [gate.attempts for gate in gates] == [3]


def test_a_used_runbook_has_its_own_values_and_gates() -> None:
    inner = (
        TWO.replace("id: log-disk", "id: inner")
        .replace("default: /var/log", "prompt: which")
        .replace("recovered: {run: has_room}", "")
    )
    text = TWO.replace(
        "resolution:\n",
        "resolution:\n  - {id: sub, title: Another, use: {runbook: inner, with: {mount: {value: mount}}}}\n",
    )
    one = world(answers={key: ["run"] for key in ("first", "second", "sub/first", "sub/second")})
    one.runbook, one.others = load(text), {"inner": load(inner)}
    assert one.begin().exit is Exit.OK
    assert [q.key for q in one.operator.questions] == ["sub/first", "sub/second", "first", "second"]


def test_a_rollback_killed_at_every_boundary_and_resumed() -> None:
    def ready() -> tuple[World, Plan]:
        one = world(answers={"first": ["run"], "second": ["run"], "undo-first": ["run"], "tell": ["done"]})
        one.begin()
        session = one.session()
        plan = rollback(session.plan, "r1", aftermath.left(session.facts()), one.others.__getitem__)
        one.journal = FakeJournal(one.clock, one.points)
        one.machine.journal = one.journal
        one.points.passed = 0
        return one, plan

    counted, plan = ready()
    assert counted.resume(plan).exit is Exit.ROLLED_BACK
    assert counted.points.passed >= 20
    for point in range(counted.points.passed):
        one, plan = ready()
        one.points.kill_at = point
        with pytest.raises(Killed):
            one.resume(plan)
        one.points.kill_at = -1
        ended = one.resume(plan)
        assert ended.exit is Exit.ROLLED_BACK, (point, ended)
        assert one.machine.effects == ['first "$used"', "second", "unfirst"], point


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Exited(3, Captured()), "failed", Exit.FAILED),
        (Signalled(9, Captured()), "failed", Exit.FAILED),
        (TimedOut(ended=True, output=Captured()), "timed_out", Exit.FAILED),
        (Unreachable("no route"), "unreachable", Exit.UNKNOWN),
        (Unknown("gone"), "in_doubt", Exit.UNKNOWN),
        (EndedByPerson(ended=True, output=Captured()), "failed", Exit.STOPPED),
        (EndedByPerson(ended=False, output=Captured()), "in_doubt", Exit.UNKNOWN),
        (NotRun("not here"), "skipped dry_run", Exit.OK),
        (Superseded("bob"), "", Exit.LOCKED),
        (LeftRunning(), "", Exit.STOPPED),
    ],
)
def test_every_outcome_has_its_status_and_its_exit(outcome: Outcome, status: str, code: Exit) -> None:
    one = world(answers={"first": ["run", Silence.NO_TERMINAL], "second": ["run"]})
    one.machine.outcomes["first"] = outcome
    assert one.begin().exit is code
    assert one.results().get("first", "") == status


def test_a_lock_whose_owner_is_gone_says_how_to_take_that_run_up() -> None:
    one = world()
    one.machine.holder = (Claim("r0", "bob", one.clock.now(), "The log disk is full"), 1)
    told = one.begin()
    assert told.exit is Exit.LOCKED
    assert "talk to them" in told.why
    one.runs.stand["r0"] = Standing.LEFT
    told = one.resume()
    assert told.exit is Exit.LOCKED
    assert "`run.resume r0` takes it up" in told.why
    assert "talk to them" not in told.why


def test_a_cause_that_was_found_and_not_treated_is_not_well() -> None:
    without_proof = TWO.replace("recovered: {run: has_room}\n", "")
    one = World(load(without_proof), answers={"first": ["skip"], "second": ["skip"]})
    one.machine.outcomes = {"is_full": printed("", 1), "used_of": printed("97\n")}
    ended = one.begin()
    assert ended.exit is Exit.FAILED
    assert "nothing was changed, and it is as it was: web1: Large files" in ended.why


FORM = (
    HEAD
    + """
symptoms: []
diagnostic:
  - {id: pick, title: Which, ask: "Numbers, or none", register: {pick: {type: string, pattern: "none|[0-9]+"}}}
  - {id: read, title: Read it, run: 'read_it "$pick"', register: {got: {type: integer, max: 5}}}
resolution: []
prevention: []
rollback: []
"""
)


def test_an_answer_that_does_not_fit_is_asked_for_again_at_once() -> None:
    one = World(load(FORM), answers={"pick": ["7x", "7"]})
    one.machine.outcomes = {"read_it": printed("5\n")}
    assert one.begin().exit is Exit.OK
    assert one.results() == {"pick": "ok", "read": "ok"}
    asked = [question.problem for question in one.operator.questions if question.key == "pick"]
    assert asked == ["", "`7x` has not the form that is asked for; nothing was answered."]


def test_output_that_does_not_fit_fails_the_step() -> None:
    one = World(load(FORM), answers={"pick": ["7"]})
    one.machine.outcomes = {"read_it": printed("6\n")}
    ended = one.begin()
    assert ended.exit is Exit.FAILED
    assert one.results()["read"] == "failed"
