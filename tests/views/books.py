"""Documents, questions and records that the tests of the views and of the operators share."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdpoint.document.model import Effect, Runbook
from holdpoint.document.parse import parse
from holdpoint.document.source import Source
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
    data_of,
)
from holdpoint.engine.ports import Asked, Question, Target, Tier, Word
from holdpoint.engine.questions import ESCALATE, ROLLBACK, RUN, SHOW, SKIP, STOP
from holdpoint.journal.record import START, Record, seal
from holdpoint.planning import build
from holdpoint.planning.plan import Plan
from holdpoint.planning.values import bind

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/runbook.schema.json").read_text())
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RUN_ID = "20261123-1200-log-disk-a1b2"

LOG_DISK = r"""
schema: holdpoint/runbook/1
id: log-disk
title: The log disk is full
owner: ops
severity: SEV1
services: [docmost, baserow]
alerts: [NodeFilesystemAlmostOutOfSpace]
matches: ["No space | left on `device`"]
reviewed: 2026-11-23
lock: host
params:
  mount: {type: path, default: /var/log, prompt: "Which mount point?"}
symptoms:
  - {id: full, title: Nine tenths or more are used, run: 'symptom "$mount"'}
diagnostic:
  - id: space
    title: How full is it?
    run: space "$mount"
    register: {used: {type: integer}}
  - {id: owner, title: Whose log is it?, ask: "Whose log is it?", register: {team: {type: string}}}
causes:
  - id: deleted-but-open
    title: A deleted file is still held open
    when: {all: [{value: used, op: ge, than: 90}, {not: {value: used, op: gt, than: 100}}]}
    evidence: "{used} % are used"
  - {id: small, title: "The <disk> is \"too small\" [red]", when: {value: used, op: gt, than: 100}, evidence: none}
resolution:
  - id: pause
    title: Stop the shipping of logs
    for: [deleted-but-open]
    effect: change
    become: root
    run: systemctl stop shipper
    undo: {run: systemctl start shipper}
  - id: truncate
    title: Truncate the held file
    for: [deleted-but-open]
    effect: destroy
    why: The space comes back at once.
    run: |
      # ``` is no fence
      truncate-held "$mount"
    irreversible: the text in that log is gone
    verify: {run: 'space-again "$mount"', every: 2s, within: 30s}
    gate: {approvers: 2}
  - {id: settle, title: Let it settle, wait: 10s}
  - {id: say, title: Tell the channel, notify: {to: ops, say: It is done}}
  - {id: config, title: Put the new limit, put: {from: limit.conf, to: /etc/limit.conf}, effect: change}
  - {id: copy, title: Fetch the list, fetch: {from: /tmp/list, name: list.txt}}
  - {id: tell-owner, title: Tell the owner of the log, manual: "Send them the list."}
prevention:
  - {id: rotate, title: Give the log a size limit, action: {owner: ops, due: 14d}}
rollback: []
recovered: {run: 'recovered "$mount"'}
escalation:
  - {after: 15m, to: backup, say: The disk is still full}
