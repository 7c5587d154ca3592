"""The outermost layer: what is refused, which exit code comes out, and what a screen never shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdpoint.app import ending, typed
from holdpoint.cli import passed_on
from holdpoint.problem import Exit, HoldpointError, Problem
from tests.case import LIMIT, Case

REFUSED_BY_INVOKE = [
    ("no-such-task",),
    ("runbook",),
    ("runbook", "--dry-run"),
    ("runbook", "--param"),
    ("runbook.show", "--json"),
    ("run.resume", "--take-over"),
    ("runbook", "door", "another"),
    ("runbook", "door", "--answers"),
    ("runbook", "door", "--json=false"),
    ("runbook", "door", "--dry-run=no"),
    ("--help", "no-such-task"),
    ("--list", "no-such-collection"),
]
REFUSED_BY_US = [
    ("runbook", "door", "--param"),
    ("runbook", "door", "--param", "--json"),
    ("runbook", "door", "--param", "door=hall", "--param"),
    ("runbook", "door", "--param="),
    ("runbook", "door", "--param=--json"),
    ("runbook", "door", "--param", "hall"),
    ("runbook", "door", "--param", "door=a", "--param", "door=b"),
    ("runbook", "--jsn"),
    ("runbook", ""),
    ("runbook.show", "--jsn"),
    ("runbook.find", "--jsn"),
    ("runbook.lint", "--name"),
    ("runbook.lint", "--name", "door", "--name"),
    ("runbook.docs", "--out="),
    ("run.resume", "--tak-eover"),
    ("run.show", "-"),
    ("runbook", "door", "--answers", "--anwers"),
    ("runbook", "door", "--dry-run", "--check"),
    ("runbook", "door", "--", "hall"),
    ("--dry", "run.resume", "last"),
    ("run.rollback", "last", "-R"),
    ("runbook", "dor"),
    ("run.show", "last"),
    ("runbook", "door", "--answers", "missing.yaml"),
]


@pytest.mark.parametrize("words", REFUSED_BY_INVOKE, ids=" ".join)
def test_what_invoke_refuses_is_wrong_usage(case: Case, words: tuple[str, ...]) -> None:
    ran = case.runbook().run(*words).expect(2, ..., ...)
    assert "--json" in words or not ran.stdout
    assert ran.stderr.startswith(("error[usage]: ", "error[bare-option]: ")), ran.stderr
    assert "positional" not in ran.stderr
    assert case.runbook().run(*words, program="inv").status == 1
    assert not case.journals()


@pytest.mark.parametrize("words", REFUSED_BY_US, ids=" ".join)
@pytest.mark.parametrize("program", ["holdpoint", "inv"])
def test_what_invoke_would_swallow_is_wrong_usage(case: Case, words: tuple[str, ...], program: str) -> None:
    json = any("--json" in word for word in words)
    ran = case.runbook().run(*words, program=program).expect(2, ... if json else "", ...)
    assert "error[" in ran.stderr.partition("\n")[0], ran.stderr
    assert not json or ran.json()[0]["level"] == "error"
    assert not case.journals()


def test_a_refusal_names_what_was_found_and_what_to_type(case: Case) -> None:
    case.run("runbook", "--dri-run").expect(
        2,
        stderr="error[bad-name]: `runbook.run` needs the name of a runbook before its options\n"
        "  found: `--dri-run`\n"
        "  hint: `inv --help runbook.run` shows what it takes\n",
    )
    case.run("runbook", "door", "--param").expect(
        2, stderr="error[bare-option]: `--param` stands without a value\n  expected: `--param mount=/var/log`\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("door",), "there is no task `door`\n  hint: there is a runbook of that name: `holdpoint runbook door`\n"),
        (("disk-ful",), "there is no task `disk-ful`\n  hint: did you mean `runbook disk-full`?\n"),
        (("runbook.sho",), "there is no task `runbook.sho`\n  hint: did you mean `runbook.show`?\n"),
        (("runbook", "--chek", "door"), "`runbook` has no option `--chek`\n  hint: did you mean `--check`?\n"),
        (
            ("runbook", "door", "--door", "x"),
            (
                "`runbook` has no option `--door`\n  hint: is it a value of the runbook? Then write `--param door=VALUE`; "
                "`holdpoint --help runbook` shows those there are\n"
            ),
        ),
        (("runbook", "door", "--chek"), "`runbook` has no option `--chek`\n  hint: did you mean `--check`?\n"),
        (
            ("runbook.lint", "door"),
            (
                "`runbook.lint` does not take the word `door`\n"
                "  expected: options alone\n  hint: write `holdpoint runbook.lint --name door`\n"
            ),
        ),
        (
            ("runbook.docs", "door"),
            (
                "`runbook.docs` does not take the word `door`\n"
                "  expected: options alone\n  hint: write `holdpoint runbook.docs --name door`\n"
            ),
        ),
        (
            ("incident.show", "5954"),
            (
                "`incident.show` does not take the word `5954`\n"
                "  expected: options alone\n  hint: write `holdpoint incident.show --incident 5954`\n"
            ),
        ),
        (
            ("incident.done", "scope", "everybody"),
            (
                "`incident.done` does not take the word `everybody`\n"
                '  expected: one item, then options\n  hint: write `holdpoint incident.done scope --say "everybody"`\n'
            ),
        ),
        (
            ("incident.banner", "up"),
            (
                "`incident.banner` does not take the word `up`\n"
                "  expected: options alone\n  hint: write `holdpoint incident.banner --up`\n"
            ),
        ),
        (
            ("incident.note", "it", "is", "up"),
            (
                "`incident.note` does not take the word `is`\n  expected: one text, then options\n"
                '  hint: a text of several words stands in quotes: `holdpoint incident.note "..."`\n'
            ),
        ),
        (
            ("runbook", "door", "--param", "a=b", "c=d"),
            (
                "`runbook` does not take the word `c=d`\n"
                "  expected: one name, then options\n  hint: each value has an option of its own: `--param c=d`\n"
            ),
        ),
        (
            ("run.show",),
            (
                "`run.show` needs the name of a run, or `last`\n"
                "  found: nothing, or options alone\n  expected: the name of a run, or `last`, before any options\n"
                "  hint: for example: `holdpoint run.show last`\n"
            ),
        ),
        (
            ("drill",),
            (
                "`drill` needs the name of a drill\n"
                "  found: nothing, or options alone\n  expected: the name of a drill, before any options\n"
                "  hint: `holdpoint drill.list` shows those there are\n"
            ),
        ),
    ],
)
def test_a_refused_command_line_says_what_to_type(case: Case, words: tuple[str, ...], said: str) -> None:
    case.runbook().run(*words).expect(2, "", f"error[usage]: {said}")


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_without_a_task_it_tells_every_task_in_a_line(case: Case, words: tuple[str, ...]) -> None:
    ran = case.run(*words).expect(0, ...)
    usage, more, blank, *tasks = ran.stdout.splitlines()
    assert usage == "Usage: holdpoint TASK [NAME] [--option VALUE ...]"
    assert more == "`holdpoint --help TASK` shows what a task takes."
    assert blank == ""
    assert tasks[0] == "  runbook NAME         Run a runbook, here or over SSH; stops before a change."
    assert tasks[-1].startswith("  test ")
    assert all(len(line) <= 80 and not line.endswith("...") for line in tasks)


def test_problems_are_a_json_list_too(case: Case) -> None:
    ran = case.runbook().run("runbook", "dor", "--json").expect(2, ..., ...)
    assert [(problem["code"], problem["hint"]) for problem in ran.json()] == [
        ("unknown-runbook", "did you mean `door`?")
    ]
    assert "error[unknown-runbook]" in ran.stderr


@pytest.mark.parametrize("words", [("runbook", "--help"), ("runbook", "-h"), ("--help", "runbook")])
@pytest.mark.parametrize("program", ["holdpoint", "inv"])
def test_help_is_help_wherever_it_stands(case: Case, words: tuple[str, ...], program: str) -> None:
    ran = case.run(*words, program=program).expect(0, ...)
    assert "--dry-run" in ran.stdout
    assert "Run a runbook, here or over SSH" in ran.stdout


def test_completion_knows_every_task_and_its_options(case: Case) -> None:
    assert {"runbook.show", "drill.heal"} <= {*case.run("--complete", "--", "holdpoint ").expect(0, ...).stdout.split()}
    options = case.run("--complete", "--", "holdpoint runbook.show --").expect(0, ...).stdout.split()
    assert {"--name", "--json", "--plain"} <= {*options}


def test_several_tasks_can_be_typed_at_once(case: Case) -> None:
    ran = case.runbook().run("run.list", "runbook.show", "door").expect(0, ...)
    assert ran.stdout.startswith("There are no runs yet.\n")
    assert "The door is open" in ran.stdout


def test_both_programs_offer_the_same_tasks(case: Case) -> None:
    offered = [case.run("--list", program=program).stdout.split("\n", 1)[1] for program in ("holdpoint", "inv")]
    assert offered[0] == offered[1]
    for task in ("runbook.list", "runbook.run (runbook)", "run.verify", "test"):
        assert task in offered[0]


@pytest.mark.parametrize(
    "words", [("runbook", "door", "-R"), ("--dry", "runbook", "door"), ("runbook", "door", "--dry")]
)
def test_dry_of_invoke_is_a_walk_through(case: Case, words: tuple[str, ...]) -> None:
    hall = case.folder / "hall"
    hall.write_text("x\n")
    ran = case.runbook().run(*words, "--param", f"door={hall}", program="inv").expect(0, ...)
    assert "mv -- " in ran.stdout
    assert hall.exists()
    assert not case.journals()
    assert not case.target.exists()


def test_a_run_of_several_tasks_stops_at_the_first_that_does_not_end_well(case: Case) -> None:
    ran = case.runbook().run("runbook.show", "no-such", "runbook.list").expect(2, "", ...)
    assert "no-such" in ran.stderr


def _in_a_shell(case: Case, text: str) -> subprocess.CompletedProcess[str]:
    """Run shell text in which `"$@"` is `holdpoint`."""
    return subprocess.run(
        ["bash", "-c", text, "bash", *case.command((), "holdpoint")],
        cwd=case.repository,
        env=case.environ(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.parametrize("task", ["runbook.list", "runbook.docs", "run.list", "--list"])
def test_a_reader_that_went_away_is_no_error(case: Case, task: str) -> None:
    done = _in_a_shell(case.runbook(), f'"$@" {task} | true; echo "${{PIPESTATUS[0]}}"')
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_run_goes_on_where_nobody_reads(case: Case) -> None:
    hall = case.folder / "hall"
    hall.write_text("x\n")
    case.runbook().write("answers.yaml", "shut: run\n")
    run = f'"$@" runbook door --param door={hall} --answers answers.yaml'
    done = _in_a_shell(case, f'{run} | true; echo "${{PIPESTATUS[0]}}"')
    assert (done.stdout, done.stderr) == ("0\n", "")
    assert not hall.exists()


@pytest.mark.parametrize(("where", "code"), [("/dev/full", 2), ("&-", 0)])
def test_standard_output_that_takes_nothing(case: Case, where: str, code: int) -> None:
    done = _in_a_shell(case.runbook(), f'"$@" runbook.docs >{where}')
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


def test_an_interrupt_outside_of_a_run_is_quiet(case: Case) -> None:
    hall = case.folder / "hall"
    hall.write_text("x\n")
    killed = case.runbook().run(
        *("runbook", "door", "--param", f"door={hall}"),
        answers="shut: run",
        environ={"HOLDPOINT_KILL_AT": "record:3:durable"},
    )
    assert killed.status == -signal.SIGKILL
    with case.started("run.follow", "last", "--json") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"data":')
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=LIMIT)
    assert process.returncode == Exit.STOPPED
    assert error == b"" or error.startswith(b"It was cut off: ")  # whether it came to say so
    assert error.count(b"\n") <= 1


def test_what_the_system_refuses_is_no_trace(case: Case) -> None:
    case.folder.joinpath("state").write_text("a file")
    ran = case.runbook().run("run.list").expect(2, "", ...)
    assert ran.stderr.startswith("FOLDER/state: error[state-folder]: ")


# --- the one place that turns errors into exit codes ---


def _raise(error: BaseException) -> int:
    raise error


def test_a_defect_is_a_sentence_and_the_trace_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLDPOINT_STATE", str(tmp_path))
    assert ending.conclude(lambda: _raise(RuntimeError("it broke"))) == Exit.DEFECT
    (trace,) = tmp_path.glob("defect-*.txt")
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert str(trace) in said.err
    assert "it broke" in trace.read_text()
    assert trace.stat().st_mode & 0o077 == 0


def test_every_ending_has_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLDPOINT_STATE", str(tmp_path))
    problem = Problem("some-code", "something is wrong")
    assert ending.conclude(lambda: 7) == 7
    assert ending.conclude(lambda: _raise(HoldpointError(problem))) == Exit.USAGE
    assert ending.conclude(lambda: _raise(HoldpointError(problem, exit_code=Exit.LOCKED))) == Exit.LOCKED
    assert ending.conclude(lambda: _raise(PermissionError(13, "Permission denied", "/x"))) == Exit.USAGE
    assert "/x: error[system]: the system refused: permission denied" in capfd.readouterr().err
    assert ending.conclude(lambda: _raise(KeyboardInterrupt())) == Exit.STOPPED
    assert capfd.readouterr() == ("", "")


def test_a_screen_without_unicode_does_not_end_a_command(case: Case) -> None:
    text = (case.runbook().repository / "runbooks/door.yaml").read_text()
    case.runbook(text=text.replace("The door is open", "Die Tür steht offen"))
    ran = case.run("runbook.show", "door", "--json", environ={"PYTHONIOENCODING": "ascii"}).expect(0, ...)
    assert ran.json()["title"] == "Die Tür steht offen"
    assert "Die T" in case.run("runbook.list", environ={"PYTHONIOENCODING": "ascii"}).expect(0, ...).stdout


def test_what_follows_test_belongs_to_pytest() -> None:
    assert passed_on(["test", "-k", "some", "tests/test_cli.py"]) == ["test", "--", "-k", "some", "tests/test_cli.py"]
    assert passed_on(["test", "--", "-x"]) == ["test", "--", "-x"]
    assert passed_on(["test", "--help"]) == ["test", "--help"]
    assert passed_on(["runbook", "test", "-R"]) == ["runbook", "test", "-R"]


def test_only_one_of_two_kinds() -> None:
    assert typed.one_of({"--a": False, "--b": True}, default="c") == "--b"
    assert typed.one_of({"--a": False, "--b": False}, default="c") == "c"
    with pytest.raises(HoldpointError, match="`--a` and `--b` exclude each other"):
        typed.one_of({"--a": True, "--b": True}, default="c")


# --- start-up ---


def test_modules_are_compiled_though_invoke_would_not(tmp_path: Path) -> None:
    code = "import sys; sys.dont_write_bytecode = True; from holdpoint.app import typed; typed.keep_compiled()"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    asked = [sys.executable, "-c", f"{code}; print(sys.dont_write_bytecode)"]
    done = subprocess.run(asked, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=True)
    assert done.stdout == "False\n"
