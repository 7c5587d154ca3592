"""What the engine has people read: its questions, and the sentences with which it stops."""

from __future__ import annotations

from tests.engine.fakes import World
from tests.engine.test_edges import L, doc


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
