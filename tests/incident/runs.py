"""A run's record that is planted beside an incident, with pinned times, a cause, a repair, a proof and a proposal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from holdpoint.app.desk import Desk
from holdpoint.engine import events as run
from holdpoint.incident.events import RunLinked
from holdpoint.journal.record import START, Record, encode, seal
from tests.incident.support import Room

HOST = "web1"
LIMIT: Mapping[str, str] = {"title": "Give the backups a limit", "owner": "ops", "due": "14d"}


def repaired(
    name: str, runbook: str, cause: str, began: datetime, *, bug: bool, proposes: Mapping[str, str]
) -> list[Record]:
    """The records of a run that found a cause, repaired it and proved it, ten seconds apart."""
    title = "The new version does not start" if bug else "Old backups fill the disk"
    told: list[run.Event] = [
        run.RunOpened(
            run=name,
            runbook=runbook,
            title="The disk is full",
            mode="real",
            of_run="",
            document="d",
            plan="p",
            steps={"clean": "s"},
            hosts={HOST: "prod"},
            params={},
            order=(HOST,),
        ),
        run.StepEnded("full", HOST, 1, run.Status.OK, present=True),
        run.ProofLooked("recovered", HOST, after=False, green=False, output="100 %"),
        run.CauseDecided("causes", HOST, cause, title, holds=True, evidence="97 % are backups"),
        run.GateOpened("clean", "run", "Remove backups | that are old", "d", (HOST,), effect="destroy"),
        run.GateAnswered("clean", "run", HOST, "person", "bob", "d", {HOST: "d"}),
        run.StepIntended("clean", HOST, 1, "t", "destroy", "d", "rm", ""),
        run.StepEnded("clean", HOST, 1, run.Status.OK),
        run.ProofLooked("recovered", HOST, after=True, green=True),
        run.StepEnded(
            "limit",
            HOST,
            1,
            run.Status.OK,
            note="action proposed for ops, due in 14d",
            proposes=proposes,
        ),
        run.RunFinished(0, "recovered: the check was red before and is green now"),
    ]
    records: list[Record] = []
    for seq, event in enumerate(told):
        prev = records[-1].hash if records else START
        at = began + timedelta(seconds=10 * seq)
        records.append(seal(seq=seq, time=at, person="bob", kind=event.kind, data=run.data_of(event), prev=prev))
    return records


def planted(
    room: Room,
    runbook: str,
    cause: str,
    *,
    incident: str = "last",
    bug: bool = False,
    proposes: Mapping[str, str] = LIMIT,
) -> str:
    """Put a run into the state folder, begun now, and link it to an incident; gives its name."""
    now = room.clock.now()
    name = f"{now:%Y%m%d-%H%M}-{runbook}-{len(list(room.case.state.glob('runs/*'))):04x}"
    folder = room.case.state / "runs" / name
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    records = repaired(name, runbook, cause, now, bug=bug, proposes=proposes)
    (folder / "journal.jsonl").write_bytes(b"".join(encode(record) for record in records))
    desk = Desk(room.world(person="bob"))
    with desk.writing(room.world().state.find_incident(incident), open_only=False) as book:
        book.note(RunLinked(name, runbook))
    return name
