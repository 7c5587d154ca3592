"""What a post-mortem says, from the record alone: milestones, causes, what made it worse, the actions that are proposed.

Text for people is made elsewhere, in their language; here are only values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from holdpoint.document import duration
from holdpoint.engine import events as run
from holdpoint.incident.clocks import Clock, Kind, Standing
from holdpoint.incident.events import (
    CheckAnswered,
    MessageFailed,
    Purpose,
    Reopened,
    SeverityChanged,
    Trigger,
    event_of,
)
from holdpoint.incident.messages import post_mortem
from holdpoint.incident.severity import is_raised
from holdpoint.incident.state import State
from holdpoint.journal.record import Record
from holdpoint.problem import HoldpointError

AT_ONCE = timedelta(minutes=5)
"""A monitor that told of it within this time was not late."""
TEST_WITHIN = timedelta(days=14)
"""When a regression test is due, from the end."""
Runs = Mapping[str, Sequence[Record]]
_RELEASE = re.compile(r"\b(versions?|releases?|deploy(?:ed|s|ment)?|code bug|d[ée]ploiement)\b", re.IGNORECASE)


class Milestone(StrEnum):
    """What happened when, in the order in which it usually does."""

    SINCE = "since"
    NOTICED = "noticed"
    TOLD = "told"
    CAUSE = "cause"
    MITIGATION = "mitigation"
    RESTORED = "restored"
    VERIFIED = "verified"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that was found: by a run, where `source` names it, else by people. `seq` is the record."""

    text: str
    evidence: str
    source: str
    seq: int


class Factor(StrEnum):
    """What the record shows that made it worse, or might have."""

    TARGET_MISSED = "the first message came too late"
    NOT_DELIVERED = "a message could not be delivered"
    RAISED = "it was graver than thought"
    REOPENED = "it was not over"
    NOT_VERIFIED = "it was resolved without being verified"
    RUN_FAILED = "a run did not end well"
    CLOCK = "a clock was set back"


@dataclass(frozen=True, slots=True)
class Found:
    """A factor, with what is particular about it and the record that shows it."""

    factor: Factor
    detail: str
    source: str
    seq: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action that is proposed. The regression test has neither title nor owner: its words depend on the language."""

    title: str
    owner: str
    due: date
    source: str = ""

    @property
    def is_test(self) -> bool:
        return not self.title


@dataclass(frozen=True, slots=True)
class PostMortem:
    """Everything that the record has for a post-mortem. `late` is the time from its beginning until it was noticed."""

    milestones: Mapping[Milestone, datetime]
    late: timedelta
    alerted_late: bool
    causes: tuple[Cause, ...]
    factors: tuple[Found, ...]
    proposals: tuple[Proposal, ...]
    code_bug: bool


def repairs(records: Iterable[Record], runs: Runs) -> Runs:
    """The runs but for those that only read the team's own checks."""
    events = (event_of(record) for record in records)
    checks = {event.run for event in events if isinstance(event, CheckAnswered)}
    return {name: of_run for name, of_run in runs.items() if name not in checks}


def gathered(
    state: State,
    records: Sequence[Record],
    runs: Runs,
    clocks: Iterable[Clock],
    zone: tzinfo,
    rollbacks: frozenset[str] = frozenset(),
) -> PostMortem:
    """Gather it from the incident and the runs that belong to it; `rollbacks` are runbooks that go back to a version."""
    runs = repairs(records, runs)
    late = max(timedelta(0), state.opening.happened - state.began)
    told_by_people = state.opening.trigger is Trigger.USER
    causes = tuple(_causes(state, runs))
    code_bug = state.code_bug or _is_release(causes, runs, rollbacks)
    return PostMortem(
        milestones=_milestones(state, runs),
        late=late,
        alerted_late=told_by_people or late >= AT_ONCE,
        causes=causes,
        factors=tuple(_factors(state, records, runs, clocks)),
        proposals=tuple(_proposals(state, runs, zone, code_bug=code_bug)),
        code_bug=code_bug,
    )


def _of(runs: Runs) -> Iterator[tuple[str, Record, run.Event]]:
    """Every event of the real runs that took nothing back."""
    for name, records in runs.items():
        events = [(record, run.event_of(record)) for record in records]
        opened = next((event for _, event in events if isinstance(event, run.RunOpened)), None)
        if opened is not None and opened.mode == "real" and not opened.of_run:
            yield from ((name, record, event) for record, event in events)


def _milestones(state: State, runs: Runs) -> dict[Milestone, datetime]:
    sent = [one.sent for one in state.messages.values() if one.sent and one.rendered.purpose is not Purpose.DATA_LOSS]
    causes = [record.time for _, record, event in _of(runs) if isinstance(event, run.CauseDecided) and event.holds]
    causes += [state.done["cause"].happened] if "cause" in state.done else []
    changes = [
        record.time for _, record, event in _of(runs) if isinstance(event, run.StepIntended) and event.effect != "read"
    ]
    verified = [state.done[item].happened for item in ("health", "smoke", "flow") if item in state.done]
    known = {
        Milestone.SINCE: state.began,
        Milestone.NOTICED: state.opening.happened,
        Milestone.TOLD: min(sent, default=None),
        Milestone.CAUSE: min(causes, default=None),
        Milestone.MITIGATION: min(changes, default=None),
        Milestone.RESTORED: state.resolved.restored if state.resolved else None,
        Milestone.VERIFIED: max(verified, default=None) if len(verified) == 3 else None,  # noqa: PLR2004 - all of them
        Milestone.RESOLVED: state.resolved.happened if state.resolved else None,
    }
    return {milestone: at for milestone, at in known.items() if at is not None}


