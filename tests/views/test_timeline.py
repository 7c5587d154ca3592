from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC

import pytest

from holdpoint.engine.events import (
    KINDS,
    LockKept,
    LockReturned,
    LockTaken,
    ProofLooked,
    Reason,
    RunResumed,
    Status,
    StepEnded,
    StepIntended,
    StepLeft,
)
from holdpoint.engine.state import replay
from holdpoint.views import bounds, runs
from holdpoint.views.background import background
from holdpoint.views.timeline import Timeline
from tests.views.books import EVENTS, LOG_DISK, OPENED, RUN_ID, STATUSES, load, plan, records
from tests.views.screens import drawn, fits, same


def test_every_kind_of_record_is_among_the_examples():
    assert {event.kind for event in EVENTS} == set(KINDS)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_every_kind_of_record_has_a_line(event, width):
    (record,) = records(event)
    names = background(plan(load(LOG_DISK)))
    text = drawn(Timeline(names, UTC).lines(record, width))
    assert text.strip()
    assert "\x1b" not in text
    fits(text, width)


def test_a_timeline_looks_like_this():
    names = background(plan(load(LOG_DISK)))
    timeline = Timeline(names, UTC)
    same("timeline-80", "".join(drawn(timeline.lines(one, 80)) for one in records(*EVENTS, *STATUSES)))


def test_every_status_and_reason_is_told_apart():
    texts = {drawn(Timeline(zone=UTC).lines(one, 80))[10:] for one in records(*STATUSES)}
    assert len(texts) == len(STATUSES) - len(Reason) + 2


@pytest.mark.parametrize("mode", ["dry-run", "check"])
def test_what_is_not_done_is_not_said_to_begin(mode):
    opened = type(OPENED)(**{**{f: getattr(OPENED, f) for f in OPENED.__slots__}, "mode": mode})
    intent = StepIntended("truncate", "db1", 1, "", "change", "", "rm x", "")
    ended = StepEnded("truncate", "db1", 1, Status.SKIPPED, Reason.DRY_RUN, "shown and not made")
    timeline = Timeline(zone=UTC)
    text = "".join(drawn(timeline.lines(one, 80)) for one in records(opened, intent, ended))
    assert "begun" not in text
    assert "not run" in text


def test_a_walk_through_shows_the_command_of_a_read():
    intent = StepIntended("space", "db1", 1, "", "read", "", "df -h /", "")
    ended = StepEnded("space", "db1", 1, Status.SKIPPED, Reason.DRY_RUN)
    timeline = Timeline(zone=UTC)
    assert "│ df -h /" in "".join(drawn(timeline.lines(one, 80)) for one in records(intent, ended))


def test_a_walk_through_says_as_whom_a_read_would_be_executed():
    intent = StepIntended("space", "db1", 1, "", "read", "", "df -h /", "", "root")
    ended = StepEnded("space", "db1", 1, Status.SKIPPED, Reason.DRY_RUN)
    timeline = Timeline(zone=UTC)
    assert "(db1, as root)" in "".join(drawn(timeline.lines(one, 80)) for one in records(intent, ended))


def test_a_run_looks_like_this():
    names = background(plan(load(LOG_DISK)))
    frame = runs.Frame(80, "/state/runs/x/journal.jsonl", written=True, background=names, zone=UTC)
    text = drawn(runs.page(RUN_ID, records(*EVENTS[:-1]), frame))
    fits(text, 80)
    same("run-80", text)


def test_a_run_is_shown_without_its_document_too():
    text = drawn(runs.page(RUN_ID, records(*EVENTS), runs.Frame(80, "/j", written=False, zone=UTC)))
    assert "ROLLED BACK" in text
    assert f"inv run.resume {RUN_ID}" not in text


def test_a_list_of_runs_looks_like_this():
    every = [
        runs.run_of(RUN_ID, records(*EVENTS), "/j", written=False),
        runs.run_of("cut", [], "/k", written=False),
        runs.run_of("o", records(OPENED), "/l", written=True),
    ]
    same("runs-80", drawn(runs.listing(every, 80, UTC)))
    assert [runs.as_data(run)["status"] for run in every] == ["rollback begun", "never began", "open"]
    assert runs.run_of("o", records(OPENED), "/l", written=False).status == "cut off"
    assert runs.run_of("r", records(OPENED, EVENTS[-1]), "/m", written=False).status == "rolled back"
    assert set(runs.as_data(every[0])) >= {"run", "status", "journal"}


@pytest.mark.parametrize("kind", bounds.KINDS)
def test_the_head_of_a_run_looks_like_this(kind):
    from tests.views.books import PROD, STAGING

    runbook = load(LOG_DISK)
    of_run = "earlier" if kind == "rollback" else ""
    head = bounds.Head(RUN_ID, runbook.id, runbook.title, runbook.severity, kind, (STAGING, PROD), of_run)
    text = drawn(bounds.opening(head, 80))
    fits(text, 80)
    same(f"head-{kind}-80", text)


