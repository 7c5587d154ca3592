"""An incident in a test: a clock that is handed in, records that are made without a disk, and a world of one's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdpoint.app import incidents, messages
from holdpoint.app.world import World
from holdpoint.document.model import Severity
from holdpoint.incident.events import Declared, Event, Trigger, data_of
from holdpoint.incident.messages import Asked
from holdpoint.journal.record import START, Record, seal
from holdpoint.oncall.model import OFFICE
from holdpoint.oncall.working import Working
from holdpoint.store.state_folder import StateFolder
from tests.case import Case

PARIS = ZoneInfo("Europe/Paris")
WORKING = Working(PARIS, OFFICE)
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""A Wednesday; 13:00 in Paris."""


class Handed:
    """A clock that stands where the test puts it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def wait(self, duration: timedelta, watch: object) -> bool:
        raise AssertionError("nothing here waits")

    def on(self, **of: float) -> None:
        self.moment += timedelta(**of)


def paris(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=PARIS, fold=fold).astimezone(UTC)  # type: ignore[arg-type,misc]


def declared(happened: datetime, severity: Severity = Severity.SEV1, **more: Any) -> Declared:
    return Declared("ID", "the wiki is down", severity, ("docmost",), Trigger.MONITOR, happened, **more)


def recorded(*events: tuple[datetime, Event] | tuple[datetime, Event, str]) -> list[Record]:
    """Chain records; each event with the time of its record, and the person where that is not ada."""
    records: list[Record] = []
    for time, event, *person in events:
        prev = records[-1].hash if records else START
        who = str(person[0]) if person else "ada"
        records.append(seal(seq=len(records), time=time, person=who, kind=event.kind, data=data_of(event), prev=prev))
    return records


class Room:
    """A team's repository, with a clock in hand; calls the use cases in this process."""

    def __init__(self, case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.case, self.capsys = case, capsys
        self.clock = Handed(NOON)
        monkeypatch.chdir(case.repository)
        for name in list(os.environ):
            if name.startswith("HOLDPOINT_"):
                monkeypatch.delenv(name)
        for name, value in case.environ({"COLUMNS": "80", "HOLDPOINT_PERSON": "ada"}).items():
            monkeypatch.setenv(name, value)

    def world(self, *, json: bool = False, person: str = "ada") -> World:
        world = World.here(json=json)
        return replace(world, clock=self.clock, person=person, state=StateFolder(self.case.state))

    def said(self, call: Callable[[], int], code: int = 0) -> str:
        assert call() == code
        out = self.capsys.readouterr()
        assert out.err == ""
        return out.out

    def declare(self, title: str = "the wiki is down", *, json: bool = True, **more: Any) -> Any:
        told = incidents.Told(title, **{"severity": "1", "trigger": "monitor", **more})
        text = self.said(lambda: incidents.declare(self.world(json=json), told))
        return json_of(text) if json else text

    def done(self, item: str, say: str = "", *, at: str | None = None, person: str = "ada", **more: Any) -> Any:
        told = incidents.Ticked(item, say, at=at, **more)
        return json_of(self.said(lambda: incidents.done(self.world(json=True, person=person), told, incident=None)))

    def update(self, say: str = "", estimate: str = "", *, sent: bool = False, language: str | None = None) -> Any:
        asked = Asked(say, estimate)
        world = self.world(json=True)
        call = lambda: messages.update(world, asked, language=language, sent=sent, incident=None)  # noqa: E731
        return json_of(self.said(call))

    def sent(self, **more: Any) -> Any:
        given = {"message": None, "failed": None, "at": None, "incident": None, **more}
        return json_of(self.said(lambda: messages.sent(self.world(json=True), **given)))

    def resolve(self, cause: str, impact: str, data_loss: str = "no", **more: Any) -> Any:
        end = messages.End(cause, impact, data_loss, **more)
        world = self.world(json=True)
        return json_of(
            self.said(lambda: messages.resolve(world, end, Asked(), language=None, sent=False, incident=None))
        )

    def show(self, *, json: bool = False) -> Any:
        text = self.said(lambda: incidents.show(self.world(json=json), None))
        return json_of(text) if json else text


def json_of(text: str) -> Any:
    return json.loads(text)
