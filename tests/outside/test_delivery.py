"""One message to one address, by Apprise in a process of its own: what arrives, and what is known where nothing does."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from holdpoint.outside.hiding import secrets_of
from holdpoint.outside.job import Done, Failed, carry_out
from tests.outside.servers import PASSWORD, USER, Mail, Sink, certificate, free_port, silent

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # on loopback, in a test

TEXT = {"title": "[SEV1] the wiki is down", "body": "What: <all> & \"everything\" of 'it', é\nSince: 12:00\n  indented"}
LONG, SHORT = timedelta(seconds=60), timedelta(seconds=8)


def _send(address: str, within: timedelta = LONG) -> Done | Failed:
    job = {**TEXT, "address": address}
    return carry_out("message", job, environ=os.environ, within=within, secrets=secrets_of(address))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink().running() as running:
        yield running


def _mail(stack: ExitStack, **more: object) -> Mail:
    return stack.enter_context(Mail(**more).running())  # type: ignore[arg-type]


# --- it arrives ---


def test_over_http_it_arrives_as_it_was_given(sink: Sink) -> None:
    assert isinstance(_send(sink.url()), Done)
    (got,) = sink.got
    assert (got["title"], got["message"]) == (TEXT["title"], TEXT["body"])


@pytest.mark.parametrize("way", ["plain", "login", "starttls"])
def test_over_smtp_it_arrives_as_it_was_given(tmp_path: Path, way: str) -> None:
    with ExitStack() as stack:
        tls = certificate(tmp_path) if way == "starttls" else None
        server = _mail(stack, tls=tls, auth=way != "plain")
        login = "" if way == "plain" else f"{USER}:{PASSWORD}@"
        url = server.url("&mode=starttls&verify=no" if tls else "&mode=insecure", login)
        sent = _send(url.replace("mailto:", "mailtos:") if tls else url)
        assert isinstance(sent, Done), sent
        (got,) = server.got
    assert got["Subject"] == TEXT["title"]
    assert got["To"] == "ops@example.org"
    payload = got.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n").strip() == TEXT["body"]


# --- it surely does not ---


@pytest.mark.parametrize(
    ("status", "doubt"),
    [(500, False), (503, False), (400, False), (404, False), (429, False), (502, True), (504, True)],
)
def test_an_answer_over_http(sink: Sink, status: int, doubt: bool) -> None:
    """The server says that it failed; one in between does not know."""
    sink.does = status
    assert _send(sink.url()) == Failed(f"the server answered {status}", doubt)
    assert len(sink.got) == 1


@pytest.mark.parametrize("kind", ["json", "mailto"])
def test_nobody_listens(kind: str) -> None:
    address = f"{kind}://127.0.0.1:{free_port()}/?to=ops@example.org&from=hp@example.org"
    assert _send(address) == Failed("connection refused", doubt=False)


@pytest.mark.parametrize("does", ["554 no", "451 later"])
def test_a_mail_that_is_refused(does: str) -> None:
    with ExitStack() as stack:
        failed = _send(_mail(stack, does=does).url("&mode=insecure"))
    assert isinstance(failed, Failed)
    assert not failed.doubt
    assert does[:3] in failed.why


def test_a_recipient_that_is_refused() -> None:
    with ExitStack() as stack:
        server = _mail(stack, does="550 who is that", at="RCPT")
        failed = _send(server.url("&mode=insecure"))
        assert server.got == []
    assert isinstance(failed, Failed)
    assert not failed.doubt
    assert "550" in failed.why


def test_a_wrong_password_is_not_shown() -> None:
    with ExitStack() as stack:
        server = _mail(stack, auth=True)
        failed = _send(server.url("&mode=insecure", f"{USER}:not-the-password@"))
        assert server.got == []
    assert isinstance(failed, Failed)
    assert not failed.doubt
    assert "535" in failed.why
    assert "not-the-password" not in failed.why


def test_what_a_server_repeats_of_an_address_is_masked() -> None:
    with ExitStack() as stack:
        server = _mail(stack, does=f"554 {PASSWORD} is not welcome", auth=True)
        failed = _send(server.url("&mode=insecure", f"{USER}:{PASSWORD}@"))
    assert isinstance(failed, Failed)
    assert "554" in failed.why
    assert "[masked] is not welcome" in failed.why
    assert PASSWORD not in failed.why


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = _mail(stack, tls=certificate(tmp_path))
        failed = _send(server.url("&mode=starttls").replace("mailto:", "mailtos:"))
        assert server.got == []
    assert failed == Failed("its certificate cannot be verified", doubt=False)


def test_a_mail_server_that_says_nothing() -> None:
    """It has not said hello, so nothing was handed to it."""
    with silent() as port:
        failed = _send(f"mailto://127.0.0.1:{port}?from=hp@example.org&to=ops@example.org&mode=insecure", SHORT)
    assert failed == Failed("no answer within 8s", doubt=False)


@pytest.mark.parametrize("address", ["nothing://x", "json://", "text"])
def test_no_address_of_apprise(address: str) -> None:
    assert _send(address) == Failed("Apprise does not know such an address", doubt=False)


# --- it may have arrived ---


def test_a_server_over_http_that_stalls(sink: Sink) -> None:
    sink.does = "stall"
    assert _send(sink.url(), SHORT) == Failed("no answer within 8s", doubt=True)
    assert len(sink.got) == 1


def test_a_server_over_http_that_closes_in_the_middle(sink: Sink) -> None:
    sink.does = "close"
    assert _send(sink.url()) == Failed("the server closed the connection without an answer", doubt=True)
    assert len(sink.got) == 1


def test_a_server_over_http_whose_answer_has_no_end(sink: Sink) -> None:
    """What it sends is bounded in memory too: the machine that an incident is worked on is not to fall over by it."""
    sink.does = "flood"
    failed = _send(sink.url())
    assert failed == Failed("the server answered 200, and the rest of its answer could not be read", doubt=True)
    assert len(sink.got) == 1
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1024 * 1024  # KiB


@pytest.mark.parametrize("does", ["stall", "close"])
def test_a_mail_server_that_has_the_mail_and_does_not_answer(does: str) -> None:
    with ExitStack() as stack:
        server = _mail(stack, does=does)
        failed = _send(server.url("&mode=insecure"), SHORT if does == "stall" else LONG)
        assert len(server.got) == 1
    assert isinstance(failed, Failed)
    assert failed.doubt


def test_apprise_does_not_try_twice(sink: Sink) -> None:
    """Not even where the address asks for it: a second try can be a second message."""
    sink.does = 500
    assert isinstance(_send(f"{sink.url()}?retry=3"), Failed)
    assert len(sink.got) == 1


# --- what is hidden ---


@pytest.mark.parametrize(
    ("address", "hidden", "shown"),
    [
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
            ["T1JJ3T3L2", "TIiajkdnlazkcOXrIdevi7FQ"],
            [],
        ),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", ["123456789", "abcdefg_hijklmnop"], []),
        (
            "mailtos://hp:p%40ssword@mail.example.org?to=a@b.org&pass=other-one",
            ["p%40ssword", "p@ssword", "other-one"],
            ["mail.example.org"],
        ),
        (
            "jsons://user:pass-word@example.org:8443/to/ken-token?x=y",
            ["pass-word", "ken-token"],
            ["example.org", "8443"],
        ),
    ],
)
def test_parts_that_can_be_secrets(address: str, hidden: list[str], shown: list[str]) -> None:
    parts = secrets_of(address)
    assert address in parts
    assert set(hidden) <= set(parts)
    assert not set(shown) & set(parts)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_that_leads_elsewhere_is_not_followed(sink: Sink, status: int) -> None:
    """What follows is mostly a GET without the message, and a token in a header would go along."""
    with Sink().running() as elsewhere:
        sink.does, sink.leads = status, f"http://127.0.0.1:{elsewhere.port}/hook"
        failed = _send(sink.url())
        assert isinstance(failed, Failed)
        assert failed.doubt
        assert failed.why.startswith(f"the server answered {status}, which leads to another address")
        assert (len(sink.got), elsewhere.asked) == (1, 0)
