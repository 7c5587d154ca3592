"""What the engine has people read: its questions, and the sentences with which it stops."""

from __future__ import annotations

import pytest

from holdpoint.engine import questions
from holdpoint.engine.facts import Facts
from holdpoint.engine.outcomes import LeftRunning, Outcome, OutOfTouch, Unreachable
from holdpoint.engine.state import State
from holdpoint.engine.target import Target, Tier
from holdpoint.planning import build
from holdpoint.planning.plan import StepItem
from holdpoint.problem import Exit
from holdpoint.views import bounds
from holdpoint.views.background import background
from tests.engine.fakes import START_TIME, World
from tests.engine.test_edges import L, doc
from tests.views.screens import drawn


def test_a_gate_says_as_whom_the_change_and_its_undo_are_executed() -> None:
    change = L("{id: fix, title: Fix, run: fix, effect: change, become: root, undo: {run: unfix}}")
    w = World(doc(resolution=change), {"fix": ["run"]})
    assert w.begin().exit == 0
    (asked,) = w.operator.questions
    assert asked.become == "root"
    assert asked.reverts == "can be taken back, as root: unfix"
    assert asked.show[0][0] == "the command, as root"
    kept = {record.kind: record.data for record in w.journal.records}
    assert kept["gate.opened"]["become"] == kept["step.intent"]["become"] == "root"


def test_an_undo_names_its_own_user_and_a_person_none() -> None:
    def told(undo: str) -> str:
        w = World(
            doc(resolution=L(f"{{id: fix, title: F, run: fix, effect: change, undo: {undo}}}")), {"fix": ["stop"]}
        )
        w.begin()
        return w.operator.questions[0].reverts

    assert told("{run: unfix, become: pg}") == "can be taken back, as pg: unfix"
    assert told("{run: unfix}") == "can be taken back: unfix"
    assert told("{manual: unfix it}") == "can be taken back: unfix it"


A_CHANGE = L("{id: fix, title: Fix, run: fix, effect: change, irreversible: no}")


def end_block(w: World) -> str:
    (session, ended) = w.session(), w.journal.records[-1].data
    found = bounds.left(session.state, background(session.plan))
    return drawn(
        bounds.closing(bounds.End("r1", int(str(ended["exit"])), str(ended["why"]), over=False, found=found), 80)
    )


@pytest.mark.parametrize("effect", ["effect: change, irreversible: no", "effect: read"])
def test_where_a_host_refused_nothing_is_said_to_be_in_doubt_or_to_be_taken_back(effect: str) -> None:
    w = World(doc(resolution=L(f"{{id: fix, title: Fix, run: fix, {effect}}}")), {"fix": ["run"]})
    w.machine.outcomes["fix"] = Unreachable("`sudo -n` on `web1` as `root` asks for a password")
    assert w.begin().exit is Exit.UNKNOWN
    text = end_block(w)
    assert "NOT REACHED, OR REFUSED   exit 8\n`fix` could not be done on web1: `sudo -n` on" in text
    assert "changed    nothing\n" in text
    assert "failed     Fix  (web1, unreachable)\n" in text
    assert "inv run.resume r1" in text
    assert "run.rollback" not in text
    assert "UNKNOWN" not in text


def test_a_change_that_was_made_before_can_be_taken_back_where_a_host_refused() -> None:
    w = World(doc(resolution=A_CHANGE + L("{id: next, title: Next, run: next, effect: read}")), {"fix": ["run"]})
    w.machine.outcomes["next"] = Unreachable("the key of web1 has changed")
    assert w.begin().exit is Exit.UNKNOWN
    assert "NOT REACHED, OR REFUSED   exit 8\n" in end_block(w)
    assert "inv run.rollback r1" in end_block(w)


def test_a_change_whose_check_could_not_be_looked_at_is_not_known() -> None:
    w = World(doc(resolution=A_CHANGE.replace("no}", "no, verify: {run: good}}")), {"fix": ["run"]})
    w.machine.outcomes["good"] = Unreachable("no route to host")
    assert w.begin().exit is Exit.UNKNOWN
    assert "OUTCOME UNKNOWN   exit 8\n" in end_block(w)


