"""Runbooks on a real disk, and all that can stand where one should."""

import os
import socket
import subprocess
import sys

import pytest

from holdpoint.document.source import LARGEST
from holdpoint.planning import files
from holdpoint.problem import HoldpointError, draw
from holdpoint.store.library import Library, schema, shipped
from tests.document.samples import TOP, document


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "good.yaml").write_text(document(id="good"))
    return tmp_path / "runbooks"


def refusal(folder, name="bad"):
    with pytest.raises(HoldpointError) as caught:
        Library([folder]).load(name)
    assert caught.value.exit_code == 2
    return "\n".join(map(draw, caught.value.problems))


def test_a_runbook_is_found_and_read(folder):
    library = Library([folder])
    assert library.names() == ("good",)
    assert library.load("good").file == "runbooks/good.yaml"
    assert library.load_all()[1] == ()
    assert library.lint() == ()


def test_of_two_with_one_name_the_earlier_folder_counts(folder, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "good.yaml").write_text(document(id="good", title="Mine"))
    (own / "more.yaml").write_text(document(id="more"))
    library = Library([own, folder, tmp_path / "missing"])
    assert library.names() == ("good", "more")
    assert library.load("good").title == "Mine"


def test_those_that_come_with_holdpoint_are_found_after_ones_own(folder, tmp_path):
    library = Library.of(tmp_path)
    assert library.folders == (folder, shipped("runbooks"))
    assert "good" in library.names()
    assert Library.of(TOP).folders == (TOP / "runbooks",)
    assert schema()["title"] == "Holdpoint runbook"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("-n", "error[bad-name]: `-n` begins with `-`\n  expected: the name of a runbook\n  hint: an option was probably taken for the name; write `inv runbook NAME --option`"),
        ("../good", "error[bad-name]: `../good` is a path\n  expected: the name of a runbook\n  hint: `inv runbook.list` shows the names; a runbook lies in the folder `runbooks/`"),
        ("goood", "error[unknown-runbook]: there is no runbook `goood`\n  found: 1 runbook in `runbooks`\n  hint: did you mean `good`?"),
        ("xyz", "error[unknown-runbook]: there is no runbook `xyz`\n  found: 1 runbook in `runbooks`\n  hint: `inv runbook.list` shows those there are"),
        ("good.yaml", "error[bad-name]: `good.yaml` cannot be the name of a runbook\n  expected: lower-case letters, digits and `-`, beginning with a letter\n  hint: write `good`"),
        ("a\0b\n", "error[bad-name]: `a\ufffdb\ufffd` cannot be the name of a runbook\n  expected: lower-case letters, digits and `-`, beginning with a letter"),
        ("", "error[bad-name]: `` cannot be the name of a runbook\n  expected: lower-case letters, digits and `-`, beginning with a letter"),
    ],
)  # fmt: skip
def test_names_that_are_none(folder, name, message):
    assert refusal(folder, name) == message


def test_a_folder(folder):
    (folder / "bad.yaml").mkdir()
    assert refusal(folder) == "runbooks/bad.yaml: error[not-a-file]: the runbook is not a file\n  found: a folder"


def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder / "bad.yaml")
    assert refusal(folder) == "runbooks/bad.yaml: error[not-a-file]: the runbook is not a file\n  found: a named pipe"


def test_a_device_is_outside(folder):
    (folder / "bad.yaml").symlink_to("/dev/zero")
    assert refusal(folder) == (
        "runbooks/bad.yaml: error[outside]: a link leads out of the library\n"
        "  found: `/dev/zero`\n"
        "  hint: copy the file into the folder"
    )


