"""The seven phases, each with what it has to put out: a checklist. Which items apply depends on what is known so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from holdpoint.document.model import Severity
from holdpoint.problem import HoldpointError, Problem, did_you_mean


class Phase(StrEnum):
    DETECT = "detect"
    TRIAGE = "triage"
    INVESTIGATE = "investigate"
    MITIGATE = "mitigate"
    VERIFY = "verify"
    COMMUNICATE = "communicate"
    POSTMORTEM = "post-mortem"


OUTPUTS: Mapping[Phase, str] = {
    Phase.DETECT: "the situation is understood",
    Phase.TRIAGE: "the team is alerted",
    Phase.INVESTIGATE: "a root cause, or a strong hypothesis",
    Phase.MITIGATE: "restored",
    Phase.VERIFY: "production is confirmed",
    Phase.COMMUNICATE: "everybody knows that it is over, and why",
    Phase.POSTMORTEM: "published, with its action items open",
}


class Only(StrEnum):
    """When an item applies."""

    ALWAYS = "always"
    DATA_LOSS = "data is lost"
    USERS_SEE = "users see it"
    LOSS_OR_SEEN = "data is lost, or users see it"


class By(StrEnum):
    """What marks an item as done."""

    PERSON = "a person's word"
    MESSAGE = "a message that went out"
    LOSS_MESSAGE = "the message to management went out"
    RESOLVED_MESSAGE = "the message that it is over went out"
    EVERYBODYS_MESSAGE = "the message to everybody went out"


_ALL = frozenset(Severity)
_GRAVE = frozenset({Severity.SEV1, Severity.SEV2})
_SEV3 = frozenset({Severity.SEV3})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do or to find out. `asks` says that its answer is a text, such as a cause; else it is only done."""

    id: str
    phase: Phase
    title: str
    severities: frozenset[Severity] = _GRAVE
    required: bool = True
    """Without it the phase is not over; else it is advice."""
    asks: bool = False
    dated: bool = False
    """Its moment is a milestone, which is seldom now."""
    only: Mapping[Severity, Only] = field(default_factory=dict)
    by: By = By.PERSON
    check: str = ""
    """The check of the team's own that answers it."""
    told: str = ""
    """What the timeline says once it is done, where the title is a question that the time of the row answers."""


def _in_all(only: Only) -> Mapping[Severity, Only]:
    return dict.fromkeys(Severity, only)


ITEMS: tuple[Item, ...] = (
    Item("scope", Phase.DETECT, "Who and what is down?", severities=_ALL, asks=True),
    Item("since", Phase.DETECT, "Since when?", dated=True, told="it began"),
    Item("lost", Phase.DETECT, "What is lost, if anything?", asks=True),
    Item("severity", Phase.TRIAGE, "Confirm the severity"),
    Item("backup", Phase.TRIAGE, "Notify the backup"),
    Item(
        "management",
        Phase.TRIAGE,
        "Notify management: data is lost",
        severities=_ALL,
        only=_in_all(Only.DATA_LOSS),
        by=By.LOSS_MESSAGE,
    ),
    Item("announced", Phase.TRIAGE, "Announce it in the ops channel", by=By.MESSAGE),
    Item("banner", Phase.TRIAGE, "Put up a status banner", only=_in_all(Only.USERS_SEE)),
    Item("issue", Phase.TRIAGE, "File an issue, labelled bug and low, for the next release", severities=_SEV3),
    Item("workaround", Phase.TRIAGE, "Write down the workaround", severities=_SEV3, asks=True),
    Item("containers", Phase.INVESTIGATE, "Containers: which run, which restart?", required=False),
    Item("probe", Phase.INVESTIGATE, "The health check: what does it answer?", required=False, check="health"),
    Item("logs", Phase.INVESTIGATE, "The last 200 lines of the log", required=False),
    Item("load", Phase.INVESTIGATE, "Processor, memory, disk", required=False),
    Item("stores", Phase.INVESTIGATE, "Are PostgreSQL and Redis reachable?", required=False),
    Item("cause", Phase.INVESTIGATE, "The root cause, or a strong hypothesis", asks=True),
    Item("restored", Phase.MITIGATE, "Service is restored", dated=True),
    Item("health", Phase.VERIFY, "The full health check is green", check="health"),
    Item("smoke", Phase.VERIFY, "The smoke test passes", check="smoke"),
    Item("flow", Phase.VERIFY, "One real user flow works, from end to end", check="flow"),
    Item("told", Phase.COMMUNICATE, "Send the message that it is over", by=By.RESOLVED_MESSAGE),
    Item(
        "email",
        Phase.COMMUNICATE,
        "E-mail everybody",
        only={Severity.SEV1: Only.DATA_LOSS, Severity.SEV2: Only.LOSS_OR_SEEN},
        by=By.EVERYBODYS_MESSAGE,
    ),
    Item(
        "authority",
        Phase.COMMUNICATE,
        "Notify the data protection authority, or write down why not",
        severities=_ALL,
        asks=True,
        only=_in_all(Only.DATA_LOSS),
    ),
    Item("banner-down", Phase.COMMUNICATE, "Take the status banner down", only=_in_all(Only.USERS_SEE)),
    Item("published", Phase.POSTMORTEM, "Publish the post-mortem, its action items each with owner and date"),
)
_BY_ID = {item.id: item for item in ITEMS}


@dataclass(frozen=True, slots=True)
class Known:
    """What decides which items apply; what is not known yet counts as not so."""

    severity: Severity
    data_loss: bool
    users_see: bool
    post_mortem: bool = False
    """A post-mortem was asked for, whatever the severity."""


def items_for(known: Known) -> tuple[Item, ...]:
    """Give the items that apply now, in the order of the phases."""
    return tuple(item for item in ITEMS if _is_asked_of(item, known) and _applies(item, known))


def _is_asked_of(item: Item, known: Known) -> bool:
    return known.severity in item.severities or (known.post_mortem and item.phase is Phase.POSTMORTEM)


def _applies(item: Item, known: Known) -> bool:
    only = item.only.get(known.severity, Only.ALWAYS)
    match only:
        case Only.ALWAYS:
            return True
        case Only.DATA_LOSS:
            return known.data_loss
        case Only.USERS_SEE:
            return known.users_see
        case Only.LOSS_OR_SEEN:
            return known.data_loss or known.users_see
        case _:
            assert_never(only)


def answered(item: str, say: str) -> str:
    """An item's title with what was said to it; the id alone stands for an item that is not known any more."""
    title = _BY_ID[item].title if item in _BY_ID else item
    return f"{title}{'' if title.endswith('?') else ':'} {say}" if say else title


def done_told(item: str, say: str) -> str:
    """What a row of the timeline says of an item that is done."""
    told = _BY_ID[item].told if item in _BY_ID else ""
    return (f"{told}: {say}" if say else told) if told else answered(item, say)


def item_of(text: str) -> Item:
    """Find an item by its id; raises `HoldpointError` with the ids that there are."""
    item = _BY_ID.get(text.strip().lower())
    if item is None:
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:40])
        ids = ", ".join(f"`{one}`" for one in _BY_ID)
        hint = did_you_mean(text, _BY_ID) or "`inv incident.show` shows the checklist"
        raise HoldpointError(
            Problem("item", f"the checklist has no item `{shown}`", expected=f"one of {ids}", hint=hint)
        )
    return item