@pytest.mark.parametrize(
    ("outcome", "code", "told"),
    [
        (OutOfTouch("no route to host"), Exit.UNKNOWN, "NOT KNOWN  Fix  (web1): it was begun, and the host cannot be"),
        (LeftRunning(), Exit.STOPPED, "RUNS STILL Fix  (web1)\n"),
        (LeftRunning(come=False), Exit.STOPPED, "NOT KNOWN  Fix  (web1): it may have been begun"),
    ],
)
def test_only_what_a_person_left_is_said_to_run_still(outcome: Outcome, code: Exit, told: str) -> None:
    w = World(doc(resolution=A_CHANGE), {"fix": ["run"]})
    w.machine.outcomes["fix"] = outcome
    assert w.begin().exit is code
    assert told in end_block(w)


def test_a_host_that_cannot_be_asked_after_a_resume_is_not_said_to_run_it_still() -> None:
    w = World(doc(resolution=A_CHANGE), {"fix": ["run"]})
    w.machine.outcomes["fix"] = LeftRunning()
    w.begin()
    (token,) = w.machine.tokens
    w.machine.tokens[token] = Unreachable("no route to host")
    assert w.resume().exit is Exit.UNKNOWN
    assert "NOT KNOWN  Fix  (web1): it was begun, and the host cannot be" in end_block(w)


PROOF = "recovered: {run: good}\n"


@pytest.mark.parametrize(
    ("diagnostic", "rest", "title", "why"),
    [
        ("[]", "", "May its lock be taken?", "Your word covers the connection and the lock. Every change asks again."),
        (
            "[]",
            PROOF,
            "May its lock be taken?",
            "Your word covers the connection, the lock and the check of recovery. Every",
        ),
        (
            L("{id: a, title: A, run: a}"),
            "",
            "May the diagnosis read?",
            "1 step reads, and changes nothing. Your word covers",
        ),
        (L("{id: a, title: A, run: a}", "{id: b, title: B, run: b}"), PROOF, "May the diagnosis read?", "2 steps read"),
    ],
)
def test_on_production_it_is_asked_for_what_is_done_then(diagnostic: str, rest: str, title: str, why: str) -> None:
    book = doc(diagnostic=diagnostic, resolution=A_CHANGE, rest=rest)
    w = World(book, {"opening": ["run"], "fix": ["stop"], "proceed": ["run"]}, tier=Tier.PROD)
    w.begin()
    asked = w.operator.questions[0]
    assert asked.title == f"This is production. {title}"
    assert asked.why.startswith(why)


@pytest.mark.parametrize("tier", [Tier.PROD, Tier.STAGING])
def test_a_step_on_the_own_machine_is_asked_about_as_such_and_as_carefully_as_on_the_targets(tier: Tier) -> None:
    local = L("{id: fix, title: Fix, run: fix, effect: destroy, irreversible: no, where: local}")
    book = doc(resolution=local)
    plan = build.plan(book, {}, hosts=("web1",), here="vm", key=b"k", load={}.__getitem__)
    targets = {"web1": Target("web1", tier), "vm": Target("vm", Tier.LOCAL)}
    (item,) = plan.items
    assert isinstance(item, StepItem)
    asked = questions.gate(Facts(plan, State(), {}, targets), item, ("vm",), ("vm",), START_TIME)
    assert asked.targets == (Target("vm", Tier.PROD, here=True) if tier is Tier.PROD else targets["vm"],)
    assert asked.agree == (("vm",) if tier is Tier.PROD else ("run",))


@pytest.mark.parametrize("action", ["manual: Choose.", "ask: Which?"])
def test_what_a_person_does_is_headed_by_the_hosts_that_it_is_for(action: str) -> None:
    registers = ", register: {which: {type: string}}" if action.startswith("ask") else ""
    book = doc(resolution=L(f"{{id: choose, title: Choose, {action}{registers}}}"))
    plan = build.plan(book, {}, hosts=("web1",), here="vm", key=b"k", load={}.__getitem__)
    targets = {"web1": Target("web1", Tier.PROD), "vm": Target("vm", Tier.LOCAL)}
    (item,) = plan.items
    assert isinstance(item, StepItem)
    facts = Facts(plan, State(), {}, targets)
    for host in ("vm", "web1"):
        asked = questions.value(facts, item, host, "") if registers else questions.manual(facts, item, host, START_TIME)
        assert asked.targets == (targets["web1"],)
