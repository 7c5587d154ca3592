"""A file on its way into the run's folder: byte for byte, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from holdpoint.engine.outcomes import Captured
from holdpoint.hosts.capture import STDERR, STDOUT, Capture
from holdpoint.shell import Secret
from tests.hosts.support import Watcher, command

KEEPS = "files/web1/app.conf"
SECRET = Secret("wortschatz-17")


def capture(folder: Path, *parts: bytes, body: bytes, secrets: tuple[Secret, ...] = ()) -> Captured:
    """Feed a digest of `body`, then the parts that come."""
    given = replace(command("true"), keeps=KEEPS, secrets=secrets)
    watcher = Watcher()
    taking = Capture(folder, given, watcher)
    stream = f"{hashlib.sha256(body).hexdigest()}\n".encode() + b"".join(parts)
    step = 7 if len(stream) < 10_000 else 65_536
    for at in range(0, len(stream), step):
        taking.feed(STDOUT, stream[at : at + step])
    taking.feed(STDERR, b"said\n")
    assert taking.offset(STDOUT) == len(stream)
    captured = taking.finish()
    assert watcher.seen == {"stdout": "", "stderr": "said\n"}, "a file is not shown"
    assert captured.stdout == ""
    assert captured.value is None
    return captured


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 9, os.urandom(300_000)], ids=len)
def test_it_is_kept_as_it_came(tmp_path: Path, body: bytes) -> None:
    found = capture(tmp_path, body, body=body, secrets=(SECRET,))
    assert (found.digest, found.lost) == (hashlib.sha256(body).hexdigest(), "")
    assert (found.stdout_file, found.stdout_size) == (KEEPS, len(body))
    assert (tmp_path / KEEPS).read_bytes() == body
    assert (tmp_path / KEEPS).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "files/web1") == ["app.conf"]


def test_one_that_was_kept_before_makes_room(tmp_path: Path) -> None:
    capture(tmp_path, b"one", body=b"one")
    capture(tmp_path, b"two", body=b"two")
    assert (tmp_path / KEEPS).read_bytes() == b"two"
    assert capture(tmp_path, b"half", body=b"whole").digest == ""
    assert not (tmp_path / KEEPS).exists()


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (b"cut of", "what arrived is not what the target's digest says"),
        (b"cut off, and more", "what arrived is not what the target's digest says"),
    ],
)
def test_what_is_not_what_the_target_said_is_given_up(tmp_path: Path, came: bytes, said: str) -> None:
    found = capture(tmp_path, came, body=b"cut off")
    assert (found.digest, found.stdout_file) == ("", "")
    assert said in found.lost
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name == "web1"] == []


def test_a_stream_without_a_digest_is_no_file(tmp_path: Path) -> None:
    taking = Capture(tmp_path, replace(command("true"), keeps=KEEPS), Watcher())
    taking.feed(STDOUT, b"a banner of somebody's profile\n" * 9)
    assert taking.finish().lost == "the target sent no digest for it"
    taking = Capture(tmp_path, replace(command("true"), keeps=KEEPS), Watcher())
    assert taking.finish().lost == "the target sent no digest for it"


def test_a_secret_never_reaches_the_disk(tmp_path: Path) -> None:
    body = b"key=" + SECRET.reveal().encode() + b"\n"
    found = capture(tmp_path, body, body=body, secrets=(SECRET,))
    assert found.lost == "it holds a secret of this run"
    assert [path for path in tmp_path.rglob("*") if path.parent.name == "web1"] == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    assert "it cannot be written" in capture(tmp_path, b"one", body=b"one").lost


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files/web1").mkdir(parents=True)
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / KEEPS).symlink_to(other)
    capture(tmp_path, b"one", body=b"one")
    assert other.read_text() == "mine"
    assert (tmp_path / KEEPS).read_bytes() == b"one"


def test_of_a_quiet_command_only_standard_error_is_shown(tmp_path: Path) -> None:
    watcher = Watcher()
    taking = Capture(tmp_path, replace(command("true"), quiet=True), watcher)
    taking.feed(STDOUT, b"data")
    taking.feed(STDERR, b"said")
    captured = taking.finish()
    assert watcher.seen == {"stdout": "", "stderr": "said"}
    assert (captured.stdout, captured.stdout_file, captured.value) == ("", "", b"data")
    assert captured.stderr_file
