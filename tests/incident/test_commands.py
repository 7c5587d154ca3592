"""The commands, from outside: what they print, as JSON and for people, and what they refuse."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.case import Case

ID = re.compile(r"\d{8}-\d{4}-[a-z0-9-]+-[0-9a-f]{4}")


def _declare(case: Case, title: str = "the wiki is down", *more: str) -> Any:
    return case.run("incident.declare", title, "--severity", "1", "--json", *more).expect(0, ...).json()


def test_each_command_gives_json_alone(case: Case) -> None:
    declared = _declare(case, "the wiki is down", "--service", "docmost", "--service", "baserow", "--trigger", "logs")
    assert declared["services"] == ["docmost", "baserow"]
    assert [record["kind"] for record in declared["recorded"]] == ["incident.declared", "message.rendered"]
    assert declared["messages_written"] == [1]
    commands: list[tuple[list[str], list[str]]] = [
        (["sent"], ["message.sent"]),
        (["note", "looked at the logs", "--at", "5m ago", "--users-see-it"], ["note.made", "users.saw"]),
        (["done", "scope", "--say", "all of it", "--evidence", "run x"], ["output.recorded"]),
        (["done", "scope", "--undo", "not all"], ["output.withdrawn"]),
        (["severity", "2", "--reason", "half of it works"], ["severity.changed"]),
        (["update", "--say", "repairing", "--estimate", "noon", "--sent"], ["message.rendered", "message.sent"]),
        (
            ["resolve", "--cause", "c", "--impact", "i", "--data-loss", "yes", "--without-verify", "nobody is there"],
            ["loss.noticed", "message.rendered", "incident.resolved", "message.rendered"],
        ),
        (["sent", "--message", "4", "--failed", "no chat"], ["message.failed"]),
        (["reopen", "--reason", "down again"], ["incident.reopened"]),
    ]
    seq = 2
    for words, kinds in commands:
        ran = case.run(f"incident.{words[0]}", *words[1:], "--json").expect(0, ..., ...)
        data = ran.json()
        assert [record["kind"] for record in data["recorded"]] == kinds, words
        assert [record["seq"] for record in data["recorded"]] == list(range(seq, seq + len(kinds)))
        seq += len(kinds)
        assert data["incident"] == declared["incident"]
    shown = case.run("incident.show", "--json").expect(0, ..., ...).json()
    assert [record["seq"] for record in shown["records"]] == list(range(seq))
    assert shown["severity"] == "SEV2"
    assert (shown["users_see"], shown["data_loss"], shown["status"]) == (True, True, "open")
    listed = case.run("incident.list", "--json").expect(0, ..., ...).json()
    assert [one["incident"] for one in listed] == [declared["incident"]]
    assert set(listed[0]) < set(shown)


def test_the_page_of_a_declaration(case: Case) -> None:
    page = case.run("incident.declare", "the wiki is down", "--severity", "2", "--users-see-it").expect(0, ...).stdout
    for text in (
        "incident   RUN-the-wiki-is-down\n",
        "status     open; phase: detect\n",
        "NOT SENT   message 1 (first) has not gone out\n",
        "> DETECT: the situation is understood\n    [ ] scope       Who and what is down?\n",
        "    [ ] email       E-mail everybody\n",
        "── message 1, for the ops channel ──",
        "next       `inv incident.sent` once message 1 (first) has gone out\n",
    ):
        assert text in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_without_a_severity_and_a_terminal(case: Case) -> None:
    ran = case.run("incident.declare", "the wiki is down").expect(7, "", ...)
    assert "add `--severity 1`, `2` or `3`; when unsure, take the graver one" in ran.stderr
    assert not (case.state / "incidents").exists()


# --- which one ---


def test_with_two_open_one_has_to_be_named(case: Case) -> None:
    first, second = _declare(case, "one")["incident"], _declare(case, "two")["incident"]
    ran = case.run("incident.note", "x").expect(2, "", ...)
    assert "2 incidents could be meant, and none is named" in ran.raw_error
    assert f"`{first}`, `{second}`" in ran.raw_error
    case.run("incident.note", "x", "--incident", first[-4:] if first[-4:] != second[-4:] else first).expect(0, ..., ...)
    page = case.run("incident.declare", "three", "--severity", "3").expect(0, ..., ...).stdout
    assert "NOTE" in page
    assert "is open too: one" in page


def _next(text: str) -> str:
    """What it says can be typed next, on one line."""
    return " ".join(text[text.index("\nnext ") :].split())


def test_what_is_next_names_the_incident_and_the_message_that_are_meant(case: Case) -> None:
    first, second = _declare(case, "one")["incident"], _declare(case, "two")["incident"]
    end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w", "--incident", first)
    ended = _next(case.run("incident.resolve", *end).expect(0, ..., ...).raw)
    named = first[-4:] if first[-4:] != second[-4:] else first
    assert f"`inv incident.sent --incident {named}` once message 2 (resolved) has gone out" in ended
    assert "`inv incident.sent`" not in ended
    said = case.run("incident.sent", "--message", "2", "--incident", first).expect(0, ..., ...).raw
    assert f"Message 2 (resolved) of {first} is recorded as sent." in " ".join(said.split())
    shown = _next(case.run("incident.show").expect(0, ..., ...).raw)
    assert "`inv incident.sent` once message 1 (first) has gone out" in shown
    assert "--incident" not in shown
    page = case.run("incident.declare", "three", "--severity", "1", "--data-loss").expect(0, ..., ...).raw
    assert re.search(r"`inv incident.sent --message 1 --incident [0-9a-z-]+` once message 1 \(first\)", _next(page))


def test_none_is_open(case: Case) -> None:
    ran = case.run("incident.note", "x").expect(2, "", ...)
    assert ran.stderr == (
        "error[no-incident]: no incident is open\n"
        '  hint: `inv incident.declare "..."` opens one; `--incident last` names the last one\n'
    )
    case.run("incident.list").expect(0, "There are no incidents yet.\n")
    case.run("incident.list", "--json").expect(0, "[]\n")


def test_one_that_is_resolved_takes_notes_and_ticks_and_no_second_end(case: Case) -> None:
    _declare(case)
    end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w")
    case.run("incident.resolve", *end).expect(0, ..., ...)
    case.run("incident.note", "it was the disk", "--incident", "last").expect(0, ..., ...)
    case.run("incident.sent").expect(0, ..., ...)
    ran = case.run("incident.resolve", *end, "--incident", "last").expect(2, "", ...)
    assert "is resolved" in ran.stderr
    assert "incident.reopen" in ran.stderr


def test_the_end_needs_verify_or_a_reason(case: Case) -> None:
    _declare(case)
    end = ("incident.resolve", "--cause", "c", "--impact", "i", "--data-loss", "no")
    case.run("incident.done", "smoke").expect(0, ..., ...)
    ran = case.run(*end).expect(2, "", ...)
    assert "VERIFY still needs `health`, `flow`" in ran.stderr
    assert "`inv incident.check` asks the team's own checks, `inv incident.done health` ticks by hand" in ran.stderr
    assert 'or `--without-verify "REASON"`' in ran.stderr
    case.run("incident.done", "health").expect(0, ..., ...)
    case.run("incident.done", "flow").expect(0, ..., ...)
    shown = case.run(*end, "--json").expect(0, ..., ...).json()
    assert shown["recorded"][0]["data"]["without_verify"] == ""


def test_a_loss_on_record_is_not_ruled_out_without_a_reason(case: Case) -> None:
    _declare(case)
    case.run("incident.note", "two pages are gone", "--data-loss", "--json").expect(0, ..., ...)
    for item in ("scope", "since", "lost", "severity", "backup", "announced", "management", "cause", "restored"):
        case.run("incident.done", item, "--say", "x", "--json").expect(0, ..., ...)
    for item in ("health", "smoke", "flow"):
        ran = case.run("incident.done", item).expect(0, ..., ...)
    assert "--data-loss yes` ends it" in _next(ran.raw)
    end = ("incident.resolve", "--cause", "c", "--impact", "i", "--data-loss", "no")
    before = [path.read_bytes() for path in case.state.glob("incidents/*/journal.jsonl")]
    refused = case.run(*end).expect(2, "", ...).stderr
    assert "error[loss-on-record]: a loss of data is on record" in refused
    assert '`--data-loss no --ruled-out "REASON"`' in refused
    assert [path.read_bytes() for path in case.state.glob("incidents/*/journal.jsonl")] == before
    shown = case.run(*end, "--ruled-out", "they were in the bin", "--json").expect(0, ..., ...).json()
    assert [record["kind"] for record in shown["recorded"]][:2] == ["loss.ruled_out", "incident.resolved"]
    assert shown["recorded"][0]["data"]["reason"] == "they were in the bin"
    assert shown["data_loss"] is False


def test_an_answer_to_what_is_lost_says_that_no_loss_is_on_record_by_it(case: Case) -> None:
    _declare(case)
    said = case.run("incident.done", "lost", "--say", "two pages").expect(0, ..., ...).raw
    text = " ".join(said.split())
    assert "No loss of data is on record by that. Where data is lost: `inv incident.note" in text
    case.run("incident.note", "two pages", "--data-loss", "--json").expect(0, ..., ...)
    again = case.run("incident.done", "lost", "--say", "three pages").expect(0, ..., ...).raw
    assert "No loss of data" not in again


def test_the_list_breaks_no_word_of_an_incident_with_a_long_name(case: Case) -> None:
    title = "DiskFull: No space left on device on web1 and on web2"
    incident = _declare(case, title)["incident"]
    listed = case.run("incident.list").expect(0, ..., ...).raw
    assert any(line.startswith(incident) for line in listed.splitlines())
    assert "SEV1: open" in listed
    assert max(len(line) for line in listed.splitlines()) <= 80


def test_an_end_says_all_that_is_missing(case: Case) -> None:
    _declare(case)
    ran = case.run("incident.resolve").expect(2, "", ...)
    assert [line.partition(":")[0] for line in ran.stderr.splitlines() if line.startswith("error")] == [
        *("error[missing]", "error[missing]", "error[data-loss]"),
    ]


def test_an_end_before_the_beginning(case: Case) -> None:
    _declare(case)
    case.run("incident.done", "restored", "--at", "2h ago").expect(0, ..., ...)
    end = ("--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w")
    ran = case.run("incident.resolve", *end).expect(2, "", ...)
    assert "it would have been restored before it began" in ran.stderr


# --- bad input ---


@pytest.fixture(scope="module")
def open_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which one incident is open."""
    case = Case(tmp_path_factory.mktemp("open"))
    _declare(case)
    return case.state


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["declare", "x", "--severity", "4"], 2, "error[severity]: this is not a severity"),
        (["declare", "x", "--severity", "urgent"], 2, "when unsure, take the graver one"),
        (["declare", "x", "--severity", "1", "--trigger", "moniter"], 2, "did you mean `monitor`?"),
        (["declare", "x", "--severity", "1", "--at", "2199-01-01 10:00"], 2, "is still to come"),
        (["declare", "x", "--severity", "1", "--at", "half past"], 2, "is no time"),
        (["declare", "", "--severity", "1"], 2, "needs a title in quotes"),
        (["declare", "\x1b[31m\n\t", "--severity", "1"], 0, "[31m"),
        (["declare", "\x01\x02", "--severity", "1"], 2, "the title is empty"),
        (["declare", "x" * 300, "--severity", "1"], 2, "the title is too long"),
        (["declare", "--severity", "1"], 2, "needs a title in quotes"),
        (["declare", "x", "--severity"], 2, "stands without a value"),
        (["declare", "x", "--severity=-1"], 2, "`--severity` has a value that begins like an option\n  found: `-1`"),
        (["note", "x", "--at=-5m"], 2, 'begins like an option\n  found: `-5m`\n  expected: `--at "14:05"`'),
        (["declare", "x", "--severity", "1", "--lang", "de"], 2, "there are no texts in `de`"),
        (["note", "x", "--incident", "20260101-0000-none-0000"], 2, "there is no incident"),
        (["note", "x", "--incident", "../../etc"], 2, "this is not the name of an incident"),
        (["note", "x", "--at", "2199-01-01 10:00"], 2, "is still to come"),
        (["note", "   "], 2, "needs a text"),
        (["note", "x" * 20_000], 2, "the note is too long"),
        (["severity", "9", "--reason", "x"], 2, "this is not a severity"),
        (["severity", "2"], 2, 'the reason is empty\n  expected: `--reason "..."`'),
        (["reopen"], 2, '`--reason "..."`'),
        (["resolve", "--cause", "c", "--impact", "i", "--data-loss", "no", "--ruled-out"], 2, "without a value"),
        (["severity", "1", "--reason", "x"], 2, "is SEV1 already"),
        (["done", "sc0pe"], 2, "did you mean `scope`?"),
        (["done", "scope"], 2, "`scope` needs an answer: Who and what is down?"),
        (["done", "scope", "--undo", "x"], 2, "is not ticked"),
        (["sent", "--message", "7"], 2, "there is no message `7`"),
        (["sent", "--message", "²"], 2, "there is no message"),
        (["link", "nothing"], 2, "there is no run `nothing`"),
        (["reopen", "--reason", "x"], 2, "is open"),
        (["resolve", "--cause", "c", "--impact", "i", "--data-loss", "maybe"], 2, "was data lost?"),
    ],
)
def test_bad_input(case: Case, open_one: Path, words: list[str], code: int, said: str) -> None:
    if words[0] != "declare":
        shutil.copytree(open_one, case.state)
    before = [path.read_bytes() for path in case.state.glob("incidents/*/journal.jsonl")]
    ran = case.run(f"incident.{words[0]}", *words[1:]).expect(code, ..., ...)
    assert said in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr
    if code:
        assert [path.read_bytes() for path in case.state.glob("incidents/*/journal.jsonl")] == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("a\nb\x1b[31m", "a b[31m"),
        ("\udcff", "bob"),
        (" \t ", "bob"),
        ("é" * 1000, "é" * 100),
    ],
    ids=["usual", "control", "no-text", "blank", "long"],
)
def test_a_name_of_a_person_is_one_harmless_line(case: Case, given: str, kept: str) -> None:
    """What an environment holds is no reason to lose a note; where nothing is left of it, the next source counts."""
    names = {"HOLDPOINT_PERSON": given, "SUDO_USER": "bob"}
    declared = case.run("incident.declare", "x", "--severity", "1", "--json", environ=names).expect(0, ..., ...)
    assert {one["person"] for one in declared.json()["recorded"]} == {kept}


