"""ShellCheck's findings at the place of the document where the text stands."""

import shutil

import pytest

from holdpoint.document.source import Source
from holdpoint.problem import Level, draw
from holdpoint.shell import Shell
from holdpoint.store.shellcheck import Linters, lint, linters
from tests.document.samples import SCHEMA, document

FOUND = linters()
pytestmark = pytest.mark.skipif(FOUND.shellcheck is None, reason="needs shellcheck")
ONLY_SHELLS = Linters(None, FOUND.shells)

BLOCK = document(
    params="{mount: {type: path}, limit: {type: integer}}",
    symptoms="""
  - id: look
    title: Look
    run: |
      # the mount
      df -- "$mount"
      du -- $mount
  - {id: again, title: Again, run: 'df -- $mount; test "$limit" -gt 5', verify: {run: 'test "`date`" = x'}}""",
)


def found(text, programs=FOUND):
    return lint(Source("small.yaml", text.encode()), SCHEMA, programs)


def test_findings_are_placed_in_the_document():
    assert [(p.code, p.place.line, p.place.column, p.place.length) for p in found(BLOCK)] == [
        ("SC2086", 13, 13, 6),
        ("SC2086", 14, 43, 6),
        ("SC2006", 14, 94, 6),
    ]


def test_a_whole_message():
    assert draw(found(BLOCK)[0]) == (
        "small.yaml:13:13: warning[SC2086]: double quote to prevent globbing and word splitting\n"
        "  13 |       du -- $mount\n"
        "     |             ^^^^^^\n"
        "  hint: https://www.shellcheck.net/wiki/SC2086"
    )


@pytest.mark.parametrize("programs", [FOUND, ONLY_SHELLS], ids=["shellcheck", "sh -n"])
def test_what_no_shell_can_parse_is_an_error(programs):
    text = document(symptoms="\n  - id: look\n    title: Look\n    run: |\n      if true; then\n        echo x")
    problems = found(text, programs)
    assert problems
    assert {problem.level for problem in problems} <= {Level.ERROR, Level.WARNING}
    assert any(problem.level is Level.ERROR for problem in problems)
    assert all(problem.place.line in (11, 12) for problem in problems)


def test_bash_is_checked_as_bash():
    text = document(symptoms="[{id: look, title: Look, run: '[[ -e x ]]', shell: SHELL}]")
    assert found(text.replace("SHELL", "bash")) == ()
    assert [problem.code for problem in found(text.replace("SHELL", "sh"))] == ["SC3010"]


def test_without_shellcheck_a_good_script_is_silent():
    assert found(BLOCK, ONLY_SHELLS) == ()
    assert found(BLOCK, Linters(None, {})) == ()


def test_a_shellcheck_that_does_not_answer_is_told():
    false = shutil.which("false")
    problems = found(BLOCK, Linters(false, FOUND.shells))
    assert {(problem.code, problem.level) for problem in problems} == {("shellcheck", Level.WARNING)}


def test_no_script_is_run(tmp_path):
    text = document(symptoms=f"[{{id: look, title: Look, run: 'touch {tmp_path}/made'}}]")
    found(text)
    found(text, ONLY_SHELLS)
    assert list(tmp_path.iterdir()) == []


def test_programs_are_found_on_a_path(tmp_path):
    assert linters(str(tmp_path)) == Linters(None, {})
    assert set(FOUND.shells) <= set(Shell)


def test_a_document_that_cannot_be_read_has_no_scripts():
    assert found("a: [") == ()
