"""Which runbooks an alert leads to, which way each was found, and the command that runs it. Pure: cards and labels in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from holdpoint.document import values
from holdpoint.document.model import Param, Runbook, ValueType
from holdpoint.document.search import Card, rank, words
from holdpoint.incident.alert import Notification, is_exact
from holdpoint.oncall.alerts import Alerts
from holdpoint.problem import Problem

MOST = 3
"""So many runbooks are proposed at most."""
_ENDS = re.compile(r"\.(ya?ml|md|html?)$")
_PORT = re.compile(r":\d{1,5}$", re.ASCII)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")


class Way(StrEnum):
    """How a runbook was found, the surest first."""

    URL = "its `runbook_url`"
    NAME = "the name of the alert"
    TEXT = "the text of the alert"


@dataclass(frozen=True, slots=True)
class Found:
    """A runbook that an alert leads to; `because` is what in the alert did."""

    card: Card
    way: Way
    because: str


@dataclass(frozen=True, slots=True)
class Command:
    """What to type. `left_out` says of each label why it gave no value or host."""

    text: str
    left_out: tuple[str, ...] = ()


def find(notification: Notification, cards: Sequence[Card]) -> tuple[Found, ...]:
    """Find the runbooks of an alert: by the surest way that leads to one; several where it leads to several."""
    return _by_url(notification, cards) or _by_name(notification, cards) or _by_text(notification, cards)


def _by_url(notification: Notification, cards: Sequence[Card]) -> tuple[Found, ...]:
    """The id of a runbook as the anchor of the address, or as its last part."""
    found: dict[str, Found] = {}
    for alert in notification.told:
        for key in ("runbook_url", "runbook"):
            address = alert.annotations.get(key, "")
            named = _names(address)
            card = next((one for name in named for one in cards if one.id == name), None)
            if card is not None:
                found.setdefault(card.id, Found(card, Way.URL, address))
    return tuple(found.values())


def _names(address: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ()
    last = parts.path.rstrip("/").rpartition("/")[2]
    return tuple(_ENDS.sub("", unquote(one).casefold()) for one in (parts.fragment, last) if one)


def _by_name(notification: Notification, cards: Sequence[Card]) -> tuple[Found, ...]:
    names = {alert.name.casefold(): alert.name for alert in notification.told if alert.name}
    found = []
    for card in cards:
        name = next((names[known.casefold()] for known in card.alerts if known.casefold() in names), None)
        if name is not None:
            found.append(Found(card, Way.NAME, name))
    return tuple(found)


def _by_text(notification: Notification, cards: Sequence[Card]) -> tuple[Found, ...]:
    """The runbooks one of whose `matches` stands in what the alert says, the best first."""
    told = " ".join(dict.fromkeys(text for alert in notification.told for text in alert.annotations.values()))
    text = f"{notification.name} {told}"
    spoken = f" {' '.join(words(text))} "
    found = []
    for hit in rank(text, cards):
        match = next((one for one in hit.card.matches if words(one) and f" {' '.join(words(one))} " in spoken), None)
        if match is not None:
            found.append(Found(hit.card, Way.TEXT, match))
    return tuple(found[:MOST])


# --- the command ------------------------------------------------------------------------------------------------


def command(
    notification: Notification,
    runbook: Runbook,
    incident: str,
    alerts: Alerts,
    host_of: Callable[[str], str | None],
) -> Command:
    """Write the command that runs a runbook for an alert.

    Labels give values only where all alerts have the same, and where it fits the parameter. `host_of` gives the value of
    `--host` for a name: empty for this machine, None where no host of that name is known.
    """
    typed = ["inv", "runbook", runbook.id]
    typed += ["--incident", incident] if incident else []
    left_out: list[str] = []
    for param in runbook.params:
        value = _value(notification, param, alerts.params, left_out)
        typed += ["--param", f"{param.name}={value}"] if value is not None else []
    host = _host(notification, alerts.host, host_of, left_out)
    typed += ["--host", host] if host else []
    return Command(shlex.join(typed), tuple(left_out))


def _value(notification: Notification, param: Param, given: Mapping[str, str], left_out: list[str]) -> str | None:
    """The value of a parameter, from the label that gives it; a label of the parameter's own name comes first."""
    if param.type is ValueType.SECRET:
        return None
    labels = [param.name, *(label for label, name in given.items() if name == param.name)]
    label = next((one for one in labels if any(one in alert.labels for alert in notification.told)), None)
    if label is None:
        return None
    value = notification.common(label)
    if value is None:
        differing = sorted({alert.labels.get(label, "none") for alert in notification.told})
        shown = ", ".join(differing[:4]) + (", …" if len(differing) > len(differing[:4]) else "")
        left_out.append(f"the alerts differ in `{label}` ({shown}): add `--param {param.name}=...`")
        return None
    checked = values.check(param, value)
    if isinstance(checked, Problem) or not is_exact(value):
        left_out.append(f"`{label}={value}` does not fit `{param.name}`")
        return None
    return value


def _host(
    notification: Notification, label: str, host_of: Callable[[str], str | None], left_out: list[str]
) -> str | None:
    """The hosts, apart by commas, where every one of them is known; None where one is not, or no label names any."""
    named = list(dict.fromkeys(one.labels[label] for one in notification.told if one.labels.get(label)))
    found: dict[str, None] = {}
    for name in named:
        address = _SCHEME.sub("", name.strip()).partition("/")[0]
        host = host_of(_PORT.sub("", address))
        if host is None:
            left_out.append(f"`{label}={name}` is no host of hosts.yaml: add `--host ...` where it is not this machine")
            return None
        found[host] = None
    if len(found) > 1 and "" in found:
        left_out.append(
            f"the alerts are about this machine and others ({', '.join(filter(None, found))}): run it for each"
        )
        return None
    return ",".join(found)
