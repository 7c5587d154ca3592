from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from holdpoint.engine.ports import Asked, Target, Tier
from holdpoint.views.answering import accept, prompt, refusal
from holdpoint.views.lines import as_text, screens
from holdpoint.views.questions import Setting, again, question, reading
from tests.views.books import BOTH, CHANGE, DESTROY, DOUBT, LONG, LONG_SCRIPT, MANUAL, NOON, QUESTIONS, RUN_ID, VALUE
from tests.views.screens import drawn, fits, same


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_looks_like_this(name, width):
    asked = QUESTIONS[name]
    text = drawn(question(asked, Setting(width, RUN_ID, NOON, UTC))) + prompt(asked) + "\n"
    fits(text, width)
    same(f"question-{name}-{width}", text)


def test_of_a_question_longer_than_the_screen_the_end_says_what_it_is():
    def foot(height):
        return drawn(question(DESTROY, Setting(80, RUN_ID, NOON, UTC, height=height))).splitlines()

    assert len(foot(0)) == len(foot(len(foot(0)) + 1))
    last = "\n".join(foot(30)[-20:])
    assert "PRODUCTION   db1" in last
    assert "DESTROY" in last
    assert "lines above say all of it" in last


@pytest.mark.parametrize(("files", "height"), [(2, 40), (60, 30), (60, 24)])
def test_what_would_be_destroyed_is_seen_above_the_words_without_scrolling(files, height):
    names = [f"empty 40 MB {number} /var/log/old-{number}.log" for number in range(files)]
    long = replace(DESTROY, chosen=(("db1", "files_chosen", "\n".join(names)),), commands=(("db1", "true\n" * 50),))
    text = drawn(question(long, Setting(80, RUN_ID, NOON, UTC, height=height)))
    screen = text.splitlines()[-(height - 1) :]  # the last line of it is the prompt
    assert any(one.startswith("destroys") and "files_chosen =" in one for one in screen)
    seen = [name for name in names if any(name in one for one in screen)]
    assert seen == names[: len(seen)]
    left_out = f"and {files - len(seen)} more lines, above"
    assert len(seen) == files or (len(seen) >= 1 and any(left_out in one for one in screen))
    assert any("DESTROY" in one for one in screen)
    assert not any(one.startswith("destroys") for one in text.splitlines()[: -(height - 1)])


@pytest.mark.parametrize("height", [24, 30, 50])
def test_of_a_command_longer_than_the_screen_its_beginning_and_what_reads_the_rest_stand_above_the_words(height):
    screen = drawn(question(LONG, Setting(80, RUN_ID, NOON, UTC, height=height))).splitlines()[-(height - 1) :]
    seen = [one.split("step ")[1] for one in screen if "│ step " in one]
    assert seen == [str(number) for number in range(1, len(seen) + 1)]
    assert len(seen) >= (0 if height == 24 else 3)
    assert any(f"and {65 - len(seen)} more lines" in one for one in screen) or not seen
    said = " ".join(screen)
    assert "lines above say all of it, and the command has 65 lines: `show` reads them, a screen at a time." in said


@pytest.mark.parametrize("height", [24, 30, 50])
def test_a_long_way_back_does_not_push_what_it_is_from_the_screen(height):
    long = replace(LONG, reverts=f"can be taken back: {LONG_SCRIPT}")
    screen = drawn(question(long, Setting(80, RUN_ID, NOON, UTC, height=height))).splitlines()[-(height - 1) :]
    assert any(one.startswith("HOLD ") for one in screen)
    assert any(one.startswith("effect     CHANGE") for one in screen)
    assert any("can be taken back: step 1" in one for one in screen)
    assert len(again(long, 80)) < 20


@pytest.mark.parametrize("height", [24, 30])
def test_what_a_person_is_to_do_stands_above_the_words_again(height):
    long = replace(MANUAL, evidence=tuple(f"db1: Cause {number}: ruled out" for number in range(30)))
    screen = drawn(question(long, Setting(80, RUN_ID, NOON, UTC, height=height))).splitlines()[-(height - 1) :]
    assert sum(one.startswith("do this ") for one in screen) == 1
    assert "Cause 1" not in "".join(screen[-15:])


def test_show_reads_the_whole_question_where_that_is_longer_than_the_screen_and_then_the_texts():
    def read(height):
        return drawn(reading(LONG, Setting(80, RUN_ID, NOON, UTC, height=height)))

    assert read(200) == f"--- the command\n{LONG_SCRIPT}\n--- logs: The last lines\n{'x' * 200}\n"
    assert "│ step 65" in read(24)
    assert "values" in read(24)
    assert read(24).endswith(read(200))


