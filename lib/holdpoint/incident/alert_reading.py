"""From the payload of a monitor to a notification: a webhook of Alertmanager, or another payload by a team's map.

An alert is never refused for a part that is odd: what cannot be read is left out, and `odd` says so. Refused is only what
shows no alert at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from holdpoint.incident.alert import LONGEST, NAMELESS, Alert, Notification, Status, exact, moment, plain
from holdpoint.journal.record import Json
from holdpoint.oncall.alerts import AlertMap
from holdpoint.problem import HoldpointError, Problem

ALERTMANAGER = "alertmanager"
"""The source that needs no map."""
VERSION = "4"
MOST_LABELS = 64


# --- Alertmanager -----------------------------------------------------------------------------------------------


def alertmanager(tree: Mapping[str, Json]) -> Notification:
    """Read a webhook of Alertmanager, version 4. Raises `HoldpointError` where it has no alerts."""
    reading = _Reading()
    given = tree.get("alerts")
    if not isinstance(given, list) or not given:
        found = "no `alerts`" if given is None else "`alerts` is empty" if given == [] else "`alerts` is no list"
        hint = "for the payload of another monitor, `--map NAME`; `inv alert --help` says more"
        expected = "a webhook of Alertmanager, with its list `alerts`"
        problem = Problem("no-alerts", "this payload holds no alert", found=found, expected=expected, hint=hint)
        raise HoldpointError(problem)
    if tree.get("version") != VERSION:
        reading.note(f"its version is {_told(tree.get('version'))}, and {VERSION} is what is known here")
    alerts = tuple(reading.alert(one, index) for index, one in enumerate(given, 1))
    key = tree.get("groupKey")
    if not isinstance(key, str) or not key.strip():
        reading.note("it has no `groupKey`, so the names of its alerts are taken for one")
        key = " ".join(sorted({alert.name for alert in alerts})) or NAMELESS
    truncated = tree.get("truncatedAlerts", 0)
    more = truncated if isinstance(truncated, int) and not isinstance(truncated, bool) and truncated > 0 else 0
    return Notification(ALERTMANAGER, _group(key), alerts, min(more, 10**9), reading.odd)


class _Reading:
    """Makes values of what is there, and keeps a sentence for what is not as it should be."""

    def __init__(self) -> None:
        self._odd: dict[str, None] = {}

    @property
    def odd(self) -> tuple[str, ...]:
        return tuple(self._odd)

    def note(self, text: str) -> None:
        self._odd[text] = None

    def alert(self, given: Json, number: int) -> Alert:
        if not isinstance(given, dict):
            self.note(f"alert {number} is {_told(given)}, and no object")
            given = {}
        labels = self.texts(given.get("labels"), f"`labels` of alert {number}")
        if not labels.get("alertname"):
            self.note(f"alert {number} has no `alertname`")
        status = given.get("status")
        if not isinstance(status, str) or status not in set(Status):
            self.note(f"the status of alert {number} is {_told(status)}, so it counts as firing")
            status = Status.FIRING
        ended = self.time(given.get("endsAt"), "endsAt", number) if status == Status.RESOLVED else None
        return Alert(
            status=Status(str(status)),
            labels=labels,
            annotations=self.texts(given.get("annotations"), f"`annotations` of alert {number}", plain),
            started=self.time(given.get("startsAt"), "startsAt", number),
            ended=ended,
            fingerprint=_fingerprint(given.get("fingerprint"), labels),
        )

    def texts(self, given: Json, what: str, kept: Callable[[str], str] = exact) -> dict[str, str]:
        """Read an object whose values are texts, each kept in a form."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.note(f"{what} are {_told(given)}, and no object")
            return {}
        if len(given) > MOST_LABELS:
            self.note(f"{what} are {len(given):,}, of which {MOST_LABELS} are kept")
        found: dict[str, str] = {}
        for name, value in list(given.items())[:MOST_LABELS]:
            text = _scalar(value)
            if text is None:
                self.note(f"`{plain(name, 40)}` in {what} is {_told(value)}, and no text")
            else:
                found[plain(name, 60)] = kept(text)
        return found

    def time(self, given: Json, key: str, number: int) -> datetime | None:
        found = moment(given)
        if found is None and given is not None:
            self.note(f"`{key}` of alert {number} is no time that can be: {_told(given)}")
        return found