def _causes(state: State, runs: Runs) -> Iterator[Cause]:
    if state.resolved:
        yield Cause(state.resolved.cause, "", "", state.resolved_seq)
    if (said := state.done.get("cause")) is not None and (not state.resolved or said.say != state.resolved.cause):
        yield Cause(said.say, said.evidence, "", said.seq)
    for name, record, event in _of(runs):
        if isinstance(event, run.CauseDecided) and event.holds:
            yield Cause(f"{event.title} ({event.host})", event.evidence, name, record.seq)


def _is_release(causes: Iterable[Cause], runs: Runs, rollbacks: frozenset[str]) -> bool:
    """Whether a version was rolled back, or what was found, or the runbook that repaired it, is about one."""
    opened = [event for _, _, event in _of(runs) if isinstance(event, run.RunOpened)]
    if any(event.runbook in rollbacks for event in opened):
        return True
    texts = [cause.text for cause in causes]
    texts += [f"{event.runbook} {event.title}".replace("-", " ") for event in opened]
    return any(_RELEASE.search(text) for text in texts)


def _factors(state: State, records: Sequence[Record], runs: Runs, clocks: Iterable[Clock]) -> Iterator[Found]:
    for clock in clocks:
        if clock.kind is Kind.RESPONSE and clock.standing in (Standing.MISSED, Standing.OVER):
            yield Found(Factor.TARGET_MISSED, "", "", 0)
    for record in records:
        match event_of(record):
            case MessageFailed(why=why, doubt=False):
                yield Found(Factor.NOT_DELIVERED, why, "", record.seq)
            case SeverityChanged(was=was, to=to, reason=reason) if is_raised(was, to):
                yield Found(Factor.RAISED, f"{was} → {to}: {reason}", "", record.seq)
            case Reopened(reason=reason):
                yield Found(Factor.REOPENED, reason, "", record.seq)
            case _:
                pass
    if state.resolved and state.resolved.without_verify:
        yield Found(Factor.NOT_VERIFIED, state.resolved.without_verify, "", state.resolved_seq)
    for name, of_run in runs.items():
        ends = [(one, run.event_of(one)) for one in of_run]
        last = [(one, end) for one, end in ends if isinstance(end, run.RunFinished | run.RunStopped)][-1:]
        for one, end in last:
            if end.exit:
                yield Found(Factor.RUN_FAILED, f"exit {end.exit}: {end.why}", name, one.seq)
    if state.jumps:
        yield Found(Factor.CLOCK, "", "", state.jumps[0].seq)


def _proposals(state: State, runs: Runs, zone: tzinfo, *, code_bug: bool) -> Iterator[Proposal]:
    """The prevention steps that runs came to, each once, and after a code bug the test that would have shown it."""
    seen: set[str] = set()
    for name, record, event in _of(runs):
        proposal = _proposal(name, record.time.astimezone(zone).date(), event)
        if proposal is not None and proposal.title not in seen:
            seen.add(proposal.title)
            yield proposal
    if code_bug:
        end = state.resolved.happened if state.resolved else state.opening.happened
        yield Proposal("", "", (end + TEST_WITHIN).astimezone(zone).date())


def _proposal(name: str, day: date, event: run.Event) -> Proposal | None:
    """What a step proposed on a day; None where it proposed nothing that can be read."""
    if not isinstance(event, run.StepEnded) or not event.proposes:
        return None
    try:
        title, owner, due = (str(event.proposes[key]) for key in ("title", "owner", "due"))
        return Proposal(title, owner, day + duration.parse(due), name) if title else None
    except (KeyError, OverflowError, HoldpointError):
        return None


def lost(state: State) -> tuple[str, ...]:
    """What people said is lost, each once."""
    said = [state.done["lost"].say] if "lost" in state.done else []
    return tuple(dict.fromkeys((*state.losses, *said)))


def named(states: Sequence[State], zone: tzinfo) -> dict[str, str]:
    """Give every incident the file of its post-mortem: of several with one name, the earlier ones have it first."""
    paths = {state.opening.incident: state.document for state in states if state.document}
    for state in states:
        incident = state.opening.incident
        if incident not in paths and (plain := post_mortem(state, zone)):
            paths[incident] = next(one for one in variants(plain) if one not in paths.values())
    return paths


def variants(path: str) -> Iterator[str]:
    """The names that are tried, one after the other."""
    yield path
    number = 2
    while True:
        yield f"{path.removesuffix('.md')}-{number}.md"
        number += 1
