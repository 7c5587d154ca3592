"""Known_hosts files are read as OpenSSH reads them, checked against `ssh-keygen -F`, and strictly."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from holdpoint.hosts.agent import KeyRefused
from holdpoint.hosts.ssh.known_hosts import Changed, Known, KnownHosts, NotKnown, Revoked, fingerprint, revoked_by
from tests.needs import require
from tests.sshd import keypair

ED, RSA = "ssh-ed25519", "ssh-rsa"
KEY, OTHER = b"\0\0\0\x0bssh-ed25519" + b"k" * 36, b"\0\0\0\x0bssh-ed25519" + b"o" * 36


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def known(folder: Path, *lines: str) -> KnownHosts:
    file = folder / "known_hosts"
    file.write_text("".join(f"{line}\n" for line in lines))
    return KnownHosts.read([folder / "missing", file])


@pytest.mark.parametrize(
    ("patterns", "host"),
    [
        ("web1", "web1"),
        ("WEB1", "web1"),
        ("web1", "WEB1"),
        ("db1,web1", "web1"),
        ("web*", "web12"),
        ("web?", "web1"),
        ("*.example.org,!bad.example.org", "good.example.org"),
        ("[web1]:2222", "[web1]:2222"),
        ("[web*]:2222", "[web1]:2222"),
        ("web1", "[web1]:2222"),
        ("::1", "::1"),
    ],
)
def test_a_key_that_is_there_is_known(tmp_path: Path, patterns: str, host: str) -> None:
    assert known(tmp_path, f"{patterns} {ED} {text(KEY)} comment").judge(host, ED, KEY) == Known()


@pytest.mark.parametrize(
    ("patterns", "host"),
    [
        ("web1", "web2"),
        ("web1", "web12"),
        ("web?", "web12"),
        ("*.example.org,!bad.example.org", "bad.example.org"),
        ("!web1", "web1"),
        ("[web1]:2222", "web1"),
        ("[web1]:2222", "[web1]:2223"),
        ("[ab]", "a"),
    ],
)
def test_a_key_of_another_host_is_not(tmp_path: Path, patterns: str, host: str) -> None:
    assert known(tmp_path, f"{patterns} {ED} {text(KEY)}").judge(host, ED, KEY) == NotKnown((), authority=False)


def test_another_key_of_the_same_kind_is_a_change(tmp_path: Path) -> None:
    verdict = known(tmp_path, "# comment", f"web1 {ED} {text(OTHER)}").judge("web1", ED, KEY)
    assert isinstance(verdict, Changed)
    assert (verdict.entry.line, verdict.entry.key) == (2, OTHER)


def test_one_of_several_keys_is_enough(tmp_path: Path) -> None:
    assert known(tmp_path, f"web1 {ED} {text(OTHER)}", f"web1 {ED} {text(KEY)}").judge("web1", ED, KEY) == Known()


def test_a_key_without_the_port_counts_only_where_it_fits(tmp_path: Path) -> None:
    assert known(tmp_path, f"web1 {ED} {text(OTHER)}").judge("[web1]:2222", ED, KEY) == NotKnown((), authority=False)


def test_another_kind_is_not_known_and_named(tmp_path: Path) -> None:
    assert known(tmp_path, f"web1 {RSA} {text(OTHER)}").judge("web1", ED, KEY) == NotKnown((RSA,), authority=False)


def test_a_revoked_key_is_refused_though_it_is_known(tmp_path: Path) -> None:
    verdict = known(tmp_path, f"web1 {ED} {text(KEY)}", f"@revoked * {ED} {text(KEY)}").judge("web1", ED, KEY)
    assert isinstance(verdict, Revoked)
    assert verdict.entry.line == 2


def test_an_authority_is_passed_over_and_told(tmp_path: Path) -> None:
    found = known(tmp_path, f"@cert-authority *.example.org {ED} {text(OTHER)}")
    assert found.judge("web1.example.org", ED, KEY) == NotKnown((), authority=True)
    assert found.judge("web1.example.org", ED, OTHER) == NotKnown((), authority=True)


@pytest.mark.parametrize(
    "line",
    [
        "web1",
        f"web1 {ED}",
        f"web1 {ED} !!!",
        "|1|x|y ssh-ed25519 AAAA",
        "|1|zz ssh-ed25519 AAAA",
        "@revoked",
        "\0\xff",
        "[ a b",
    ],
)
def test_a_line_that_is_none_harms_nothing(tmp_path: Path, line: str) -> None:
    assert known(tmp_path, line, f"web1 {ED} {text(KEY)}").judge("web1", ED, KEY) == Known()


@pytest.mark.parametrize("host", ["web1", "[web1]:2222", "10.1.2.3"])
def test_hashed_names_are_those_of_ssh_keygen(tmp_path: Path, host: str) -> None:
    require("ssh-keygen", "openssh-client")
    kind, key = keypair(tmp_path / "key").with_name("key.pub").read_text().split()[:2]
    found = known(tmp_path, f"{host} {kind} {key}")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", tmp_path / "known_hosts"], check=True, capture_output=True)
    hashed = KnownHosts.read([tmp_path / "known_hosts"])
    assert hashed.entries[0].patterns.startswith("|1|")
    for each in (found, hashed):
        assert each.judge(host, kind, base64.b64decode(key)) == Known()
        assert isinstance(each.judge("web2", kind, base64.b64decode(key)), NotKnown)


def test_the_kinds_that_are_known_are_asked_for_first(tmp_path: Path) -> None:
    found = known(tmp_path, f"web1 {RSA} {text(KEY)}", f"[web1]:22 {ED} {text(KEY)}", f"db1 {ED} {text(KEY)}")
    assert found.algorithms("web1") == ("rsa-sha2-512", "rsa-sha2-256")


def test_a_finger_print_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    require("ssh-keygen", "openssh-client")
    path = keypair(tmp_path / "key").with_name("key.pub")
    said = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True).stdout.split()
    assert fingerprint(base64.b64decode(path.read_text().split()[1])) == said[1]


def test_a_file_that_grew_is_read_again(tmp_path: Path) -> None:
    before = known(tmp_path, f"web1 {ED} {text(KEY)}")
    assert isinstance(before.judge("web2", ED, KEY), NotKnown)
    after = known(tmp_path, f"web1 {ED} {text(KEY)}", f"web2 {ED} {text(KEY)}")
    assert after.judge("web2", ED, KEY) == Known()


def test_lines_are_found_in_their_order_whether_by_name_or_by_pattern(tmp_path: Path) -> None:
    both = known(tmp_path, f"web* {ED} {text(OTHER)}", f"web1 {ED} {text(KEY)}", f"web* {RSA} {text(KEY)}")
    assert [entry.line for entry in both._about("web1")] == [1, 2, 3]
    assert [entry.line for entry in both._about("web2")] == [1, 3]


def test_a_file_of_revoked_keys(tmp_path: Path) -> None:
    file = tmp_path / "revoked"
    file.write_text(f"# old ones\n{ED} {text(OTHER)} comment\n")
    assert revoked_by(file, OTHER)
    assert not revoked_by(file, KEY)


@pytest.mark.parametrize("data", [None, b"SSHKRL\n\0\0\0\0\1"])
def test_a_file_of_revoked_keys_that_cannot_be_read_revokes_every_key(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "revoked"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(KeyRefused):
        revoked_by(file, KEY)
