"""What happened, one line or a small block for each record. Pure but for what it remembers of the records before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import assert_never

from holdpoint.engine.events import (
    CauseDecided,
    ConnectionLost,
    ConnectionMade,
    DoubtSettled,
    Escalated,
    Event,
    GateAnswered,
    GateOpened,
    LockKept,
    LockReturned,
    LockTaken,
    ProofLooked,
    Reason,
    RollbackBegun,
    RunFinished,
    RunHandedOver,
    RunOpened,
    RunResumed,
    RunStopped,
    RunTakenOver,
    Status,
    StepEnded,
    StepIntended,
    StepLeft,
    StepVerified,
    TakeoverBegun,
    TargetAnswered,
    event_of,
)
from holdpoint.engine.facts import executed_as
from holdpoint.journal.record import Record
from holdpoint.shell import is_bytes
from holdpoint.views.background import HEADINGS, NONE, Background
from holdpoint.views.grouping import Group, Grouped
from holdpoint.views.inert import output_lines
from holdpoint.views.lines import BLANK, Line, Segment, Tone, assigned, verbatim, wrap
from holdpoint.views.outputs import INDENT, output_of, tail
from holdpoint.views.times import clock_time, span

_NO_NEED = "its condition does not hold here"
"""So frequent that the mark says it."""
_NAMING = ("opening", "proceed", "gate", "manual", "value")
"""Questions whose title is that of what they ask about."""
_NOTABLE = timedelta(milliseconds=50)
_STATUS = {
    Status.OK: ("ok", Tone.GOOD),
    Status.FAILED: ("FAILED", Tone.BAD),
    Status.UNREACHABLE: ("NO ANSWER", Tone.BAD),
    Status.TIMED_OUT: ("TIMED OUT", Tone.BAD),
    Status.IN_DOUBT: ("IN DOUBT", Tone.BAD),
    Status.SKIPPED: ("skipped", Tone.DIM),
}
_COLOURS = {True: ("GREEN", Tone.GOOD), False: ("RED", Tone.BAD), None: ("not known", Tone.WARN)}
_BY = {"hand": "by hand", "script": "from the file of answers", "nobody": "nobody was asked"}


@dataclass(slots=True)
class Timeline:
    """Turns records into lines, in the order of the journal. `headings` announces each section as it begins."""

    background: Background = NONE
    zone: tzinfo | None = None
    headings: bool = True
    _begun: dict[tuple[str, str], tuple[datetime, StepIntended]] = field(default_factory=dict)
    _section: tuple[str, str] = ("", "")
    _mode: str = "real"
    _group: Group = field(default_factory=Group)
    _shown: set[str] = field(default_factory=set)
    """The hosts whose output is on the screen already, of what is held back."""
    _titles: dict[str, str] = field(default_factory=dict)

    def take(self, records: Iterable[Record]) -> None:
        """Remember records that were shown before, without showing them."""
        for record in records:
            self.lines(record, 80)

    def lines(self, record: Record, width: int, *, output: bool = True, quiet: bool = False) -> list[Line]:
        """Draw one record; `output` is false where a step's output is on the screen already, `quiet` where all of it is.

        What several hosts answer to the same is held back, and drawn together. Raises `ValueError` for a kind that this
        version does not know.
        """
        event = event_of(record)
        if isinstance(event, RunOpened):
            self._group = Group(event.order)
        before = [] if self._group.continues(event) else self.rest(width)
        if not self._group.takes(event):
            drawn = self._draw(event, record, width, output=output)
            return before if quiet else [*before, *drawn]
        if isinstance(event, StepIntended):
            self._begun[(event.step, event.host)] = (record.time, event)
        if not output:
            self._shown.add(event.host)
        whole = self._group.add(event, record)
        return [*before, *(self.rest(width) if whole else [])]

    def rest(self, width: int) -> list[Line]:
        """Draw what is held back still."""
        return [
            one for event, record, hosts in self._group.release() for one in self._together(event, record, hosts, width)
        ]

    def _together(self, event: Grouped, record: Record, hosts: tuple[str, ...], width: int) -> list[Line]:
        """Draw an event that stands for several hosts, as long as the slowest of them took."""
        if isinstance(event, StepEnded):
            begun = [one for host in hosts if (one := self._begun.pop((event.step, host), None)) is not None]
            if begun:
                self._begun[(event.step, event.host)] = min(begun, key=lambda pair: pair[0])
        output = self._shown.isdisjoint(hosts)  # they are alike: what is on the screen for one is there for all
        self._shown -= set(hosts)
        return self._draw(event, record, width, output=output)

    def _draw(self, event: Event, record: Record, width: int, *, output: bool) -> list[Line]:
        row = _Row(clock_time(record.time, self.zone), width)
        return [*self._heading(event), *self._event(event, record, row, output=output)]

    def _event(self, event: Event, record: Record, row: _Row, *, output: bool) -> list[Line]:
        match event:
            case RunOpened():
                self._mode = event.mode
                return _of_run(event, record, row)
            case RunResumed() | RunHandedOver() | RunTakenOver() | RunStopped() | RunFinished():
                return _of_run(event, record, row)
            case RollbackBegun():
                return row.block("undoing", Tone.WARN, f"run {event.by_run} takes this one back; it can go on no more")
            case LockTaken() | LockReturned() | LockKept() | StepIntended() if self._mode != "real" and not _reads(
                event
            ):
                return []
            case LockTaken() | LockReturned() | LockKept() | TakeoverBegun() | TargetAnswered():
                return _holding(event, row)
            case ConnectionLost() | ConnectionMade():
                return _connection(event, row)
            case StepIntended():
                return self._intended(event, record, row)
            case StepEnded():
                return self._ended(event, record, row, output=output)
            case StepVerified() | ProofLooked():
                return self._looked(event, row)
            case StepLeft() | DoubtSettled():
                return self._unseen(event, row)
            case CauseDecided():
                return _cause(event, row)
            case GateOpened():
                if event.asks in _NAMING:
                    self._titles[event.item] = event.title
                hosts = ", ".join(event.hosts)
                effect = f"{event.effect.upper()}: " if event.effect != "read" else ""
                return row.block("asked", Tone.DIM, f"{effect}{event.title}  ({hosts})")
            case GateAnswered():
                return self._answered(event, row)
            case Escalated():
                to = f"{event.to}: " if event.to else ""
                return row.block("called", Tone.WARN, f"{to}{event.say}", [event.became])
            case _:
                assert_never(event)

    def _heading(self, event: Event) -> list[Line]:
        """A section's name, before its first step; with the runbook that it is of, where that is a used one."""
        key = event.step if isinstance(event, StepIntended | StepEnded) else ""
        named = self.background.steps.get(key)
        if named is None or (named.used, named.section) == self._section:
            return []
        self._section = named.used, named.section
        of = f" of {named.used}, which is used here" if named.used else ""
        return [BLANK, (Segment(f"{HEADINGS[named.section]}{of}", Tone.BOLD),)] if self.headings else []

    # --- steps

    def _intended(self, event: StepIntended, record: Record, row: _Row) -> list[Line]:
        """A change announces that it begins; a read is over soon enough."""
        self._begun[(event.step, event.host)] = (record.time, event)
        if event.effect == "read":
            return []
        attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
        where = executed_as(event.host, event.become)
        return row.block("begun", Tone.WARN, f"{self._title(event.step)}  ({where}{attempt})")

    def _ended(self, event: StepEnded, record: Record, row: _Row, *, output: bool) -> list[Line]:
        begun = self._begun.pop((event.step, event.host), None)
        if event.status is Status.SKIPPED:
            return self._skipped(event, begun[1] if begun else None, row)
        mark, tone = _STATUS[event.status]
        if event.present is not None:
            mark, tone = ("PRESENT", Tone.WARN) if event.present else ("absent", Tone.DIM)
        elif event.status is Status.OK and event.exit and event.note:
            mark, tone = "not seen", Tone.WARN
        elif event.status is Status.OK and self._mode == "dry-run":
            mark, tone = "shown", Tone.DIM  # a walk-through waits for nothing and proposes nothing
        details = [event.host]
        if event.exit and event.present is None:
            details.append(f"exit {event.exit}")
        if begun is not None and record.time - begun[0] >= _NOTABLE:
            details.append(span(record.time - begun[0]))
        values = [assigned(name, value) for name, value in event.values.items() if not is_bytes(name)]
        values += [f"{name} = [masked]" for name in event.hidden]
        more = [*([event.note] if event.note else []), *values]
        text_tone = Tone.DIM if event.present is False else Tone.PLAIN
        drawn = row.block(mark, tone, f"{self._title(event.step)}  ({', '.join(details)})", more, text_tone)
        bad = event.status is not Status.OK
        return [*drawn, *(output_of(event, row.width, bad=bad) if bad or (output and not event.values) else [])]

    def _skipped(self, event: StepEnded, begun: StepIntended | None, row: _Row) -> list[Line]:
        at = self._at(event.step, event.host)
        if event.reason is not Reason.DRY_RUN:
            if event.reason is Reason.CONDITION and event.note == _NO_NEED:
                return row.block("no need", Tone.DIM, at, text_tone=Tone.DIM)
            return row.block("skipped", Tone.DIM, f"{at}: {event.note or event.reason}", text_tone=Tone.DIM)
        why = event.note if self._mode != "dry-run" else ""
        if begun is None or begun.effect != "read" or not begun.command:
            return row.block("not run", Tone.WARN, f"{at}: {why}".removesuffix(": "))
        at = self._at(event.step, executed_as(event.host, begun.become))
        drawn = row.block("not run", Tone.WARN, f"{at}: {why}".removesuffix(": "))
        return [*drawn, *verbatim(begun.command, row.width)]

    def _looked(self, event: StepVerified | ProofLooked, row: _Row) -> list[Line]:
        mark, tone = _COLOURS[event.green]
        if isinstance(event, StepVerified):
            text = f"{self._at(event.step, event.host)}: its own check"
        else:
            when = "after the last change" if event.after else "before the first change"
            text = f"the check of recovery, {when}  ({event.host})"
        drawn = row.block(mark, tone, text, [event.note] if event.green is not True and event.note else [])
        return (
            [*drawn, *tail(output_lines(event.output), row.width, 3, "more before; its end:")]
            if event.output
            else drawn
        )

    def _unseen(self, event: StepLeft | DoubtSettled, row: _Row) -> list[Line]:
        """The end of a change that nobody has seen yet, or ever will."""
        at = self._at(event.step, event.host)
        match event:
            case StepLeft(runs=True):
                return row.block("left", Tone.WARN, f"{at}: it runs on there")
            case StepLeft():
                return row.block(
                    "NOT KNOWN", Tone.BAD, at, [f"it was begun, and the host cannot be asked: {event.why}"]
                )
            case DoubtSettled():
                what = "it happened" if event.happened else "it did not happen, and may be done again"
                return row.block("settled", Tone.WARN, f"{at}: {what}: {event.by}")

    def _answered(self, event: GateAnswered, row: _Row) -> list[Line]:
        title = self._title(event.item)
        shown = event.word if event.asks != "value" else "a value"
        with_them = f", approved by {', '.join(event.approved_by)}" if event.approved_by else ""
        by = _BY.get(event.by, event.by)
        if event.by == "nobody":
            return row.block("shown", Tone.DIM, f"{title}: {by}, so nobody agreed to it", text_tone=Tone.DIM)
        return row.block("answered", Tone.BOLD, f"{shown}: {title}  ({event.person}, {by}{with_them})")

    def _title(self, key: str) -> str:
        """From the document, else as its gate told it, else the key."""
        return self._titles.get(key, key) if key not in self.background.steps else self.background.title(key)

    def _at(self, key: str, host: str) -> str:
        return f"{self._title(key)}  ({host})"