def test_a_socket(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bad.yaml")
        assert "error[" in refusal(folder)


def test_a_link_out_of_the_library(folder, tmp_path):
    (tmp_path / "secret.yaml").write_text(document(id="bad"))
    (folder / "bad.yaml").symlink_to("../secret.yaml")
    assert "error[outside]: a link leads out of the library" in refusal(folder)


def test_a_link_within_the_library(folder):
    (folder / "other.yaml").symlink_to("good.yaml")
    with pytest.raises(HoldpointError) as caught:
        Library([folder]).load("other")
    assert caught.value.problems[0].code == "file-name"


@pytest.mark.parametrize(
    ("target", "found"), [("nowhere.yaml", "no such file or directory"), ("bad.yaml", "links that lead in a circle")]
)
def test_a_link_to_nothing(folder, target, found):
    (folder / "bad.yaml").symlink_to(target)
    assert refusal(folder) == f"runbooks/bad.yaml: error[unreadable]: the runbook cannot be read\n  found: {found}"


def test_too_large(folder):
    with (folder / "bad.yaml").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert refusal(folder) == (
        "runbooks/bad.yaml: error[too-large]: the document is too large\n"
        "  found: 1,048,577 bytes\n"
        "  expected: 1,048,576 bytes at most"
    )


def test_no_permission(folder):
    """In a process of its own that is not root, since root may read everything."""
    (folder / "bad.yaml").write_text(document(id="bad"))
    (folder / "bad.yaml").chmod(0)
    code = (
        "import os, sys\n"
        "from holdpoint.store.library import Library\n"
        "from holdpoint.problem import HoldpointError, draw\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "library = Library(['.']); library.names()\n"
        "import holdpoint.document.parse\n"
        "os.fchdir(fd)\n"
        "os.geteuid() or os.seteuid(65534)\n"
        "try: library.load('bad')\n"
        "except HoldpointError as error: print(*map(draw, error.problems), sep='\\n')\n"
        "_, problems = library.load_all()\n"
        "print(len(problems))\n"
    )
    for parent in (folder, *folder.parents):
        if parent.owner() != "root" or parent == folder:
            parent.chmod(0o755)
        if str(parent).count("/") <= 2:
            break
    for parent in list(folder.parents)[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={"PYTHONPATH": str(TOP / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "bad.yaml: error[unreadable]: the runbook cannot be read\n"
        "  found: permission denied\n"
        "  hint: `ls -l` shows who may read it\n"
        "1\n"
    )


def test_everything_that_is_wrong_is_told_at_once(folder):
    (folder / "one.yaml").mkdir()
    (folder / "two.yaml").write_text(document(id="two", severity="SEV8"))
    (folder / "Three.yaml").write_text("")
    (folder / "four.yml").write_text("")
    (folder / "five.yaml").write_text(
        document(id="five", diagnostic="[{id: x, title: X, use: two}, {id: y, title: Y, use: tow}]")
    )
    (folder / ".hidden.yaml").write_text("")
    (folder / "README.md").write_text("")
    library = Library([folder])
    runbooks, problems = library.load_all()
    assert set(runbooks) == {"good", "five"}
    expected = [("file-name", "runbooks/Three.yaml"), ("file-name", "runbooks/four.yml"), ("not-a-file", "runbooks/one.yaml"), ("not-a-choice", "runbooks/two.yaml")]  # fmt: skip
    assert [(problem.code, problem.place.file) for problem in problems] == expected
    linted = [(problem.code, problem.place.file) for problem in library.lint()]
    assert sorted(linted) == sorted([*expected, ("unknown-runbook", "runbooks/five.yaml")])
    assert [problem.code for problem in library.lint(["five"])] == ["unknown-runbook"]


def test_what_ships_is_clean():
    library = Library([shipped("runbooks")])
    assert [draw(problem) for problem in library.load_all()[1]] == []


# --- files that are put -----------------------------------------------------------------------------------------

PUTS = "[{id: mend, title: Mend it, put: {from: FILE, to: /x}}]"


@pytest.fixture
def library(folder):
    (folder / "files").mkdir()
    return Library([folder])


def test_a_file_lies_beside_the_runbook(library, folder):
    (folder / "files" / "a").write_bytes(b"\0\xff")
    (folder / "link").symlink_to("files/a")
    book = library.load("good")
    assert library.file(book, "files/a") == library.file(book, "link") == b"\0\xff"


def test_a_file_may_be_as_large_as_can_be_taken_back(library, folder):
    (folder / "files" / "a").write_bytes(b"x" * files.LARGEST)
    assert len(library.file(library.load("good"), "files/a")) == files.LARGEST


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "the file cannot be read"),
        ("large", "the file is too large"),
        ("folder", "the file is not a file"),
        ("pipe", "the file is not a file"),
        ("link out", "a link leads out of the library"),
        ("folder out", "a link leads out of the library"),
        ("../good.yaml", "`../good.yaml` leads out of the library"),
        ("/etc/passwd", "`/etc/passwd` leads out of the library"),
    ],
)
def test_files_that_cannot_be_put(library, folder, tmp_path, kind, said):
    path = folder / "files" / "a"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b").write_text("x")
    source = "files/a"
    match kind:
        case "large":
            path.write_bytes(b"x" * (files.LARGEST + 1))
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link out":
            path.symlink_to(tmp_path / "other" / "b")
        case "folder out":
            path.symlink_to(tmp_path / "other")
            source = "files/a/b"
        case "missing":
            pass
        case _:
            source = kind
    with pytest.raises(HoldpointError) as caught:
        library.file(library.load("good"), source)
    assert said in draw(caught.value.problems[0])


def test_lint_says_which_file_is_missing_and_where(library, folder):
    (folder / "puts.yaml").write_text(document(id="puts", resolution=PUTS.replace("FILE", "files/a")))
    (problem,) = library.lint()
    assert (problem.code, problem.place.file, problem.place.text[problem.place.column - 1 :][:7]) == (
        "unreadable",
        "runbooks/puts.yaml",
        "files/a",
    )
    assert library.lint(["good"]) == ()
    (folder / "files" / "a").touch()
    assert library.lint() == ()