"""


def load(text: str, name: str = "log-disk") -> Runbook:
    return parse(Source(f"{name}.yaml", text.encode()), SCHEMA)


def plan(runbook: Runbook) -> Plan:
    def nothing(name: str) -> Runbook:
        raise AssertionError(f"nothing is used, but {name} was asked for")

    def limit(_: Runbook, source: str) -> bytes:
        assert source == "limit.conf"
        return b"limit = 1\n"

    return build.plan(runbook, bind(runbook, {}), hosts=("db1",), here="db1", key=b"k", load=nothing, files=limit)


# --- questions --------------------------------------------------------------------------------------------------

PROD, SECOND = Target("db1", Tier.PROD), Target("db2", Tier.PROD)
STAGING = Target("stage1", Tier.STAGING)
WORDS = (RUN, SKIP, STOP, ROLLBACK, ESCALATE, SHOW)
SCRIPT = "mount='/var/log'\ntruncate-held \"$mount\" --and-a-very-long-option --so-that-this-line-has-to-be-wrapped"

DESTROY = Question(
    kind=Asked.GATE,
    key="truncate",
    title="Truncate the held file",
    targets=(PROD,),
    words=WORDS,
    agree=("db1",),
    digest="ab",
    effect=Effect.DESTROY,
    why="The space comes back at once.",
    commands=(("db1", SCRIPT),),
    values=(("db1", "mount", "/var/log"),),
    evidence=("db1: A deleted file is held: found: 812 MB are held", "db1: Too small: ruled out: 97 %"),
    reverts="cannot be taken back: the text in that log is gone",
    proof='space-again "$mount"',
    remains=("done: Stop the shipping of logs (db1)", "this step: Truncate the held file (db1)"),
    approvers=2,
    expires=NOON + timedelta(minutes=9, seconds=5),
    show=(("the command", SCRIPT), ("space: How full is it?", "97\n\x1b[31m[red]")),
)
CHANGE = Question(
    kind=Asked.GATE,
    key="restart",
    title="Restart the application",
    targets=(STAGING, Target("stage2", Tier.STAGING)),
    words=WORDS,
    agree=("run",),
    effect=Effect.CHANGE,
    commands=(("stage1", "systemctl restart app"), ("stage2", "systemctl restart app")),
    values=(("stage1", "port", "80"), ("stage2", "port", "81")),
    become="root",
    reverts="can be taken back, as root: systemctl stop app",
    attempts=3,
)
LONG_SCRIPT = "".join(f"step {number}\n" for number in range(1, 66))
LONG = replace(
    CHANGE,
    commands=(("stage1", LONG_SCRIPT), ("stage2", LONG_SCRIPT)),
    show=(("the command", LONG_SCRIPT), ("logs: The last lines", "x" * 200)),
)
BOTH = Question(
    kind=Asked.GATE,
    key="wipe",
    title="Wipe the cache",
    targets=(PROD, SECOND),
    words=WORDS,
    agree=("db1", "db2"),
    effect=Effect.DESTROY,
    commands=(("db1", "rm -rf -- /c"), ("db2", "rm -rf -- /c")),
)
OPENING = Question(
    kind=Asked.OPENING,
    key="opening",
    title="This is production. May the diagnosis read?",
    targets=(PROD,),
    words=(RUN, STOP, ESCALATE, SHOW),
    agree=("run",),
    why="4 steps read, and change nothing. Your word covers taking the lock as well. Every change asks again.",
)
PROCEED = Question(
    kind=Asked.PROCEED,
    key="proceed",
    title="Nothing is red at the start. Go on all the same?",
    targets=(Target("here", Tier.LOCAL),),
    words=(RUN, STOP, ESCALATE, SHOW),
    agree=("run",),
)
MANUAL = Question(
    kind=Asked.MANUAL,
    key="tell-owner",
    title="Tell the owner of the log",
    targets=(PROD,),
    words=(Word("done", "it is done"), Word("failed", "it was tried and did not work"), SKIP, STOP, ESCALATE, SHOW),
    prompt="Send them the list.\n  1. open the ticket\n  2. paste it",
)
VALUE = Question(
    kind=Asked.VALUE,
    key="owner",
    title="Whose log is it?",
    targets=(Target("box", Tier.PRACTICE),),
    words=(),
    prompt="Whose log is it? (string)",
)
DOUBT = Question(
    kind=Asked.DOUBT,
    key="truncate",
    title="In doubt: Truncate the held file",
    targets=(PROD,),
    words=(Word("happened", "you looked, and it was done"), Word("again", "you looked, and it was not"), STOP, SHOW),
    effect=Effect.DESTROY,
    why="It was begun on db1, and what became of it is not known: the connection was lost",
    prompt="Look for yourself before you answer.",
    commands=(("db1", "truncate-held"),),
    proof="space-again",
)
QUESTIONS = {
    "destroy": DESTROY,
    "change": CHANGE,
    "both": BOTH,
    "opening": OPENING,
    "proceed": PROCEED,
    "manual": MANUAL,
    "value": VALUE,
    "doubt": DOUBT,
}

# --- records ----------------------------------------------------------------------------------------------------

OPENED = RunOpened(
    run=RUN_ID,
    runbook="log-disk",
    title="The log disk is full",
    mode="real",
    of_run="",
    document="d",
    plan="p",
    steps={"space": "1", "truncate": "2"},
    hosts={"db1": "prod"},
    params={"mount": "/var/log"},
    order=("db1",),
)
EVENTS: tuple[Event, ...] = (
    OPENED,
    RunResumed(4711),
    RunHandedOver("box1", "m", "bob", {"hosts.yaml": "d"}, "d"),
    RunTakenOver("ann", "box1", "box2", ("owner",), "p"),
    TakeoverBegun("db1", "20261123-1200-log-disk-0001", "bob"),
    TargetAnswered("db1"),
    LockTaken("db1", 3, "bob, run 20261123-1200-log-disk-0001"),
    LockKept("db1", "there is no room on the target"),
    LockReturned("db1", "it was not held by this run any more"),
    LockReturned("db1"),
    StepIntended("truncate", "db1", 2, "t", "destroy", "d", SCRIPT, "s", "root"),
    StepLeft("truncate", "db1", 2, runs=False, why="no route to host"),
    StepEnded("truncate", "db1", 2, Status.FAILED, note="it broke", exit=3, stderr="no [red]\x1b[31m\n", stderr_size=9),
    StepVerified("truncate", "db1", 2, green=False, note="exit 1", output="97"),
    DoubtSettled("truncate", "db1", 2, happened=True, by="ann"),
    ProofLooked("recovered-before", "db1", after=False, green=False, note="exit 1", output="97"),
    CauseDecided("causes", "db1", "held", "A deleted file is held", True, "812 MB are held"),
    GateOpened("truncate", "gate", "Truncate the held file", "d", ("db1",), 2, "destroy", {"db1": SCRIPT}),
    GateAnswered("truncate", "gate", "run", "hand", "ann", "d", {"db1": "d"}, ("bob",)),
    Escalated("truncate", "backup", "It is still full", "delivered", 0),
    ConnectionLost("db1", "truncate", "the connection to `db1` was lost"),
    ConnectionMade("db1", "truncate"),
    RollbackBegun("20261123-1300-log-disk-back"),
    RunStopped(3, "ann answered `stop` at `truncate`", "truncate"),
    RunFinished(5, "rolled back: every undo that there is succeeded", ("db1: Truncate: the text is gone",)),
)
STATUSES: tuple[Event, ...] = (
    StepEnded("full", "db1", 1, Status.OK, exit=0, present=True),
    StepEnded("full", "db1", 1, Status.OK, exit=1, present=False),
    StepEnded("space", "db1", 1, Status.OK, exit=0, stdout="97", values={"used": 97}, hidden=("key",)),
    StepEnded("space", "db1", 1, Status.UNREACHABLE, note="no route to host"),
    StepEnded("space", "db1", 1, Status.TIMED_OUT, note="the time was up"),
    StepEnded("truncate", "db1", 1, Status.IN_DOUBT, note="the connection was lost"),
    *(StepEnded("truncate", "db1", 0, Status.SKIPPED, reason, "why it was") for reason in Reason),
)


def records(*events: Event, seconds: float = 1.0) -> list[Record]:
    """Seal events into a chain, a second apart, at noon in UTC."""
    made: list[Record] = []
    for number, event in enumerate(events):
        data = json.loads(json.dumps(data_of(event)))
        time = NOON + timedelta(seconds=seconds * number)
        prev = made[-1].hash if made else START
        made.append(seal(seq=number, time=time, person="ann", kind=event.kind, data=data, prev=prev))
    return made
