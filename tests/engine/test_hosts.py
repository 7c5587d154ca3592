"""Several hosts in one run: at once where it reads, in batches where it changes, and the same result in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import Question
from holdpoint.engine.events import RunResumed
from holdpoint.engine.loop import Ended
from holdpoint.engine.outcomes import Captured, Exited, Outcome, Unreachable
from holdpoint.engine.ports import T, Watch, Wish
from holdpoint.engine.session import Ports, Session
from holdpoint.engine.state import replay
from holdpoint.engine.target import Target, Tier
from holdpoint.planning import build
from holdpoint.planning.values import bind
from holdpoint.problem import Exit
from tests.engine.fakes import FakeMachine, Killed, World, load, printed

BOOK = """
schema: holdpoint/runbook/1
id: fleet
title: The fleet is full
owner: ops
severity: SEV1
reviewed: 2026-11-23
symptoms: []
diagnostic:
  - {id: space, title: How full, run: used, register: {used: {type: integer}}READS}
causes:
  - {id: big, title: Large files, when: {value: used, op: ge, than: 90}, evidence: "{used} %"}
resolution:
  - {id: mend, title: Mend it, for: [big], effect: change, run: mend, irreversible: no, verify: {run: mended}FANOUT}
  - {id: last, title: The last, for: [big], effect: change, run: last, irreversible: no}