# --- rows -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    time: str
    width: int

    def block(
        self, mark: str, tone: Tone, text: str, more: Iterable[str] = (), text_tone: Tone = Tone.PLAIN
    ) -> list[Line]:
        """Time, mark and text; further texts below the first."""
        first, *rest = wrap(text, self.width - INDENT)
        head = (Segment(f"{self.time}  ", Tone.DIM), Segment(f"{mark:<9} ", tone), Segment(first, text_tone))
        below = [*rest, *(piece for one in more for piece in wrap(one, self.width - INDENT))]
        return [head, *((Segment(" " * INDENT), Segment(piece, text_tone)) for piece in below)]


def _of_run(
    event: RunOpened | RunResumed | RunHandedOver | RunTakenOver | RunStopped | RunFinished, record: Record, row: _Row
) -> list[Line]:
    match event:
        case RunOpened():
            hosts = ", ".join(
                f"{'PRODUCTION' if tier == 'prod' else tier} {host}" for host, tier in event.hosts.items()
            )
            kind = "" if event.mode == "real" else f" ({event.mode})"
            text = f"run {event.run}{kind} of {event.runbook} on {hosts}, by {record.person}"
            params = [assigned(name, value) for name, value in event.params.items()]
            of = [f"takes back run {event.of_run}"] if event.of_run else []
            incident = [f"incident {event.incident}"] if event.incident else []
            return row.block("opened", Tone.BOLD, text, [*of, *incident, *params])
        case RunResumed():
            text = f"taken up again by {record.person} (process {event.process}); what was agreed to is asked again"
            return row.block("resumed", Tone.BOLD, text)
        case RunHandedOver():
            to = event.to or "whoever has the file"
            return row.block("HANDED", Tone.WARN, f"over to {to}, by {record.person} on {event.machine}")
        case RunTakenOver():
            text = f"over from {event.from_person} on {event.from_machine}, by {record.person} on {event.machine}"
            return row.block("TAKEN", Tone.BOLD, text)
        case RunStopped():
            return row.block("STOPPED", Tone.WARN, f"exit {event.exit}: {event.why}")
        case RunFinished():
            tone = Tone.GOOD if event.exit == 0 else Tone.WARN
            stays = [f"not undone: {one}" for one in event.not_undone]
            return row.block("FINISHED", tone, f"exit {event.exit}: {event.why}", stays)
        case _:
            assert_never(event)