def test_what_is_read_is_cut_into_screens_by_the_rows_that_it_takes():
    lines = reading(LONG, Setting(80, RUN_ID, NOON, UTC, height=200))
    pages = screens(lines, 80, 24)
    assert [one for page in pages for one in page] == list(lines)
    rows = [sum(max(1, -(-len(as_text(one)) // 80)) for one in page) for page in pages]
    assert rows == [23, 23, 22, 3]  # the last line takes three
    assert screens(lines, 80, 0) == [lines]


@pytest.mark.parametrize("asked", [DESTROY, DOUBT])
def test_it_says_who_executes_a_command_where_that_is_somebody_else(asked):
    def screen(become):
        return drawn(question(replace(asked, become=become), Setting(80, RUN_ID, NOON, UTC)))

    assert " on db1, as root\n" in screen("root")
    assert " on db1\n" in screen("")


def test_a_table_keeps_its_columns():
    table = "number  size   path\n12      4 MB   /var/log/a file with a rather long name that is wider than eighty columns.log"
    text = drawn(question(replace(VALUE, values=(("db1", "files", table),)), Setting(80, RUN_ID, NOON, UTC)))
    assert "files =" in text
    assert "│ number  size   path" in text
    assert "│ 12      4 MB   /var" in text


def test_an_answer_that_was_not_taken_says_why_and_asks_shortly():
    text = drawn(again(replace(VALUE, problem="value `team` is not a whole number."), 80))
    assert "not taken  Value `team` is not a whole number." in text
    assert VALUE.prompt.split()[0] in text


def test_every_kind_of_question_has_a_screen():
    assert {asked.kind for asked in QUESTIONS.values()} == set(Asked)


@pytest.mark.parametrize("tier", Tier)
def test_only_production_looks_like_production(tier):
    targets = tuple(replace(target, tier=tier) for target in CHANGE.targets)
    text = drawn(again(replace(CHANGE, targets=targets), 80)) + prompt(replace(CHANGE, targets=targets))
    assert ("PRODUCTION" in text) == (tier is Tier.PROD)
    assert text.count("#" * 80) == (2 if tier is Tier.PROD else 0)


def test_the_own_machine_is_said_to_be_it_also_where_it_is_asked_about_as_carefully_as_production():
    mine = replace(DESTROY, targets=(Target("vm", Tier.PROD, here=True),), agree=("vm",))
    text = drawn(question(mine, Setting(80, RUN_ID, NOON, UTC)))
    assert "##  PRODUCTION   this machine: vm  " in text
    assert "Type vm to let it happen" in text
    assert prompt(mine) == "PRODUCTION this machine: vm > "


def test_many_hosts_and_commands_fit():
    hosts = tuple(
        replace(CHANGE.targets[0], name=f"a-rather-long-host-name-{n}.example.org", tier=Tier.PROD) for n in range(9)
    )
    names = tuple(host.name for host in hosts)
    asked = replace(BOTH, targets=hosts, agree=names, commands=tuple((name, "x" * 300) for name in names))
    text = drawn(question(asked, Setting(80, RUN_ID, NOON, UTC)))
    fits(text, 80)
    assert all(name in text for name in names)
    assert prompt(asked) == "PRODUCTION 9 hosts > "


@pytest.mark.parametrize("word", ["run", "skip", "stop", "rollback", "escalate", "show"])
def test_a_word_is_accepted_whole(word):
    assert accept(CHANGE, word) == word


@pytest.mark.parametrize("text", ["", "r", "ru", "RUN", "y", "yes", "run now", "run run", "db1", "rum"])
def test_nothing_else_is(text):
    assert accept(CHANGE, text) is None
    assert "Nothing was agreed to." in refusal(CHANGE, text)


@pytest.mark.parametrize("text", ["db1 db2", "db2 db1", "db1,db2", "db1, db2", "db1 db2 db1"])
def test_all_names_together_agree(text):
    assert accept(BOTH, text) == "run"


@pytest.mark.parametrize("text", ["run", "db1", "db2", "db1 db2 db3", "DB1 DB2", "db1db2", "all", ""])
def test_less_or_more_than_all_names_does_not(text):
    assert accept(BOTH, text) is None


def test_a_host_that_is_named_like_a_word_does_not_take_its_place():
    asked = replace(DESTROY, agree=("stop",))
    assert accept(asked, "stop") == "stop"


@pytest.mark.parametrize(
    ("asked", "typed", "said"),
    [
        (CHANGE, "", "Enter alone does nothing. Nothing was agreed to."),
        (CHANGE, "rn", "`rn` is none of the words. Did you mean `run`? Nothing was agreed to."),
        (CHANGE, "STOP", "`STOP` is none of the words. Did you mean `stop`? Nothing was agreed to."),
        (CHANGE, "xyzzy", "`xyzzy` is none of the words. Nothing was agreed to."),
        (DESTROY, "run", "Here `run` does not suffice: type db1. Nothing was agreed to."),
        (BOTH, "db1", "Still missing: db2. All names go on one line. Nothing was agreed to."),
        (DESTROY, "db2", "`db2` is none of the words. Did you mean `db1`? Nothing was agreed to."),
        (VALUE, "", "An empty answer is none. Nothing was answered."),
    ],
)
def test_a_refusal_says_what_to_do(asked, typed, said):
    assert refusal(asked, typed) == said


def test_show_prints_everything_and_nothing_that_acts():
    text = drawn(reading(DESTROY, Setting(80, RUN_ID, NOON, UTC)))
    assert "\x1b" not in text
    assert "[red]" in text
    assert all(line in text for line in DESTROY.show[0][1].split("\n"))
    nothing = drawn(reading(DOUBT, Setting(80, RUN_ID, NOON, UTC)))
    assert nothing == "There is nothing more to show than what stands above.\n"


def test_a_fragment_of_evidence_that_looks_like_a_verdict_is_kept():
    asked = replace(DESTROY, evidence=("db1: A: ruled out: B: found: C", "plain text"))
    text = drawn(question(asked, Setting(120, RUN_ID, NOON, UTC)))
    assert "ruled out  db1: A: B: found: C" in text
    assert "plain text" in text
