"""A team as its `team.yaml` says: zone, working hours, days off, people, and the rota.

Values only. A moment is always in UTC: two moments of one zone subtract as if no clock had ever been changed. What a
local clock shows is a date and minutes after midnight, or text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from holdpoint.oncall.alerts import Alerts
from holdpoint.oncall.outside import Outside
from holdpoint.problem import Place

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of a week as they are written; their place is `date.weekday`."""
MIDNIGHT = 24 * 60
"""Minutes of a day on a clock that nobody changes."""


class Language(StrEnum):
    EN = "en"
    FR = "fr"


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of local time on some days of the week; minutes after midnight, `begin` before `end`."""

    days: frozenset[int]
    begin: int
    end: int


OFFICE = (Hours(frozenset(range(5)), 9 * 60, 18 * 60),)
"""Monday to Friday, 09:00 to 18:00."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days without working hours. `country` is empty where no public holidays count."""

    country: str = "FR"
    region: str = ""
    own: Mapping[date, str] = field(default_factory=dict)
    place: Place | None = None
    """Where the country stands in the document; None where nobody wrote one."""


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is the name that records have; `email` and `calendar` are empty where not given."""

    id: str
    name: str
    email: str = ""
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Who takes the weeks from the one that begins on `start`, one after the other and over again."""

    start: date
    principals: tuple[str, ...]
    backups: tuple[str, ...] = ()
    """Empty where the backup is the next in the order."""


@dataclass(frozen=True, slots=True)
class Swap:
    """The weeks that begin on two days have each other's principal."""

    week: date
    other: date
    why: str


@dataclass(frozen=True, slots=True)
class Cover:
    """`who` stands in for `absent`, in whatever role that person has between two moments."""

    begin: datetime
    end: datetime
    who: str
    absent: str
    why: str


@dataclass(frozen=True, slots=True)
class Rota:
    """Weeks from handover to handover; a week is named by the local date on which it begins."""

    orders: tuple[Order, ...]
    """By date; the first begins the rota."""
    handover: int = 9 * 60
    """Minutes after midnight, on the weekday of the first `start`."""
    swaps: tuple[Swap, ...] = ()
    """In the document's order; each works on what those before it left."""
    covers: tuple[Cover, ...] = ()
    """As the swaps, which come before."""

    @property
    def start(self) -> date:
        return self.orders[0].start


@dataclass(frozen=True, slots=True)
class Probe:
    """A command of the team's own that only reads. `host` is empty for the machine of whoever asks."""

    run: str
    host: str = ""
    timeout: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WayBack:
    """How a service goes back to the version that ran before: by a runbook, or by a command."""

    runbook: str = ""
    run: str = ""
    host: str = ""
    timeout: timedelta = timedelta(minutes=10)
    before: Probe | None = None
    """Prints which version that is; a command reads it as `"$previous"`."""


CHECKS = ("health", "smoke", "flow")
"""The checks that a team can have, from the quickest to the one that says the most."""


@dataclass(frozen=True, slots=True)
class Team:
    """Everything that `team.yaml` says, with its defaults."""

    zone: ZoneInfo
    name: str = "team"
    language: Language = Language.EN
    hours: tuple[Hours, ...] = OFFICE
    holidays: Holidays = field(default_factory=Holidays)
    people: Mapping[str, Person] = field(default_factory=dict)
    rota: Rota | None = None
    checks: Mapping[str, Probe] = field(default_factory=dict)
    """Each by its name in `CHECKS`."""
    rollbacks: Mapping[str, WayBack] = field(default_factory=dict)
    """Each by the service that it takes back."""
    alerts: Alerts = field(default_factory=Alerts)
    outside: Outside = field(default_factory=Outside)
