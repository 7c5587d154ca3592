"""The way to a host is what OpenSSH makes of the configuration; names that are none are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.hosts.agent import LinkRefused
from holdpoint.hosts.ssh.config import Route, resolve
from tests.needs import require

ENVIRON = {"HOME": "/home/ann", "PATH": "/usr/bin:/bin", "USER": "ann", "SSH_AUTH_SOCK": "/run/agent", "KEYS": "/keys"}


@pytest.fixture(autouse=True)
def _ssh() -> None:
    require("ssh", "openssh-client")


def way(folder: Path, text: str, alias: str = "web1") -> Route:
    config = folder / "config"
    config.write_text(text)
    return resolve(alias, config, ENVIRON)


def test_what_the_alias_says_is_what_is_used(tmp_path: Path) -> None:
    host = way(
        tmp_path,
        "Host web1\n HostName 10.1.2.3\n Port 2222\n User deploy\n IdentityFile ~/k/%h-%r\n IdentityFile ${KEYS}/two\n"
        " CertificateFile /c/web-cert.pub\n IdentitiesOnly yes\n UserKnownHostsFile ~/known /more/known\n"
        " GlobalKnownHostsFile none\n ConnectTimeout 7\n HostKeyAlias web\n",
    ).host
    assert (host.alias, host.hostname, host.port, host.user) == ("web1", "10.1.2.3", 2222, "deploy")
    assert [str(path) for path in host.identity_files][-1] == "/keys/two"
    assert str(host.identity_files[0]).endswith("/k/10.1.2.3-deploy")
    assert host.certificate_files == (Path("/c/web-cert.pub"),)
    assert host.identities_only
    assert [path.name for path in host.known_hosts] == ["known", "known"]
    assert (host.connect_timeout, host.known_name, host.agent) == (7.0, "web", "/run/agent")


def test_include_and_match_mean_what_they_mean_to_ssh(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host web1\n HostName 10.9.9.9\n")
    host = way(
        tmp_path,
        f"Include {tmp_path}/more\nMatch host 10.9.9.9 user root\n Port 9\nMatch final host 10.9.9.9\n User late\n"
        "Match exec false\n HostKeyAlias never\n",
    ).host
    assert (host.hostname, host.user, host.host_key_alias) == ("10.9.9.9", "late", "")


@pytest.mark.parametrize("given", ["none", "SSH_AUTH_SOCK", "$KEYS", "/run/%r.sock"])
def test_the_agent_that_is_named_is_the_one(tmp_path: Path, given: str) -> None:
    host = way(tmp_path, f"Host web1\n User bob\n IdentityAgent {given}\n").host
    assert host.agent == {
        "none": "",
        "SSH_AUTH_SOCK": "/run/agent",
        "$KEYS": "/keys",
        "/run/%r.sock": "/run/bob.sock",
    }.get(given)


def test_jump_hosts_stand_in_the_order_in_which_ssh_dials_them(tmp_path: Path) -> None:
    route = way(
        tmp_path,
        "Host web1\n ProxyJump outer,ann@inner:2200\nHost outer\n User door\n ProxyJump gate\n"
        "Host inner\n HostName 10.0.0.9\n ProxyJump unused\nHost gate\n Port 99\n",
    )
    assert [hop.alias for hop in route.hops] == ["gate", "outer", "inner", "web1"]
    gate, outer, inner, _ = route.hops
    assert (gate.port, outer.user) == (99, "door")
    assert (inner.hostname, inner.port, inner.user) == ("10.0.0.9", 2200, "ann")


def test_proxy_jump_none_is_no_host(tmp_path: Path) -> None:
    assert len(way(tmp_path, "Host web1\n ProxyJump none\nHost *\n ProxyJump gate\n").hops) == 1


def test_jump_hosts_in_a_circle_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused, match="web1 → gate → web1"):
        way(tmp_path, "Host web1\n ProxyJump gate\nHost gate\n ProxyJump web1\n")


def test_a_proxy_command_gets_its_tokens(tmp_path: Path) -> None:
    host = way(tmp_path, "Host web1\n HostName 10.1.2.3\n ProxyCommand nc -x 'a%%b' %h %p\n").host
    assert host.proxy_command == "nc -x 'a%b' 10.1.2.3 22"


def test_a_host_name_that_a_shell_would_understand_reaches_no_proxy_command(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused):
        way(tmp_path, "Host web1\n HostName $(id)\n ProxyCommand nc %h %p\n")


@pytest.mark.parametrize(
    "alias",
    [
        "",
        "-oProxyCommand=touch owned",
        "-F/x",
        "a b",
        "a\nb",
        "$(id)",
        "a;b",
        "`id`",
        "a'b",
        "x@-oProxyCommand=y",
        "@a",
        "é",
    ],
)
def test_a_name_that_is_none_is_refused(tmp_path: Path, alias: str) -> None:
    with pytest.raises(LinkRefused, match="no name of a host"):
        way(tmp_path, "", alias)


def test_a_hostile_jump_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused):
        way(tmp_path, "Host web1\n ProxyJump -oProxyCommand=id\n")


def test_a_configuration_that_ssh_does_not_accept_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused, match=r"does not accept.*line 2.*[Nn]onsense"):
        way(tmp_path, "Host web1\n Nonsense yes\n")


def test_without_ssh_the_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused, match="apt-get install openssh-client"):
        resolve("web1", tmp_path / "config", {"PATH": str(tmp_path)})


def test_the_environment_can_name_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("Host web1\n Port 77\n")
    assert resolve("web1", None, {**ENVIRON, "HOLDPOINT_SSH_CONFIG": str(tmp_path / "other")}).host.port == 77