HOSTILE = "a/b/../c\n<script>alert(1)</script> **bold** [x](y) \x1b]0;gone\x07 \u202etxt.exe {{ 7*7 }} é"


def test_a_hostile_title_is_harmless(case: Case) -> None:
    incident = _declare(case, HOSTILE)
    kept = "a/b/../c <script>alert(1)</script> **bold** [x](y) ]0;gone txt.exe {{ 7*7 }} é"
    assert incident["title"] == kept
    assert ID.fullmatch(incident["incident"])
    assert incident["messages"][0]["text"].startswith(f"[SEV1] {kept}\n")
    assert [path.name for path in (case.state / "incidents").iterdir()] == [incident["incident"]]
    page = case.run("incident.show").expect(0, ..., ...).raw
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_what_a_person_says_keeps_its_lines_and_loses_its_control_characters(case: Case) -> None:
    _declare(case)
    shown = case.run("incident.note", "one\n\ttwo \x1b[2Jthree", "--json").expect(0, ..., ...).json()
    assert shown["recorded"][0]["data"]["text"] == "one\ntwo [2Jthree"


def test_a_broken_team_does_not_hold_an_incident_up(case: Case) -> None:
    case.write("team.yaml", "schema: nothing\n")
    ran = case.run("incident.declare", "x", "--severity", "1", "--json").expect(0, ..., ...)
    assert ran.stderr.count("team.yaml") == 1
    assert "so the defaults count: Europe/Paris" in ran.stderr
    assert ran.json()["on_call"] == {"principal": "", "backup": ""}
