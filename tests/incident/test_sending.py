"""Messages that are sent: each destination has a result of its own, and nothing is lost or sent twice silently."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdpoint.app import messages
from holdpoint.incident.effects import Standing
from holdpoint.incident.events import MessageFailed, MessageRendered, MessageSending, MessageSent, Purpose
from holdpoint.incident.fold import replay
from holdpoint.outside import delivery
from tests.case import LIMIT, Case
from tests.incident.support import NOON, Handed, Room, declared, recorded
from tests.laws.terminal import is_alive, left, person
from tests.outside.servers import Mail, Sink, free_port

DECLARE = ("incident.declare", "the wiki is down", "--severity", "1")
TOKEN = "tok-3f9a81c7d2"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink().running() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Sink]:
    with Sink().running() as running:
        yield running


def _team(case: Case, **channels: dict[str, str]) -> Case:
    """Write a team whose channels lead to these addresses."""
    lines = ["schema: holdpoint/team/1", "channels:"]
    for audience, to in channels.items():
        lines.append(f"  {audience}:")
        lines += [f"    - {{name: {name}, {how}}}" for name, how in to.items()]
    return case.write("team.yaml", "\n".join(lines) + "\n")


def _url(address: str, within: str = "") -> str:
    return f"url: {json.dumps(address)}" + (f", within: {within}" if within else "")


def _standings(shown: Any, number: int = 1) -> dict[str, str]:
    return {one["destination"]: one["standing"] for one in shown["messages"][number - 1]["deliveries"]}


def _show(case: Case) -> Any:
    return case.run("incident.show", "--json").expect(0, ..., ...).json()


def _journal(case: Case) -> Path:
    (path,) = case.state.glob("incidents/*/journal.jsonl")
    return path


# --- each destination has a result of its own ---


def test_what_failed_is_on_record_and_stays_to_be_sent_to_those_alone(case: Case, sink: Sink, other: Sink) -> None:
    other.does = 500
    gone = free_port()
    _team(case, ops={"chat": _url(sink.url()), "hook": _url(other.url()), "mail": _url(f"json://127.0.0.1:{gone}/")})
    ran = case.run(*DECLARE, "--send", "--json").expect(4, ..., ...)
    assert _standings(ran.json()) == {"chat": "done", "hook": "failed", "mail": "failed"}
    assert [one["why"] for one in ran.json()["messages"][0]["deliveries"]] == [
        *("", "the server answered 500", "connection refused"),
    ]
    assert "message 1 (first) did not reach mail: connection refused; `inv incident.send`" in ran.stderr
    assert sink.got[0]["title"] + "\n" + sink.got[0]["message"] == ran.json()["messages"][0]["text"]
    later = case.run("run.list").expect(0, ..., ...)
    assert later.stderr.count("did not reach") == 2
    other.does = 200
    again = case.run("incident.send").expect(4, ..., ...)
    assert "Message 1 went out to chat, hook.\nNOT SENT: message 1 (first) did not reach mail" in again.stdout
    assert (len(sink.got), len(other.got)) == (1, 2)
    case.run("incident.sent").expect(0, ..., "")
    assert _standings(_show(case)) == {"chat": "done", "hook": "done", "mail": "done"}
    ran = case.run("incident.send").expect(2, "", ...)
    assert "no message waits to be sent" in ran.stderr


def test_each_audience_has_its_own(case: Case, sink: Sink, other: Sink) -> None:
    with Mail().running() as mail:
        everybody = _url(mail.url("&mode=insecure"))
        _team(
            case, ops={"chat": _url(sink.url())}, management={"boss": _url(other.url())}, everybody={"all": everybody}
        )
        case.run(*DECLARE, "--data-loss", "--send", "--json").expect(0, ..., "")
        assert [one["title"][:6] for one in sink.got] == ["[SEV1]"]
        assert [one["title"][:14] for one in other.got] == ["To management:"]
        sent = (
            case.run("incident.email", "--say", "Please save your pages.", "--send", "--json").expect(0, ..., "").json()
        )
        assert {one["item"]: one["done"] for one in sent["checklist"]}["email"]
        (got,) = mail.got
        assert got["Subject"] == "the wiki is down: what happened, and what it means for you"
        payload = got.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert b"Please save your pages." in payload
    end = ("--cause", "c", "--impact", "i", "--data-loss", "yes", "--without-verify", "w", "--send")
    case.run("incident.resolve", *end).expect(0, ..., "")
    assert sink.got[-1]["title"].endswith("RESOLVED")
    assert len(other.got) == 1


def test_without_a_channel_it_is_for_pasting(case: Case) -> None:
    ran = case.run(*DECLARE, "--send").expect(4, ..., ...)
    assert "`team.yaml` names no channel for ops, so message 1 goes nowhere by itself" in ran.stderr
    assert "── message 1, for the ops channel ──" in ran.stdout
    refused = case.run("incident.send").expect(2, "", ...)
    assert "channels: {ops: [...]}" in refused.stderr
    case.run("incident.update", "--send", "--sent").expect(2, "", ...)


def test_a_secret_that_is_not_there_keeps_nothing_else_from_going(case: Case, sink: Sink) -> None:
    _team(case, ops={"chat": _url(sink.url()), "mail": "from: {env: NO_SUCH}"})
    ran = case.run(*DECLARE, "--send", "--json").expect(4, ..., ...)
    assert _standings(ran.json()) == {"chat": "done", "mail": "failed"}
    assert "no secret for `mail`: the variable `NO_SUCH` is not set" in ran.stderr
    assert len(sink.got) == 1


def test_without_apprise_it_is_said_and_stays_to_be_sent(
    room: Room, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _team(room.case, ops={"chat": _url(sink.url())})
    room.declare()
    monkeypatch.setattr(delivery, "find_spec", lambda _name: None)
    world = room.world(json=True)
    ran = json.loads(room.said(lambda: messages.send(world, message=None, again=False, incident=None), 4))
    assert ran["messages"][0]["failed"] == "the package `apprise` is not installed: `pip install 'holdpoint[incident]'`"
    assert ran["loud"][0]["label"] == "NOT SENT"
    assert not sink.got


# --- in doubt ---


@pytest.mark.parametrize("does", ["stall", "close"])
def test_what_may_have_arrived_is_sent_again_by_a_persons_word_alone(case: Case, sink: Sink, does: str) -> None:
    sink.does = does
    _team(case, ops={"chat": _url(sink.url(), "8s")})
    ran = case.run(*DECLARE, "--send", "--json").expect(8, ..., ...)
    assert _standings(ran.json()) == {"chat": "in doubt"}
    assert "IN DOUBT: message 1 (first) may have reached chat, or not: " in ran.stderr
    sink.does = 200
    again = case.run("incident.send").expect(8, ..., ...)
    assert "Look there first." in again.stdout
    assert len(sink.got) == 1
    case.run("incident.send", "--again").expect(0, ..., "")
    assert len(sink.got) == 2
    kinds = [record["kind"] for record in _show(case)["records"]]
    assert kinds[1:] == ["message.rendered", "message.sending", "message.failed", "message.sending", "message.sent"]


@pytest.mark.parametrize("word", ["send", "sent", "later"])
def test_a_person_is_asked_before_something_in_doubt_is_sent_again(case: Case, sink: Sink, word: str) -> None:
    sink.does = "close"
    _team(case, ops={"chat": _url(sink.url())})
    case.run(*DECLARE, "--send", "--json").expect(8, ..., ...)
    sink.does = 200
    with person(case, "incident.send") as child:
        child.expect_exact("It is IN DOUBT whether message 1 went out to:")
        child.expect_exact("  chat, begun by ada at ")
        child.expect_exact("`sent` where it is there, or `later`: ")
        child.sendline(word)
        assert left(child) == (8 if word == "later" else 0)
    assert len(sink.got) == (2 if word == "send" else 1)
    assert _standings(_show(case)) == {"chat": "in doubt" if word == "later" else "done"}


@pytest.mark.parametrize(
    ("at", "arrived"),
    [
        ("record:2:before", 0),
        ("record:2:torn", 0),
        ("record:2:durable", 0),
        ("message:begun", 0),
        ("message:chat:answered", 1),
        ("record:3:before", 1),
        ("record:3:torn", 1),
    ],
)
def test_killed_between_intent_and_result(room: Room, case: Case, sink: Sink, at: str, arrived: int) -> None:
    """What was not begun on record was not sent; what was, is in doubt, is said to be, and is not sent by itself."""
    _team(case, ops={"chat": _url(sink.url())})
    ran = case.run(*DECLARE, "--send", environ={"HOLDPOINT_KILL_AT": at})
    assert ran.status == -signal.SIGKILL, ran.raw_error
    assert len(sink.got) == arrived
    begun = at not in {"record:2:before", "record:2:torn"}
    if begun:
        busy = case.run("incident.send").expect(9, ..., ...)
        assert "message 1 is being sent to `chat` by ada" in busy.stderr
    room.clock = Handed(datetime.now(UTC) + timedelta(minutes=5))
    world = room.world(json=True)
    call = lambda again: messages.send(world, message=None, again=again, incident=None)  # noqa: E731
    if begun:
        doubt = json.loads(room.said(lambda: call(again=False), 8))
        assert doubt["loud"][0]["text"].endswith("ada began to send it, and its end is not on record")
        assert len(sink.got) == arrived
    done = json.loads(room.said(lambda: call(again=True), 0))
    assert len(sink.got) == arrived + 1
    assert done["loud"] == []


def test_of_two_who_send_the_same_one_sends(case: Case, sink: Sink) -> None:
    sink.does = "stall"
    _team(case, ops={"chat": _url(sink.url())})
    case.run(*DECLARE, "--json").expect(0, ..., "")
    with case.started("incident.send", "--json") as first:
        assert sink.arrived.wait(LIMIT)
        second = case.run("incident.send", environ={"HOLDPOINT_PERSON": "bob"}).expect(9, ..., ...)
        assert "message 1 is being sent to `chat` by ada" in second.stderr
        assert "IN DOUBT" not in second.stderr
        sink.does = 200
        sink.release.set()
        first.communicate(timeout=LIMIT)
        assert first.returncode == 0
    third = case.run("incident.send", environ={"HOLDPOINT_PERSON": "bob"}).expect(2, "", ...)
    assert "no message waits to be sent" in third.stderr
    assert len(sink.got) == 1


def test_killed_while_it_is_sent(case: Case, sink: Sink) -> None:
    """It is in doubt, and is not sent again meanwhile; the process that sends ends by itself when its time is over."""
    sink.does = "stall"
    _team(case, ops={"chat": _url(sink.url(), "8s")})
    case.run(*DECLARE, "--json").expect(0, ..., "")
    with case.started("incident.send", "--json") as sending:
        assert sink.arrived.wait(LIMIT)
        (sender,) = [
            int(pid)
            for tasks in Path(f"/proc/{sending.pid}/task").glob("*/children")
            for pid in tasks.read_text().split()
        ]
        os.kill(sending.pid, signal.SIGKILL)
        sending.communicate(timeout=LIMIT)
    case.run("incident.send").expect(9, ..., ...)
    assert _standings(_show(case)) == {"chat": "begun"}
    assert len(sink.got) == 1
    end = time.monotonic() + LIMIT
    while is_alive(sender):
        assert time.monotonic() < end, "it lingers"
        time.sleep(0.1)


def test_what_was_sent_while_a_person_thought_is_not_sent_again(case: Case, sink: Sink) -> None:
    _team(case, ops={"chat": _url(sink.url())})
    with person(case, *DECLARE) as child:
        child.expect_exact("or `later`: ")
        case.run("incident.send", environ={"HOLDPOINT_PERSON": "bob"}).expect(0, ..., "")
        child.sendline("send")
        child.expect_exact("Message 1 went out to chat.")
        assert left(child) == 0
    assert len(sink.got) == 1


def test_ctrl_c_while_it_is_sent_calls_nothing_back(case: Case, sink: Sink) -> None:
    sink.does = "stall"
    _team(case, ops={"chat": _url(sink.url())})
    case.run(*DECLARE, "--json").expect(0, ..., "")
    with case.started("incident.send", "--json") as sending:
        assert sink.arrived.wait(LIMIT)
        os.kill(sending.pid, signal.SIGINT)
        sink.does = 200
        sink.release.set()
        sending.communicate(timeout=LIMIT)
        assert sending.returncode == 0
    assert _standings(_show(case)) == {"chat": "done"}


# --- secrets ---


@pytest.mark.parametrize("does", [200, 500, "close", "nobody"])
def test_an_address_is_shown_and_kept_nowhere(case: Case, sink: Sink, does: int | str) -> None:
    sink.does = does
    port = free_port() if does == "nobody" else sink.port
    address = f"json://hp:{TOKEN}-word@127.0.0.1:{port}/{TOKEN}"
    _team(case, ops={"chat": "from: {env: OPS_CHAT}", "pass": "from: {command: [printenv, OPS_CHAT]}"})
    ran = case.run(*DECLARE, "--send", environ={"OPS_CHAT": address})
    page = case.run("incident.show")
    data = case.run("incident.show", "--json")
    for text in (ran.raw, ran.raw_error, page.raw, page.raw_error, data.raw):
        assert TOKEN not in text
    kept = [path for path in case.folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == []
    assert len(sink.got) == (0 if does == "nobody" else 2)


# --- at a terminal ---


@pytest.mark.parametrize(("word", "arrived", "code"), [("send", 1, 0), ("sent", 0, 0), ("later", 0, 0)])
@pytest.mark.parametrize("command", ["declare", "update"])
def test_the_words_at_a_terminal(case: Case, sink: Sink, command: str, word: str, arrived: int, code: int) -> None:
    _team(case, ops={"chat": _url(sink.url())})
    words = DECLARE
    if command == "update":
        case.run(*DECLARE, "--json").expect(0, ..., "")
        words = ("incident.update", "--say", "looking")
    with person(case, *words) as child:
        child.expect_exact("goes to chat, exactly as shown.")
        child.expect_exact("or `later`: ")
        child.sendline("yes")
        child.expect_exact("or `later`: ")
        child.sendline(word)
        assert left(child) == code
    assert len(sink.got) == arrived
    message = _show(case)["messages"][-1]
    assert bool(message["sent"]) == (word != "later")
    if arrived:
        assert f"{sink.got[0]['title']}\n{sink.got[0]['message']}" == message["text"]


# --- the clock ---


def _sent_to(*events: Any) -> Any:
    rendered = MessageRendered(1, Purpose.FIRST, "en", "ops", "t")
    begun = MessageSending(1, ("chat", "mail"), 30, NOON)
    told = [(NOON + n * MINUTE, event) for n, event in enumerate((declared(NOON), rendered, begun, *events))]
    return replay(recorded(*told))


def test_the_cadence_runs_from_the_first_that_it_reached() -> None:
    first = MessageSent(1, "how", NOON + 3 * MINUTE, "mail")
    assert _sent_to(MessageFailed(1, "no", NOON, "chat")).last_sent is None
    state = _sent_to(MessageFailed(1, "no", NOON, "chat"), first)
    assert state.last_sent == state.messages[1].sent == NOON + 3 * MINUTE
    assert [one.rendered.message for one in state.waiting()] == [1]
    later = _sent_to(MessageFailed(1, "no", NOON, "chat"), first, MessageSent(1, "how", NOON + 20 * MINUTE, "chat"))
    assert later.last_sent == NOON + 3 * MINUTE
    assert later.waiting() == ()


@pytest.mark.parametrize("doubt", [False, True])
def test_what_arrived_stays_arrived_whatever_an_earlier_try_says_later(*, doubt: bool) -> None:
    """The earlier one was on a machine that slept; without this it would be sent a second time, unasked."""
    state = _sent_to(MessageSent(1, "x", NOON, "chat"), MessageFailed(1, "no route", NOON, "chat", doubt))
    assert state.messages[1].deliveries["chat"].standing is Standing.DONE
    assert set(state.messages[1].undelivered) == {"mail"}


def test_begun_without_an_end_is_in_doubt_once_its_time_is_over() -> None:
    state = _sent_to()
    effect = state.messages[1].deliveries["chat"]
    began = NOON + 2 * MINUTE
    assert effect.now(began + timedelta(seconds=44)) is Standing.BEGUN
    assert effect.now(began + timedelta(seconds=46)) is Standing.IN_DOUBT
    assert effect.now(began - timedelta(seconds=1)) is Standing.IN_DOUBT  # a clock was set: nothing is known
