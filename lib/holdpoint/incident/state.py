"""Where an incident stands: everything that its record says, as one value. `fold` makes it of the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from holdpoint.document.model import Severity
from holdpoint.incident.actions import ActionItem
from holdpoint.incident.alert_events import AlertReceived
from holdpoint.incident.effects import (
    AUDIENCE,
    Banner,
    Effect,
    Issue,
    Standing,
)
from holdpoint.incident.events import CheckAnswered, Declared, HandedOver, MessageRendered, Resolved
from holdpoint.incident.learning_events import (
    AuthorityTold,
    PostMortemPublished,
)
from holdpoint.incident.phases import Item, Known, Phase, items_for

BACK = timedelta(seconds=2)
"""Clocks of two machines differ by less; a record that is earlier than one before by more shows that a clock was set."""


@dataclass(frozen=True, slots=True)
class Done:
    """An item that is done, with who said so. `seq` is that of the record."""

    say: str
    evidence: str
    happened: datetime
    person: str
    seq: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was made. `sent` is when it went out, None as long as it has not."""

    rendered: MessageRendered
    seq: int
    sent: datetime | None = None
    failed: str = ""
    """Why the last try to deliver it came to nothing."""
    deliveries: Mapping[str, Effect] = field(default_factory=dict)
    """How it stands with each destination that it was sent to."""

    @property
    def undelivered(self) -> Mapping[str, Effect]:
        """The destinations that it did not surely reach."""
        return {name: one for name, one in self.deliveries.items() if one.standing is not Standing.DONE}

    @property
    def waits(self) -> bool:
        """It has not gone out, or not everywhere."""
        return self.sent is None or bool(self.undelivered)


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """A group of alerts that belongs to it: the last news of it, how often that came, and how grave it was at most."""

    last: AlertReceived
    times: int
    gravest: Severity


@dataclass(frozen=True, slots=True)
class Jump:
    """The records from `seq` to `last` were written earlier than one before them, by the clock; `by` so much at most."""

    seq: int
    by: timedelta
    last: int

    @property
    def where(self) -> str:
        return f"{self.seq}" if self.last == self.seq else f"{self.seq} to {self.last}"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the record says. `declared` is None only before the first record."""

    declared: Declared | None = None
    severity: Severity = Severity.SEV1
    aware: datetime | None = None
    """When people became aware that data is lost; None where it is not."""
    losses: tuple[str, ...] = ()
    """What was said to be lost, as it was found out."""
    ruled_out: Done | None = None
    """Who found out that no data is lost after all, when and why; None where nobody did, or a loss was noticed since."""
    users_see: bool | None = None
    done: Mapping[str, Done] = field(default_factory=dict)
    checks: Mapping[str, CheckAnswered] = field(default_factory=dict)
    """The last answer of each check; of the versions that ran before, by `version SERVICE`."""
    runs: Mapping[str, int] = field(default_factory=dict)
    """Linked runs, with the number of the record that links each."""
    alerts: Mapping[str, AlertGroup] = field(default_factory=dict)
    """Groups of alerts that were received, by their keys."""
    handed: HandedOver | None = None
    """To whom it was handed over; None where it was taken in since."""
    messages: Mapping[int, Message] = field(default_factory=dict)
    last_sent: datetime | None = None
    """When the message went out that was last recorded as sent."""
    counted_from: datetime | None = None
    """Where the response target is counted from: noticed, or made graver since."""
    responded: datetime | None = None
    resolved: Resolved | None = None
    """How it ended; None while it is open."""
    resolved_seq: int = -1
    """The record that says so."""
    times_reopened: int = 0
    actions: Mapping[int, ActionItem] = field(default_factory=dict)
    document: str = ""
    """The file of the post-mortem in the repository; empty before it has one."""
    published: PostMortemPublished | None = None
    asked: str = ""
    """Why it is to have a post-mortem although its severity asks for none."""
    asked_at: datetime | None = None
    code_bug: bool = False
    notices: tuple[AuthorityTold, ...] = ()
    """What the authority was told in phases, before the last notice."""
    banner: Banner | None = None
    issue: Issue | None = None
    people: tuple[str, ...] = ()
    latest: datetime | None = None
    """The latest time that any record has."""
    jumps: tuple[Jump, ...] = ()
    seq: int = -1

    @property
    def is_open(self) -> bool:
        return self.declared is not None and self.resolved is None

    @property
    def opening(self) -> Declared:
        """The declaration. Raises `ValueError` before it."""
        if self.declared is None:
            raise ValueError("an incident begins with its declaration")
        return self.declared

    @property
    def groups(self) -> frozenset[str]:
        """The groups of alerts that belong to it."""
        return frozenset(filter(None, (self.opening.group, *self.alerts)))

    @property
    def known(self) -> Known:
        return Known(self.severity, self.loses_data, self.users_see is True, post_mortem=bool(self.asked))

    @property
    def notified(self) -> datetime | None:
        """When the authority was told first, in a phase or at once; None as long as it was not."""
        times = [notice.happened for notice in self.notices]
        times += [self.done["authority"].happened] if "authority" in self.done else []
        return min(times, default=None)

    @property
    def loses_data(self) -> bool:
        """Data is lost as far as is known: what was found out last counts, before the end or after it."""
        return self.aware is not None and self.ruled_out is None

    @property
    def began(self) -> datetime:
        """Since when it is so: what the item `since` says, else when it was noticed."""
        since = self.done.get("since")
        return since.happened if since else self.opening.happened

    @property
    def items(self) -> tuple[Item, ...]:
        """The checklist as it applies now."""
        return items_for(self.known)

    @property
    def phase(self) -> Phase | None:
        """Where one is: the first phase with something required that is not done; None where nothing is left."""
        return next((item.phase for item in self.items if item.required and item.id not in self.done), None)

    def missing(self, phase: Phase) -> tuple[Item, ...]:
        """What a phase still has to put out."""
        return tuple(item for item in self.items if item.phase is phase and item.required and item.id not in self.done)

    def waiting(self) -> tuple[Message, ...]:
        """The last message to each audience, where it has not gone out."""
        last = {AUDIENCE[message.rendered.purpose]: message for message in self.messages.values()}
        return tuple(message for message in last.values() if message.waits)
