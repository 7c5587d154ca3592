"""A SEV3 becomes an issue in the tracker: by its rules, once, and found again where its filing was cut off."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdpoint.app import issues
from holdpoint.incident.fold import replay
from holdpoint.incident.outside_events import IssueFailed, IssueFiled, IssueFiling
from tests.case import LIMIT, Case
from tests.incident.support import NOON, Handed, Room, declared, recorded
from tests.laws.terminal import left, person
from tests.outside.forges import TOKEN, Forge
from tests.outside.servers import free_port

FILE = ("incident.issue", "--send")
SECRET = {"FORGE": TOKEN}


@pytest.fixture(params=["forgejo", "github"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with Forge(github=request.param == "github").running() as running:
        yield running


@pytest.fixture
def github() -> Iterator[Forge]:
    with Forge(github=True).running() as running:
        yield running


def _ready(case: Case, forge: Forge, more: str = "", url: str = "") -> Case:
    kind = "github" if forge.github else "forgejo"
    tracker = f"kind: {kind}, url: {url or forge.url}, repository: ops/wiki, token: {{env: FORGE}}"
    case.write("team.yaml", f"schema: holdpoint/team/1\ntracker: {{{tracker}{more}}}\n")
    declare = ("incident.declare", "search finds nothing", "--severity", "3", "--service", "docmost", "--json")
    case.run(*declare).expect(0, ..., "")
    case.run("incident.done", "workaround", "--say", "use the tree on the left", "--json").expect(0, ..., "")
    return case


def _item(shown: Any, item: str) -> Any:
    return next(one for one in shown["checklist"] if one["item"] == item)


def test_it_is_filed_with_labels_and_workaround(case: Case, forge: Forge) -> None:
    forge.labels += [{"id": 7, "name": "docs"}, {"id": 8, "name": "help"}, {"id": 9, "name": "bug"}]
    shown = _ready(case, forge).run(*FILE, "--json", environ=SECRET).expect(0, ..., "").json()
    (issue,) = forge.issues
    assert issue["title"] == "search finds nothing"
    assert [one["name"] for one in issue["labels"]] == ["bug", "low"]
    assert [one["name"] for one in forge.labels] == ["docs", "help", "bug", "low"]
    visible, _, mark = issue["body"].partition("<!--")
    assert visible.startswith("Service: docmost\nSince: ")
    assert "\n\nWorkaround: use the tree on the left\n\nSeverity: SEV3; incident " in visible
    assert mark == f" holdpoint incident {shown['incident']} -->\n"
    assert visible.rstrip() == shown["body"]
    assert _item(shown, "issue")["evidence"] == issue["html_url"] == shown["issue"]["url"]
    again = case.run(*FILE, environ=SECRET).expect(2, "", ...)
    assert f"the issue is there: {issue['html_url']}" in again.stderr
    assert len(forge.issues) == 1


def test_a_label_of_the_organisation_is_used_and_not_made_anew(case: Case) -> None:
    with Forge(github=False, shared=[{"id": 3, "name": "bug"}]).running() as forge:
        _ready(case, forge).run(*FILE, environ=SECRET).expect(0, ..., "")
        assert forge.issues[0]["labels"] == [{"id": 100, "name": "low"}, {"id": 3, "name": "bug"}]


def test_the_next_release_is_the_open_milestone_that_is_due_first(case: Case, forge: Forge) -> None:
    for number, (title, state, due) in enumerate(
        (
            ("1.9", "closed", "2026-01-01"),
            ("3.0", "open", "2027-02-01"),
            ("some day", "open", None),
            ("2.0", "open", "2026-12-01"),
        ),
        1,
    ):
        due_on = f"{due}T00:00:00Z" if due else None
        forge.milestones.append({"id": 40 + number, "number": number, "title": title, "state": state, "due_on": due_on})
    _ready(case, forge, ", milestone: next").run(*FILE, environ=SECRET).expect(0, ..., "")
    assert forge.issues[0]["milestone"] == (4 if forge.github else 44)


def test_a_milestone_that_is_not_there(case: Case, forge: Forge) -> None:
    forge.milestones.append({"id": 1, "number": 1, "title": "2.0", "state": "open", "due_on": None})
    ran = _ready(case, forge, ', milestone: "2.1"').run(*FILE, environ=SECRET).expect(4, ..., ...)
    assert "there is no open milestone `2.1`; open are: `2.0`" in ran.stdout.replace("\n", " ")
    assert forge.issues == []


def test_labels_that_were_dropped_are_said(case: Case, github: Forge) -> None:
    github.writes = False
    ran = _ready(case, github).run(*FILE, environ=SECRET).expect(0, ..., ...)
    assert "the issue does not have `bug`, `low`: the token may not set labels; set them by hand" in ran.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"token": "not-the-token"}, "the server answered 401: the token is not valid: Bad credentials: [masked]"),
        (
            {"repository": "ops/other"},
            "the server answered 404: there is no such repository, or the token may not see it: Not Found",
        ),
        ({"issues_on": "no"}, "the server answered 410: issues are turned off there"),
        ({"does": "500"}, "the server answered 500: no"),
        ({"does": "301"}, "the server answered 301 to https://elsewhere.example/"),
        ({"nobody": "there"}, "connection refused"),
        ({"unset": "yes"}, "no secret for `token`: the variable `FORGE` is not set"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_refused_is_on_record_and_the_text_is_there_to_paste(
    case: Case, forge: Forge, wrong: dict[str, str], said: str
) -> None:
    forge.issues_on = "issues_on" not in wrong
    forge.does = int(wrong.get("does", "0")) or "take"
    _ready(case, forge, url=f"http://127.0.0.1:{free_port()}" if "nobody" in wrong else "")
    if "repository" in wrong:
        text = (case.repository / "team.yaml").read_text()
        case.write("team.yaml", text.replace("ops/wiki", "ops/other"))
    environ = {} if "unset" in wrong else {"FORGE": wrong.get("token", TOKEN)}
    ran = case.run(*FILE, environ=environ).expect(4, ..., ...)
    assert said in ran.stdout.replace("\n", " ")
    assert "Workaround: use the tree on the left" in ran.stdout
    assert "NOT DONE: the issue was not filed in" in ran.stderr
    assert not forge.issues
    assert "not-the-token" not in ran.raw + ran.raw_error
    forge.does, forge.issues_on = "take", True
    if "nobody" not in wrong and "repository" not in wrong:
        case.run(*FILE, environ=SECRET).expect(0, ..., "")
        assert len(forge.issues) == 1


@pytest.mark.parametrize(
    "given", [{}, {"html_url": 7}, {"html_url": "javascript:alert(1)"}, {"html_url": "https://x/ y"}]
)
def test_an_answer_without_an_address_leaves_it_in_doubt(case: Case, github: Forge, given: dict[str, Any]) -> None:
    _ready(case, github)
    github.does = given
    ran = case.run(*FILE, environ=SECRET).expect(8, ..., ...)
    assert "IN DOUBT whether the issue is filed: the server's answer is not that of a tracker." in " ".join(
        ran.stdout.split()
    )


@pytest.mark.parametrize("there", [[None], ["x"], {"a": 1}, [{"body": 5}, 1]])
def test_a_list_that_is_none_files_nothing(case: Case, github: Forge, there: Any) -> None:
    _ready(case, github)
    github.lists = there
    ran = case.run(*FILE, environ=SECRET).expect(4, ..., ...)
    assert "The issue is NOT filed: the server's answer is not that of a tracker." in " ".join(ran.stdout.split())
    assert github.issues == []


@pytest.mark.parametrize("does", ["stall", "close"])
def test_one_that_may_be_filed_is_looked_for_before_another_is(case: Case, forge: Forge, does: str) -> None:
    forge.does = does
    for number in range(3):
        forge.add(f"another {number}", "", pull=number == 1)
    _ready(case, forge, ", within: 8s")
    ran = case.run(*FILE, environ=SECRET).expect(8, ..., ...)
    assert "It is IN DOUBT whether the issue is filed" in ran.stdout
    assert "IN DOUBT: the issue may be filed in" in ran.stderr
    assert len(forge.issues) == 4
    forge.does = "take"
    shown = case.run(*FILE, "--json", environ=SECRET).expect(0, ..., "").json()
    assert len(forge.issues) == 4
    assert shown["issue"]["url"] == forge.issues[3]["html_url"]
    assert shown["recorded"][-1]["data"]["how"] == "found there by its mark"


@pytest.mark.parametrize("at", ["record:3:durable", "issue:begun", "issue:answered", "record:4:before"])
def test_killed_between_intent_and_result(room: Room, case: Case, github: Forge, at: str, monkeypatch: Any) -> None:
    _ready(case, github)
    ran = case.run(*FILE, environ={**SECRET, "HOLDPOINT_KILL_AT": at})
    assert ran.status == -signal.SIGKILL, ran.raw_error
    there = len(github.issues)
    assert there == (at in {"issue:answered", "record:4:before"})
    busy = case.run(*FILE, environ=SECRET).expect(9, ..., ...)
    assert "the issue is being filed by ada" in busy.stderr
    monkeypatch.setenv("FORGE", TOKEN)
    room.clock = Handed(datetime.now(UTC) + timedelta(minutes=5))
    assert room.show(json=True)["loud"][-1]["label"] == "IN DOUBT"
    call = lambda: issues.file(room.world(json=True), say="", send=True, language=None, incident=None)  # noqa: E731
    shown = json.loads(room.said(call))
    assert len(github.issues) == 1
    assert shown["issue"]["url"] == github.issues[0]["html_url"]


def test_an_issue_that_is_there_stays_known_whatever_an_earlier_try_says_later() -> None:
    filing, filed = IssueFiling("there", "t", 60, NOON), IssueFiled("https://git.example.org/1", "x", NOON)
    for late in (IssueFailed("no answer", NOON, doubt=True), filing):
        state = replay(recorded(*((NOON, one) for one in (declared(NOON), filing, filed, late))))
        assert state.issue is not None
        assert state.issue.url == "https://git.example.org/1"


def test_of_two_who_file_it_one_does(case: Case, github: Forge) -> None:
    github.does = "stall"
    _ready(case, github)
    with case.started(*FILE, environ=SECRET) as first:
        assert github.arrived.wait(LIMIT)
        case.run(*FILE, environ={**SECRET, "HOLDPOINT_PERSON": "bob"}).expect(9, ..., ...)
        github.release.set()
        first.communicate(timeout=LIMIT)
        assert first.returncode == 0
    assert len(github.issues) == 1


def test_what_was_filed_while_a_person_thought_is_not_filed_again(case: Case, github: Forge) -> None:
    _ready(case, github)
    with person(case, "incident.issue", environ=SECRET) as child:
        child.expect_exact("`later`: ")
        case.run(*FILE, environ={**SECRET, "HOLDPOINT_PERSON": "bob"}).expect(0, ..., "")
        child.sendline("send")
        child.expect_exact("the issue is there: ")
        assert left(child) == 2
    assert len(github.issues) == 1


def test_without_a_tracker_it_is_for_pasting(case: Case) -> None:
    case.run("incident.declare", "search finds nothing", "--severity", "3", "--json").expect(0, ..., "")
    ran = case.run("incident.issue", "--say", "seen by two").expect(0, ..., ...)
    assert "no workaround is written down yet" in ran.stderr
    assert "title: search finds nothing\nlabels: bug, low\n\nSince: " in ran.stdout
    assert "seen by two" in ran.stdout
    assert "`inv incident.done issue --evidence URL` once it is filed" in ran.stdout.replace("\n", " ")
    case.run(*FILE).expect(4, ..., ...)


@pytest.mark.parametrize("word", ["send", "later"])
def test_at_a_terminal_what_is_shown_is_what_is_filed(case: Case, forge: Forge, word: str) -> None:
    _ready(case, forge)
    with ExitStack() as stack:
        child = stack.enter_context(person(case, "incident.issue", "--lang", "fr", environ=SECRET))
        child.expect_exact("title: search finds nothing")
        child.expect_exact("Contournement : use the tree on the left")
        child.expect_exact(f"It goes to {forge.url}/ops/wiki, exactly as shown.")
        child.expect_exact("`later`: ")
        child.sendline(word)
        assert left(child) == 0
    assert len(forge.issues) == (word == "send")


def test_the_token_is_kept_nowhere(case: Case, forge: Forge) -> None:
    forge.does = "close"
    ran = _ready(case, forge).run(*FILE, environ=SECRET).expect(8, ..., ...)
    assert TOKEN not in ran.raw + ran.raw_error
    assert [path for path in case.folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()] == []