def _scalar(value: Json) -> str | None:
    """The text of a value that is no list and no object; a number is written as JSON writes it."""
    if isinstance(value, str):
        return value
    return None if value is None or isinstance(value, list | dict) else json.dumps(value)


def _told(value: Json) -> str:
    """Show a value in a sentence."""
    match value:
        case None:
            return "missing"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return f"`{plain(_scalar(value) or '', 60)}`"


def _fingerprint(given: Json, labels: Mapping[str, str]) -> str:
    """What tells one alert of a group from another; from its labels, where the sender gives none."""
    text = plain(_scalar(given) or "", 64)
    return text or hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def _group(key: str) -> str:
    """A key as it is, where it is one harmless line; else what stands for it, and for no other key."""
    if key == plain(key, LONGEST):
        return key
    return f"sha256:{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()}"


# --- other monitors ---------------------------------------------------------------------------------------------


def mapped(tree: Mapping[str, Json], by: AlertMap, source: str) -> Notification:
    """Read a payload that is one alert. Raises `HoldpointError` where nothing that its map names is there."""
    reading = _Reading()
    pointers = {**by.annotations, **by.labels, "group": by.group}
    if all(at(tree, pointer) is None for pointer in pointers.values()):
        keys = ", ".join(f"`/{plain(key, 30)}`" for key in list(tree)[:8]) or "nothing"
        expected = ", ".join(f"`{pointer}`" for pointer in sorted(set(pointers.values())))
        message = f"this payload has nothing of what the map `{source}` names"
        raise HoldpointError(Problem("no-alerts", message, found=keys, expected=expected))
    labels = _gathered(tree, by.labels, reading)
    if not labels.get("alertname"):
        reading.note(f"there is no name of an alert at `{by.labels['alertname']}`")
    key = _scalar(at(tree, by.group))
    if not (key or "").strip():
        reading.note(f"there is nothing at `{by.group}` to group by, so its name is taken")
        key = labels.get("alertname") or NAMELESS
    resolved = (_scalar(at(tree, by.status) if by.status else None) or "").strip().casefold() in by.resolved
    started = reading.time(at(tree, by.started), by.started, 1) if by.started else None
    ended = reading.time(at(tree, by.ended), by.ended, 1) if by.ended and resolved else None
    group = _group(f"{source}:{key}")
    alert = Alert(
        status=Status.RESOLVED if resolved else Status.FIRING,
        labels=labels,
        annotations=_gathered(tree, by.annotations, reading, plain),
        started=None if resolved and by.started == by.ended else started,
        ended=ended,
        fingerprint=hashlib.sha256(group.encode()).hexdigest()[:16],
    )
    return Notification(source, group, (alert,), odd=reading.odd)


def _gathered(
    tree: Mapping[str, Json], pointers: Mapping[str, str], reading: _Reading, kept: Callable[[str], str] = exact
) -> dict[str, str]:
    there = {name: at(tree, pointer) for name, pointer in pointers.items()}
    return reading.texts(
        {name: value for name, value in there.items() if value is not None}, "what its map names", kept
    )


def at(tree: Json | Mapping[str, Json], pointer: str) -> Json:
    """Follow a JSON Pointer; None where it leads nowhere."""
    value: object = tree
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, Sequence) and not isinstance(value, str) and key.isascii() and key.isdigit():
            index = int(key) if len(key) <= len("999999") else len(value)
            value = value[index] if index < len(value) else None
        else:
            return None
    return value  # type: ignore[return-value]
