"""Whatever is delivered in whatever order, with ends between: one open incident for a group, and nothing unrecorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from holdpoint.document.model import Severity
from holdpoint.incident.alert import Alert, Notification, Status
from holdpoint.incident.alert_events import AlertReceived, AlertRepeated
from holdpoint.incident.alert_joining import Became, Graded, events, home, noticed
from holdpoint.incident.events import Declared, Event, Resolved, Trigger
from holdpoint.incident.fold import replay
from holdpoint.incident.state import State
from tests.incident.support import NOON, recorded


@dataclass
class Book:
    """The incidents of a state folder, without a disk."""

    now: datetime = NOON
    known: dict[str, list[tuple[datetime, Event]]] = field(default_factory=dict)

    def states(self) -> list[tuple[str, State]]:
        return [(name, replay(recorded(*written))) for name, written in self.known.items()]

    def take(self, notification: Notification) -> Became:
        where = home(notification, self.states())
        if where.became is Became.NOTHING:
            return where.became
        name, state = where.incident, dict(self.states()).get(where.incident, State())
        if where.became is Became.DECLARED:
            name = str(len(self.known))
            began = noticed(notification, self.now)
            declared = Declared(name, "t", Severity.SEV2, (), Trigger.ALERT, began, group=notification.group)
            self.known[name] = [(self.now, declared)]
        graded = Graded(Severity.SEV2, "x")
        self.known[name] += [(self.now, event) for event in events(notification, state, graded, self.now)]
        return where.became

    def end(self) -> None:
        for name, state in self.states():
            if state.is_open:
                end = Resolved("c", "i", data_loss=False, began=NOON, restored=NOON, happened=self.now)
                self.known[name].append((self.now, end))

    def count(self, *kinds: type) -> int:
        return sum(isinstance(event, kinds) for written in self.known.values() for _, event in written)


NAMES = st.sets(st.sampled_from("abc"))
STEPS = st.lists(st.tuples(st.sampled_from("gh"), NAMES, NAMES, st.booleans()), max_size=12)


@settings(deadline=None)
@given(STEPS)
def test_laws_of_joining(steps: list[tuple[str, set[str], set[str], bool]]) -> None:
    book, recorded_so_far = Book(), 0
    starts: dict[tuple[str, str], datetime] = {}
    for group, firing, over, ends in steps:
        book.now += timedelta(minutes=10)
        for name in "abc":
            if name in firing:
                starts.setdefault((group, name), book.now)
            else:
                starts.pop((group, name), None)
        alerts = [
            *(Alert(Status.FIRING, {}, {}, starts[group, name], None, name) for name in sorted(firing)),
            *(Alert(Status.RESOLVED, {}, {}, None, book.now, name) for name in sorted(over - firing)),
        ]
        if alerts:
            became = book.take(Notification("alertmanager", group, tuple(alerts)))
            having = [state for _, state in book.states() if group in state.groups]
            assert sum(state.is_open for state in having) <= 1
            assert bool(firing) <= bool(having)
            newest = max((starts[group, name] for name in firing), default=None)
            if newest == book.now:
                assert having[-1].is_open, "what began now belongs to an incident that is open"
            recorded_so_far += became is not Became.NOTHING
            assert book.count(AlertReceived, AlertRepeated) == recorded_so_far
            before = [state.alerts for state in having]
            if having:
                assert book.take(Notification("alertmanager", group, tuple(alerts))) in {Became.AGAIN, Became.AFTER}
                recorded_so_far += 1
                after = [state.alerts for _, state in book.states() if group in state.groups]
                assert [set(one) for one in before] == [set(one) for one in after]
        if ends:
            book.end()
