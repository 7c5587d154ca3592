"""The commands: their screens, what they write, and what they refuse."""

import json
import shlex
from pathlib import Path

import pytest

from holdpoint.app import oncall
from holdpoint.store.clock import FrozenClock
from tests.oncall.clocks import paris
from tests.oncall.samples import HEAD, SWAP, TEAM, cover

TOP = Path(__file__).parents[2]
NOW = paris("2026-11-25 15:00")
DENTIST = cover("ada", "bob", "2026-11-25 12:00", "2026-11-25 18:00")


@pytest.fixture
def board(case, monkeypatch):
    """A board at a time that stands still, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda **how: oncall.Board(case.repository, FrozenClock(NOW), **how)


def test_who(case, board, capsys):
    case.write("team.yaml", f"{TEAM}  cover:\n{DENTIST}")
    assert oncall.who(board(), None) == 0
    assert capsys.readouterr().out == (
        "Wed 2026-11-25 15:00 CET  (Europe/Paris)\n"
        "\n"
        "principal  Ada Lovelace (ada)\n"
        "           ada@example.org\n"
        "           instead of bob: the dentist\n"
        "  since    Wed 2026-11-25 12:00 CET\n"
        "  until    Wed 2026-11-25 18:00 CET\n"
        "  then     Bob Martin (bob)\n"
        "\n"
        "backup     Ève Dupont (eve)\n"
        "           eve@example.org\n"
        "  since    Mon 2026-11-23 09:00 CET\n"
        "  until    Mon 2026-11-30 09:00 CET\n"
        "  then     Ada Lovelace (ada)\n"
    )


def test_who_where_nobody_is_left_or_nobody_is_yet(case, board, capsys):
    case.write(
        "team.yaml",
        TEAM.replace(", eve]", "]")
        + f"  cover:\n{DENTIST.replace('for: bob', 'for: ada').replace('who: ada', 'who: bob')}",
    )
    oncall.who(board(), "2026-11-25 13:00")
    assert "\nbackup     NOBODY; everybody else of the rota is away or principal\n" in capsys.readouterr().out
    oncall.who(board(json=True), "2026-11-25 13:00")
    said = json.loads(capsys.readouterr().out)
    assert (said["backup"], said["next"]["backup"]["since"]) == (None, "2026-11-25T18:00:00+01:00")
    oncall.who(board(), "2026-10-05 08:59")
    told = capsys.readouterr().out
    assert told.splitlines()[2] == " NOBODY is on call: the rota begins on Mon 2026-10-05 09:00 CEST."
    oncall.who(board(json=True), "2020-01-01 10:00")
    said = json.loads(capsys.readouterr().out)
    assert (said["principal"], said["begins"]) == (None, "2026-10-05T09:00:00+02:00")
    assert said["next"]["principal"]["person"] == "ada"


def test_who_as_json(case, board, capsys):
    case.write("team.yaml", TEAM + SWAP)
    oncall.who(board(json=True), None)
    said = json.loads(capsys.readouterr().out)
    assert (said["at"], said["zone"], said["begins"]) == ("2026-11-25T15:00:00+01:00", "Europe/Paris", None)
    assert said["principal"] == {
        "person": "eve",
        "name": "Ève Dupont",
        "email": "eve@example.org",
        "instead_of": "bob",
        "why": "a wedding",
        "since": "2026-11-23T09:00:00+01:00",
        "until": "2026-11-30T09:00:00+01:00",
    }
    assert [said["backup"]["person"], said["next"]["principal"]["person"]] == ["ada", "bob"]


def test_the_rota_week_by_week(case, board, capsys):
    case.write(
        "team.yaml",
        f"{TEAM}{SWAP}  cover:\n{cover('ada', 'eve', '2026-11-26', '2026-11-26')}{cover('eve', 'bob', '2026-12-08', '2026-12-08', 'x')}",
    )
    oncall.weekly(board(), "3", None, None)
    assert capsys.readouterr().out == (
        "from                      principal  backup  why\n"
        "Mon 2026-11-23 09:00 now  eve        ada     eve instead of bob: a wedding; ada\n"
        "                                             instead of eve: eve is principal\n"
        "Thu 2026-11-26 00:00      ada        bob     ada instead of eve: the dentist;\n"
        "                                             bob instead of eve: eve is away\n"
        "Fri 2026-11-27 00:00      eve        ada     eve instead of bob: a wedding; ada\n"
        "                                             instead of eve: eve is principal\n"
        "Mon 2026-11-30 09:00      bob        ada     bob instead of eve: a wedding\n"
        "Mon 2026-12-07 09:00      ada        bob\n"
        "Tue 2026-12-08 00:00      ada        eve     eve instead of bob: x\n"
        "Wed 2026-12-09 00:00      ada        bob\n"
        "\n"
        " up to Mon 2026-12-14 09:00 CET; times are those of Europe/Paris\n"
    )


def test_weeks_on_which_the_clocks_change_say_so_and_cover_that_does_nothing_is_told(case, board, capsys):
    case.write("team.yaml", f"{TEAM}  cover:\n{cover('bob', 'eve', '2026-12-08', '2026-12-08')}")
    oncall.weekly(board(), None, "2026-10-20", "2026-10-26")
    assert capsys.readouterr().out == (
        "from                  principal  backup  why\n"
        "Mon 2026-10-19 09:00  eve        ada     the clocks change: 169 h\n"
        "Mon 2026-10-26 09:00  ada        bob\n"
        "\n"
        " up to Mon 2026-11-02 09:00 CET; times are those of Europe/Paris\n"
        "\n"
        " The cover of eve by bob from Tue 2026-12-08 00:00 CET changes nothing: eve is\n"
        " not on call then, or covered for already. Look at its dates in team.yaml.\n"
    )
    oncall.weekly(board(json=True), "1", "2027-03-22", None)
    said = json.loads(capsys.readouterr().out)
    assert [(one["since"], one["until"]) for one in said["shifts"]] == [
        ("2027-03-15T09:00:00+01:00", "2027-03-22T09:00:00+01:00")
    ]
    assert [one["for"] for one in said["idle"]] == ["eve"]


def test_without_a_rota_it_says_how_to_begin_one_and_that_can_be_used(case, board, capsys):
    oncall.weekly(board(), None, None, None)
    told = capsys.readouterr().out
    assert all(len(line) <= 80 for line in told.splitlines())
    example = "".join(f"{line[2:]}\n" for line in told.splitlines() if line.startswith("  "))
    case.write("team.yaml", example)
    oncall.who(board(json=True), None)
    said = json.loads(capsys.readouterr().out)
    assert (said["principal"]["person"], said["backup"]["person"]) == ("ada", "bob")


def test_days_are_counted_for_this_month_or_for_some(case, board, capsys):
    case.write("team.yaml", TEAM)
    oncall.count_days(board(), None, None)
    assert capsys.readouterr().out == (
        "On call from Sun 2026-11-01 to Mon 2026-11-30, both included\n"
        "\n"
        "person              role       days  weekend  holiday  time\n"
        "Ada Lovelace (ada)  principal  8     3        0        201 h\n"
        "Bob Martin (bob)    principal  14    4        0        336 h\n"
        "Ève Dupont (eve)    principal  8     2        1        183 h\n"
        "Ada Lovelace (ada)  backup     8     2        1        183 h\n"
        "Bob Martin (bob)    backup     8     3        0        201 h\n"
        "Ève Dupont (eve)    backup     14    4        0        336 h\n"
        "\n"
        " A day counts once for each role, for whoever had it for the longest part of\n"
        " that day. A holiday on a weekend counts as weekend. Hours are those really had.\n"
    )
    oncall.count_days(board(json=True), "2026-12-25", "2026-12-25")
    said = json.loads(capsys.readouterr().out)
    assert (said["from"], said["to"], said["lacking"]) == ("2026-12-25", "2026-12-25", None)
    assert said["counts"][0] == {
        "person": "eve", "name": "Ève Dupont", "role": "principal", "days": 1, "weekend": 0, "holiday": 1, "minutes": 1440
    }  # fmt: skip
    oncall.count_days(board(json=True), "2027-02-01", None)
    assert json.loads(capsys.readouterr().out)["to"] == "2027-02-28"


def test_before_the_rota_begins_there_is_nothing_to_show(case, board, capsys):
    case.write("team.yaml", TEAM)
    oncall.weekly(board(), None, "2026-01-01", "2026-02-01")
    oncall.count_days(board(), "2026-01-01", None)
    told = capsys.readouterr().out
    assert told.count(" Nobody is on call in that time: the rota begins later.\n") == 2


# --- the real commands ------------------------------------------------------------------------------------------


def test_the_commands_take_what_they_say(case):
    case.write("team.yaml", TEAM)
    ran = case.run("oncall.who", "--at", "2026-11-25T14:05+01:00", "--json").expect(0, ...)
    assert ran.json()["principal"]["person"] == "bob"
    ran = case.run("oncall.rota", "--from", "2026-10-26", "--weeks", "1", "--json", program="inv").expect(0, ...)
    assert [one["week"] for one in ran.json()["shifts"]] == ["2026-10-19"]
    ran = case.run("oncall.rota", "--days", "--from", "2026-10-25", "--to", "2026-10-25", "--json").expect(0, ...)
    assert [one["minutes"] for one in ran.json()["counts"]] == [1500, 1500]
    ran = case.run("oncall.calendar", "--weeks", "1", "--person", "ada").expect(0, ...)
    assert ran.raw.startswith("BEGIN:VCALENDAR\r\n")


def test_a_calendar_takes_the_place_of_a_calendar_alone(case):
    case.write("team.yaml", TEAM)
    for _ in range(2):
        case.run("oncall.calendar", "--weeks", "2", "--out", "oncall.ics").expect(0, "oncall.ics: 4 shifts\n")
    assert case.run("oncall.calendar", "--weeks", "2", "--out", "oncall.ics", "--json").json() == {
        "file": "oncall.ics",
        "shifts": 4,
    }
    case.run("oncall.calendar", "--out", "team.yaml").expect(
        2, "", "team.yaml: error[not-a-calendar]: this file is no calendar, and is not written over\n"
    )
    assert (case.repository / "team.yaml").read_text() == TEAM
    case.run("oncall.calendar", "--out", "no/such.ics").expect(
        2, "", "no/such.ics: error[out]: the calendar cannot be written: no such file or directory\n"
    )
    left = {path.name for path in case.repository.iterdir()} - {"__pycache__"}
    assert left == {"oncall.ics", "runbooks", "tasks.py", "team.yaml"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("oncall.who", "--at", "noon"), "error[time]: `noon` is no time\n"),
        (("oncall.who", "--at", "2026-10-25 02:30"), "error[time-twice]: "),
        (("oncall.who", "--at"), 'error[bare-option]: `--at` stands without a value\n  expected: `--at "14:05"`\n'),
        (("oncall.who", "--at="), 'error[bare-option]: `--at` stands without a value\n  expected: `--at "14:05"`\n'),
        (("oncall.rota", "--weeks", "0"), "error[weeks]: `--weeks` cannot be `0`\n  expected: a number from 1 to 520\n"),
        (("oncall.rota", "--weeks", "-1"), "error["),
        (("oncall.rota", "--from", "yesterday"), "error[day]: `--from` cannot be `yesterday`\n"),
        (("oncall.rota", "--to", "1999-01-01"), "error[day]: the last day is before the first\n"),
        (("oncall.rota", "--days", "--from", "2026-11-02", "--to", "2026-11-01"), "error[day]: the last day is before the first\n"),
        (("oncall.rota", "--days", "--from", "9999-12-31"), "error[day]: `--from` is far away\n"),
        (("oncall.rota", "--days", "--weeks", "3"), "error[both-options]: `--weeks` and `--days` exclude each other\n"),
        (("oncall.rota", "--weeks", "3", "--to", "2027-01-01"), "error[both-options]: `--weeks` and `--to` exclude each other\n"),
        (("oncall.calendar", "--person", "adda"), "error[unknown-person]: there is nobody `adda` in the team\n  hint: did you mean `ada`?\n"),
    ],
)  # fmt: skip
def test_what_is_refused(case, words, said):
    case.write("team.yaml", TEAM)
    ran = case.run(*words).expect(2, "", ...)
    assert ran.stderr.startswith(said)


def test_without_a_rota_nobody_can_be_named(case):
    case.run("oncall.who").expect(
        2,
        "",
        "FOLDER/repository/team.yaml: error[no-rota]: there is no rota\n  hint: `inv oncall.rota` shows how to begin one\n",
    )


def test_a_wrong_document_is_told_and_a_wrong_inventory_hides_nobody(case):
    case.write("hosts.yaml", "hosts: [}")
    case.write("team.yaml", TEAM)
    case.run("oncall.who").expect(0, ...)
    case.write("team.yaml", f"{HEAD}holidays:\n  country: ZZ\n{TEAM.removeprefix(HEAD)}")
    case.run("oncall.who").expect(0, ...)
    ran = case.run("oncall.rota", "--days").expect(2, "", ...)
    assert ran.stderr.startswith("team.yaml:3:12: error[country]: no public holidays are known of `ZZ`\n")
    case.write("team.yaml", f"{TEAM}zon: UTC\n")
    ran = case.run("oncall.rota", "--json").expect(2, ..., ...)
    assert [(one["code"], one["hint"]) for one in ran.json()] == [("unknown-key", "did you mean `zone`?")]


def test_where_the_packages_are_missing_it_says_so_and_goes_on(case):
    case.write("team.yaml", TEAM)
    for name in ("holidays", "icalendar"):
        case.write(f"missing/{name}.py", "raise ImportError('as where it is not installed')\n")
    without = {"PYTHONPATH": str(case.repository / "missing")}
    case.run("oncall.who", environ=without).expect(0, ...)
    case.run("oncall.calendar", environ=without).expect(
        2,
        "",
        "error[no-icalendar]: the package `icalendar` is not installed\n  hint: `pip install 'holdpoint[incident]'`\n",
    )
    day = ("--from", "2026-12-25", "--to", "2026-12-25")
    ran = case.run("oncall.rota", "--days", *day, environ=without).expect(0, ...)
    assert ran.stdout.endswith(
        " No holidays: the package `holidays` is not installed, so no public holidays are\n"
        " counted: `pip install 'holdpoint[incident]'`\n"
    )
    ran = case.run("oncall.rota", "--days", *day, "--json", environ=without).expect(0, ...)
    assert [one["holiday"] for one in ran.json()["counts"]] == [None, None]


# --- the document -----------------------------------------------------------------------------------------------


def test_the_example_of_the_document_is_what_it_says(case, board, capsys):
    guide = (TOP / "docs/on-call.md").read_text().partition("## Who is on call\n")[2]
    case.write("team.yaml", guide.partition("```yaml\n")[2].partition("```")[0])
    oncall.weekly(board(json=True), "8", None, None)
    said = json.loads(capsys.readouterr().out)
    assert said["idle"] == []
    assert [(one["since"][:16], one["principal"]["person"], one["backup"]["person"]) for one in said["shifts"]] == [
        ("2026-11-23T09:00", "eve", "ada"),
        ("2026-11-25T12:00", "ada", "bob"),
        ("2026-11-25T18:00", "eve", "ada"),
        ("2026-11-30T09:00", "bob", "ada"),
        ("2026-12-07T09:00", "ada", "bob"),
        ("2026-12-14T09:00", "bob", "eve"),
        ("2026-12-21T09:00", "eve", "ada"),
        ("2026-12-24T00:00", "bob", "ada"),
        ("2026-12-27T00:00", "eve", "ada"),
        ("2026-12-28T09:00", "ada", "bob"),
        ("2027-01-04T09:00", "eve", "ada"),
        ("2027-01-11T09:00", "ada", "eve"),
    ]


def test_the_commands_of_the_document_can_be_typed(case):
    guide = (TOP / "docs/on-call.md").read_text().partition("## Who is on call\n")[2]
    commands = [line.partition("   ")[0] for line in guide.split("```")[1].splitlines() if line.startswith("inv ")]
    case.write("team.yaml", guide.partition("```yaml\n")[2].partition("```")[0])
    assert len(commands) == 6
    for command in commands:
        program, *words = shlex.split(command)
        case.run(*words, program=program).expect(0, ...)