def _reads(event: Event) -> bool:
    return isinstance(event, StepIntended) and event.effect == "read"


def _cause(event: CauseDecided, row: _Row) -> list[Line]:
    text = f"{event.title}  ({event.host})"
    match event.holds:
        case True:
            return row.block("FOUND", Tone.BAD, text, [event.evidence] if event.evidence else [])
        case False:
            return row.block("ruled out", Tone.DIM, text, text_tone=Tone.DIM)
        case None:
            return row.block("not known", Tone.WARN, text, ["a value that it rests on was not read"])


def _connection(event: ConnectionLost | ConnectionMade, row: _Row) -> list[Line]:
    match event:
        case ConnectionLost():
            return row.block("lost", Tone.WARN, f"the connection to {event.host}; it is dialled again", [event.why])
        case ConnectionMade():
            return row.block("connected", Tone.DIM, f"{event.host} answers again")
        case _:
            assert_never(event)


def _holding(event: LockTaken | LockReturned | LockKept | TakeoverBegun | TargetAnswered, row: _Row) -> list[Line]:
    """Who holds a host, and that nothing of an earlier holder runs there."""
    match event:
        case LockTaken():
            how = f", taken over from {event.taken_over_from}" if event.taken_over_from else ""
            tone = Tone.WARN if event.taken_over_from else Tone.DIM
            are = "are" if ", " in event.host else "is"
            return row.block("locked", tone, f"{event.host} {are} held by this run (epoch {event.epoch}{how})")
        case TakeoverBegun():
            who = f"{event.from_person}, run {event.from_run}"
            return row.block("taking", Tone.WARN, f"{event.host} is taken over from {who}")
        case TargetAnswered():
            return row.block("asked", Tone.DIM, f"{event.host}: nothing that was begun before runs there")
        case LockReturned():
            if event.note:
                return row.block("let go", Tone.WARN, f"{event.host}: {event.note}")
            are = "are" if ", " in event.host else "is"
            return row.block("unlocked", Tone.DIM, f"{event.host} {are} free again")
        case LockKept():
            return row.block("LOCKED", Tone.BAD, f"the lock of {event.host} could not be given back: {event.why}")
        case _:
            assert_never(event)