@pytest.mark.parametrize("code", range(11))
def test_every_exit_code_has_an_end_in_words(code):
    state = replay(records(OPENED))
    end = bounds.End(RUN_ID, code, "why", over=False, found=bounds.left(state, background(plan(load(LOG_DISK)))))
    text = drawn(bounds.closing(end, 80))
    assert f"exit {code}" in text
    assert f"inv run.resume {RUN_ID}" in text
    assert "not begun  Stop the shipping of logs" in text


def test_a_lock_that_could_not_be_given_back_stands_at_the_end():
    kept = [OPENED, LockTaken("db1", 1), LockKept("db1", "no answer")]
    named = background(plan(load(LOG_DISK)))
    end = bounds.End(RUN_ID, 0, "why", over=True, found=bounds.left(replay(records(*kept)), named))
    assert "LOCKED     db1: the lock could not be given back: no answer" in drawn(bounds.closing(end, 80))
    assert bounds.left(replay(records(*kept, LockReturned("db1"))), named).locked == ()


def test_what_runs_still_and_what_is_in_doubt_stands_out():
    intent = StepIntended("pause", "db1", 1, "t", "change", "d", "x", "s")
    doubt = StepIntended("truncate", "db1", 1, "t", "destroy", "d", "x", "s")
    ended = StepEnded("truncate", "db1", 1, Status.IN_DOUBT, note="lost")
    left = StepLeft("pause", "db1", 1, runs=True)
    found = bounds.left(replay(records(OPENED, intent, left, doubt, ended)), background(plan(load(LOG_DISK))))
    assert found.running == ("Stop the shipping of logs  (db1)",)
    assert found.doubt == ("Truncate the held file  (db1, in_doubt)",)
    text = drawn(bounds.closing(bounds.End(RUN_ID, 8, "lost", over=False, found=found), 80))
    assert "RUNS STILL" in text
    assert "IN DOUBT" in text
    assert f"inv run.rollback {RUN_ID}" in text


@pytest.mark.parametrize(
    ("after", "goes_on", "running", "told"),
    [
        ((StepLeft("pause", "db1", 1, runs=True),), False, True, ""),
        ((StepLeft("pause", "db1", 1, runs=False, why="no route"),), False, False, "it was begun, and the host cannot"),
        ((StepLeft("pause", "db1", 1, runs=True), RunResumed(1)), False, False, "it may have been begun"),
        ((), False, False, "it may have been begun"),
        ((), True, True, ""),
    ],
)
def test_nothing_is_said_to_run_still_that_nobody_saw_or_left(after, goes_on, running, told):
    intent = StepIntended("pause", "db1", 1, "t", "change", "d", "x", "s")
    names = background(plan(load(LOG_DISK)))
    found = bounds.left(replay(records(OPENED, intent, *after)), names, goes_on=goes_on)
    text = " ".join(drawn(bounds.closing(bounds.End(RUN_ID, 8, "why", over=False, found=found), 80)).split())
    assert ("RUNS STILL Stop the shipping of logs (db1) not begun" in text) is running
    assert (f"NOT KNOWN Stop the shipping of logs (db1): {told}" in text) is not running
    assert f"inv run.rollback {RUN_ID}" in text


FLEET = replace(OPENED, hosts={"a1": "staging", "db1": "prod", "z9": "prod"}, order=("z9", "a1", "db1"))


def timeless(text: str) -> str:
    return re.sub(r", \d\.\d s|\d\d:\d\d:\d\d", "", text)


def test_what_several_hosts_answer_is_drawn_once_in_their_order():
    intents = [StepIntended("space", host, 1, host, "read", host, "df", host) for host in FLEET.order]
    ends = [
        StepEnded("space", host, 1, Status.OK, values={"used": 97 if host == "db1" else 20})
        for host in ("a1", "db1", "z9")
    ]
    timeline = Timeline(zone=UTC)
    text = "".join(drawn(timeline.lines(one, 80)) for one in records(FLEET, *intents, *ends))
    assert text.index("(z9, a1, ") < text.index("(db1")
    assert text.count("used = 20") == text.count("used = 97") == 1
    other = Timeline(zone=UTC)
    again = "".join(drawn(other.lines(one, 80)) for one in records(FLEET, *intents, *reversed(ends)))
    assert timeless(again) == timeless(text)


def test_of_an_output_whose_end_alone_is_at_hand_no_line_is_counted():
    end = "".join(f"{number}\n" for number in range(999416, 1000001))
    kept = {"stdout": end, "stdout_size": 6888896, "stdout_file": "out/00012-many-db1.out"}

    def shown(status):
        return drawn(Timeline(zone=UTC).lines(*records(StepEnded("many", "db1", 1, status, exit=0, **kept)), 80))

    for text in (shown(Status.OK), shown(Status.FAILED)):
        assert "more lines" not in text
        said = " ".join(text.split())
        assert "... 6.9 MB in all, kept in the run's folder as out/00012-many-db1.out; its end:" in said
        assert said.count("out/00012-many-db1.out") == 1
        fits(text, 80)


