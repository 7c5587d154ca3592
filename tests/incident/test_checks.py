"""The team's own checks: runs that read, are in the record, and tick the checklist only where they are green."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from holdpoint.app import checking, running
from holdpoint.app.world import World
from holdpoint.document.parse import parse
from holdpoint.document.source import Source
from holdpoint.engine.loop import Ended
from holdpoint.incident.events import CheckAnswered, Event, OutputRecorded, Reopened, Resolved
from holdpoint.incident.fold import replay
from holdpoint.incident.phases import Phase
from holdpoint.incident.state import State
from holdpoint.oncall import documents
from holdpoint.oncall.model import Probe, Team, WayBack
from holdpoint.oncall.parse import zone
from holdpoint.problem import HoldpointError, Problem
from holdpoint.store.library import schema
from tests.case import Case
from tests.incident.support import NOON, Room, declared, recorded

MINUTE = timedelta(minutes=1)
VERIFY = ("health", "smoke", "flow")
TEAM = """\
schema: holdpoint/team/1
checks:
  health: {run: 'test -e FOLDER/up || { echo "503 from the wiki" >&2; exit 22; }', timeout: 10s}
  smoke: {run: echo fine}
"""


def answer(check: str, *, green: bool | None = True, service: str = "", said: str = "") -> CheckAnswered:
    return CheckAnswered(check, service, green, said, "RUN", NOON)


RESTORED = OutputRecorded("restored", "", "", NOON)


def after(*events: Event) -> State:
    return replay(recorded((NOON, declared(NOON)), *((NOON + n * MINUTE, one) for n, one in enumerate(events, 1))))


# --- the laws ---


def test_green_checks_after_the_repair_verify_with_the_run_as_evidence() -> None:
    state = after(RESTORED, *(answer(one) for one in VERIFY))
    assert state.missing(Phase.VERIFY) == ()
    assert {state.done[one].evidence for one in VERIFY} == {"run RUN"}


def test_a_green_check_before_the_repair_verifies_nothing() -> None:
    state = after(*(answer(one) for one in VERIFY), RESTORED)
    assert [item.id for item in state.missing(Phase.VERIFY)] == list(VERIFY)
    assert state.done["probe"].say == "green"


@pytest.mark.parametrize("check", VERIFY)
def test_a_red_check_takes_the_tick_of_a_green_one_back(check: str) -> None:
    ticked = (RESTORED, *(answer(one) for one in VERIFY))
    red = after(*ticked, answer(check, green=False, said="exit 7"))
    assert [item.id for item in red.missing(Phase.VERIFY)] == [check]
    assert red.phase is Phase.DETECT
    again = after(*ticked, answer(check, green=False), answer(check))
    assert again.missing(Phase.VERIFY) == ()


def test_one_that_could_not_be_asked_changes_nothing() -> None:
    assert "health" not in after(RESTORED, answer("health", green=None)).done
    assert "health" in after(RESTORED, answer("health"), answer("health", green=None)).done


def test_a_red_answer_is_an_answer_to_what_it_says() -> None:
    assert after(answer("health", green=False, said="exit 22")).done["probe"].say == "RED: exit 22"


def test_after_a_reopening_it_is_checked_anew() -> None:
    end = Resolved("c", "i", data_loss=False, began=NOON, restored=NOON, happened=NOON)
    state = after(RESTORED, *(answer(one) for one in VERIFY), end, Reopened("again", NOON))
    assert [item.id for item in state.missing(Phase.VERIFY)] == list(VERIFY)
    assert state.checks == {}


# --- the documents ---


PROBE = Probe("echo 1", "", 5 * MINUTE)
FULL = Team(
    zone("Europe/Paris"),
    checks=dict.fromkeys(VERIFY, PROBE),
    rollbacks={"wiki": WayBack(run='deploy "$previous"', before=PROBE), "base": WayBack(runbook="base-back")},
)


@pytest.mark.parametrize(
    "name", [documents.checks(VERIFY), documents.checks(["flow"]), documents.rollback("wiki"), documents.before("wiki")]
)
def test_each_document_is_a_valid_runbook_of_its_name(name: str) -> None:
    text = documents.document(FULL, name)
    assert text is not None
    assert text == documents.document(FULL, name)
    assert parse(Source("x", text.encode()), schema()).id == name


@pytest.mark.parametrize(
    "name",
    ["disk-full", "team-", "team-flow-health", "team-health-health", "team-x", "team-rollback-base", "team-before-x"],
)
def test_there_are_no_others(name: str) -> None:
    assert documents.document(FULL, name) is None


# --- the command ---


@pytest.fixture
def wiki(case: Case) -> Case:
    case.write("team.yaml", TEAM.replace("FOLDER", str(case.folder)))
    case.run("incident.declare", "down", "--severity", "1", "--service", "wiki", "--json").expect(0, ...)
    return case


def shown(case: Case) -> Any:
    return case.run("incident.show", "--json").expect(0, ..., ...).json()


def test_the_run_of_a_red_check_does_not_say_that_all_is_done(wiki: Case) -> None:
    """It went on, as it was told to; what failed stands in its end, in the timeline."""
    red = wiki.run("incident.check").expect(4, ..., ...)
    assert "every step is done" not in red.stdout
    (end,) = ends(wiki)
    assert re.fullmatch(r"finished, exit 0: every step was tried; `health` on \S+ failed", end)
    (wiki.folder / "up").touch()
    wiki.run("incident.check").expect(0, ..., ...)
    assert ends(wiki) == [end, "finished, exit 0: every step is done"]


def ends(case: Case) -> list[str]:
    return [row["text"] for row in shown(case)["timeline"] if row["text"].startswith("finished")]


def missing(case: Case) -> set[str]:
    return {one["item"] for one in shown(case)["checklist"] if not one["done"]} & set(VERIFY)


def test_what_is_red_is_on_record_and_said(wiki: Case) -> None:
    ran = wiki.run("incident.check").expect(4, ..., ...)
    assert "RED       health: exit 22: 503 from the wiki\n" in ran.stdout
    assert "GREEN     smoke: fine\n" in ran.stdout
    assert "`health` is RED. It is on record.\n" in ran.stdout
    assert max(len(line) for line in ran.raw.splitlines()) <= 80
    (journal,) = wiki.journals()
    assert f"shown by  inv run.show {journal.parent.name}\n" in ran.raw
    assert "FINISHED" not in ran.stdout  # a run that read to its end is not what was asked for
    assert "every change asks first" not in ran.stdout
    data = shown(wiki)
    assert data["runs"] == [journal.parent.name]
    rows = [(row["mark"], row["text"], row["evidence"]) for row in data["timeline"] if row["mark"] == "check"]
    assert rows == [
        ("check", "the health check: RED: exit 22: 503 from the wiki", f"run {journal.parent.name}"),
        ("check", "the smoke check: GREEN: fine", f"run {journal.parent.name}"),
    ]
    assert missing(wiki) == set(VERIFY)
    wiki.run("run.verify", "last").expect(0, ..., ...)


def test_it_verifies_after_the_repair_and_takes_that_back(wiki: Case) -> None:
    (wiki.folder / "up").touch()
    wiki.run("incident.check", "--json").expect(0, ..., ...)
    assert missing(wiki) == set(VERIFY)
    wiki.run("incident.done", "restored").expect(0, ..., ...)
    data = wiki.run("incident.check", "--json").expect(0, ..., ...).json()
    assert [(one["check"], one["green"]) for one in data["checks"]] == [("health", True), ("smoke", True)]
    assert missing(wiki) == {"flow"}
    (wiki.folder / "up").unlink()
    wiki.run("incident.check", "--name", "health").expect(4, ..., ...)
    assert missing(wiki) == {"flow", "health"}
    assert "503 from the wiki; `inv incident.check`" in wiki.run("incident.show").expect(0, ..., ...).stdout.replace(
        "\n                    ", " "
    )


def test_where_none_is_set_up_it_says_how(case: Case) -> None:
    case.run("incident.declare", "down", "--severity", "1", "--json").expect(0, ...)
    ran = case.run("incident.check").expect(2, "", ...)
    assert "the check `health` is not set up" in ran.stderr
    assert "checks: {health: {run: " in ran.stderr
    assert case.journals() == []
    ran = case.run("incident.check", "--name", "helth").expect(2, "", ...)
    assert "did you mean `health`?" in ran.stderr.lower()


def test_one_that_hangs_is_red_and_one_that_no_shell_can_parse_is_refused(wiki: Case) -> None:
    wiki.write("team.yaml", "schema: holdpoint/team/1\nchecks: {smoke: {run: sleep 60, timeout: 1s}}\n")
    ran = wiki.run("incident.check").expect(4, ..., ...)
    assert "RED       smoke: no answer in time" in ran.stdout
    wiki.write("team.yaml", "schema: holdpoint/team/1\nchecks: {smoke: {run: 'if true'}}\n")
    runs = len(wiki.journals())
    assert "team.yaml, as team-smoke" in wiki.run("incident.check").expect(2, ..., ...).stderr
    assert len(wiki.journals()) == runs


def test_the_version_of_before_is_read_and_a_service_taken_back_to_it(wiki: Case) -> None:
    here = str(wiki.folder)
    more = f"rollbacks: {{wiki: {{run: 'echo \"$previous\" > {here}/version', before: {{run: echo 0.8.4}}}}}}\n"
    wiki.write("team.yaml", TEAM.replace("FOLDER", here) + more)
    wiki.run("incident.check", "--name", "version").expect(0, ..., ...)
    assert [row["text"] for row in shown(wiki)["timeline"] if row["mark"] == "check"] == [
        "the version of wiki before: 0.8.4"
    ]
    words = ("runbook", "team-rollback-wiki", "--incident", "last")
    wiki.run(*words, answers="roll-back: stop").expect(3, ..., ...)
    assert not (wiki.folder / "version").exists()
    (wiki.folder / "up").touch()
    wiki.run("run.resume", "last", answers="roll-back: run").expect(0, ..., ...)
    assert (wiki.folder / "version").read_text() == "0.8.4\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checks: {helth: {run: x}}", "helth"),
        ("checks: {health: {}}", "run"),
        ("checks: {health: {run: x, timeout: soon}}", "a length of time"),
        ("rollbacks: {wiki: {}}", "how does `wiki` go back?"),
        ("rollbacks: {wiki: {run: x, runbook: y}}", "how does `wiki` go back?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(case: Case, text: str, said: str) -> None:
    case.write("team.yaml", f"schema: holdpoint/team/1\n{text}\n")
    ran = case.run("oncall.rota").expect(2, ..., ...)
    assert said in ran.stderr
    assert "team.yaml:2" in ran.stderr


def test_what_one_host_answered_is_on_record_where_the_next_one_fails(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = Room(case, monkeypatch, capsys)
    case.write(
        "team.yaml", "schema: holdpoint/team/1\nchecks: {health: {run: exit 3}, flow: {run: 'true', host: web1}}\n"
    )
    room.declare()
    begin = running.begin

    def fails(world: World, document: str, *more: Any, **options: Any) -> Ended:
        if "flow" in document:
            raise HoldpointError(Problem("gone", "it is gone"))
        return begin(world, document, *more, **options)

    monkeypatch.setattr(running, "begin", fails)
    world = replace(room.world(json=True), clock=World.here().clock)
    with pytest.raises(HoldpointError, match="it is gone"):
        checking.check(world, (), None)
    capsys.readouterr()
    (answered,) = [one for one in room.show(json=True)["records"] if one["kind"] == "check.answered"]
    assert (answered["data"]["check"], answered["data"]["green"]) == ("health", False)
