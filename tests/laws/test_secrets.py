"""A secret appears nowhere: not on the screen, in the journal, in a spool, in JSON, or in the list of processes."""

from __future__ import annotations

import base64
import json
import shlex
import urllib.parse
from pathlib import Path

import pytest

from tests.case import Case
from tests.laws.terminal import book

SECRET = "s3cr&t/wörd +'\"x"
PARAMS = "params:\n  token: {type: secret, from: {env: LAB_TOKEN}}\n"
ECHO = r"""
      printf '%s\n' "$token"
      printf '%s' "$token" | base64
      printf 'a%s' "$token" | base64
      printf 'ab%s' "$token" | base64 -w 10
      printf '%s' "$token" | od -An -tx1 | tr -d ' \n'; echo
      cat FOLDER/forms
      half=$(printf '%s' "$token" | cut -c1-6); printf '%s' "$half"; sleep 0.3; printf '%s\n' "${token#"$half"}"
      printf '%s\n' "$token" >&2
      tr '\0' '\n' </proc/$$/environ >FOLDER/seen; tr '\0' '\n' </proc/$$/cmdline >>FOLDER/seen
      for pid in /proc/[0-9]*; do tr '\0' '\n' <"$pid/cmdline" || :; done >>FOLDER/seen 2>/dev/null || :
"""
RESOLUTION = f"  - id: change\n    title: Echo it\n    effect: change\n    irreversible: no\n    run: |{ECHO}"
DIAGNOSTIC = f"\n  - id: read\n    title: Echo it\n    run: |{ECHO}"


def forms() -> list[str]:
    encoded = SECRET.encode()
    return [
        SECRET,
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode(),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        shlex.quote(SECRET),
        json.dumps(SECRET)[1:-1],
        encoded.hex(),
        encoded.hex().upper(),
    ]


@pytest.fixture
def lab(case: Case) -> Case:
    (case.folder / "forms").write_text("\n".join(forms()) + "\n")
    text = book(RESOLUTION, params=PARAMS, diagnostic=DIAGNOSTIC, rest="recovered: {run: 'echo \"$token\"'}\n")
    return case.runbook("lab", text.replace("FOLDER", str(case.folder)))


def kept(*folders: Path) -> str:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.mark.parametrize("json_too", [False, True])
def test_nowhere(lab: Case, json_too: bool) -> None:
    words = ("runbook", "lab", *(["--json"] if json_too else []))
    ran = lab.run(*words, answers="change: run\nproceed: run\n", environ={"LAB_TOKEN": SECRET})
    assert ran.status == 0, ran
    everything = {
        "screen": ran.raw + ran.stderr,
        "state and target": kept(lab.state, lab.target),
        "processes": (lab.folder / "seen").read_text(),
    }
    for place, text in everything.items():
        for form in forms():
            assert form not in text, (place, form)
            assert form not in text.replace("\n", ""), (place, form)
    assert "[masked]" in everything["screen"]
    assert "[masked]" in everything["state and target"]


def test_a_secret_is_not_taken_from_the_command_line(lab: Case) -> None:
    ran = lab.run("runbook", "lab", "--param", "token=abcdef", environ={"LAB_TOKEN": SECRET}).expect(2, ..., ...)
    assert "is a secret" in ran.stderr
    assert "abcdef" not in ran.stderr


def test_a_registered_value_with_a_secret_is_refused(case: Case) -> None:
    read = "\n  - {id: read, title: Read it, run: 'echo \"is $token\"', register: {found: {type: string}}}"
    case.runbook("lab", book("  []", params=PARAMS, diagnostic=read))
    ran = case.run("runbook", "lab", environ={"LAB_TOKEN": SECRET}).expect(4, ..., ...)
    assert "its output holds a secret" in ran.stdout


def test_a_sensitive_value_is_read_again_on_resume_and_kept_nowhere(case: Case) -> None:
    read = (
        "\n  - {id: read, title: Read it, run: 'cat FOLDER/value', sensitive: true, register: {found: {type: string}}}"
    )
    steps = "  - {id: use, title: Use it, effect: change, run: 'printf %s \"$found\" > FOLDER/mark', irreversible: no}"
    case.runbook("lab", book(steps, diagnostic=read).replace("FOLDER", str(case.folder)))
    (case.folder / "value").write_text("hidden-value\n")
    case.run("runbook", "lab", answers="use: stop\n").expect(3, ..., ...)
    ran = case.run("run.resume", "last", answers="use: run\n").expect(0, ..., ...)
    assert (case.folder / "mark").read_text() == "hidden-value"
    assert "hidden-value" not in ran.stdout + kept(case.state, case.target)


def test_another_secret_voids_the_resume(lab: Case) -> None:
    lab.run("runbook", "lab", answers="change: stop\nproceed: run\n", environ={"LAB_TOKEN": SECRET}).expect(3, ..., ...)
    ran = lab.run("run.resume", "last", environ={"LAB_TOKEN": "another-secret"}).expect(2, ..., ...)
    assert "a secret" in ran.stderr


@pytest.mark.parametrize("point", ["forget:before", "record:5:durable"])
def test_what_a_killed_process_left_on_the_target_is_cleared_by_the_resume(case: Case, point: str) -> None:
    steps = "  - {id: say, title: Say it, effect: change, run: 'echo \"printed $token\"', irreversible: no}"
    case.runbook("lab", book(steps, params=PARAMS))
    environ = {"LAB_TOKEN": SECRET, "HOLDPOINT_KILL_AT": point}
    case.run("runbook", "lab", answers="say: run\n", environ=environ).expect(-9, ..., ...)
    case.run("run.resume", "last", answers="say: run\n", environ={"LAB_TOKEN": SECRET}).expect(0, ..., ...)
    assert SECRET not in kept(case.state, case.target)