prevention: []
rollback: []
recovered: {run: well}
"""
NAMES = tuple(f"web{n}" for n in range(1, 9))


class Backwards:
    """A crew whose last host answers first."""

    def carry_out(self, jobs: Sequence[Callable[[Watch], T]], watch: Watch) -> Iterator[tuple[int, T]]:
        for number in reversed(range(len(jobs))):
            yield number, jobs[number](watch)


@dataclass
class Fleet:
    """A world of eight hosts; `sick` names those that a cause is found on, `bad` what fails on which host."""

    fanout: str = ""
    reads: str = ""
    sick: frozenset[str] = frozenset(NAMES)
    bad: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    answers: dict[str, list[object]] = field(default_factory=lambda: {"mend": ["run"], "last": ["run"]})
    tier: Tier = Tier.STAGING

    def __post_init__(self) -> None:
        text = BOOK.replace("FANOUT", f", fanout: {self.fanout}" if self.fanout else "")
        text = text.replace("READS", f", fanout: {self.reads}" if self.reads else "")
        self.world = World(load(text), answers=self.answers)  # type: ignore[arg-type]
        self.machines = {name: self._machine(name) for name in (*NAMES, "lap")}
        self.order: list[str] = []

    def _machine(self, name: str) -> FakeMachine:
        one = FakeMachine(self.world.points, Target(name, self.tier), journal=self.world.journal)

        def mended(_: str) -> Outcome:
            return self.bad.get((name, "mended"), Exited(0 if "mend" in one.effects else 1, Captured()))

        def well(_: str) -> Outcome:
            return Exited(0 if name not in self.sick or "last" in one.effects else 1, Captured())

        def does(text: str) -> Outcome:
            self.order.append(f"{name} {text.strip()}")
            return self.bad.get((name, text.strip()), Exited(0, Captured()))

        used = self.bad.get((name, "used"), printed("97\n" if name in self.sick else "20\n"))
        one.outcomes = {"mended": mended, "well": well, "used": used, "mend": does, "last": does}
        return one

    def session(self) -> Session:
        world = self.world
        plan = build.plan(
            world.runbook, bind(world.runbook, {}), hosts=NAMES, here="lap", key=b"k", load=world.others.__getitem__
        )
        outside = (world.operator, world.clock, world.journal, world.documents, world.messenger, world.runs)
        return Session(plan, Ports(self.machines, *outside, Backwards()), "r1", "ann", replay(world.journal.records))

    def go(self) -> Ended:
        session = self.session()
        if session.state.opened is not None:
            session.record(RunResumed(1))
        else:
            targets = {name: machine.target for name, machine in self.machines.items()}
            session.record(aftermath.opened(session.plan, "r1", "real", targets, ""))
        return loop.go(session)

    def gates(self, key: str) -> list[tuple[str, ...]]:
        asked = (question for question in self.world.operator.questions if question.key == key)
        return [tuple(target.name for target in question.targets) for question in asked]

    def done(self, effect: str) -> list[str]:
        return [name for name in NAMES if effect in self.machines[name].effects]


def test_each_host_is_repaired_where_its_cause_was_found() -> None:
    fleet = Fleet(sick=frozenset({"web2", "web5"}))
    ended = fleet.go()
    assert ended.exit is Exit.OK, ended
    assert fleet.done("mend") == fleet.done("last") == ["web2", "web5"]
    assert fleet.gates("mend") == [("web2", "web5")]


def test_without_fanout_one_host_is_changed_after_the_other_and_the_first_failure_stops() -> None:
    fleet = Fleet(bad={("web3", "mend"): Exited(1, Captured())})
    ended = fleet.go()
    assert ended.exit is Exit.FAILED
    assert "`mend` failed with exit 1 on web3" in ended.why
    assert fleet.order == ["web1 mend", "web2 mend", "web3 mend"]
    assert fleet.gates("mend") == [NAMES]


def test_batches_each_with_a_gate_of_its_own() -> None:
    fleet = Fleet(fanout="{batches: [1, 25%]}")
    assert fleet.go().exit is Exit.OK
    assert fleet.gates("mend") == [("web1",), ("web2", "web3"), ("web4", "web5"), ("web6", "web7"), ("web8",)]
    assert fleet.done("last") == list(NAMES)
    (_, second, *_), questions = fleet.gates("mend"), fleet.world.operator.questions
    told = next(question.batch for question in questions if tuple(t.name for t in question.targets) == second)
    assert told.startswith("2 of 5, 2 of 8 hosts; it asks again before each of them; none failed so far; 0 may fail")


def test_a_batch_is_checked_before_the_next_one_begins() -> None:
    fleet = Fleet(fanout="{batches: [2]}", bad={("web2", "mended"): Exited(1, Captured())})
    ended = fleet.go()
    assert ended.exit is Exit.FAILED
    assert "`mend` was done, but its check is red on web2" in ended.why
    assert fleet.done("mend") == ["web1", "web2"]


def test_one_gate_for_all_batches_where_the_document_says_so() -> None:
    fleet = Fleet(fanout="{batches: [3], gate_between: false}")
    assert fleet.go().exit is Exit.OK
    assert fleet.gates("mend") == [NAMES]
    assert [one.split()[0] for one in fleet.order if one.endswith("mend")] == [
        *("web3", "web2", "web1"),
        *("web6", "web5", "web4"),
        *("web8", "web7"),
    ]


@pytest.mark.parametrize(("may", "exit_code", "mended"), [(1, Exit.FAILED, 4), (2, Exit.FAILED, 8)])
def test_failures_count_and_so_does_a_host_that_does_not_answer(may: int, exit_code: Exit, mended: int) -> None:
    bad: dict[tuple[str, str], Outcome] = {
        ("web1", "mend"): Exited(1, Captured()),
        ("web3", "mend"): Unreachable("no answer"),
    }
    fleet = Fleet(fanout=f"{{batches: [2], max_failures: {may}}}", bad=bad)
    ended = fleet.go()
    assert ended.exit in (exit_code, Exit.UNKNOWN)
    assert len([one for one in fleet.order if one.endswith("mend")]) == mended
    if may == 2:
        assert ended.why == "not all hosts came to the end: `mend` failed on web1, web3"
        assert fleet.done("last") == [name for name in NAMES if name not in ("web1", "web3")]


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (("web1",), "`mend` failed with exit 1 on web1"),
        (
            ("web1", "web3"),
            "`mend` failed with exit 1 on web1; in all it did not succeed on web1, web3, and 0 may fail",
        ),
        (NAMES, "`mend` failed with exit 1 on web1; in all it did not succeed on web1, web2, web3, web4 and 4 more"),
    ],
)
def test_every_host_that_failed_is_named_where_too_many_did(failing: tuple[str, ...], told: str) -> None:
    fleet = Fleet(fanout="{batches: [8]}", bad={(name, "mend"): Exited(1, Captured()) for name in failing})
    ended = fleet.go()
    assert ended.exit is Exit.FAILED
    assert ended.why.startswith(told)
    assert len(failing) > 1 or ended.why == told


def test_all_hosts_that_a_read_failed_on_are_named() -> None:
    fleet = Fleet(bad={(name, "used"): Unreachable("no route") for name in ("web2", "web5")})
    told = "`space` could not be done on web2: no route; in all it did not succeed on web2, web5"
    assert fleet.go().why == told


@pytest.mark.parametrize("may", [0, 1])
def test_a_check_that_cannot_be_looked_at_counts_and_a_resume_looks_anew(may: int) -> None:
    fanout = f"{{batches: [4], max_failures: {may}}}"
    fleet = Fleet(fanout=fanout, bad={("web3", "mended"): Unreachable("no route")})
    ended = fleet.go()
    if may:
        assert (ended.exit, ended.why) == (Exit.FAILED, "not all hosts came to the end: `mend` failed on web3")
        assert fleet.done("last") == [name for name in NAMES if name != "web3"]
    else:
        assert ended.exit is Exit.UNKNOWN
        assert ended.why == "whether `mend` is done on web3 could not be looked at: no route"
        assert fleet.done("mend") == list(NAMES[:4])
    fleet.bad.clear()
    fleet.answers["mend"].append("run")
    fleet.answers["last"].append("run")
    assert fleet.go().exit is Exit.OK
    assert all(fleet.machines[name].effects == ["mend", "last"] for name in NAMES)


def test_a_dead_host_is_left_out_where_the_diagnosis_allows_it() -> None:
    fleet = Fleet(reads="{max_failures: 1}", bad={("web4", "used"): Unreachable("no route")})
    ended = fleet.go()
    assert ended.exit is Exit.FAILED
    assert ended.why == "not all hosts came to the end: `space` failed on web4"
    assert fleet.done("last") == [name for name in NAMES if name != "web4"]


def test_a_host_that_was_lost_before_takes_nobodys_place_in_a_batch() -> None:
    fleet = Fleet(
        reads="{max_failures: 1}", fanout="{batches: [1, 100%]}", bad={("web1", "used"): Unreachable("no route")}
    )
    assert fleet.go().exit is Exit.FAILED
    assert fleet.gates("mend") == [("web2",), NAMES[2:]]
    told = next(question.batch for question in fleet.world.operator.questions if question.key == "mend")
    assert told.endswith("none failed so far; left out before: web1; 0 may fail")


def test_a_dead_host_stops_a_diagnosis_that_does_not() -> None:
    ended = Fleet(bad={("web4", "used"): Unreachable("no route")}).go()
    assert ended.exit is Exit.UNKNOWN
    assert "web4: no route" in ended.why


def test_what_failed_may_be_tried_again_after_a_resume_and_the_rest_of_the_way_too() -> None:
    fleet = Fleet(fanout="{batches: [4], max_failures: 1}", bad={("web1", "mend"): Exited(1, Captured())})
    assert fleet.go().exit is Exit.FAILED
    assert "last" not in fleet.machines["web1"].effects
    fleet.bad.clear()
    assert fleet.go().exit is Exit.OK
    assert fleet.machines["web1"].effects == ["mend", "mend", "last"]
    assert all(fleet.machines[name].effects == ["mend", "last"] for name in NAMES[1:])


def test_on_production_a_batch_wants_every_name() -> None:
    fleet = Fleet(fanout="{batches: [2]}", tier=Tier.PROD, answers={"opening": ["run"], "mend": ["stop"]})
    assert fleet.go().exit is Exit.STOPPED
    assert fleet.gates("opening") == [NAMES]


def test_a_value_that_changed_between_batches_opens_the_gate_anew() -> None:
    def late(_: Question) -> str:
        fleet.world.clock.time += timedelta(minutes=11)
        return "run"

    fleet = Fleet(fanout="{batches: [4], gate_between: false}", answers={"mend": [late, "run"], "last": ["run"]})
    assert fleet.go().exit is Exit.OK
    assert len(fleet.gates("mend")) >= 1
    assert all(fleet.machines[name].effects == ["mend", "last"] for name in NAMES)


def test_killed_at_every_boundary_with_hosts_in_batches_each_effect_is_done_once() -> None:
    def fresh() -> Fleet:
        return Fleet(fanout="{batches: [1, 3], gate_between: false}", sick=frozenset(NAMES[:5]))

    whole = fresh()
    assert whole.go().exit is Exit.OK
    for point in range(whole.world.points.passed):
        fleet = fresh()
        fleet.world.points.kill_at = point
        with pytest.raises(Killed):
            fleet.go()
        assert fleet.go().exit is Exit.OK, point
        assert all(fleet.machines[name].effects == ["mend", "last"] for name in NAMES[:5]), point
        assert all(fleet.machines[name].effects == [] for name in NAMES[5:]), point
        assert all(fleet.machines[name].holder is None for name in NAMES), point


def test_what_a_person_left_before_its_turn_was_not_begun() -> None:
    fleet = Fleet(fanout="{batches: [100%]}")

    class Leaves:
        listens = False

        def output(self, stream: str, text: str) -> None: ...

        def about(self, what: str) -> None: ...

        def lost(self, host: str, why: str) -> None: ...

        def regained(self, host: str) -> None: ...

        def wish(self) -> Wish:
            return Wish.LEAVE if fleet.done("mend") else Wish.GO_ON

    fleet.world.operator.watching = Leaves()
    ended = fleet.go()
    assert ended.exit is Exit.STOPPED
    assert fleet.done("mend") == ["web8"]
    fleet.world.operator.watching = None
    assert fleet.go().exit is Exit.OK
    assert all(fleet.machines[name].effects == ["mend", "last"] for name in NAMES)
