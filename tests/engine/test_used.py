"""A used runbook that fails: its `use` step's `on_failure` says what comes next, as for any other step."""

from __future__ import annotations

import pytest

from holdpoint.engine.outcomes import Unreachable
from holdpoint.problem import Exit
from tests.engine.fakes import World, load, printed
from tests.engine.test_edges import BAD, L, ch, doc
from tests.engine.test_hosts import BOOK, NAMES, Fleet

INNER = ("s/b", "s/c")
AFTER = ("a", "z")
RED = "recovered: {run: red}"


def world(more: str = "", inner: str = RED, rest: str = "") -> World:
    """Use a runbook with two changes, then make one change that can be jumped over, then another."""
    text = L("{id: s, title: S, use: inner%s}" % (more and f", {more}"), ch("a"), ch("z"))
    used = doc(resolution=L(ch("b"), ch("c")), id="inner", rest=inner)
    one = World(doc(resolution=text, rest=rest), {key: ["run"] for key in (*INNER, *AFTER)}, others={"inner": used})
    one.machine.outcomes = {"red": BAD}
    return one


@pytest.mark.parametrize(
    ("more", "done", "code"),
    [
        ("", [], Exit.FAILED),
        ("on_failure: stop", [], Exit.FAILED),
        ("on_failure: continue", ["do-a", "do-z"], Exit.OK),
        ("on_failure: goto, goto: z", ["do-z"], Exit.OK),
    ],
)
@pytest.mark.parametrize("fails", ["do-b", "red"])
def test_its_failure_is_that_of_the_use_step(more: str, done: list[str], code: Exit, fails: str) -> None:
    one = world(more, rest="recovered: {run: whole}")
    one.operator.answers["proceed"] = ["run"]
    one.machine.outcomes = {fails: BAD, "whole": printed("")}
    ended = one.begin()
    inner = ["do-b"] if fails == "do-b" else ["do-b", "do-c"]
    assert (one.machine.effects, ended.exit) == (inner + done, code), ended
    if code is Exit.FAILED and fails == "red":
        assert "the check of recovery of `inner` is still red" in ended.why


def test_what_is_left_of_it_is_passed_over_and_said() -> None:
    one = world("on_failure: continue")
    one.machine.outcomes = {"do-b": BAD}
    one.begin()
    skipped = [r.data for r in one.journal.records if r.kind == "step.result" and r.data["status"] == "skipped"]
    assert [(s["step"], s["note"]) for s in skipped] == [("s/c", "passed over, since `s/b` failed")]


def test_without_a_check_of_its_own_a_run_is_not_well_after_it() -> None:
    ended = world("on_failure: continue").begin()
    assert ended.exit is Exit.FAILED
    assert "`s/recovered-after` on" in ended.why


def test_a_resume_does_not_begin_it_anew() -> None:
    one = world("on_failure: continue")
    one.machine.outcomes = {"do-b": BAD, "do-z": Unreachable("lost")}
    one.begin()
    assert one.machine.effects == ["do-b", "do-a", "do-z"]
    one.machine.outcomes = {"do-b": BAD}
    one.operator.answers["z"] = ["run"]
    one.resume()
    assert one.machine.effects == ["do-b", "do-a", "do-z", "do-z"]


def test_it_may_ask_for_the_rollback_of_the_run() -> None:
    one = world("on_failure: rollback")
    ended = one.begin()
    assert (ended.exit, ended.wants, one.machine.effects) == (Exit.FAILED, "rollback", ["do-b", "do-c"])


def test_one_host_on_which_it_fails_keeps_no_other_from_its_steps() -> None:
    fleet = Fleet(bad={("web3", "mend"): BAD}, answers={"s/mend": ["run"], "s/last": ["run"], "end": ["run"]})
    end = "{id: end, title: End, effect: change, run: end, irreversible: no}"
    fleet.world.runbook = doc(resolution=L("{id: s, title: S, use: fleet, on_failure: continue}", end))
    inner = BOOK.replace("FANOUT", "").replace("READS", "").replace("recovered: {run: well}\n", "")
    fleet.world.others = {"fleet": load(inner)}
    fleet.go()
    for name in NAMES:
        assert fleet.machines[name].effects == (["mend", "end"] if name == "web3" else ["mend", "last", "end"]), name