def test_lines_of_an_output_that_is_at_hand_whole_are_counted():
    (one,) = records(StepEnded("few", "db1", 1, Status.OK, exit=0, stdout="x\n" * 9, stdout_size=18))
    assert "... 4 more lines before\n" in drawn(Timeline(zone=UTC).lines(one, 80))


def test_of_the_output_of_a_check_no_line_is_counted():
    (one,) = records(ProofLooked("recovered-after", "db1", after=True, green=False, note="exit 1", output="x\n" * 2000))
    text = drawn(Timeline(zone=UTC).lines(one, 80))
    assert "... more before; its end:\n" in text
    assert text.count("│ x\n") == 3


def answered(*ends: StepEnded) -> str:
    timeline = Timeline(zone=UTC)
    return "".join(drawn(timeline.lines(one, 80)) for one in records(FLEET, *ends))


def test_output_that_hosts_answer_alike_is_shown_once():
    ends = [StepEnded("space", host, 1, Status.OK, exit=0, stdout="same\n", stdout_size=5) for host in FLEET.order]
    text = answered(*ends)
    assert "(z9, a1, db1)" in text
    assert text.count("│ same\n") == 1
    assert text.count("│ same\n") == answered(ends[0], replace(ends[1], stdout="other\n"), ends[2]).count("│ same\n")
    page = drawn(runs.page(RUN_ID, records(FLEET, *ends), runs.Frame(80, "/j", written=False, zone=UTC)))
    assert page.count("│ same\n") == 1


def test_outputs_of_another_length_are_not_alike_though_they_end_alike():
    ends = [StepEnded("space", host, 1, Status.OK, exit=0, stdout="end\n", stdout_size=5000) for host in FLEET.order]
    assert "(z9, a1)" in answered(*ends[:2], replace(ends[2], stdout_size=6000))


def test_output_that_was_on_the_screen_as_it_came_is_not_shown_again():
    ends = [StepEnded("pause", host, 1, Status.OK, exit=0, stdout="same\n", stdout_size=5) for host in FLEET.order]
    timeline = Timeline(zone=UTC)
    text = "".join(drawn(timeline.lines(one, 80, output=False)) for one in records(FLEET, *ends))
    assert "(z9, a1, db1)" in text
    assert "│ same" not in text


def test_what_waits_for_other_hosts_is_drawn_before_anything_else():
    first = StepEnded("space", "a1", 1, Status.FAILED, exit=1)
    timeline = Timeline(zone=UTC)
    lines = [drawn(timeline.lines(one, 80)) for one in records(FLEET, first, EVENTS[-1])]
    assert lines[1] == ""
    assert lines[2].index("FAILED") < lines[2].index("FINISHED")


@pytest.mark.parametrize("width", [80, 120])
def test_why_a_host_did_not_answer_stands_whole_in_the_table(width):
    why = "ann@a1.example.org port 4022: the connection was refused, as by a host on which no SSH server listens there"
    ended = StepEnded("space", "a1", 1, Status.UNREACHABLE, note=why)
    found = bounds.left(replay(records(FLEET, ended)), background(plan(load(LOG_DISK))))
    text = drawn(bounds.closing(bounds.End(RUN_ID, 8, "why", over=False, found=found), width))
    fits(text, width)
    assert "..." not in text
    column = text.splitlines()[5].index("what became of it")
    cell = " ".join(line[column:] for line in text.splitlines()[6:] if line.startswith(("a1", " " * column)))
    assert cell.split() == f'failed: no answer at "How full is it?": {why}'.split()


def test_the_end_of_a_run_on_several_hosts_is_a_table():
    ends = [
        StepIntended("pause", "a1", 1, "t", "change", "d", "x", "s"),
        StepEnded("pause", "a1", 1, Status.FAILED, exit=3),
        StepIntended("pause", "z9", 1, "t", "change", "d", "x", "s"),
        StepEnded("pause", "z9", 1, Status.OK),
    ]
    found = bounds.left(replay(records(FLEET, *ends)), background(plan(load(LOG_DISK))))
    text = drawn(bounds.closing(bounds.End(RUN_ID, 4, "why", over=False, found=found), 80))
    same("fleet-end-80", text)
    fits(text, 80)


def test_the_proof_at_the_end_is_the_runs_own_and_not_that_of_a_runbook_it_used():
    inner = [
        ProofLooked(f"sub/recovered-{at}", "db1", after=at == "after", green=at == "after")
        for at in ("before", "after")
    ]
    own = [ProofLooked(f"recovered-{at}", "db1", after=at == "after", green=False) for at in ("before", "after")]
    names = background(plan(load(LOG_DISK)))
    assert bounds.left(replay(records(OPENED, own[0], *inner, own[1])), names).proof == ("db1: RED before, RED after",)
    assert bounds.left(replay(records(OPENED, *inner)), names).proof == ()
